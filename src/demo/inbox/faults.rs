//! Scripted faults of the mail server.

use std::time::Duration;

/// A fault that happens once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmtpFault {
    /// The server accepts the connection and never sends a byte.
    HangAtGreeting,
    /// An error reply instead of the greeting.
    RefuseConnection(u16, String),
    /// Authentication fails with this code.
    RefuseLogin(u16),
    RefuseSender(u16, String),
    /// `RCPT TO` is answered after this time by the inbox's clock.
    SlowRcpt(Duration),
    /// The server disconnects during `DATA`.
    DropInData,
    /// The message is rejected after its last byte.
    RefuseMessage(u16, String),
    /// The server disconnects after the last byte, without a reply.
    DropAfterData {
        /// Whether the message is accepted all the same.
        keep: bool,
    },
    /// The server never replies after the last byte.
    HangAfterData {
        /// Whether the message is accepted all the same.
        keep: bool,
    },
    /// Garbage instead of the reply after the last byte.
    Nonsense {
        /// Whether the message is accepted all the same.
        keep: bool,
    },
}

impl SmtpFault {
    pub(super) fn is_after_data(&self) -> bool {
        matches!(
            self,
            Self::RefuseMessage(..)
                | Self::DropAfterData { .. }
                | Self::HangAfterData { .. }
                | Self::Nonsense { .. }
        )
    }
}
