//! What can go wrong on order between a mail server and whoever brings an email.

use std::time::Duration;

/// One thing that goes wrong, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmtpFault {
    /// The connection is accepted, and then nothing is ever said.
    HangAtGreeting,
    /// Garbage in place of the greeting.
    NonsenseAtGreeting,
    /// The greeting is a refusal.
    RefuseConnection(u16, String),
    /// The login is refused with that code.
    RefuseLogin(u16),
    /// `MAIL FROM` is refused.
    RefuseSender(u16, String),
    /// `RCPT TO` is answered after that time of the inbox's clock.
    SlowRcpt(Duration),
    /// The connection dies while the email is being sent.
    DropInData,
    /// The email is refused after its last byte.
    RefuseMessage(u16, String),
    /// The connection dies after the last byte of the email, without a reply.
    DropAfterData {
        /// Whether the email arrived nevertheless.
        keep: bool,
    },
    /// After the last byte of the email nothing is ever said.
    HangAfterData {
        /// Whether the email arrived nevertheless.
        keep: bool,
    },
    /// Garbage in place of the reply after the last byte of the email.
    Nonsense {
        /// Whether the email arrived nevertheless.
        keep: bool,
    },
}

/// Where in a conversation a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    Login,
    Sender,
    Recipient,
    InData,
    AfterData,
}

impl SmtpFault {
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::HangAtGreeting | Self::NonsenseAtGreeting | Self::RefuseConnection(..) => {
                Stage::Greeting
            }
            Self::RefuseLogin(_) => Stage::Login,
            Self::RefuseSender(..) => Stage::Sender,
            Self::SlowRcpt(_) => Stage::Recipient,
            Self::DropInData => Stage::InData,
            Self::RefuseMessage(..)
            | Self::DropAfterData { .. }
            | Self::HangAfterData { .. }
            | Self::Nonsense { .. } => Stage::AfterData,
        }
    }
}
