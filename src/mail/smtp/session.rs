//! One conversation with the mail server, step by step, so that each failure can be told apart.
//!
//! Every reply must bear the very code that is due. That makes a reply to something else visible,
//! and it makes lines that somebody slips in before STARTTLS harmless: the replies after it are off
//! by one, and one of them is wrong before the letter begins to leave.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Noop, Quit, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret;

use super::error::SendError;
use super::mask::without_login;
use crate::mail::url::{Login, Security, SmtpUrl};

/// Everything that is needed to reach the server.
pub(super) struct Server {
    pub(super) url: SmtpUrl,
    pub(super) hello: ClientId,
    /// `None` where nothing is encrypted.
    pub(super) tls: Option<TlsParameters>,
    /// For each address of the server, so that a dead IPv6 route leaves time for IPv4.
    pub(super) connect_timeout: Duration,
}

/// A letter in its envelope.
pub(super) struct Parcel<'a> {
    pub(super) from: &'a Address,
    pub(super) to: &'a Address,
    pub(super) message: &'a [u8],
}

/// A connection on which the next command may be sent. Whoever drops it midway closes it.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
}

/// Why a step failed.
enum Fault {
    /// The server said no.
    Answer { code: u16, text: String },
    /// Anything else: the connection is of no more use.
    Lost(String),
}

impl Session {
    /// Connects, encrypts and logs in.
    ///
    /// # Errors
    /// Always [`SendError::Unavailable`].
    pub(super) async fn open(server: &Server) -> Result<Self, SendError> {
        let connection = connect(server).await?;
        let mut session = Self { connection };
        if let Some(login) = &server.url.login {
            session.log_in(login).await.map_err(|fault| {
                let reason = without_login(&fault.into_text(), login);
                SendError::Unavailable(format!("the log-in failed: {reason}"))
            })?;
        }
        Ok(session)
    }

    /// Hands one letter over. `begun` is set when its text begins to leave: from then on, silence
    /// does not mean that it was not accepted. Only after `Ok` may the session be used again.
    ///
    /// # Errors
    /// All of [`SendError`].
    pub(super) async fn deliver(
        &mut self,
        parcel: &Parcel<'_>,
        begun: &AtomicBool,
    ) -> Result<(), SendError> {
        let parameters = self.parameters(parcel)?;
        let mail = Mail::new(Some(parcel.from.clone()), parameters);
        self.step(mail, &[250]).await.map_err(|fault| {
            SendError::Unavailable(format!("it did not take the sender: {}", fault.into_text()))
        })?;
        let rcpt = Rcpt::new(parcel.to.clone(), vec![]);
        self.step(rcpt, &[250, 251]).await.map_err(before_the_text)?;
        self.step(Data, &[354]).await.map_err(before_the_text)?;

        begun.store(true, Ordering::SeqCst);
        let reply = self.connection.message(parcel.message).await;
        due(reply, &[250]).map_err(after_the_text)
    }

    /// Whether the server still answers.
    ///
    /// # Errors
    /// Always [`SendError::Unavailable`].
    pub(super) async fn noop(&mut self) -> Result<(), SendError> {
        let reply = self.step(Noop, &[250]).await;
        reply.map_err(|fault| SendError::Unavailable(fault.into_text()))
    }

    /// Says goodbye. Nothing depends on the answer.
    pub(super) async fn quit(mut self) {
        let _ = self.connection.command(Quit).await;
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.connection.is_encrypted()
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), Fault> {
        let credentials = Credentials::new(
            login.user.expose_secret().to_owned(),
            login.password.expose_secret().to_owned(),
        );
        let offered = self.connection.server_info();
        let known = [Mechanism::Plain, Mechanism::Login];
        if offered.get_auth_mechanism(&known).is_none() {
            let hint = if self.is_encrypted() { "" } else { "; most do only after ?tls=required" };
            return Err(Fault::Lost(format!("the server offers neither PLAIN nor LOGIN{hint}")));
        }
        due(self.connection.auth(&known, &credentials).await, &[235])
    }

    /// What the server must be asked for, as in lettre's own `send`: RFC 6531 and RFC 6152.
    fn parameters(&self, parcel: &Parcel<'_>) -> Result<Vec<MailParameter>, SendError> {
        let international = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
        let mut parameters = vec![];
        if international(parcel.from) || international(parcel.to) {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(without_smtputf8(international(parcel.from)));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !parcel.message.is_ascii() {
            if !self.connection.server_info().supports_feature(Extension::EightBitMime) {
                return Err(without_smtputf8(international(parcel.from)));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(parameters)
    }

    async fn step(&mut self, command: impl Display, codes: &[u16]) -> Result<(), Fault> {
        due(self.connection.command(command).await, codes)
    }
}

impl Fault {
    fn into_text(self) -> String {
        match self {
            Self::Answer { text, .. } | Self::Lost(text) => text,
        }
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

/// Success is one of `codes`; lettre itself takes any 2xx and 3xx.
fn due(
    reply: Result<Response, lettre::transport::smtp::Error>,
    codes: &[u16],
) -> Result<(), Fault> {
    match reply {
        Ok(response) if codes.iter().any(|code| response.has_code(*code)) => Ok(()),
        Ok(response) => {
            let (got, due) = (response.code(), codes[0]);
            Err(Fault::Lost(format!("it answered {got} where {due} was due")))
        }
        Err(error) => Err(match error.status() {
            Some(code) => Fault::Answer { code: code.into(), text: error.to_string() },
            None => Fault::Lost(error.to_string()),
        }),
    }
}

fn before_the_text(fault: Fault) -> SendError {
    match fault {
        Fault::Lost(text) => SendError::Unavailable(text),
        Fault::Answer { code, text } if concerns_everybody(code, &text) => {
            SendError::Unavailable(text)
        }
        Fault::Answer { code: 400..500, text } => SendError::Deferred(text),
        Fault::Answer { text, .. } => SendError::Refused(text),
    }
}

fn after_the_text(fault: Fault) -> SendError {
    match fault {
        // The server has said no: certainly not accepted, whomever it is about.
        Fault::Answer { code, text } if code != 421 && concerns_everybody(code, &text) => {
            SendError::Unavailable(text)
        }
        Fault::Answer { code: 400..500, text } => SendError::Deferred(text),
        Fault::Answer { text, .. } => SendError::Refused(text),
        Fault::Lost(text) => SendError::Unknown(text),
    }
}

/// A refusal that the next recipient would get as well, and that is therefore not about this one:
/// the server shuts down (421), does not know the command (500, 502–504), wants a log-in (530,
/// 535, 538), or objects to us: to relaying, to our sender, to our machine. Servers may say the
/// latter only after RCPT (Postfix' `smtpd_delay_reject`) or after the text, and there is no code of
/// its own for it; the enhanced ones (<https://www.iana.org/assignments/smtp-enhanced-status-codes>)
/// that speak of the sender or of authentication count where they are given.
fn concerns_everybody(code: u16, text: &str) -> bool {
    const ENHANCED: [&str; 7] = ["5.1.7", "5.1.8", "5.4.5", "5.7.8", "5.7.25", "5.7.26", "5.7.27"];
    const WORDS: [&str; 5] = ["relay", "sender address", "client host", "blocked using", "dmarc"];
    let text = text.to_ascii_lowercase();
    matches!(code, 421 | 500 | 502..=504 | 530 | 535 | 538)
        || ENHANCED.iter().any(|enhanced| text.split([' ', '-']).any(|word| word == *enhanced))
        || WORDS.iter().any(|words| text.contains(words))
}

fn without_smtputf8(sender: bool) -> SendError {
    if sender {
        let reason = "`mail.from` has letters beyond ASCII, and this server lacks SMTPUTF8";
        SendError::Unavailable(reason.to_owned())
    } else {
        let reason = "the address has letters beyond ASCII before the @, and this server cannot \
                      send to such addresses (it lacks SMTPUTF8)";
        SendError::Refused(reason.to_owned())
    }
}
