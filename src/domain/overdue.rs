//! Why an artist has not been checked for longer than promised.

use std::fmt;

use jiff::Timestamp;

use super::quota::Pause;

/// Why the next check of an artist is late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyOverdue {
    /// The last check failed with this message.
    CheckFailed(String),
    /// Requests for artists' releases are paused.
    Paused(Pause),
    /// Spotify failed several times in a row, so checks are paused until this time.
    Outage(Timestamp),
    /// No user is connected, so there is no token to check with.
    NobodyConnected,
    /// The day's calls are used up.
    QuotaExhausted {
        /// Artists that share the day's calls.
        tracked: u64,
        /// Calls per rolling day.
        calls: u32,
    },
    /// Other artists are checked first.
    Queued {
        /// Artists that share the day's calls.
        tracked: u64,
        /// Calls per rolling day.
        calls: u32,
    },
}

impl WhyOverdue {
    /// Whether no artist at all is checked for this reason, whatever quota is left.
    pub fn stops_all_checks(&self) -> bool {
        matches!(self, Self::Paused(_) | Self::Outage(_) | Self::NobodyConnected)
    }
}

impl fmt::Display for WhyOverdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheckFailed(why) => write!(f, "the last check failed: {why}"),
            Self::Paused(pause) => {
                write!(f, "checks are paused until {}: {}", pause.until, pause.cause)
            }
            Self::Outage(until) => {
                write!(f, "Spotify failed several times in a row; the next try is at {until}")
            }
            Self::NobodyConnected => f.write_str(
                "nobody is connected to Spotify, so nothing can be checked; someone has to sign in",
            ),
            Self::QuotaExhausted { tracked, calls } => {
                write!(
                    f,
                    "the day's calls are used up: {tracked} artists share {calls} calls a \
                           day"
                )
            }
            Self::Queued { tracked, calls } => {
                write!(f, "it is still in the queue: {tracked} artists share {calls} calls a day")
            }
        }
    }
}
