//! What can go wrong with settings and with an email.

use std::path::PathBuf;

use crate::email::dkim::DkimFault;
use crate::email::url::UrlFault;

/// Settings that no email can be sent with, in words for the user who wrote them.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The URL.
    #[error("`mail.smtp_url` cannot be used: {0}")]
    Url(UrlFault),
    /// The sender.
    #[error("`mail.from` is no mailbox: it should read like Dropday <dropday@example.com>")]
    From,
    /// No time to send anything in.
    #[error("`mail.timeout` must be longer than nothing")]
    Timeout,
    /// The number of connections.
    #[error("`mail.connections` must lie between 1 and 20")]
    Connections,
    /// What emails are signed with.
    #[error(transparent)]
    Dkim(#[from] DkimFault),
    /// The additional certificate authority.
    #[error("`mail.ca_file` cannot be used: {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine's own certificates, or TLS itself.
    #[error(
        "TLS cannot be set up for `mail.smtp_url` ({0}): are the system's CA certificates \
         installed (package ca-certificates)?"
    )]
    Tls(String),
}

/// An email that did not leave, or may not have left. The reasons are one line each, without the
/// recipient's address and without the log-in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server will not take this email for this user now. It was certainly not accepted.
    #[error("put off by the mail server: {0}")]
    Deferred(String),
    /// The server will never take this email for this user. It was certainly not accepted.
    #[error("refused by the mail server: {0}")]
    Refused(String),
    /// The server will never take any email for this user: the mailbox is at fault, not the
    /// email. It was certainly not accepted.
    #[error("the mail server refuses this mailbox: {0}")]
    Bounced(String),
    /// The server does not let us send, and will not until somebody mends the log-in or the sender.
    /// This email was certainly not accepted.
    #[error("the mail server refuses us: {0}")]
    Unwelcome(String),
    /// No email can be sent to anybody now. This one was certainly not accepted.
    #[error("the mail server cannot be used: {0}")]
    Unavailable(String),
    /// The email began to leave, and nobody knows whether it was accepted.
    #[error("the mail server did not say whether it took the letter: {0}")]
    Unknown(String),
}

impl SendError {
    /// The same case, with its reason put through `change`.
    pub(super) fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Deferred(reason) => Self::Deferred(change(reason)),
            Self::Refused(reason) => Self::Refused(change(reason)),
            Self::Bounced(reason) => Self::Bounced(change(reason)),
            Self::Unwelcome(reason) => Self::Unwelcome(change(reason)),
            Self::Unavailable(reason) => Self::Unavailable(change(reason)),
            Self::Unknown(reason) => Self::Unknown(change(reason)),
        }
    }
}
