//! The gate: a call is booked in the ledger, waits for its turn, goes out, and if Spotify asks for
//! a pause the database remembers it.

use std::sync::Arc;
use std::time::Duration;

use super::AccessError;
use crate::clock::Clock;
use crate::domain::quota::{Bucket, Cause, PREMIUM_PAUSE, Purpose, QUOTA_PAUSE, RATE_LIMIT_PAUSE};
use crate::spotify;
use crate::store::ledger::{self, Booking, Limits, Scope};
use crate::store::{Db, StoreError, allowance};

/// Lets calls out at their distance and within the day's number.
pub struct Gate {
    db: Db,
    clock: Arc<dyn Clock>,
    interval: Duration,
    artist_albums_per_day: u32,
}

/// Which call it is that wants to go out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) bucket: Bucket,
    /// Why it is made.
    pub(super) purpose: Purpose,
    /// So many of the day's calls are not for it.
    pub(super) kept_back: u32,
    /// Who waits for the answer.
    pub(super) waiting: Waiting,
}

impl Call {
    /// A call that is not about artists' albums.
    pub(super) fn of(bucket: Bucket, waiting: Waiting) -> Self {
        Self { bucket, purpose: Purpose::Other, kept_back: 0, waiting }
    }
}

/// Who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// A worker, who has time.
    Worker,
    /// A person in front of a page, who has not.
    Person,
}

impl Waiting {
    /// A person turns away before this; and what anybody can set off must not fill the queue.
    fn patience(self) -> Duration {
        match self {
            Self::Worker => Duration::from_secs(3600),
            Self::Person => Duration::from_secs(10),
        }
    }
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

    /// Makes the call that `booked` describes when its turn has come.
    ///
    /// # Errors
    /// [`AccessError::Paused`], [`AccessError::Spent`] and [`AccessError::Crowded`] without a call;
    /// else what the call said.
    pub(super) async fn call<T, F>(&self, booked: Call, call: F) -> Result<T, AccessError>
    where
        F: Future<Output = Result<T, spotify::Error>>,
    {
        self.wait_for_turn(booked).await?;
        match call.await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.remember_pause(booked.bucket, &error).await?;
                Err(error.into())
            }
        }
    }

    async fn wait_for_turn(&self, call: Call) -> Result<(), AccessError> {
        let bucket = call.bucket;
        let limits = Limits {
            per_day: (bucket == Bucket::ArtistAlbums).then_some(self.artist_albums_per_day),
            kept_back: call.kept_back,
            purpose: call.purpose,
            interval: self.interval,
            patience: call.waiting.patience(),
        };
        let booking =
            self.db.write("book a call", move |tx| ledger::book(tx, bucket, limits)).await?;
        let at = match booking {
            Booking::Booked(at) => at,
            Booking::Paused(pause) => return Err(AccessError::Paused(pause)),
            Booking::Spent(free_at) => return Err(AccessError::Spent(free_at)),
            Booking::Crowded => return Err(AccessError::Crowded),
        };
        let wait = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
        if wait.is_zero() {
            return Ok(());
        }
        self.clock.sleep(wait).await;
        // Spotify may have asked for a pause meanwhile, through somebody else's call.
        match self.db.read("pause", move |tx| ledger::pause_of(tx, bucket)).await? {
            Some(pause) => Err(AccessError::Paused(pause)),
            None => Ok(()),
        }
    }

    async fn remember_pause(
        &self,
        bucket: Bucket,
        error: &spotify::Error,
    ) -> Result<(), StoreError> {
        let (scope, time, cause) = match error {
            spotify::Error::RateLimited { retry_after } => {
                (Scope::All, retry_after.unwrap_or(RATE_LIMIT_PAUSE), Cause::RateLimit)
            }
            spotify::Error::QuotaExceeded { retry_after } => {
                (Scope::One(bucket), retry_after.unwrap_or(QUOTA_PAUSE), Cause::Quota)
            }
            spotify::Error::OwnerNeedsPremium => (Scope::All, PREMIUM_PAUSE, Cause::Premium),
            _ => return Ok(()),
        };
        let pause_s = time.as_secs();
        tracing::warn!(spotify.bucket = bucket.as_str(), pause_s, %cause, "Spotify is left alone for a while");
        self.db
            .write("pause", move |tx| {
                if cause == Cause::Quota {
                    allowance::learn(tx, bucket)?;
                }
                ledger::pause(tx, scope, time, cause)
            })
            .await
    }
}
