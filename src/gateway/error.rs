//! Why a call to Spotify was not made or failed.

use jiff::Timestamp;

use crate::domain::quota::Pause;
use crate::domain::user::UserId;
use crate::spotify;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("requests to Spotify are paused until {}: {}", .0.until, .0.cause)]
    Paused(Pause),
    /// The calls allowed in 24 hours are used up.
    #[error("the day's calls are used up; the next is free at {0} (spotify.artist_albums_per_day)")]
    QuotaExhausted(Timestamp),
    /// The same after the first page of a check.
    #[error(
        "the day's calls ran out between two pages; the next is free at {0} (spotify.artist_albums_per_day)"
    )]
    QuotaExhaustedMidCheck(Timestamp),
    /// Too many calls are queued.
    #[error("too many users are signing in at the same time; try again in a minute")]
    QueueFull,
    #[error("nobody is connected to Spotify; someone must sign in")]
    NobodyConnected,
    /// This user's token does not work.
    #[error("user {}: {why}", user.0)]
    User { user: UserId, why: spotify::Error },
    #[error(transparent)]
    Spotify(#[from] spotify::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl GatewayError {
    /// Whether Spotify rejects the app itself, for every user.
    pub fn is_app_fault(&self) -> bool {
        matches!(self, Self::Spotify(spotify::Error::InvalidClient))
    }

    /// Whether any other call of the same kind would fail too.
    pub fn affects_all_requests(&self) -> bool {
        use spotify::Error as E;
        match self {
            Self::Paused(_) | Self::QuotaExhausted(_) | Self::QuotaExhaustedMidCheck(_) => true,
            Self::QueueFull | Self::NobodyConnected | Self::Store(_) => true,
            Self::Spotify(error) => matches!(
                error,
                E::RateLimited { .. }
                    | E::QuotaExceeded { .. }
                    | E::OwnerNeedsPremium
                    | E::EndpointRemoved
                    | E::InvalidClient
            ),
            Self::User { .. } => false,
        }
    }
}
