//! Errors in the settings and while sending.

use std::path::PathBuf;

use crate::email::dkim::DkimFault;
use crate::email::url::UrlFault;

/// Invalid settings, described for the person who wrote them.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("`mail.smtp_url` cannot be used: {0}")]
    Url(UrlFault),
    #[error("`mail.from` is no mailbox: it should read like Dropday <dropday@example.com>")]
    From,
    #[error("`mail.timeout` must be longer than nothing")]
    Timeout,
    #[error("`mail.connections` must lie between 1 and 20")]
    Connections,
    #[error(transparent)]
    Dkim(#[from] DkimFault),
    #[error("`mail.ca_file` cannot be used: {}: {reason}", path.display())]
    CaFile { path: PathBuf, reason: String },
    /// The system's certificates cannot be loaded, or TLS cannot be set up.
    #[error(
        "TLS cannot be set up for `mail.smtp_url` ({0}): are the system's CA certificates \
         installed (package ca-certificates)?"
    )]
    Tls(String),
}

/// An email that was not sent, or may not have been. Reasons are one line each, without the recipient's address
/// and without the login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The server does not accept this email for this user now. It was certainly not accepted.
    #[error("put off by the mail server: {0}")]
    Temporary(String),
    /// The server will never accept this email for this user. It was certainly not accepted.
    #[error("refused by the mail server: {0}")]
    Permanent(String),
    /// The server will never accept any email for this user, because of the mailbox. It was certainly not
    /// accepted.
    #[error("the mail server refuses this mailbox: {0}")]
    Bounced(String),
    /// The server does not let us send until someone corrects the login or the sender address. The email was
    /// certainly not accepted.
    #[error("the mail server refuses us: {0}")]
    SenderRejected(String),
    /// No email can be sent to anyone now. This one was certainly not accepted.
    #[error("the mail server cannot be used: {0}")]
    Unavailable(String),
    /// Sending the text had begun, and the outcome is unknown.
    #[error("the mail server did not say whether it took the letter: {0}")]
    OutcomeUnknown(String),
}

impl SendError {
    /// Applies `change` to the reason.
    pub(super) fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Temporary(reason) => Self::Temporary(change(reason)),
            Self::Permanent(reason) => Self::Permanent(change(reason)),
            Self::Bounced(reason) => Self::Bounced(change(reason)),
            Self::SenderRejected(reason) => Self::SenderRejected(change(reason)),
            Self::Unavailable(reason) => Self::Unavailable(change(reason)),
            Self::OutcomeUnknown(reason) => Self::OutcomeUnknown(change(reason)),
        }
    }
}
