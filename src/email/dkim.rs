//! DKIM: a signature over an email's headers and body, which a receiver checks with a key that the
//! sender's domain publishes in DNS. RFC 6376 (<https://www.rfc-editor.org/rfc/rfc6376>), Ed25519 by
//! RFC 8463 (<https://www.rfc-editor.org/rfc/rfc8463>).
//!
//! Ours over `ring`, which is in the tree for TLS: lettre's and `mail-auth`'s signers need either the
//! `rsa` crate, which is under RUSTSEC-2023-0071, or a second library of cryptography.

mod canonical;
mod key;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use self::canonical::{body, header, headers};
use self::key::Key;

/// Where they are in an email, these are signed. RFC 8058 §3.1 asks for `List-Unsubscribe*`.
const SIGNED: [&str; 12] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Auto-Submitted",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// These are signed once more than they occur, so that nobody can add another one (RFC 6376
/// §8.15).
const OVERSIGNED_HEADERS: [&str; 4] = ["From", "To", "Subject", "Date"];

/// Characters of base64 in a line of a header.
const CHUNK: usize = 72;

/// What emails are signed with.
#[derive(Debug, Clone)]
pub struct DkimSettings {
    /// The name under which the domain publishes the key: `dropday`.
    pub selector: String,
    /// The domain; `None` is the sender's.
    pub domain: Option<String>,
    /// The private key in PEM: PKCS#8 (RSA or Ed25519) or PKCS#1.
    pub key: SecretString,
}

/// What a domain publishes in DNS, so that receivers can check signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimRecord {
    /// `dropday._domainkey.example.com`.
    pub name: String,
    /// `v=DKIM1; k=rsa; p=…`, of any length.
    pub value: String,
}

/// Settings that nothing can be signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DkimFault {
    /// A selector that cannot stand in DNS.
    #[error("`mail.dkim_selector` must be letters a-z, digits, hyphens and dots, such as dropday")]
    Selector,
    /// A domain that cannot stand in DNS.
    #[error("`mail.dkim_domain` must be a domain such as example.com")]
    Domain,
    /// Not PEM, or not that of a private key.
    #[error(
        "`mail.dkim_key_file` holds no private key in PEM form without a passphrase: make one with \
         `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out dkim.pem`"
    )]
    NoKey,
    /// A key of another algorithm, or too small.
    #[error(
        "`mail.dkim_key_file` holds a key that letters cannot be signed with: it must be RSA of 2048 \
         to 4096 bits, or Ed25519. Make one with `openssl genpkey -algorithm RSA -pkeyopt \
         rsa_keygen_bits:2048 -out dkim.pem`"
    )]
    UnusableKey,
}

/// Signs emails.
pub(super) struct Signer {
    selector: String,
    domain: String,
    key: Key,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("selector", &self.selector)
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads the key. `sender` is the domain of the emails' sender, in ASCII.
    pub(super) fn new(settings: &DkimSettings, sender: &str) -> Result<Self, DkimFault> {
        let selector = settings.selector.trim().to_ascii_lowercase();
        if !is_name(&selector) {
            return Err(DkimFault::Selector);
        }
        let domain = settings.domain.as_deref().unwrap_or(sender).trim().to_ascii_lowercase();
        if !is_name(&domain) || !domain.contains('.') {
            return Err(DkimFault::Domain);
        }
        Ok(Self { selector, domain, key: Key::read(&settings.key)? })
    }

    /// What is to be published.
    pub(super) fn record(&self) -> DkimRecord {
        DkimRecord {
            name: format!("{}._domainkey.{}", self.selector, self.domain),
            value: format!("v=DKIM1; k={}; p={}", self.key.kind(), self.key.published()),
        }
    }

    pub(super) fn domain(&self) -> &str {
        &self.domain
    }

    /// The `DKIM-Signature` of a message, as a header line to stand before it. `at` is in seconds
    /// since 1970. The same arguments give the same bytes. `None` where the key fails, which it does
    /// not.
    pub(super) fn sign(&self, message: &str, at: i64) -> Option<String> {
        let (head, text) = message.split_once("\r\n\r\n").unwrap_or((message, ""));
        let fields = headers(head);
        let signed: Vec<&str> = signed(&fields);
        let unsigned = format!(
            "DKIM-Signature: v=1; a={}-sha256; c=relaxed/relaxed;\r\n\td={}; s={}; t={at};\r\n\t\
             h={};\r\n\tbh={};\r\n\tb=",
            self.key.kind(),
            self.domain,
            self.selector,
            listed(&signed),
            BASE64.encode(Sha256::digest(body(text))),
        );
        let mut data = String::new();
        for (at, name) in signed.iter().enumerate() {
            // The first time a name comes up it means the last header of that name, and so on
            // upwards; beyond the first, none (RFC 6376 §5.4.2).
            let before = signed[..at].iter().filter(|earlier| *earlier == name).count();
            let mut same =
                fields.iter().rev().filter(|field| field.name.eq_ignore_ascii_case(name));
            if let Some(field) = same.nth(before) {
                data.push_str(&header(field));
                data.push_str("\r\n");
            }
        }
        data.push_str(&header(headers(&unsigned).first()?));
        let signature = BASE64.encode(self.key.sign(data.as_bytes())?);
        Some(format!("{unsigned}{}\r\n", folded(&signature)))
    }
}

/// The names of what is signed, in order, each as often as it is meant.
fn signed(fields: &[canonical::Field<'_>]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for name in SIGNED {
        let there = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count();
        let more = usize::from(OVERSIGNED_HEADERS.contains(&name));
        names.extend(std::iter::repeat_n(name, there + more));
    }
    names
}

/// With colons, in lines.
fn listed(names: &[&str]) -> String {
    let mut list = String::new();
    let mut width = 0;
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            list.push(':');
        }
        if width + name.len() > CHUNK {
            list.push_str("\r\n\t ");
            width = 0;
        }
        list.push_str(name);
        width += name.len() + 1;
    }
    list
}

fn folded(base64: &str) -> String {
    let mut lines = String::with_capacity(base64.len() + 32);
    for (at, c) in base64.chars().enumerate() {
        if at > 0 && at % CHUNK == 0 {
            lines.push_str("\r\n\t");
        }
        lines.push(c);
    }
    lines
}

/// A name of DNS, in labels of letters, digits, hyphens and underscores.
fn is_name(name: &str) -> bool {
    name.len() <= 200
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        })
}

#[cfg(test)]
mod tests;
