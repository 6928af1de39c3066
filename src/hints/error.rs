//! What can go wrong with a source, told apart as far as a caller acts differently.

use std::time::Duration;

/// Why a source gave nothing. The texts are for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It asks to be left alone: 429, 503, or a quota.
    #[error("it asks Dropday to slow down")]
    Busy {
        /// For how long, where it says so.
        retry_after: Option<Duration>,
    },
    /// There is nothing under this address.
    #[error("it knows nothing under this address")]
    NotFound,
    /// Time-outs, connection trouble, other 5xx, answers that broke off.
    #[error("it cannot be reached just now: {0}")]
    Unreachable(String),
    /// An answer that makes no sense.
    #[error(
        "its answer makes no sense: {0}. If this stays, look for a newer version of Dropday, or \
         switch this source off in [hints]"
    )]
    Unreadable(String),
}

impl Error {
    /// How long the source asked us to wait, where it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// Whether it may be about what was asked, and not about the source.
    pub fn is_about_the_question(&self) -> bool {
        matches!(self, Self::NotFound | Self::Unreadable(_))
    }
}
