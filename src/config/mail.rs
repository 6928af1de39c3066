//! `[mail]`

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::settings::Settings;
use crate::domain::user::EmailAddress;

#[derive(Debug, Clone)]
pub struct Mail {
    /// In lettre's form; contains the password.
    pub smtp_url: SecretString,
    /// The sender as a mailbox.
    pub from: String,
    /// For one email.
    pub timeout: Duration,
    /// The maximum number of emails sent at once.
    pub connections: usize,
    /// Releases found within this time share one email, for users who get emails right away.
    pub batch_window: SignedDuration,
    /// Where alerts are sent.
    pub operator: Option<EmailAddress>,
    /// A certificate authority to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
    pub dkim: Option<Dkim>,
}

/// Whether the key is valid is checked by the mailer.
#[derive(Debug, Clone)]
pub struct Dkim {
    pub selector: String,
    /// `None` for the sender's domain.
    pub domain: Option<String>,
    /// In PEM.
    pub key: SecretString,
}

impl Mail {
    pub(super) fn read(settings: &mut Settings) -> Option<Self> {
        let smtp_url = read_smtp_url(settings);
        let from = settings.text("mail.from");
        if from.is_empty() {
            settings.error(
                "`mail.from` is not set. Set the sender, such as Dropday <dropday@example.com>",
            );
        }
        let timeout = settings.duration("mail.timeout");
        let connections = settings.parse("mail.connections", "a number from 1 to 20");
        let batch_window = settings.duration_within("mail.batch_window", "0s"..="1h");
        let operator =
            settings.optional("mail.operator", "an address such as me@example.com", |text| {
                EmailAddress::parse(text).ok()
            });
        let ca_file = Some(settings.text("mail.ca_file")).filter(|file| !file.is_empty());
        let dkim = read_dkim(settings);
        Some(Self {
            smtp_url: smtp_url?,
            from,
            timeout: timeout?,
            connections: connections?,
            batch_window: batch_window?,
            operator: operator?,
            ca_file: ca_file.map(PathBuf::from),
            dkim,
        })
    }
}

/// The URL with the password, which may be set separately and is then not percent-encoded.
fn read_smtp_url(settings: &mut Settings) -> Option<SecretString> {
    let smtp_url = settings.secret("mail.smtp_url");
    let password = settings.secret("mail.smtp_password");
    let Some(smtp_url) = smtp_url else {
        settings.error(
            "`mail.smtp_url` is not set. Set your mail provider's server, such as \
             smtps://user:password@mail.example.com",
        );
        return None;
    };
    let Some(password) = password else { return Some(smtp_url) };
    // The mailer reports an invalid URL.
    let Ok(mut url) = Url::parse(smtp_url.expose_secret().trim()) else { return Some(smtp_url) };
    if url.username().is_empty() || url.password().is_some() {
        settings.error(
            "`mail.smtp_password` is set, so `mail.smtp_url` must have a user name and no password, such \
             as smtps://user@mail.example.com",
        );
        return None;
    }
    let escaped = utf8_percent_encode(password.expose_secret(), NON_ALPHANUMERIC).to_string();
    url.set_password(Some(&escaped)).ok();
    Some(SecretString::from(String::from(url)))
}

fn read_dkim(settings: &mut Settings) -> Option<Dkim> {
    let key = settings.secret("mail.dkim_key");
    let has_key_file = !settings.text("mail.dkim_key_file").is_empty();
    let mut filled = |key| Some(settings.text(key)).filter(|text| !text.is_empty());
    let (selector, domain) = (filled("mail.dkim_selector"), filled("mail.dkim_domain"));
    match (selector, key) {
        (Some(selector), Some(key)) => return Some(Dkim { selector, domain, key }),
        (Some(_), None) if !has_key_file => settings.error(
            "`mail.dkim_selector` is set but `mail.dkim_key_file` is not: name the file with the private \
             key (docs/delivery.md says how to create one), or leave both out",
        ),
        (None, Some(_)) => settings.error(
            "the DKIM key is set but `mail.dkim_selector` is not: set the name under which your domain \
             publishes the key, such as dropday",
        ),
        (None, None) if domain.is_some() => settings
            .error("`mail.dkim_domain` has no effect without `mail.dkim_selector` and a key"),
        _ => {}
    }
    None
}
