//! The SMTP URL in the form that lettre defines (`AsyncSmtpTransport::from_url` at
//! <https://docs.rs/lettre/0.11.23>), read by ourselves because we own the connection, and with
//! words for what is wrong.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// Not at all: `smtp://`.
    Plain,
    /// With STARTTLS if the server offers it: `smtp://…?tls=opportunistic`.
    Opportunistic,
    /// With STARTTLS or not at all: `smtp://…?tls=required`.
    Required,
    /// From the first byte: `smtps://`.
    Wrapped,
}

/// A user name and a password.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) user: SecretString,
    pub(super) password: SecretString,
}

/// What an SMTP URL says.
#[derive(Debug, Clone)]
pub(super) struct SmtpUrl {
    /// A name, or an IP address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    /// The name to say hello with.
    pub(super) hello: Option<String>,
    pub(super) login: Option<Login>,
}

/// Why an SMTP URL cannot be used. Never holds the URL, since a password is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Not a URL, or not one of SMTP.
    #[error(
        "it should read like smtps://user:password@mail.example.com; in the user name and the \
         password write @ as %40, / as %2F, # as %23, ? as %3F, : as %3A and % as %25"
    )]
    Unreadable,
    /// Neither `smtp` nor `smtps`.
    #[error("it should begin with smtp:// or smtps://")]
    Scheme,
    /// A host that cannot be looked up.
    #[error("the server's name should be written in letters a-z, digits, dots and hyphens")]
    Host,
    /// Port 0.
    #[error("a port lies between 1 and 65535")]
    Port,
    /// A `tls` that nobody knows, or another parameter.
    #[error("after the ? only tls=required or tls=opportunistic may follow, and only with smtp://")]
    Parameter,
    /// One without the other.
    #[error("a user name and a password go together: smtp://user:password@…")]
    HalfALogin,
    /// Something that cannot stand in an EHLO command.
    #[error("what follows the / is the name to say hello with, such as /dropday.example.com")]
    HeloName,
}

impl SmtpUrl {
    /// Reads an SMTP URL.
    pub(super) fn parse(raw: &SecretString) -> Result<Self, UrlFault> {
        let url = Url::parse(raw.expose_secret().trim()).map_err(|_| UrlFault::Unreadable)?;
        if url.fragment().is_some() {
            return Err(UrlFault::Unreadable);
        }
        let security = security(&url)?;
        let port = match url.port().unwrap_or(default_port(security)) {
            0 => return Err(UrlFault::Port),
            port => port,
        };
        Ok(Self { host: host(&url)?, port, security, hello: hello(&url)?, login: login(&url)? })
    }

    /// `mail.example.com:587`.
    pub(super) fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether what is sent never leaves this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let name = self.host.to_ascii_lowercase();
        name == "localhost"
            || name.ends_with(".localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

fn security(url: &Url) -> Result<Security, UrlFault> {
    let parameters: Vec<_> = url.query_pairs().collect();
    let tls = match parameters.as_slice() {
        [] => None,
        [(key, value)] if key == "tls" => Some(value.as_ref()),
        _ => return Err(UrlFault::Parameter),
    };
    match (url.scheme(), tls) {
        ("smtps", None) => Ok(Security::Wrapped),
        ("smtp", None) => Ok(Security::Plain),
        ("smtp", Some("opportunistic")) => Ok(Security::Opportunistic),
        ("smtp", Some("required")) => Ok(Security::Required),
        ("smtp" | "smtps", Some(_)) => Err(UrlFault::Parameter),
        _ => Err(UrlFault::Scheme),
    }
}

/// lettre's defaults, which are those of RFC 5321, RFC 6409 and RFC 8314.
fn default_port(security: Security) -> u16 {
    match security {
        Security::Plain => 25,
        Security::Opportunistic | Security::Required => 587,
        Security::Wrapped => 465,
    }
}

fn host(url: &Url) -> Result<String, UrlFault> {
    match url.host() {
        Some(Host::Domain(name)) if is_name(name) => Ok(name.to_owned()),
        Some(Host::Ipv4(ip)) => Ok(ip.to_string()),
        Some(Host::Ipv6(ip)) => Ok(ip.to_string()),
        Some(Host::Domain(_)) => Err(UrlFault::Host),
        None => Err(UrlFault::Unreadable),
    }
}

fn hello(url: &Url) -> Result<Option<String>, UrlFault> {
    match url.path().trim_matches('/') {
        "" => Ok(None),
        name if is_name(name) => Ok(Some(name.to_owned())),
        _ => Err(UrlFault::HeloName),
    }
}

fn login(url: &Url) -> Result<Option<Login>, UrlFault> {
    let decoded = |part: &str| match percent_decode_str(part).decode_utf8() {
        Ok(text) => Ok(SecretString::from(text.into_owned())),
        Err(_) => Err(UrlFault::Unreadable),
    };
    match (url.username(), url.password().unwrap_or_default()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err(UrlFault::HalfALogin),
        (user, password) => Ok(Some(Login { user: decoded(user)?, password: decoded(password)? })),
    }
}

/// Letters, digits, dots, hyphens, and the underscore that container networks use.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(raw: &str) -> Result<SmtpUrl, UrlFault> {
        SmtpUrl::parse(&SecretString::from(raw))
    }

    #[test]
    fn ports_and_encryption_match_lettre() {
        for (raw, address, security) in [
            ("smtp://localhost", "localhost:25", Security::Plain),
            ("smtp://mail.example:2525", "mail.example:2525", Security::Plain),
            ("smtp://mail.example?tls=required", "mail.example:587", Security::Required),
            ("smtp://[::1]?tls=opportunistic", "[::1]:587", Security::Opportunistic),
            ("smtps://192.0.2.7", "192.0.2.7:465", Security::Wrapped),
        ] {
            let url = parse(raw).unwrap();
            assert_eq!((url.address().as_str(), url.security), (address, security), "{raw}");
        }
    }

    #[test]
    fn login_is_decoded_and_never_shown() {
        let url =
            parse("smtps://me%40example.com:pa%2Fss%23%3F@mail.example/hello.example").unwrap();
        let login = url.login.as_ref().unwrap();
        assert_eq!(login.user.expose_secret(), "me@example.com");
        assert_eq!(login.password.expose_secret(), "pa/ss#?");
        assert_eq!(url.hello.as_deref(), Some("hello.example"));
        assert!(!format!("{url:?}").contains("pa/ss"), "{url:?}");
    }

    #[test]
    fn url_faults_are_distinguished() {
        for (raw, fault) in [
            ("mail.example", UrlFault::Unreadable),
            ("smtp://user:pa#ss@mail.example", UrlFault::Unreadable),
            ("smtp://", UrlFault::Unreadable),
            ("http://mail.example", UrlFault::Scheme),
            ("smtp://büro.example", UrlFault::Host),
            ("smtp://mail.example:0", UrlFault::Port),
            ("smtp://mail.example?tls=yes", UrlFault::Parameter),
            ("smtp://mail.example?ssl=required", UrlFault::Parameter),
            ("smtps://mail.example?tls=opportunistic", UrlFault::Parameter),
            ("smtp://me@mail.example", UrlFault::HalfALogin),
            ("smtp://:secret@mail.example", UrlFault::HalfALogin),
            ("smtp://mail.example/a%0d%0aRSET", UrlFault::HeloName),
            ("smtp://user:12/3@mail.example", UrlFault::HeloName),
        ] {
            assert_eq!(parse(raw).unwrap_err(), fault, "{raw}");
        }
    }

    #[test]
    fn loopback_names_are_recognised() {
        for (raw, here) in [
            ("smtp://localhost", true),
            ("smtp://127.0.0.3", true),
            ("smtp://[::1]", true),
            ("smtp://mailpit", false),
            ("smtp://127.0.0.1.example", false),
        ] {
            assert_eq!(parse(raw).unwrap().is_loopback(), here, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn url_cannot_inject_a_command(raw in "smtp://[^ ]{0,20}@?[a-z.]{1,9}/[^?]{0,20}") {
            if let Ok(url) = parse(&raw) {
                prop_assert!(is_name(&url.host) && url.hello.is_none_or(|name| is_name(&name)));
            }
        }
    }
}
