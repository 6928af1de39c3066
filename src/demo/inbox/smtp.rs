//! The conversation: RFC 5321 with STARTTLS (3207), AUTH (4954), 8BITMIME (6152), SMTPUTF8 (6531).

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::faults::Stage;
use super::wire::{Text, Wire};
use super::{Office, SmtpFault, Tls, login};

const NAME: &str = "inbox.demo.invalid";
const GARBAGE: &[u8] = b"\x00\xff\xfe lorem ipsum\r\n\r\n";
/// As many recipients as every server has to take (RFC 5321 §4.5.3.1.8).
const MAX_RECIPIENTS: usize = 100;

/// Talks with whoever connected until they go, or a fault ends it.
pub(super) async fn converse(stream: TcpStream, office: Arc<Office>) {
    let mut wire = Wire::new(stream);
    if let Tls::Implicit(config) = &office.settings.tls {
        match wire.encrypt(config.clone()).await {
            Ok(encrypted) => wire = encrypted,
            Err(_) => return,
        }
    }
    let mut session = Session { office, greeted: false, logged_in: false, envelope: None };
    // A connection that broke has nobody left to tell.
    let _ = session.run(wire).await;
}

/// Whether the conversation goes on.
enum Then {
    GoOn,
    Encrypt,
    End,
}

struct Envelope {
    from: String,
    to: Vec<String>,
    any_bytes: bool,
    any_script: bool,
}

struct Session {
    office: Arc<Office>,
    greeted: bool,
    logged_in: bool,
    envelope: Option<Envelope>,
}

impl Session {
    async fn run(&mut self, mut wire: Wire) -> io::Result<()> {
        if let Then::End = self.greet(&mut wire).await? {
            return Ok(());
        }
        while let Some(line) = wire.command().await? {
            match self.obey(&mut wire, &line).await? {
                Then::GoOn => {}
                Then::End => return Ok(()),
                Then::Encrypt => {
                    let Tls::StartTls(config) = &self.office.settings.tls else { return Ok(()) };
                    wire = wire.encrypt(config.clone()).await?;
                    // RFC 3207 §4.2: what was said before does not count.
                    (self.greeted, self.logged_in, self.envelope) = (false, false, None);
                }
            }
        }
        Ok(())
    }

    async fn greet(&self, wire: &mut Wire) -> io::Result<Then> {
        match self.office.fault_at(Stage::Greeting) {
            Some(SmtpFault::HangAtGreeting) => wire.outlast().await.map(|()| Then::End),
            Some(SmtpFault::NonsenseAtGreeting) => wire.say(GARBAGE).await.map(|()| Then::End),
            Some(SmtpFault::RefuseConnection(code, text)) => {
                wire.reply(code, &[&text]).await.map(|()| Then::End)
            }
            _ => say(wire, 220, &format!("{NAME} ESMTP the demo's inbox")).await,
        }
    }

    async fn obey(&mut self, wire: &mut Wire, line: &str) -> io::Result<Then> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.introduce(wire).await,
            "HELO" => {
                self.greeted = true;
                say(wire, 250, NAME).await
            }
            "NOOP" => say(wire, 250, "2.0.0 Fine").await,
            "RSET" => {
                self.envelope = None;
                say(wire, 250, "2.0.0 Forgotten").await
            }
            "QUIT" => {
                say(wire, 221, "2.0.0 Goodbye").await?;
                wire.close().await.map(|()| Then::End)
            }
            _ if !self.greeted => say(wire, 503, "5.5.1 EHLO comes first").await,
            "STARTTLS" => self.start_tls(wire).await,
            _ if self.must_encrypt(wire) => say(wire, 530, "5.7.0 STARTTLS comes first").await,
            "AUTH" => self.log_in(wire, rest).await,
            _ if self.must_log_in() => say(wire, 530, "5.7.0 A login comes first").await,
            "MAIL" => self.sender(wire, rest).await,
            "RCPT" => self.recipient(wire, rest).await,
            "DATA" => self.data(wire).await,
            _ => say(wire, 500, "5.5.2 Unknown command").await,
        }
    }

    async fn introduce(&mut self, wire: &mut Wire) -> io::Result<Then> {
        self.greeted = true;
        self.envelope = None;
        let settings = &self.office.settings;
        let size = format!("SIZE {}", settings.longest);
        let mut lines = vec![NAME, size.as_str(), "ENHANCEDSTATUSCODES"];
        if settings.eight_bit {
            lines.push("8BITMIME");
        }
        if settings.smtputf8 {
            lines.push("SMTPUTF8");
        }
        if self.must_encrypt(wire) {
            lines.push("STARTTLS");
        } else if settings.login.is_some() {
            lines.push("AUTH PLAIN LOGIN");
        }
        wire.reply(250, &lines).await.map(|()| Then::GoOn)
    }

    fn must_encrypt(&self, wire: &Wire) -> bool {
        matches!(self.office.settings.tls, Tls::StartTls(_)) && !wire.encrypted
    }

    fn must_log_in(&self) -> bool {
        self.office.settings.login.is_some() && !self.logged_in
    }

    async fn start_tls(&self, wire: &mut Wire) -> io::Result<Then> {
        if !self.must_encrypt(wire) {
            return say(wire, 503, "5.5.1 Not now").await;
        }
        say(wire, 220, "2.0.0 Go ahead").await.map(|_| Then::Encrypt)
    }

    async fn log_in(&mut self, wire: &mut Wire, rest: &str) -> io::Result<Then> {
        let (method, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match method.to_ascii_uppercase().as_str() {
            "PLAIN" => login::plain(wire, initial).await?,
            "LOGIN" => login::login(wire, initial).await?,
            _ => return say(wire, 504, "5.5.4 PLAIN or LOGIN").await,
        };
        if let Some(SmtpFault::RefuseLogin(code)) = self.office.fault_at(Stage::Login) {
            return say(wire, code, refused_login(code)).await;
        }
        self.logged_in = given.is_some() && given == self.office.settings.login;
        match self.logged_in {
            true => say(wire, 235, "2.7.0 Welcome").await,
            false => say(wire, 535, refused_login(535)).await,
        }
    }

    async fn sender(&mut self, wire: &mut Wire, rest: &str) -> io::Result<Then> {
        if let Some(SmtpFault::RefuseSender(code, text)) = self.office.fault_at(Stage::Sender) {
            return say(wire, code, &text).await;
        }
        let Some((from, options)) = path(rest, "FROM:") else {
            return say(wire, 501, "5.5.4 MAIL FROM:<address>").await;
        };
        let settings = &self.office.settings;
        let has = |name: &str| options.iter().any(|option| option.eq_ignore_ascii_case(name));
        let any_script = settings.smtputf8 && has("SMTPUTF8");
        let any_bytes = settings.eight_bit && (has("BODY=8BITMIME") || any_script);
        let size = options.iter().find_map(|option| option.strip_prefix("SIZE=")?.parse().ok());
        if size.is_some_and(|size: usize| size > settings.longest) {
            return say(wire, 552, "5.3.4 That letter is too long").await;
        }
        if !from.is_ascii() && !any_script {
            return say(wire, 553, "5.6.7 That address needs SMTPUTF8").await;
        }
        self.envelope = Some(Envelope { from, to: Vec::new(), any_bytes, any_script });
        say(wire, 250, "2.1.0 Sender taken").await
    }

    async fn recipient(&mut self, wire: &mut Wire, rest: &str) -> io::Result<Then> {
        let office = self.office.clone();
        if let Some(SmtpFault::SlowRcpt(time)) = office.fault_at(Stage::Recipient) {
            office.clock.sleep(time).await;
        }
        let Some(envelope) = &mut self.envelope else {
            return say(wire, 503, "5.5.1 MAIL comes first").await;
        };
        let Some((to, _)) = path(rest, "TO:").filter(|(to, _)| !to.is_empty()) else {
            return say(wire, 501, "5.5.4 RCPT TO:<address>").await;
        };
        if let Some((code, text)) = office.refusal_of(&to) {
            return say(wire, code, &text).await;
        }
        if !to.is_ascii() && !envelope.any_script {
            return say(wire, 553, "5.6.7 That address needs SMTPUTF8").await;
        }
        if envelope.to.len() >= MAX_RECIPIENTS {
            return say(wire, 452, "4.5.3 Too many recipients").await;
        }
        envelope.to.push(to);
        say(wire, 250, "2.1.5 Recipient taken").await
    }

    async fn data(&mut self, wire: &mut Wire) -> io::Result<Then> {
        let Some(envelope) = self.envelope.take().filter(|envelope| !envelope.to.is_empty()) else {
            return say(wire, 503, "5.5.1 RCPT comes first").await;
        };
        wire.reply(354, &["Go ahead; end with a dot"]).await?;
        if self.office.fault_at(Stage::InData).is_some() {
            return wire.some().await.map(|()| Then::End);
        }
        let Some(text) = wire.text(self.office.settings.longest).await? else {
            return Ok(Then::End);
        };
        match self.office.fault_at(Stage::AfterData) {
            Some(fault) => self.spoil(wire, envelope, text, fault).await,
            None => match checked(&envelope, text) {
                Ok(raw) => {
                    self.office.keep(envelope.from, envelope.to, raw);
                    say(wire, 250, "2.0.0 Letter taken").await
                }
                Err((code, reply)) => say(wire, code, reply).await,
            },
        }
    }

    async fn spoil(
        &self,
        wire: &mut Wire,
        envelope: Envelope,
        text: Text,
        fault: SmtpFault,
    ) -> io::Result<Then> {
        let keep = match fault {
            SmtpFault::DropAfterData { keep }
            | SmtpFault::HangAfterData { keep }
            | SmtpFault::Nonsense { keep } => keep,
            _ => false,
        };
        if let (true, Text::Whole(raw)) = (keep, text) {
            self.office.keep(envelope.from, envelope.to, raw);
        }
        match fault {
            SmtpFault::RefuseMessage(code, reply) => say(wire, code, &reply).await,
            SmtpFault::HangAfterData { .. } => wire.outlast().await.map(|()| Then::End),
            SmtpFault::Nonsense { .. } => wire.say(GARBAGE).await.map(|()| Then::End),
            _ => Ok(Then::End),
        }
    }
}

async fn say(wire: &mut Wire, code: u16, text: &str) -> io::Result<Then> {
    wire.reply(code, &[text]).await.map(|()| Then::GoOn)
}

/// The email, or the reply to one that strict servers would not take.
fn checked(envelope: &Envelope, text: Text) -> Result<Vec<u8>, (u16, &'static str)> {
    match text {
        Text::TooLong => Err((552, "5.3.4 That letter is too long")),
        Text::BadLine => Err((554, "5.6.0 A line is too long or ends in a bare CR or LF")),
        Text::Whole(raw) if !raw.is_ascii() && !envelope.any_bytes => {
            Err((554, "5.6.3 Bytes above 127 need BODY=8BITMIME"))
        }
        Text::Whole(raw) => Ok(raw),
    }
}

fn refused_login(code: u16) -> &'static str {
    if code < 500 { "4.7.0 Try again later" } else { "5.7.8 Wrong name or password" }
}

/// The address between the angle brackets, and the options after them.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(String, Vec<&'a str>)> {
    let given = rest.get(..keyword.len()).filter(|given| given.eq_ignore_ascii_case(keyword))?;
    let (address, options) = rest[given.len()..].strip_prefix('<')?.split_once('>')?;
    Some((address.to_owned(), options.split_ascii_whitespace().collect()))
}
