//! Sending: one letter at a time, over a connection that is ours.
//!
//! lettre's own transports are not used. Its pool takes a connection back as sound when a `send`
//! was dropped midway, so that the next letter reads the replies of the one before and may count
//! as sent although it was refused; and its time-out covers no more than the TCP connection. Here
//! a connection is taken out before a letter, and put back only after the 250 to that letter.

mod error;
mod mask;
mod message;
mod session;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use secrecy::SecretString;
use tokio::time::timeout;

pub use self::error::{SendError, SettingsError};
pub use self::message::Stamp;

use self::mask::{without_addresses, without_any_address};
use self::session::{Parcel, Server, Session};
use super::letter::Letter;
use super::url::{Security, SmtpUrl};
use crate::clock::Clock;
use crate::domain::user::EmailAddress;

/// The longest that a connection is kept without a letter: servers and routers forget idle ones.
const LONGEST_IDLE: Duration = Duration::from_secs(30);
/// The longest that a goodbye may take.
const LONGEST_QUIT: Duration = Duration::from_secs(2);

/// How letters are sent.
#[derive(Clone)]
pub struct SmtpSettings {
    /// `smtps://user:password@mail.example.com`, or `smtp://…?tls=required`.
    pub url: SecretString,
    /// The sender: `Dropday <dropday@example.com>`.
    pub from: String,
    /// For a whole letter: connection, TLS, log-in and text.
    pub timeout: Duration,
    /// A PEM file with authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpSettings").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Sends letters. Shared by reference; a second letter at the same time gets its own connection.
pub struct Mailer {
    server: Server,
    from: Mailbox,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("server", &self.server.url.address()).finish_non_exhaustive()
    }
}

/// A connection whose last letter was answered with 250.
struct Kept {
    session: Session,
    since: Timestamp,
}

impl Mailer {
    /// Reads the settings; nothing is connected yet. With TLS, rustls' provider must be installed.
    ///
    /// # Errors
    /// [`SettingsError`], in words for the person who wrote the settings.
    pub fn new(settings: &SmtpSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let url = SmtpUrl::parse(&settings.url).map_err(SettingsError::Url)?;
        let from = sender(&settings.from)?;
        if settings.timeout.is_zero() {
            return Err(SettingsError::Timeout);
        }
        let ca = settings.ca_file.as_deref().map(authorities).transpose()?;
        let tls = match url.security {
            Security::Plain => None,
            _ => Some(tls(&url.host, ca)?),
        };
        // Without a name of its own, the sender's domain: relays such as Google's insist on a
        // domain they know, and many servers dislike `[127.0.0.1]`, which is lettre's default.
        let hello = url.hello.clone().unwrap_or_else(|| from.email.domain().to_owned());
        let hello = ClientId::Domain(hello);
        let server = Server { url, hello, tls, connect_timeout: settings.timeout / 3 };
        Ok(Self { server, from, timeout: settings.timeout, clock, kept: Mutex::new(None) })
    }

    /// Sends one letter to one person. Dropping the future closes its connection.
    ///
    /// # Errors
    /// [`SendError`]: all but `Unknown` mean that the letter was certainly not accepted. With
    /// reasons on one line, without the recipient's address.
    pub async fn send(
        &self,
        to: &EmailAddress,
        letter: &Letter,
        stamp: &Stamp,
    ) -> Result<(), SendError> {
        let begun = AtomicBool::new(false);
        let sent = match timeout(self.timeout, self.post(to, letter, stamp, &begun)).await {
            Ok(sent) => sent,
            Err(_) if begun.load(Ordering::SeqCst) => Err(SendError::Unknown(self.too_slow())),
            Err(_) => Err(SendError::Unavailable(self.too_slow())),
        };
        sent.map_err(|error| error.map(|reason| without_addresses(&reason, to)))
    }

    /// Connects, encrypts, logs in and says goodbye; no letter is sent. Tells how it went:
    /// `mail.example.com:587, STARTTLS, logged in`.
    ///
    /// # Errors
    /// [`SendError::Unavailable`].
    pub async fn check(&self) -> Result<String, SendError> {
        let checked = match timeout(self.timeout, self.try_out()).await {
            Ok(checked) => checked,
            Err(_) => Err(SendError::Unavailable(self.too_slow())),
        };
        checked.map_err(|error| error.map(|reason| without_any_address(&reason)))
    }

    /// Says goodbye to the server, if a connection is kept. Takes at most two seconds.
    pub async fn close(&self) {
        if let Some(session) = self.take_kept() {
            let _ = timeout(LONGEST_QUIT, session.quit()).await;
        }
    }

    /// What the settings allow but a person should know of.
    pub fn warnings(&self) -> Vec<String> {
        let url = &self.server.url;
        let exposed = match url.security {
            _ if url.is_loopback() => None,
            Security::Plain => Some("without encryption"),
            Security::Opportunistic => Some("without encryption if somebody in between wants so"),
            Security::Required | Security::Wrapped => None,
        };
        let what = if url.login.is_some() { "the password and all letters" } else { "all letters" };
        let warning = exposed.map(|how| {
            let server = url.address();
            format!("`mail.smtp_url`: {what} go to {server} {how}; use smtps:// or ?tls=required")
        });
        warning.into_iter().collect()
    }

    async fn post(
        &self,
        to: &EmailAddress,
        letter: &Letter,
        stamp: &Stamp,
        begun: &AtomicBool,
    ) -> Result<(), SendError> {
        let to = with_ascii_domain(to.as_str())
            .ok_or_else(|| SendError::Refused("the address is none".to_owned()))?;
        let message =
            message::compose(&self.from, &to, letter, stamp).map_err(SendError::Refused)?;
        let parcel = Parcel { from: &self.from.email, to: &to, message: &message };

        if let Some(kept) = self.take_kept() {
            match self.hand_over(kept, &parcel, begun).await {
                // The server gave the kept connection up. The letter had not begun to leave.
                Err(SendError::Unavailable(_)) => {}
                outcome => return outcome,
            }
        }
        self.hand_over(Session::open(&self.server).await?, &parcel, begun).await
    }

    async fn hand_over(
        &self,
        mut session: Session,
        parcel: &Parcel<'_>,
        begun: &AtomicBool,
    ) -> Result<(), SendError> {
        session.deliver(parcel, begun).await?;
        let kept = Kept { session, since: self.clock.now() };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(())
    }

    async fn try_out(&self) -> Result<String, SendError> {
        let mut session = Session::open(&self.server).await?;
        session.noop().await?;
        let security = match (self.server.url.security, session.is_encrypted()) {
            (_, false) => "not encrypted",
            (Security::Wrapped, true) => "TLS",
            (_, true) => "STARTTLS",
        };
        let login = if self.server.url.login.is_some() { "logged in" } else { "without log-in" };
        let _ = timeout(LONGEST_QUIT, session.quit()).await;
        Ok(format!("{}, {security}, {login}", self.server.url.address()))
    }

    fn take_kept(&self) -> Option<Session> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let idle = Duration::try_from(self.clock.now().duration_since(kept.since));
        // A clock that was set back says nothing about the connection: not trusted either.
        idle.is_ok_and(|idle| idle <= LONGEST_IDLE).then_some(kept.session)
    }

    fn too_slow(&self) -> String {
        format!("no answer within {} s", self.timeout.as_secs_f32())
    }
}

fn sender(raw: &str) -> Result<Mailbox, SettingsError> {
    if raw.chars().any(char::is_control) {
        return Err(SettingsError::From);
    }
    let mailbox: Mailbox = raw.parse().map_err(|_| SettingsError::From)?;
    let email = with_ascii_domain(mailbox.email.as_ref()).ok_or(SettingsError::From)?;
    Ok(Mailbox::new(mailbox.name, email))
}

/// The address with its domain as DNS knows it (`xn--bcher-kva.example`), which every server takes;
/// SMTPUTF8 is then needed for what stands before the @ alone.
fn with_ascii_domain(raw: &str) -> Option<Address> {
    let address: Address = raw.parse().ok()?;
    if address.domain().is_ascii() {
        return Some(address);
    }
    let domain = ::url::Host::parse(address.domain()).ok()?.to_string();
    Address::new(address.user(), domain).ok()
}

fn authorities(path: &Path) -> Result<Certificate, SettingsError> {
    let fault = |reason: String| SettingsError::CaFile { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        return Err(fault("it holds no certificate in PEM form".to_owned()));
    }
    Certificate::from_pem(&pem).map_err(|e| fault(e.to_string()))
}

fn tls(host: &str, ca: Option<Certificate>) -> Result<TlsParameters, SettingsError> {
    let builder = TlsParameters::builder(host.to_owned());
    let builder = ca.into_iter().fold(builder, |builder, ca| builder.add_root_certificate(ca));
    builder.build().map_err(|e| SettingsError::Tls(e.to_string()))
}
