//! What a value must be like, and what to say if it is not.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderName;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use url::{Host, Url};

use crate::domain::check_planner::calendar::Market;
use crate::domain::user::EmailAddress;
use crate::domain::{instance::Contact, signup_policy::SignUpPolicy};

/// Longer than this no artist need wait: an album is news for 60 days.
const MAX_DAYS: u64 = 60;

/// More calls a day than this nobody was ever allowed.
const MAX_CALLS: u32 = 100_000;

/// More forms a minute than this are no limit.
const MAX_FORMS: u32 = 100_000;

/// Faults found so far, a sentence each.
#[derive(Debug, Default)]
pub(super) struct Errors(pub(super) Vec<String>);

impl Errors {
    pub(super) fn add(&mut self, fault: impl Into<String>) {
        self.0.push(fault.into());
    }
}

pub(super) fn parsed<T: std::str::FromStr>(
    key: &str,
    raw: &str,
    like: &str,
    faults: &mut Errors,
) -> Option<T> {
    let value = raw.trim().parse().ok();
    if value.is_none() {
        faults.add(format!("`{key}` is `{raw}`, and must be {like}"));
    }
    value
}

pub(super) fn not_empty(key: &str, path: PathBuf, faults: &mut Errors) -> Option<PathBuf> {
    let path = Some(path).filter(|path| !path.as_os_str().is_empty());
    if path.is_none() {
        faults.add(format!("`{key}` must not be empty"));
    }
    path
}

/// An address to write to; `None` where none is given.
pub(super) fn address(key: &str, raw: &str, faults: &mut Errors) -> Option<EmailAddress> {
    if raw.trim().is_empty() {
        return None;
    }
    let address = EmailAddress::parse(raw).ok();
    if address.is_none() {
        faults.add(format!("`{key}` is `{raw}`, and must be an address such as me@example.com"));
    }
    address
}

pub(super) fn http_url(key: &str, raw: &str, faults: &mut Errors) -> Option<Url> {
    let url = Url::parse(raw).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if url.is_none() {
        faults.add(format!("`{key}` is `{raw}`, and must be an http or https address"));
    }
    url
}

/// The address of the pages, from which Spotify's redirect address is made. Spotify takes https,
/// and plain http only on the literals 127.0.0.1 and [::1]
/// (<https://developer.spotify.com/documentation/web-api/concepts/redirect_uri>).
pub(super) fn public_url(raw: &str, faults: &mut Errors) -> Option<Url> {
    let mut url = http_url("web.public_url", raw, faults)?;
    let says_why_not = match url.host() {
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
            Some("Spotify refuses localhost as a redirect address: write 127.0.0.1 instead")
        }
        _ if url.scheme() == "https" || is_loopback(&url) => None,
        _ => Some(
            "Spotify takes plain http only on 127.0.0.1 and [::1]. Put a reverse proxy with https in \
             front of Dropday and give its address, or reach Dropday through a tunnel, such as \
             ssh -L 8888:127.0.0.1:8888 yourserver, and keep http://127.0.0.1:8888",
        ),
    };
    if let Some(why) = says_why_not {
        faults.add(format!("`web.public_url` is `{raw}`. {why}"));
        return None;
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        faults.add(format!("`web.public_url` is `{raw}`, and must end after the host and port"));
        return None;
    }
    url.set_path("");
    Some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(ip)) => ip == std::net::Ipv6Addr::LOCALHOST,
        _ => false,
    }
}

pub(super) fn sign_up(raw: &str, faults: &mut Errors) -> Option<SignUpPolicy> {
    match raw.trim() {
        "open" => Some(SignUpPolicy::Open),
        "invitation" => Some(SignUpPolicy::Invitation),
        "closed" => Some(SignUpPolicy::Closed),
        _ => {
            faults.add(format!("`web.sign_up` is `{raw}`, and must be open, invitation or closed"));
            None
        }
    }
}

/// How users reach the operator; `None` where nothing is given.
pub(super) fn public_contact(raw: &str, faults: &mut Errors) -> Option<Contact> {
    let raw = raw.trim();
    if raw.is_empty() {
        return None;
    }
    if let Ok(address) = EmailAddress::parse(raw) {
        return Some(Contact::Address(address.as_str().to_owned()));
    }
    let page = Url::parse(raw).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if page.is_none() {
        faults.add(format!("`web.contact` is `{raw}`, and must be an e-mail or a web address"));
    }
    page.map(|page| Contact::Page(page.into()))
}

/// The header that a trusted proxy writes the client's address into.
pub(super) fn client_address_header(raw: &str, faults: &mut Errors) -> Option<HeaderName> {
    let raw = raw.trim();
    let known =
        ["X-Forwarded-For", "X-Real-IP"].iter().any(|known| raw.eq_ignore_ascii_case(known));
    if !raw.is_empty() && !known {
        faults.add(format!(
            "`web.client_address_header` is `{raw}`, and must be X-Forwarded-For, X-Real-IP or empty"
        ));
    }
    known.then(|| raw.parse().ok()).flatten()
}

/// Forms and sign-ins of one address. Not without any limit: a form may cause an email.
pub(super) fn forms_per_minute(raw: u32, faults: &mut Errors) -> Option<u32> {
    let is_allowed = (1..=MAX_FORMS).contains(&raw);
    if !is_allowed {
        faults.add(format!("`web.forms_per_minute` is {raw}, and must be from 1 to {MAX_FORMS}"));
    }
    is_allowed.then_some(raw)
}

/// The market for the app's own token; `None` to ask with users's tokens.
pub(super) fn app_market(
    catalog_token: &str,
    market: &str,
    has_secret: bool,
    faults: &mut Errors,
) -> Option<String> {
    match catalog_token.trim() {
        "person" => None,
        "app" => {
            if !has_secret {
                faults.add("`spotify.catalog_token` is `app`, which needs `spotify.client_secret`");
            }
            let is_market = market.len() == 2 && market.bytes().all(|b| b.is_ascii_alphabetic());
            if !is_market {
                faults.add(
                    "`spotify.catalog_token` is `app`, which needs `spotify.market`: the two letters \
                     of a country, such as DE",
                );
            }
            Some(market.to_ascii_uppercase())
        }
        other => {
            faults.add(format!("`spotify.catalog_token` is `{other}`, and must be person or app"));
            None
        }
    }
}

/// How many calls for artists' albums a day may have.
pub(super) fn calls_per_day(raw: u32, faults: &mut Errors) -> Option<u32> {
    let is_allowed = (1..=MAX_CALLS).contains(&raw);
    if !is_allowed {
        faults.add(format!(
            "`spotify.artist_albums_per_day` is {raw}, and must be from 1 to {MAX_CALLS}. Without any \
             nothing can be asked; the usual 80 are little less than what Spotify allows"
        ));
    }
    is_allowed.then_some(raw)
}

/// How long news waits for company.
pub(super) fn together(raw: Duration, faults: &mut Errors) -> Option<SignedDuration> {
    if raw > Duration::from_secs(3600) {
        let given = humantime::format_duration(raw);
        faults.add(format!("`mail.together` is {given}, and must be from 0s to 1h"));
        return None;
    }
    SignedDuration::try_from(raw).ok()
}

/// How long an artist may wait for its turn.
pub(super) fn max_wait(raw: Duration, faults: &mut Errors) -> Option<SignedDuration> {
    let days = raw.as_secs() / 86_400;
    if !(1..=MAX_DAYS).contains(&days) {
        faults.add(format!(
            "`schedule.max_wait` is {}, and must be from 1day to {MAX_DAYS}days",
            humantime::format_duration(raw)
        ));
        return None;
    }
    SignedDuration::try_from(raw).ok()
}

/// Where new albums appear at midnight: the zone that was given, else the machine's, unless that is
/// UTC, which is what machines say that were told nothing.
pub(super) fn market(zone: &str, faults: &mut Errors) -> Option<Market> {
    let zone = zone.trim();
    if zone.is_empty() {
        let machines = TimeZone::try_system().unwrap_or(TimeZone::UTC);
        let is_inconclusive = machines.iana_name().is_none_or(|name| {
            matches!(
                name,
                "UTC" | "Etc/UTC" | "Etc/UCT" | "Etc/Universal" | "Etc/Zulu" | "Etc/Unknown"
            )
        });
        return Some(if is_inconclusive { Market::Unknown } else { Market::In(machines) });
    }
    if zone == "unknown" {
        return Some(Market::Unknown);
    }
    match TimeZone::get(zone) {
        Ok(zone) => Some(Market::In(zone)),
        Err(_) => {
            faults.add(format!(
                "`schedule.zone` is `{zone}`, and must be a time zone such as Europe/Berlin, unknown, or empty"
            ));
            None
        }
    }
}

/// Whom to write to about this installation: as it was given, else the sender's address. It goes
/// into a header.
pub(super) fn contact(raw: &str, mail_from: &str, faults: &mut Errors) -> Option<String> {
    let sender = mail_from.rsplit('<').next().unwrap_or_default().trim_end_matches(['>', ' ']);
    let contact = if raw.trim().is_empty() { sender.trim() } else { raw.trim() };
    if contact.bytes().all(|b| b.is_ascii_graphic()) && !contact.contains(['(', ')']) {
        return Some(contact.to_owned());
    }
    faults.add(format!(
        "`hints.contact` is `{contact}`, and must be an e-mail address or a web address in plain \
         letters, without spaces (where it is not set, the address in mail.from counts)"
    ));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contact_is_the_senders_address_where_none_is_given() {
        let of = |raw: &str, from: &str| contact(raw, from, &mut Errors::default());
        let from = "Dropday <dropday@example.com>";
        assert_eq!(of("", from).as_deref(), Some("dropday@example.com"));
        assert_eq!(of("", "dropday@example.com").as_deref(), Some("dropday@example.com"));
        assert_eq!(of("https://example.com/", from).as_deref(), Some("https://example.com/"));
        for odd in ["a\r\nb: c", "Martha (me)", "m\u{e4}rtha@example.com"] {
            assert_eq!(of(odd, from), None, "{odd:?}");
        }
    }

    #[test]
    fn the_operator_has_an_address_or_none() {
        let mut faults = Errors::default();
        assert_eq!(address("mail.operator", " ", &mut faults), None);
        let me = address("mail.operator", " me@example.com", &mut faults).unwrap();
        assert_eq!((me.as_str(), faults.0.len()), ("me@example.com", 0));
        for odd in ["me", "Me <me@example.com>", "me@example.com\r\nBcc: you@example.com"] {
            assert_eq!(address("mail.operator", odd, &mut faults), None, "{odd:?}");
        }
        assert_eq!(faults.0.len(), 3);
    }

    fn fault(raw: &str) -> Option<String> {
        let mut faults = Errors::default();
        let url = public_url(raw, &mut faults);
        assert_eq!(url.is_none(), !faults.0.is_empty(), "{raw}");
        faults.0.pop()
    }

    #[test]
    fn addresses_that_spotify_takes_are_taken() {
        for good in ["https://dropday.example.com", "http://127.0.0.1:8888", "http://[::1]:80/"] {
            assert_eq!(fault(good), None, "{good}");
        }
    }

    #[test]
    fn addresses_that_spotify_refuses_are_refused_with_the_reason() {
        assert!(fault("http://localhost:8888").unwrap().contains("write 127.0.0.1"));
        assert!(fault("https://localhost").unwrap().contains("write 127.0.0.1"));
        for bad in ["http://192.168.1.7:8888", "http://nas.local", "http://127.0.0.2"] {
            assert!(fault(bad).unwrap().contains("reverse proxy"), "{bad}");
        }
        for bad in ["dropday.example.com", "ftp://x", "", "https://example.com/dropday"] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
