//! Errors of a source, as far as callers handle them differently.

use std::time::Duration;

/// Why a source gave no hints. The texts are for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many calls: 429, 503, or a quota.
    #[error("it asked Dropday to slow down")]
    Busy {
        /// How long to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// 404.
    #[error("it has no entry for this artist")]
    NotFound,
    /// Timeouts, connection errors, other 5xx, incomplete answers.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// An answer in an unknown format.
    #[error(
        "its response could not be understood: {0}. If this persists, update Dropday or disable \
         this \
         source in [hints]"
    )]
    Unreadable(String),
}

impl Error {
    /// How long the source asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// Whether the error may concern only the artist that was asked about.
    pub fn may_concern_one_artist(&self) -> bool {
        matches!(self, Self::NotFound | Self::Unreadable(_))
    }
}
