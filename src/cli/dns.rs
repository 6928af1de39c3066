//! DNS records of the sender's domain that let receivers trust its emails: SPF (RFC 7208), DKIM (RFC 6376)
//! and DMARC (RFC 7489).

use crate::domain::user::EmailAddress;
use crate::email::dkim::DkimRecord;
use crate::email::smtp::Mailer;

/// Of a TXT record (RFC 1035 §3.3.14); a longer value consists of several strings.
const MAX_STRING: usize = 255;

/// For each record its name and what to do.
pub(super) fn advice(
    mailer: &Mailer,
    operator: Option<&EmailAddress>,
) -> [(&'static str, String); 3] {
    let domain = mailer.domain();
    [
        ("DNS, SPF", spf(domain)),
        ("DNS, DKIM", dkim(domain, mailer.dkim_record().as_ref())),
        ("DNS, DMARC", dmarc(domain, operator)),
    ]
}

fn spf(domain: &str) -> String {
    format!(
        "{domain} TXT should list the servers that send your emails. Your mail provider tells you the value \
         (usually \"v=spf1 include:… ~all\"). A domain has only one such record: if it exists, add to it"
    )
}

fn dkim(domain: &str, record: Option<&DkimRecord>) -> String {
    match record {
        Some(DkimRecord { name, value }) => {
            format!(
                "{name} TXT {} must be published, because Dropday signs emails with this key",
                strings(value)
            )
        }
        None => format!(
            "Dropday does not sign emails. That is fine if your mail provider signs them for {domain}; \
             otherwise set mail.dkim_selector and mail.dkim_key_file (docs/delivery.md)"
        ),
    }
}

fn dmarc(domain: &str, operator: Option<&EmailAddress>) -> String {
    // Another domain must allow reports to its addresses in DNS (RFC 7489 §7.1).
    let own = operator.map(EmailAddress::as_str).filter(|to| {
        let ends = to.rsplit_once('@').is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain));
        ends && !to.contains([',', '!'])
    });
    let reports = own.map_or_else(|| format!("postmaster@{domain}"), ToOwned::to_owned);
    format!(
        "_dmarc.{domain} TXT \"v=DMARC1; p=none; rua=mailto:{reports}\" is a good start. Once the \
         reports show that SPF or DKIM passes for all your emails, change it to p=quarantine"
    )
}

/// The value as in a zone file: quoted strings of at most 255 bytes.
fn strings(value: &str) -> String {
    let chunks = value.as_bytes().chunks(MAX_STRING);
    let quoted = chunks.map(|chunk| format!("\"{}\"", String::from_utf8_lossy(chunk)));
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_value_is_split_into_strings_of_255_bytes() {
        assert_eq!(strings("v=DKIM1; p=abc"), "\"v=DKIM1; p=abc\"");
        let value = "x".repeat(600);
        let strings = strings(&value);
        let parts: Vec<&str> = strings.split(' ').map(|part| part.trim_matches('"')).collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [255, 255, 90]);
        assert_eq!(parts.concat(), value);
    }

    #[test]
    fn reports_go_to_operator_of_same_domain_or_postmaster() {
        let to = |raw: &str| dmarc("example.com", Some(&EmailAddress::parse(raw).unwrap()));
        assert!(to("me@example.com").contains("rua=mailto:me@example.com\""));
        assert!(to("me@example.net").contains("rua=mailto:postmaster@example.com\""));
        assert!(dmarc("example.com", None).contains("rua=mailto:postmaster@example.com\""));
    }
}
