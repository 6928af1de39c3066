//! Classifies a mail server's reply: what it concerns, and whether it is final.

use std::error::Error as _;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use super::enhanced_status::Status;
use super::error::SendError;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server rejected it.
    Answer(Answer),
    /// Anything else: the connection cannot be used any more.
    Disconnected(String),
}

/// A 4xx or 5xx reply.
#[derive(Debug)]
pub(super) struct Answer {
    code: u16,
    status: Option<Status>,
    /// Includes the code.
    text: String,
}

impl Fault {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Answer(Answer { text, .. }) | Self::Disconnected(text) => text,
        }
    }

    fn is_final(&self) -> bool {
        matches!(self, Self::Answer(answer) if answer.code >= 500)
    }
}

/// Succeeds on one of `codes`; lettre itself accepts any 2xx and 3xx.
pub(super) fn expect_code(
    reply: Result<Response, Error>,
    codes: &[u16],
) -> Result<Response, Fault> {
    match reply {
        Ok(response) if codes.iter().any(|code| response.has_code(*code)) => Ok(response),
        Ok(response) => {
            let (got, due) = (response.code(), codes[0]);
            Err(Fault::Disconnected(format!("it answered {got} where {due} was due")))
        }
        Err(error) => Err(fault(&error)),
    }
}

fn fault(error: &Error) -> Fault {
    let text = error.to_string();
    match error.status() {
        None => Fault::Disconnected(text),
        Some(code) => {
            let code = code.into();
            let said = error.source().map(ToString::to_string).unwrap_or_default();
            Fault::Answer(Answer { code, status: Status::of_reply(code, &said), text })
        }
    }
}

/// A reply to the login, not redacted yet. A 5xx remains until someone corrects the password.
pub(super) fn to_log_in(fault: &Fault) -> fn(String) -> SendError {
    if fault.is_final() { SendError::SenderRejected } else { SendError::Unavailable }
}

/// A reply to MAIL FROM. 500–504 mean that the command was not understood or not expected, which says nothing
/// about us.
pub(super) fn to_sender(fault: Fault) -> SendError {
    let says_so = matches!(&fault, Fault::Answer(answer) if answer.is_sender_rejected());
    let is_sender_rejected = says_so || fault.is_final() && !fault_of_the_conversation(&fault);
    let text = format!("it did not take the sender: {}", fault.into_text());
    if is_sender_rejected { SendError::SenderRejected(text) } else { SendError::Unavailable(text) }
}

/// A reply to RCPT TO, before the text is sent.
pub(super) fn to_recipient(fault: Fault) -> SendError {
    match fault {
        Fault::Disconnected(text) => SendError::Unavailable(text),
        Fault::Answer(answer) if answer.code == 421 => SendError::Unavailable(answer.text),
        Fault::Answer(answer) => {
            let is_mailbox = answer.is_about_the_mailbox() || answer.is_a_bare_no_to_a_mailbox();
            to_email(answer, is_mailbox)
        }
    }
}

/// A reply to `DATA`: the recipient was accepted.
pub(super) fn to_data(fault: Fault) -> SendError {
    match fault {
        Fault::Disconnected(text) => SendError::Unavailable(text),
        Fault::Answer(answer) if answer.code == 421 => SendError::Unavailable(answer.text),
        Fault::Answer(answer) => {
            let is_mailbox = answer.is_about_the_mailbox();
            to_email(answer, is_mailbox)
        }
    }
}

/// A reply to the text. The server has rejected it, so it was certainly not accepted.
pub(super) fn to_text(fault: Fault) -> SendError {
    match fault {
        Fault::Disconnected(text) => SendError::OutcomeUnknown(text),
        Fault::Answer(answer) if answer.code == 421 => SendError::Temporary(answer.text),
        Fault::Answer(answer) => {
            let is_mailbox = answer.is_about_the_mailbox();
            to_email(answer, is_mailbox)
        }
    }
}

fn to_email(answer: Answer, is_mailbox: bool) -> SendError {
    if answer.is_sender_rejected() {
        return SendError::SenderRejected(answer.text);
    }
    if answer.seems_to_concern_everybody() {
        return SendError::Unavailable(answer.text);
    }
    match answer.code {
        400..500 => SendError::Temporary(answer.text),
        _ if is_mailbox => SendError::Bounced(answer.text),
        _ => SendError::Permanent(answer.text),
    }
}

fn fault_of_the_conversation(fault: &Fault) -> bool {
    matches!(fault, Fault::Answer(Answer { code: 500..=504, .. }))
}

impl Answer {
    fn is_about_the_mailbox(&self) -> bool {
        self.status.is_some_and(Status::is_about_the_mailbox)
    }

    /// Without an enhanced status code, RFC 5321 §4.2.3 applies: 550 is "mailbox unavailable", 551 "user not
    /// local", 553 "mailbox name not allowed".
    fn is_a_bare_no_to_a_mailbox(&self) -> bool {
        self.status.is_none() && matches!(self.code, 550 | 551 | 553)
    }

    /// The server requires a login (530, 534, 535, 538: RFC 4954 §6), or the enhanced status code says so.
    /// Servers may say it as late as after RCPT TO (Postfix' `smtpd_delay_reject`, whose text for "not owned by
    /// user" comes with 5.7.1).
    fn is_sender_rejected(&self) -> bool {
        matches!(self.code, 530 | 534 | 535 | 538)
            || self.code >= 500
                && (self.status.is_some_and(Status::is_sender_rejected)
                    || self.words().contains("sender address rejected"))
    }

    /// The text without what is in angle brackets: an address may contain any word.
    fn words(&self) -> String {
        let mut words = String::new();
        let mut depth = 0_u32;
        for c in self.text.chars() {
            match c {
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                _ if depth == 0 => words.push(c.to_ascii_lowercase()),
                _ => {}
            }
        }
        words
    }

    /// A rejection that the next recipient would most likely get as well: the command is unknown (500,
    /// 502–504), or the text objects to us while the status is absent or one of policy (X.7.z). Texts can
    /// mislead, so nothing is concluded from one such reply. The wording is that of Postfix, Exim ("Sender
    /// verify failed"), Amazon SES ("Email address is not verified") and SendGrid ("does not match a verified
    /// Sender Identity").
    fn seems_to_concern_everybody(&self) -> bool {
        const WORDS: [&str; 14] = [
            "relay access",
            "relaying",
            "to relay",
            "relay not",
            "sender address",
            "sender verif",
            "sender identity",
            "from address",
            "not verified",
            "client host",
            "blocked using",
            "dmarc",
            "dkim",
            "spf ",
        ];
        let may_be = self.status.is_none_or(|status| status.subject == 7 || status.subject == 0);
        matches!(self.code, 500 | 502..=504)
            || self.status.is_some_and(Status::is_sender_rejected)
            || may_be && WORDS.iter().any(|words| self.words().contains(words))
    }
}
