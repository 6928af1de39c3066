//! Books each call in the ledger, waits for its turn and makes it. If Spotify asks for a pause, the pause is
//! stored in the database.

use std::sync::Arc;
use std::time::Duration;

use super::{GatewayError, Operator};
use crate::clock::Clock;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::quota::{
    Bucket, Cause, ENDPOINT_PAUSE, PREMIUM_PAUSE, Purpose, QUOTA_PAUSE, RATE_LIMIT_PAUSE,
};
use crate::metrics::{CallOutcome, Metrics};
use crate::spotify;
use crate::store::api_calls::{self, Booking, Limits, Scope};
use crate::store::{Db, StoreError, Tx};

/// Keeps the interval between calls and their number per day.
pub struct RateLimiter {
    db: Db,
    clock: Arc<dyn Clock>,
    interval: Duration,
    artist_albums_per_day: u32,
    operator: Operator,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) bucket: Bucket,
    pub(super) purpose: Purpose,
    /// How many of the day's calls are reserved for others.
    pub(super) reserved: u32,
    pub(super) caller: Caller,
}

impl Call {
    /// A call other than for artists' albums.
    pub(super) fn of(bucket: Bucket, caller: Caller) -> Self {
        Self { bucket, purpose: Purpose::Other, reserved: 0, caller }
    }
}

/// Who waits for the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Background,
    Interactive,
}

impl Caller {
    /// Users do not wait longer, and anonymous requests must not fill the queue.
    fn max_wait(self) -> Duration {
        match self {
            Self::Background => Duration::from_secs(3600),
            Self::Interactive => Duration::from_secs(10),
        }
    }
}

impl RateLimiter {
    /// Keeps `interval` between two calls and allows `artist_albums_per_day` calls for artists' albums in
    /// any 24 hours.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        interval: Duration,
        artist_albums_per_day: u32,
        operator: Operator,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { db, clock, interval, artist_albums_per_day, operator, metrics }
    }

    pub(super) fn operator(&self) -> Operator {
        self.operator
    }

    /// Makes the call when its turn comes. With [`GatewayError::Paused`], [`GatewayError::QuotaExhausted`] and
    /// [`GatewayError::QueueFull`] no call was made.
    pub(super) async fn call<T, F>(&self, booked: Call, call: F) -> Result<T, GatewayError>
    where
        F: Future<Output = Result<T, spotify::Error>>,
    {
        self.wait_for_turn(booked).await?;
        let answer = call.await;
        self.metrics.record_call(booked.bucket, outcome(answer.as_ref().err()));
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.remember_pause(booked.bucket, &error).await?;
                Err(error.into())
            }
        }
    }

    async fn wait_for_turn(&self, call: Call) -> Result<(), GatewayError> {
        let bucket = call.bucket;
        let limits = Limits {
            per_day: (bucket == Bucket::ArtistAlbums).then_some(self.artist_albums_per_day),
            reserved: call.reserved,
            purpose: call.purpose,
            interval: self.interval,
            max_wait: call.caller.max_wait(),
        };
        let book = move |tx: &Tx<'_>| Ok((api_calls::book(tx, bucket, limits)?, tx.now()));
        let (booking, now) = self.db.write("book call", book).await?;
        let at = match booking {
            Booking::Booked(at) => at,
            Booking::Paused(pause) => return Err(GatewayError::Paused(pause)),
            Booking::Spent(free_at) => return Err(GatewayError::QuotaExhausted(free_at)),
            Booking::Crowded => return Err(GatewayError::QueueFull),
        };
        // Use the time of the booking: if the clock has stepped back since, this would wait too long.
        let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        if wait.is_zero() {
            return Ok(());
        }
        self.clock.sleep(wait).await;
        // Another call may have caused a pause in the meantime.
        match self.db.read("record pause", move |tx| api_calls::pause_of(tx, bucket)).await? {
            Some(pause) => Err(GatewayError::Paused(pause)),
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
            spotify::Error::EndpointRemoved => {
                (Scope::One(bucket), ENDPOINT_PAUSE, Cause::Endpoint)
            }
            _ => return Ok(()),
        };
        let (name, pause_s) = (bucket.as_str(), time.as_secs());
        let (operator, ceiling) = (self.operator, self.artist_albums_per_day);
        tracing::warn!(spotify.bucket = name, pause_s, %cause, "pausing Spotify requests");
        self.db
            .write("record pause", move |tx| {
                if let Some(alert) = alert_about(tx, bucket, ceiling, time, cause)? {
                    operator.enqueue_alert(tx, alert)?;
                }
                // Sign-ins are few, and the 403 may concern only this user: do not pause them.
                if cause == Cause::Endpoint && bucket == Bucket::Profile {
                    return Ok(());
                }
                api_calls::pause(tx, scope, time, cause)
            })
            .await
    }
}

fn outcome(error: Option<&spotify::Error>) -> CallOutcome {
    match error {
        // "No such artist" is a valid response.
        None | Some(spotify::Error::NotFound) => CallOutcome::Ok,
        Some(spotify::Error::RateLimited { .. }) => CallOutcome::RateLimited,
        Some(spotify::Error::QuotaExceeded { .. }) => CallOutcome::QuotaExhausted,
        Some(spotify::Error::Temporary(_) | spotify::Error::Malformed(_)) => CallOutcome::Failed,
        Some(_) => CallOutcome::Rejected,
    }
}

/// The alert about a pause that is not recorded yet.
fn alert_about(
    tx: &Tx<'_>,
    bucket: Bucket,
    ceiling: u32,
    time: Duration,
    cause: Cause,
) -> Result<Option<OperatorAlert>, StoreError> {
    Ok(match cause {
        Cause::Premium => Some(OperatorAlert::PremiumLapsed),
        Cause::Endpoint => Some(OperatorAlert::EndpointForbidden(bucket)),
        Cause::Quota if bucket == Bucket::ArtistAlbums => {
            let is_second = api_calls::learn(tx, bucket, ceiling, time)?;
            (time > QUOTA_PAUSE || is_second).then_some(OperatorAlert::QuotaExhausted(bucket))
        }
        // Other calls are few and not limited by us: a pause is enough.
        Cause::Quota | Cause::RateLimit | Cause::Outage => None,
    })
}
