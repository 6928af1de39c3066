//! One SMTP session, command by command, so that each failure can be told apart. Every reply must have exactly
//! the expected code. This detects a reply to another command, and it makes lines that an attacker injects
//! before STARTTLS harmless: the replies after it are off by one, and one of them is wrong before the text is
//! sent.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Noop, Quit, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret;

use super::error::SendError;
use super::redact::without_login;
use super::reply::{Fault, expect_code, to_data, to_log_in, to_recipient, to_sender, to_text};
use crate::email::url::{Login, Security, SmtpUrl};

/// Emails per connection. Many servers close a connection after some (Exim's `smtp_accept_max_per_connection`
/// is 1000, and providers set less).
const MAX_EMAILS: u32 = 100;

pub(super) struct Server {
    pub(super) url: SmtpUrl,
    pub(super) hello: ClientId,
    /// `None` without encryption.
    pub(super) tls: Option<TlsParameters>,
    /// For each of the server's addresses, so that a dead IPv6 route leaves time for IPv4.
    pub(super) connect_timeout: Duration,
}

/// An email with its SMTP envelope.
pub(super) struct Envelope<'a> {
    pub(super) from: &'a Address,
    pub(super) to: &'a Address,
    /// Every line ends in CRLF.
    pub(super) message: &'a str,
}

/// A connection that is ready for the next command. Dropping it midway closes it.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    /// Whether the server supports pipelining (RFC 2920).
    may_pipeline: bool,
    emails: u32,
}

impl Session {
    /// Connects, encrypts and logs in.
    pub(super) async fn open(server: &Server) -> Result<Self, SendError> {
        let connection = connect(server).await?;
        let mut session = Self { connection, may_pipeline: false, emails: 0 };
        session.may_pipeline = session.ask_for_pipelining(&server.hello).await?;
        if let Some(login) = &server.url.login {
            session.log_in(login).await?;
        }
        Ok(session)
    }

    /// Hands one email over. `started` is set when its text begins to leave: from then on, silence
    /// does not mean that it was not accepted. Only after `Ok` may the session be used again; it holds
    /// what the server answered.
    ///
    /// # Errors
    /// All of [`SendError`].
    pub(super) async fn deliver(
        &mut self,
        envelope: &Envelope<'_>,
        started: &AtomicBool,
    ) -> Result<String, SendError> {
        let parameters = self.parameters(envelope)?;
        let mail = Mail::new(Some(envelope.from.clone()), parameters);
        let rcpt = Rcpt::new(envelope.to.clone(), vec![]);
        if self.may_pipeline {
            self.step(format!("{mail}{rcpt}{Data}"), &[250]).await.map_err(to_sender)?;
            self.answer(&[250, 251]).await.map_err(to_recipient)?;
            self.answer(&[354]).await.map_err(to_data)?;
        } else {
            self.step(mail, &[250]).await.map_err(to_sender)?;
            self.step(rcpt, &[250, 251]).await.map_err(to_recipient)?;
            self.step(Data, &[354]).await.map_err(to_data)?;
        }

        let text = dot_stuff(envelope.message);
        started.store(true, Ordering::SeqCst);
        let reply = self.step(text, &[250]).await.map_err(to_text)?;
        self.emails += 1;
        Ok(format!("{} {}", reply.code(), reply.message().collect::<Vec<_>>().join(" ")))
    }

    /// Whether it has carried as many emails as one connection should.
    pub(super) fn is_spent(&self) -> bool {
        self.emails >= MAX_EMAILS
    }

    /// Whether the server still answers.
    ///
    /// # Errors
    /// Always [`SendError::Unavailable`].
    pub(super) async fn noop(&mut self) -> Result<(), SendError> {
        let reply = self.step(Noop, &[250]).await;
        reply.map(|_| ()).map_err(|fault| SendError::Unavailable(fault.into_text()))
    }

    /// Says goodbye. Nothing depends on the answer.
    pub(super) async fn quit(mut self) {
        let _ = self.connection.command(Quit).await;
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.connection.is_encrypted()
    }

    /// lettre keeps no more of the greeting than it needs itself, so that it is asked for once more.
    async fn ask_for_pipelining(&mut self, hello: &ClientId) -> Result<bool, SendError> {
        match self.step(Ehlo::new(hello.clone()), &[250]).await {
            Ok(reply) => Ok(reply.message().any(|line| line.eq_ignore_ascii_case("PIPELINING"))),
            Err(Fault::Answer(_)) => Ok(false),
            Err(Fault::Disconnected(text)) => Err(SendError::Unavailable(text)),
        }
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), SendError> {
        let offered = self.connection.server_info();
        let known = [Mechanism::Plain, Mechanism::Login];
        if offered.get_auth_mechanism(&known).is_none() {
            let hint = if self.is_encrypted() { "" } else { "; most do only after ?tls=required" };
            let why = "the log-in failed: the server offers neither PLAIN nor LOGIN";
            return Err(SendError::SenderRejected(format!("{why}{hint}")));
        }
        let credentials = Credentials::new(
            login.user.expose_secret().to_owned(),
            login.password.expose_secret().to_owned(),
        );
        let reply = expect_code(self.connection.auth(&known, &credentials).await, &[235]);
        reply.map(|_| ()).map_err(|fault| {
            let case = to_log_in(&fault);
            let reason = without_login(&fault.into_text(), login);
            case(format!("the log-in failed: {reason}"))
        })
    }

    /// What the server must be asked for, as in lettre's own `send`: RFC 6531 and RFC 6152.
    fn parameters(&self, envelope: &Envelope<'_>) -> Result<Vec<MailParameter>, SendError> {
        let international = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
        let mut parameters = vec![];
        if international(envelope.from) || international(envelope.to) {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(without_smtputf8(international(envelope.from)));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !envelope.message.is_ascii() {
            if !self.connection.server_info().supports_feature(Extension::EightBitMime) {
                return Err(without_smtputf8(international(envelope.from)));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(parameters)
    }

    async fn step(&mut self, command: impl Display, codes: &[u16]) -> Result<Response, Fault> {
        expect_code(self.connection.command(command).await, codes)
    }

    /// The next answer to commands that were sent before.
    async fn answer(&mut self, codes: &[u16]) -> Result<Response, Fault> {
        expect_code(self.connection.read_response().await, codes)
    }
}

async fn connect(server: &Server) -> Result<AsyncSmtpConnection, SendError> {
    let SmtpUrl { host, port, security, .. } = &server.url;
    let wrapped = server.tls.clone().filter(|_| *security == Security::Wrapped);
    let time = Some(server.connect_timeout);
    let address = (host.as_str(), *port);
    let opened =
        AsyncSmtpConnection::connect_tokio1(address, time, &server.hello, wrapped, None).await;
    let mut connection = opened.map_err(|e| unreachable(server, &e))?;
    let upgrade = match security {
        Security::Required => true,
        Security::Opportunistic => connection.can_starttls(),
        Security::Plain | Security::Wrapped => false,
    };
    if let Some(tls) = server.tls.clone().filter(|_| upgrade) {
        connection.starttls(tls, &server.hello).await.map_err(|e| unreachable(server, &e))?;
    }
    Ok(connection)
}

fn unreachable(server: &Server, error: &lettre::transport::smtp::Error) -> SendError {
    let text = error.to_string();
    let hint = if text.contains("UnknownIssuer") {
        " (if its certificate comes from an authority of your own, name that in `mail.ca_file`)"
    } else if text.contains("InvalidContentType") {
        " (the port does not begin with TLS: try smtp://…?tls=required)"
    } else {
        ""
    };
    SendError::Unavailable(format!("{}: {text}{hint}", server.url.address()))
}

/// The message as it goes over the wire: a dot doubled where a line begins with it, and one alone at
/// the end (RFC 5321 §4.5.2). In one piece, so that it leaves in one write: two would let Nagle's
/// algorithm hold the dot back until the server's kernel has acknowledged the text.
fn dot_stuff(message: &str) -> String {
    let mut wire = String::with_capacity(message.len() + 64);
    if message.starts_with('.') {
        wire.push('.');
    }
    for (at, part) in message.split("\r\n.").enumerate() {
        if at > 0 {
            wire.push_str("\r\n..");
        }
        wire.push_str(part);
    }
    if !wire.ends_with("\r\n") {
        wire.push_str("\r\n");
    }
    wire.push_str(".\r\n");
    wire
}

fn without_smtputf8(sender: bool) -> SendError {
    if sender {
        let reason = "`mail.from` has letters beyond ASCII, and this server lacks SMTPUTF8";
        SendError::SenderRejected(reason.to_owned())
    } else {
        let reason = "the address has letters beyond ASCII before the @, and this server cannot \
                      send to such addresses (it lacks SMTPUTF8)";
        SendError::Permanent(reason.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a server makes of it: RFC 5321 §4.5.2.
    fn received(wire: &str) -> Vec<String> {
        let lines: Vec<&str> = wire.split("\r\n").collect();
        let end = lines.iter().position(|line| *line == ".").unwrap();
        assert_eq!(lines[end + 1..], [""], "something follows the dot");
        lines[..end].iter().map(|line| line.strip_prefix('.').unwrap_or(line).to_owned()).collect()
    }

    proptest! {
        #[test]
        fn text_is_dot_stuffed_line_by_line(lines in prop::collection::vec("[.a-zä ]{0,5}", 1..8)) {
            let whole = format!("{}\r\n", lines.join("\r\n"));
            prop_assert_eq!(received(&dot_stuff(&whole)), lines.clone());
            prop_assert_eq!(received(&dot_stuff(whole.trim_end_matches("\r\n"))).join("\r\n"),
                whole.trim_end_matches("\r\n"));
        }
    }
}
