//! An SMTP session: RFC 5321 with AUTH PLAIN (4954), 8BITMIME (6152) and SMTPUTF8 (6531).

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::net::TcpStream;

use super::wire::{self, Text};
use super::{Shared, SmtpFault};

const NAME: &str = "inbox.demo.invalid";
/// The longest message, in bytes.
const MAX_MESSAGE: usize = 10 * 1024 * 1024;
const TOO_LONG: &str = "5.3.4 Message too long";
const GARBAGE: &[u8] = b"\x00\xff\xfe lorem ipsum\r\n\r\n";

type Wire = wire::Wire<TcpStream>;

/// Serves a connection until the client disconnects or a fault ends it.
pub(super) async fn run(stream: TcpStream, shared: Arc<Shared>) {
    let mut session = Session { shared, greeted: false, logged_in: false, envelope: None };
    // An error means that the connection broke.
    let _ = session.run(Wire::new(stream)).await;
}

#[derive(PartialEq)]
enum Then {
    Continue,
    End,
}

struct Envelope {
    from: String,
    to: Vec<String>,
    eight_bit: bool,
    utf8: bool,
}

struct Session {
    shared: Arc<Shared>,
    greeted: bool,
    logged_in: bool,
    envelope: Option<Envelope>,
}

impl Session {
    async fn run(&mut self, mut wire: Wire) -> io::Result<()> {
        let mut then = self.greet(&mut wire).await?;
        while then == Then::Continue {
            let Some(line) = wire.command().await? else { break };
            then = self.execute(&mut wire, &line).await?;
        }
        Ok(())
    }

    async fn greet(&self, wire: &mut Wire) -> io::Result<Then> {
        let concerns_greeting = |fault: &SmtpFault| {
            matches!(fault, SmtpFault::HangAtGreeting | SmtpFault::RefuseConnection(..))
        };
        match self.shared.next_fault(concerns_greeting) {
            Some(SmtpFault::RefuseConnection(code, text)) => {
                wire.reply(code, &[&text]).await.map(|()| Then::End)
            }
            Some(_) => wire.wait_for_close().await.map(|()| Then::End),
            None => say(wire, 220, &format!("{NAME} ESMTP")).await,
        }
    }

    async fn execute(&mut self, wire: &mut Wire, line: &str) -> io::Result<Then> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(wire).await,
            "NOOP" => say(wire, 250, "2.0.0 OK").await,
            "RSET" => {
                self.envelope = None;
                say(wire, 250, "2.0.0 OK").await
            }
            "QUIT" => {
                say(wire, 221, "2.0.0 Bye").await?;
                wire.close().await.map(|()| Then::End)
            }
            _ if !self.greeted => say(wire, 503, "5.5.1 Send EHLO first").await,
            "AUTH" => self.log_in(wire, rest).await,
            _ if self.must_log_in() => say(wire, 530, "5.7.0 Authentication required").await,
            "MAIL" => self.sender(wire, rest).await,
            "RCPT" => self.recipient(wire, rest).await,
            "DATA" => self.data(wire).await,
            _ => say(wire, 500, "5.5.2 Unknown command").await,
        }
    }

    async fn hello(&mut self, wire: &mut Wire) -> io::Result<Then> {
        self.greeted = true;
        self.envelope = None;
        let size = format!("SIZE {MAX_MESSAGE}");
        let mut lines = vec![NAME, &size, "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"];
        if self.shared.settings.login.is_some() {
            lines.push("AUTH PLAIN");
        }
        wire.reply(250, &lines).await.map(|()| Then::Continue)
    }

    fn must_log_in(&self) -> bool {
        self.shared.settings.login.is_some() && !self.logged_in
    }

    async fn log_in(&mut self, wire: &mut Wire, rest: &str) -> io::Result<Then> {
        let Some(given) = rest.strip_prefix("PLAIN ") else {
            return say(wire, 504, "5.5.4 Use AUTH PLAIN").await;
        };
        let is_refusal = |fault: &SmtpFault| matches!(fault, SmtpFault::RefuseLogin(_));
        if let Some(SmtpFault::RefuseLogin(code)) = self.shared.next_fault(is_refusal) {
            return say(wire, code, login_failed(code)).await;
        }
        let login = plain_login(given);
        self.logged_in = login.is_some() && login == self.shared.settings.login;
        match self.logged_in {
            true => say(wire, 235, "2.7.0 Authenticated").await,
            false => say(wire, 535, login_failed(535)).await,
        }
    }

    async fn sender(&mut self, wire: &mut Wire, rest: &str) -> io::Result<Then> {
        let is_refusal = |fault: &SmtpFault| matches!(fault, SmtpFault::RefuseSender(..));
        if let Some(SmtpFault::RefuseSender(code, text)) = self.shared.next_fault(is_refusal) {
            return say(wire, code, &text).await;
        }
        let Some((from, options)) = path(rest, "FROM:") else {
            return say(wire, 501, "5.5.4 MAIL FROM:<address>").await;
        };
        let has = |name: &str| options.iter().any(|option| option.eq_ignore_ascii_case(name));
        let utf8 = has("SMTPUTF8");
        let eight_bit = has("BODY=8BITMIME") || utf8;
        let size = options.iter().find_map(|option| option.strip_prefix("SIZE=")?.parse().ok());
        if size.is_some_and(|size: usize| size > MAX_MESSAGE) {
            return say(wire, 552, TOO_LONG).await;
        }
        if !from.is_ascii() && !utf8 {
            return say(wire, 553, "5.6.7 That address needs SMTPUTF8").await;
        }
        self.envelope = Some(Envelope { from, to: Vec::new(), eight_bit, utf8 });
        say(wire, 250, "2.1.0 Sender OK").await
    }

    async fn recipient(&mut self, wire: &mut Wire, rest: &str) -> io::Result<Then> {
        let shared = self.shared.clone();
        let is_slow = |fault: &SmtpFault| matches!(fault, SmtpFault::SlowRcpt(_));
        if let Some(SmtpFault::SlowRcpt(time)) = shared.next_fault(is_slow) {
            shared.clock.sleep(time).await;
        }
        let Some(envelope) = &mut self.envelope else {
            return say(wire, 503, "5.5.1 Send MAIL first").await;
        };
        let Some((to, _)) = path(rest, "TO:").filter(|(to, _)| !to.is_empty()) else {
            return say(wire, 501, "5.5.4 RCPT TO:<address>").await;
        };
        if let Some((code, text)) = shared.refusal_of(&to) {
            return say(wire, code, &text).await;
        }
        if !to.is_ascii() && !envelope.utf8 {
            return say(wire, 553, "5.6.7 That address needs SMTPUTF8").await;
        }
        envelope.to.push(to);
        say(wire, 250, "2.1.5 Recipient OK").await
    }

    async fn data(&mut self, wire: &mut Wire) -> io::Result<Then> {
        let Some(envelope) = self.envelope.take().filter(|envelope| !envelope.to.is_empty()) else {
            return say(wire, 503, "5.5.1 Send RCPT first").await;
        };
        wire.reply(354, &["End with a dot on a line by itself"]).await?;
        if self.shared.next_fault(|fault| *fault == SmtpFault::DropInData).is_some() {
            return wire.read_some().await.map(|()| Then::End);
        }
        let Some(text) = wire.text(MAX_MESSAGE).await? else {
            return Ok(Then::End);
        };
        match self.shared.next_fault(SmtpFault::is_after_data) {
            Some(fault) => self.fail_after_data(wire, envelope, text, fault).await,
            None => match validate(&envelope, text) {
                Ok(raw) => {
                    self.shared.save(envelope.from, envelope.to, raw);
                    say(wire, 250, "2.0.0 Message accepted").await
                }
                Err((code, reply)) => say(wire, code, reply).await,
            },
        }
    }

    async fn fail_after_data(
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
            self.shared.save(envelope.from, envelope.to, raw);
        }
        match fault {
            SmtpFault::RefuseMessage(code, reply) => say(wire, code, &reply).await,
            SmtpFault::HangAfterData { .. } => wire.wait_for_close().await.map(|()| Then::End),
            SmtpFault::Nonsense { .. } => wire.write(GARBAGE).await.map(|()| Then::End),
            _ => Ok(Then::End),
        }
    }
}

async fn say(wire: &mut Wire, code: u16, text: &str) -> io::Result<Then> {
    wire.reply(code, &[text]).await.map(|()| Then::Continue)
}

/// The message, or the reply if a strict server would reject it.
fn validate(envelope: &Envelope, text: Text) -> Result<Vec<u8>, (u16, &'static str)> {
    match text {
        Text::TooLong => Err((552, TOO_LONG)),
        Text::BadLine => Err((554, "5.6.0 A line is too long or ends in a bare CR or LF")),
        Text::Whole(raw) if !raw.is_ascii() && !envelope.eight_bit => {
            Err((554, "5.6.3 Bytes above 127 need BODY=8BITMIME"))
        }
        Text::Whole(raw) => Ok(raw),
    }
}

fn login_failed(code: u16) -> &'static str {
    if code < 500 { "4.7.0 Try again later" } else { "5.7.8 Wrong user name or password" }
}

/// The user name and password of `AUTH PLAIN` (RFC 4616).
fn plain_login(given: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(given).ok()?).ok()?;
    let mut parts = text.split('\0').skip(1).map(str::to_owned);
    parts.next().zip(parts.next())
}

/// The address in angle brackets, and the options after it.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(String, Vec<&'a str>)> {
    let given = rest.get(..keyword.len()).filter(|given| given.eq_ignore_ascii_case(keyword))?;
    let (address, options) = rest[given.len()..].strip_prefix('<')?.split_once('>')?;
    Some((address.to_owned(), options.split_ascii_whitespace().collect()))
}
