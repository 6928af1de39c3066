//! Users and email addresses.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressee {
    /// At their confirmed address.
    User(UserId),
    /// At the address in the configuration.
    Operator,
    /// A user who deleted their account; only the address for the last email is left.
    Left,
}

impl Addressee {
    pub fn number(self) -> Option<i64> {
        match self {
            Self::User(user) => Some(user.0),
            Self::Operator | Self::Left => None,
        }
    }
}

/// The response of `GET /me`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// `id`; may change.
    pub id: String,
    /// `account_id`; never changes, so accounts should be linked by it
    /// (<https://developer.spotify.com/documentation/web-api/references/changes/may-2026>).
    pub account_id: Option<String>,
    /// On one line; may be empty.
    pub display_name: String,
    /// Only for apps with extended quota, and never verified.
    pub email: Option<EmailAddress>,
}

/// An email address. `Debug` and `Display` redact it.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// Why input is not an email address, in words for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    #[error("Enter your email address.")]
    Empty,
    /// A control character or line break, which could inject a header.
    #[error(
        "That address contains a line break or another invisible character. Please enter it again."
    )]
    Invisible,
    #[error("That address is longer than the 254 characters that email allows.")]
    TooLong,
    #[error("That doesn’t look like an email address. It should look like name@example.com.")]
    Malformed,
}

impl EmailAddress {
    /// Parses user input; only surrounding spaces are trimmed.
    pub fn parse(raw: &str) -> Result<Self, NotAnAddress> {
        let typed = raw.trim_matches([' ', '\t']);
        if typed.is_empty() {
            return Err(NotAnAddress::Empty);
        }
        if typed.chars().any(char::is_control) {
            return Err(NotAnAddress::Invisible);
        }
        // RFC 5321 §4.5.3.1.3, less the angle brackets.
        if typed.len() > 254 {
            return Err(NotAnAddress::TooLong);
        }
        let address: lettre::Address = typed.parse().map_err(|_| NotAnAddress::Malformed)?;
        if !address.domain().contains(['.', '[']) && address.domain() != "localhost" {
            return Err(NotAnAddress::Malformed);
        }
        Ok(Self(typed.to_owned()))
    }

    /// The full address, for the envelope, its owner's page and the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `a…@example.com`: enough to tell two users apart in a log, too little to write to them.
impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        write!(f, "{}…@{domain}", local.chars().next().unwrap_or('?'))
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn address_with_line_break_is_rejected_with_reason() {
        let refusal = EmailAddress::parse("a@example.com\r\nBcc: b@example.com").unwrap_err();
        assert_eq!(refusal, NotAnAddress::Invisible);
    }

    #[test]
    fn ordinary_and_international_addresses_are_accepted() {
        for raw in ["a@example.com", " a+b@sub.example.org ", "jörg@bücher.example", "a@localhost"]
        {
            assert!(EmailAddress::parse(raw).is_ok(), "{raw}");
        }
        for raw in ["", "a", "@example.com", "a@", "a b@example.com", "a@b@c", "<a@example.com>"] {
            assert!(EmailAddress::parse(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn address_is_masked_when_printed() {
        let address = EmailAddress::parse("martha@example.com").unwrap();
        assert_eq!(format!("{address} {address:?}"), "m…@example.com EmailAddress(m…@example.com)");
    }

    proptest! {
        #[test]
        fn accepted_address_is_valid_in_header(raw in any::<String>()) {
            if let Ok(address) = EmailAddress::parse(&raw) {
                prop_assert!(!address.as_str().chars().any(char::is_control));
            }
        }
    }
}
