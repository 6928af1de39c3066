//! Why Spotify could not be asked, or did not answer.

use jiff::Timestamp;

use crate::domain::quota::Pause;
use crate::domain::user::UserId;
use crate::spotify;
use crate::store::StoreError;

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Nothing is asked until a pause is over.
    #[error("requests to Spotify are paused until {}: {}", .0.until, .0.cause)]
    Paused(Pause),
    /// The calls that we allow ourselves in a day are spent.
    #[error("the day's calls are used up; the next is free at {0} (spotify.artist_albums_per_day)")]
    QuotaExhausted(Timestamp),
    /// The same, where a check had its first page already.
    #[error(
        "the day's calls ran out during a check; the next is free at {0} \
         (spotify.artist_albums_per_day)"
    )]
    QuotaExhaustedMidCheck(Timestamp),
    /// Too many calls wait for their turn.
    #[error("too many people are signing in at once; try again in a minute")]
    QueueFull,
    /// Nobody is connected whose token could be used.
    #[error(
        "nobody is connected to Spotify, so nothing can be checked; someone has to sign in"
    )]
    NobodyConnected,
    /// This user's token is of no use.
    #[error("user {}: {why}", user.0)]
    User {
        /// Whose token it was.
        user: UserId,
        /// Why it was of no use.
        why: spotify::Error,
    },
    /// The call was made and failed.
    #[error(transparent)]
    Spotify(#[from] spotify::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl GatewayError {
    /// Whether Spotify does not accept the app itself, whoever it asks for.
    pub fn is_app_fault(&self) -> bool {
        matches!(self, Self::Spotify(spotify::Error::InvalidClient))
    }

    /// Whether no other call of the same kind would fare better at present.
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
