//! The mailer against servers that say what a test tells them to.

mod replies;
mod script;
#[cfg(feature = "demo")]
mod tls;
mod trust;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::{Mailer, MessageMeta, SendError, SettingsError, SmtpSettings};
use crate::domain::user::EmailAddress;
use crate::email::message::Email;
use dropday::test_clock::ManualClock;

/// Long enough for a busy machine; no test waits for it to pass.
const TIMEOUT: Duration = Duration::from_secs(10);
/// For the tests that do.
const SHORT: Duration = Duration::from_millis(700);

fn clock() -> Arc<ManualClock> {
    ManualClock::at("2026-11-23T18:00:00Z".parse().unwrap())
}

fn settings(url: &str, timeout: Duration, ca_file: Option<PathBuf>) -> SmtpSettings {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let from = "Dropday <dropday@example.com>".to_owned();
    let url = SecretString::from(url);
    SmtpSettings { url, from, timeout, connections: 4, ca_file, dkim: None }
}

fn mailer(url: &str, timeout: Duration) -> Mailer {
    Mailer::new(&settings(url, timeout, None), clock()).unwrap()
}

fn mailer_with(url: &str, connections: usize) -> Mailer {
    let settings = SmtpSettings { connections, ..settings(url, TIMEOUT, None) };
    Mailer::new(&settings, clock()).unwrap()
}

fn martha() -> EmailAddress {
    EmailAddress::parse("martha@example.org").unwrap()
}

fn email(subject: &str) -> Email {
    let (text, html) = ("Hello\n".into(), "<p>Hello</p>".into());
    Email { subject: subject.into(), text, html, unsubscribe: None }
}

fn meta(id: &str) -> MessageMeta {
    MessageMeta {
        message_id: format!("<{id}@dropday.example.com>"),
        date: "2026-11-23T18:00:00Z".parse().unwrap(),
    }
}

async fn send(mailer: &Mailer, id: &str) -> Result<(), SendError> {
    mailer.send(&martha(), &email("News"), &meta(id)).await.map(|_| ())
}
