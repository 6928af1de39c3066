//! `[web]`

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::HeaderName;
use url::{Host, Url};

use super::settings::{Settings, http_url};
use crate::domain::instance::{Contact, Instance};
use crate::domain::signup_policy::SignUpPolicy;
use crate::domain::user::EmailAddress;

const MAX_FORMS_PER_MINUTE: u32 = 100_000;

#[derive(Debug, Clone)]
pub struct Web {
    pub listen: SocketAddr,
    /// The URL that users see.
    pub public_url: Url,
    pub instance: Instance,
    /// The header in which a trusted proxy passes the client's address.
    pub client_address_header: Option<HeaderName>,
    /// Forms and sign-ins per client address.
    pub forms_per_minute: u32,
}

impl Web {
    pub(super) fn read(settings: &mut Settings) -> Option<Self> {
        let listen = settings.parse("web.listen", "an address such as 127.0.0.1:8888");
        let public_url = read_public_url(settings);
        let sign_up =
            settings.check("web.sign_up", "open, invitation or closed", |text| match text {
                "open" => Some(SignUpPolicy::Open),
                "invitation" => Some(SignUpPolicy::Invitation),
                "closed" => Some(SignUpPolicy::Closed),
                _ => None,
            });
        let operators = settings.list("web.operators");
        let contact = settings.optional("web.contact", "an email or web address", contact);
        let client_address_header = settings.optional(
            "web.client_address_header",
            "X-Forwarded-For, X-Real-IP or empty",
            |text| {
                let known = ["X-Forwarded-For", "X-Real-IP"];
                text.parse().ok().filter(|_| known.iter().any(|it| it.eq_ignore_ascii_case(text)))
            },
        );
        // There is always a limit, because a form can cause an email.
        let forms_per_minute = settings.number("web.forms_per_minute", 1..=MAX_FORMS_PER_MINUTE);
        Some(Self {
            listen: listen?,
            public_url: public_url?,
            instance: Instance { sign_up: sign_up?, operators, contact: contact? },
            client_address_header: client_address_header?,
            forms_per_minute: forms_per_minute?,
        })
    }
}

/// `metrics.listen`; `Some(None)` if metrics are not served.
pub(super) fn read_metrics_listen(
    settings: &mut Settings,
    web: Option<&Web>,
) -> Option<Option<SocketAddr>> {
    let expected = "an address such as 127.0.0.1:9464, or empty";
    let listen =
        settings.optional("metrics.listen", expected, |text| text.parse::<SocketAddr>().ok())?;
    if listen.is_some() && listen == web.map(|web| web.listen) {
        settings.error("`metrics.listen` must differ from `web.listen`");
        return None;
    }
    Some(listen)
}

fn contact(text: &str) -> Option<Contact> {
    if let Ok(address) = EmailAddress::parse(text) {
        return Some(Contact::Address(address.as_str().to_owned()));
    }
    http_url(text).map(|page| Contact::Page(page.into()))
}

fn read_public_url(settings: &mut Settings) -> Option<Url> {
    let text = settings.text("web.public_url");
    let url = public_url(&text);
    url.map_err(|why| settings.error(format!("`web.public_url` is `{text}`. {why}"))).ok()
}

/// Spotify's redirect URI is made from it. Spotify accepts https, and plain http only for the literal
/// addresses 127.0.0.1 and [::1]
/// (<https://developer.spotify.com/documentation/web-api/concepts/redirect_uri>).
fn public_url(text: &str) -> Result<Url, &'static str> {
    let mut url = http_url(text).ok_or("It must be an http or https URL")?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
            return Err("Spotify rejects localhost in redirect URIs: use 127.0.0.1 instead");
        }
        Some(Host::Ipv4(ip)) => ip == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(ip)) => ip == Ipv6Addr::LOCALHOST,
        _ => false,
    };
    if url.scheme() != "https" && !is_local {
        return Err(
            "Spotify accepts plain http only for 127.0.0.1 and [::1]. Put a reverse proxy with \
                    https in front of Dropday and use its URL, or keep http://127.0.0.1:8888 and reach \
                    Dropday through a tunnel, such as ssh -L 8888:127.0.0.1:8888 yourserver",
        );
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("It must end after the host and port");
    }
    url.set_path("");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::public_url;

    #[test]
    fn public_url_accepts_what_spotify_accepts() {
        for good in ["https://dropday.example.com", "http://127.0.0.1:8888", "http://[::1]:80/"] {
            assert!(public_url(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn public_url_errors_name_the_reason() {
        for local in ["http://localhost:8888", "https://localhost"] {
            assert!(public_url(local).unwrap_err().contains("use 127.0.0.1"), "{local}");
        }
        for bad in ["http://192.168.1.7:8888", "http://nas.local", "http://127.0.0.2"] {
            assert!(public_url(bad).unwrap_err().contains("reverse proxy"), "{bad}");
        }
        for bad in ["dropday.example.com", "ftp://x", "", "https://example.com/dropday"] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }
}
