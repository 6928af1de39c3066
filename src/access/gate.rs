//! The gate: a call is booked in the ledger, waits for its turn, goes out, and if Spotify asks for
//! a pause the database remembers it.

use std::sync::Arc;
use std::time::Duration;

use super::AccessError;
use crate::clock::Clock;
use crate::domain::quota::{Bucket, PREMIUM_PAUSE, QUOTA_PAUSE, RATE_LIMIT_PAUSE};
use crate::spotify;
use crate::store::ledger::{self, Booking, Limits, Scope};
use crate::store::{Db, StoreError};

/// Lets calls out at their distance and within the day's number.
pub struct Gate {
    db: Db,
    clock: Arc<dyn Clock>,
    interval: Duration,
    artist_albums_per_day: u32,
}

impl Gate {
    /// A gate that keeps `interval` between two calls, and lets `artist_albums_per_day` calls for
    /// artists' albums out in any rolling 24 hours.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        interval: Duration,
        artist_albums_per_day: u32,
    ) -> Self {
        Self { db, clock, interval, artist_albums_per_day }
    }

    /// Makes `call` when its turn has come.
    ///
    /// # Errors
    /// [`AccessError::Paused`] and [`AccessError::Spent`] without a call; else what the call said.
    pub async fn call<T, F>(&self, bucket: Bucket, call: F) -> Result<T, AccessError>
    where
        F: Future<Output = Result<T, spotify::Error>>,
    {
        let limits = Limits {
            per_day: (bucket == Bucket::ArtistAlbums).then_some(self.artist_albums_per_day),
            interval: self.interval,
        };
        let booking =
            self.db.write("book a call", move |tx| ledger::book(tx, bucket, limits)).await?;
        let at = match booking {
            Booking::Booked(at) => at,
            Booking::Paused(pause) => return Err(AccessError::Paused(pause)),
            Booking::Spent(free_at) => return Err(AccessError::Spent(free_at)),
        };
        let wait = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        match call.await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.remember_pause(bucket, &error).await?;
                Err(error.into())
            }
        }
    }

    async fn remember_pause(
        &self,
        bucket: Bucket,
        error: &spotify::Error,
    ) -> Result<(), StoreError> {
        let (scope, time, reason) = match error {
            spotify::Error::RateLimited { retry_after } => (
                Scope::All,
                retry_after.unwrap_or(RATE_LIMIT_PAUSE),
                "Spotify's rate limit was reached",
            ),
            spotify::Error::QuotaExceeded { retry_after } => (
                Scope::One(bucket),
                retry_after.unwrap_or(QUOTA_PAUSE),
                "Spotify's daily quota for such calls is spent",
            ),
            spotify::Error::OwnerNeedsPremium => {
                (Scope::All, PREMIUM_PAUSE, "Spotify says that the app's owner has no Premium")
            }
            _ => return Ok(()),
        };
        tracing::warn!(
            spotify.bucket = bucket.as_str(),
            pause_s = time.as_secs(),
            reason,
            "Spotify asked for a pause"
        );
        self.db.write("pause", move |tx| ledger::pause(tx, scope, time, reason)).await
    }
}
