//! Sends emails over a small pool of connections. lettre's own transports are not used: its pool takes a
//! connection back even if a `send` was dropped midway, so that the next email reads the replies to the
//! previous one and may count as sent although it was rejected, and its timeout covers only the TCP connection.
//! Here a connection leaves the pool before an email is sent and returns only after the 250 to that email.

mod enhanced_status;
mod error;
mod message;
mod pool;
mod redact;
mod reply;
mod session;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use self::error::{SendError, SettingsError};
pub use self::message::MessageMeta;

use self::pool::ConnectionPool;
use self::redact::{without_addresses, without_any_address};
use self::session::{Envelope, Server, Session};
use super::dkim::{DkimRecord, DkimSettings, Signer};
use super::message::Email;
use super::url::{Security, SmtpUrl};
use crate::clock::Clock;
use crate::domain::user::EmailAddress;

/// Providers allow between a few and some dozens.
const MAX_CONNECTIONS: usize = 20;
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub struct SmtpSettings {
    /// `smtps://user:password@mail.example.com`, or `smtp://…?tls=required`.
    pub url: SecretString,
    /// The sender: `Dropday <dropday@example.com>`.
    pub from: String,
    /// For a whole email: connection, TLS, login and text.
    pub timeout: Duration,
    /// The maximum number of connections, from 1 to 20.
    pub connections: usize,
    /// A PEM file with certificate authorities to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// If `None`, the relay has to sign.
    pub dkim: Option<DkimSettings>,
}

impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpSettings").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Sends emails, each over a connection of its own; if there are more emails than connections, they wait.
pub struct Mailer {
    server: Server,
    from: Mailbox,
    signer: Option<Signer>,
    timeout: Duration,
    places: ConnectionPool,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("server", &self.server.url.address()).finish_non_exhaustive()
    }
}

impl Mailer {
    /// Validates the settings without connecting. With TLS, rustls' provider must be installed.
    pub fn new(settings: &SmtpSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let url = SmtpUrl::parse(&settings.url).map_err(SettingsError::Url)?;
        let from = sender(&settings.from)?;
        if settings.timeout.is_zero() {
            return Err(SettingsError::Timeout);
        }
        if !(1..=MAX_CONNECTIONS).contains(&settings.connections) {
            return Err(SettingsError::Connections);
        }
        let ca = settings.ca_file.as_deref().map(authorities).transpose()?;
        let tls = match url.security {
            Security::Plain => None,
            _ => Some(tls(&url.host, ca)?),
        };
        // Defaults to the sender's domain: relays such as Google's require a known domain, and many servers
        // reject `[127.0.0.1]`, which is lettre's default.
        let hello = url.hello.clone().unwrap_or_else(|| from.email.domain().to_owned());
        let hello = ClientId::Domain(hello);
        let server = Server { url, hello, tls, connect_timeout: settings.timeout / 3 };
        let places = ConnectionPool::new(settings.connections, clock);
        let signer = settings.dkim.as_ref();
        let signer = signer.map(|dkim| Signer::new(dkim, from.email.domain())).transpose()?;
        Ok(Self { server, from, signer, timeout: settings.timeout, places })
    }

    /// How many emails can be sent at once.
    pub fn connections(&self) -> usize {
        self.places.most()
    }

    /// The bytes of an email: its headers and both of its parts. Fails if the address, the stamp or the email's
    /// links cannot be part of a header.
    pub fn message(
        &self,
        to: &EmailAddress,
        email: &Email,
        meta: &MessageMeta,
    ) -> Result<String, SendError> {
        let to = recipient(to)?;
        let message =
            message::compose(&self.from, &to, email, meta).map_err(SendError::Permanent)?;
        let Some(signer) = &self.signer else { return Ok(message) };
        let signature = signer.sign(&message, meta.date.as_second().max(0));
        Ok(signature.unwrap_or_default() + &message)
    }

    /// The sender's domain, in ASCII.
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// The server's address: `mail.example.com:587`.
    pub fn server(&self) -> String {
        self.server.url.address()
    }

    /// The DNS record that lets receivers verify signatures, if emails are signed.
    pub fn dkim_record(&self) -> Option<DkimRecord> {
        self.signer.as_ref().map(Signer::record)
    }

    /// Sends one email and returns the server's reply on one line, without the address: `250 2.0.0 Ok: queued
    /// as 4XYZ`. All errors but `Unknown` mean that the email was certainly not accepted. Dropping the future
    /// closes the connection.
    pub async fn send(
        &self,
        to: &EmailAddress,
        email: &Email,
        meta: &MessageMeta,
    ) -> Result<String, SendError> {
        let started = AtomicBool::new(false);
        let sent = match timeout(self.timeout, self.post(to, email, meta, &started)).await {
            Ok(sent) => sent,
            Err(_) if started.load(Ordering::SeqCst) => {
                Err(SendError::OutcomeUnknown(self.too_slow()))
            }
            Err(_) => Err(SendError::Unavailable(self.too_slow())),
        };
        match sent {
            Ok(said) => Ok(without_addresses(&said, to)),
            Err(error) => Err(error.map(|reason| without_addresses(&reason, to))),
        }
    }

    /// Connects, encrypts and logs in without sending an email. Returns a description: `mail.example.com:587,
    /// STARTTLS, logged in`.
    pub async fn check(&self) -> Result<String, SendError> {
        let checked = match timeout(self.timeout, self.try_out()).await {
            Ok(checked) => checked,
            Err(_) => Err(SendError::Unavailable(self.too_slow())),
        };
        checked.map_err(|error| error.map(|reason| without_any_address(&reason)))
    }

    /// Sends QUIT on every idle connection. Takes at most two seconds.
    pub async fn close(&self) {
        let goodbyes: JoinSet<()> = self.places.empty().into_iter().map(Session::quit).collect();
        let _ = timeout(QUIT_TIMEOUT, goodbyes.join_all()).await;
    }

    /// Settings that are valid but risky, described for the operator.
    pub fn warnings(&self) -> Vec<String> {
        self.exposed().into_iter().chain(self.unaligned()).collect()
    }

    fn exposed(&self) -> Option<String> {
        let url = &self.server.url;
        let how = match url.security {
            _ if url.is_loopback() => return None,
            Security::Plain => "without encryption",
            Security::Opportunistic => "without encryption if somebody in between wants so",
            Security::Required | Security::Wrapped => return None,
        };
        let what = if url.login.is_some() { "the password and all letters" } else { "all letters" };
        let server = url.address();
        Some(format!("`mail.smtp_url`: {what} go to {server} {how}; use smtps:// or ?tls=required"))
    }

    /// DMARC requires the signing domain to equal the sender's domain, or to be above or below it (RFC 7489
    /// §3.1.1).
    fn unaligned(&self) -> Option<String> {
        let signed = self.signer.as_ref()?.domain();
        let sender = self.domain().to_ascii_lowercase();
        let is_below = |a: &str, b: &str| a == b || a.ends_with(&format!(".{b}"));
        if is_below(&sender, signed) || is_below(signed, &sender) {
            return None;
        }
        Some(format!(
            "`mail.dkim_domain` is {signed}, but emails come from {sender}: DMARC may not count \
             the signature"
        ))
    }

    async fn post(
        &self,
        to: &EmailAddress,
        email: &Email,
        meta: &MessageMeta,
        started: &AtomicBool,
    ) -> Result<String, SendError> {
        let message = self.message(to, email, meta)?;
        let to = recipient(to)?;
        let envelope = Envelope { from: &self.from.email, to: &to, message: &message };
        let mut place = self.places.take().await;
        loop {
            if let Some(session) = self.kept_session().await {
                match self.hand_over(session, &envelope, started).await {
                    // The server closed the idle connection before the text was sent.
                    Err(SendError::Unavailable(_) | SendError::SenderRejected(_))
                        if !started.load(Ordering::SeqCst) => {}
                    outcome => return outcome,
                }
            }
            let refusal = match Session::open(&self.server).await {
                Ok(session) => return self.hand_over(session, &envelope, started).await,
                Err(refusal) => refusal,
            };
            match place.map(|place| self.places.shrink(place)) {
                Some(Ok(())) => place = self.places.take().await,
                _ => return Err(refusal),
            }
        }
    }

    async fn hand_over(
        &self,
        mut session: Session,
        envelope: &Envelope<'_>,
        started: &AtomicBool,
    ) -> Result<String, SendError> {
        let said = session.deliver(envelope, started).await?;
        self.places.keep(session);
        Ok(said)
    }

    /// An idle connection that may carry another email.
    async fn kept_session(&self) -> Option<Session> {
        let session = self.places.kept()?;
        if session.is_spent() {
            let _ = timeout(QUIT_TIMEOUT, session.quit()).await;
            return None;
        }
        Some(session)
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
        let _ = timeout(QUIT_TIMEOUT, session.quit()).await;
        Ok(format!("{}, {security}, {login}", self.server.url.address()))
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

fn recipient(to: &EmailAddress) -> Result<Address, SendError> {
    with_ascii_domain(to.as_str())
        .ok_or_else(|| SendError::Permanent("the address is none".to_owned()))
}

/// The address with its domain in ASCII (`xn--bcher-kva.example`), which every server accepts; only a non-ASCII
/// local part then needs SMTPUTF8.
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
