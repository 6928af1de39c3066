//! The rate limiter: a call is booked in the ledger, waits for its turn, goes out, and if Spotify asks for
//! a pause the database remembers it.

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
use crate::store::{Db, StoreError, Tx, allowance};

/// Lets calls out at their distance and within the day's number.
pub struct RateLimiter {
    db: Db,
    clock: Arc<dyn Clock>,
    interval: Duration,
    artist_albums_per_day: u32,
    operator: Operator,
    metrics: Arc<Metrics>,
}

/// Which call it is that wants to go out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) bucket: Bucket,
    /// Why it is made.
    pub(super) purpose: Purpose,
    /// So many of the day's calls are not for it.
    pub(super) reserved: u32,
    /// Who waits for the answer.
    pub(super) caller: Caller,
}

impl Call {
    /// A call that is not about artists' albums.
    pub(super) fn of(bucket: Bucket, caller: Caller) -> Self {
        Self { bucket, purpose: Purpose::Other, reserved: 0, caller }
    }
}

/// Who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A worker, who has time.
    Background,
    /// A user in front of a page, who has not.
    Interactive,
}

impl Caller {
    /// A user turns away before this; and what anybody can set off must not fill the queue.
    fn max_wait(self) -> Duration {
        match self {
            Self::Background => Duration::from_secs(3600),
            Self::Interactive => Duration::from_secs(10),
        }
    }
}

impl RateLimiter {
    /// A rate limiter that keeps `interval` between two calls, and lets `artist_albums_per_day` calls for
    /// artists' albums out in any rolling 24 hours. What only `operator` can mend, they are told.
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

    /// Who is told what only they can mend.
    pub(super) fn operator(&self) -> Operator {
        self.operator
    }

    /// Makes the call that `booked` describes when its turn has come.
    ///
    /// # Errors
    /// [`GatewayError::Paused`], [`GatewayError::QuotaExhausted`] and [`GatewayError::QueueFull`] without a call;
    /// else what the call said.
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
        let (booking, now) = self.db.write("book a call", book).await?;
        let at = match booking {
            Booking::Booked(at) => at,
            Booking::Paused(pause) => return Err(GatewayError::Paused(pause)),
            Booking::Spent(free_at) => return Err(GatewayError::QuotaExhausted(free_at)),
            Booking::Crowded => return Err(GatewayError::QueueFull),
        };
        // By the clock as it stood then: one that stepped back since would make this wait for as long.
        let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        if wait.is_zero() {
            return Ok(());
        }
        self.clock.sleep(wait).await;
        // Spotify may have asked for a pause meanwhile, through somebody else's call.
        match self.db.read("pause", move |tx| api_calls::pause_of(tx, bucket)).await? {
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
        tracing::warn!(spotify.bucket = name, pause_s, %cause, "Spotify is left alone for a while");
        self.db
            .write("pause", move |tx| {
                if let Some(alert) = alert_for(tx, bucket, ceiling, time, cause)? {
                    operator.enqueue_alert(tx, alert)?;
                }
                // Users at the door may knock: they are few, and the odd answer may be theirs alone.
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
        // That there is no such artist is an answer.
        None | Some(spotify::Error::NotFound) => CallOutcome::Ok,
        Some(spotify::Error::RateLimited { .. }) => CallOutcome::RateLimited,
        Some(spotify::Error::QuotaExceeded { .. }) => CallOutcome::QuotaSpent,
        Some(spotify::Error::Temporary(_) | spotify::Error::Malformed(_)) => CallOutcome::Failed,
        Some(
            spotify::Error::Unauthorized
            | spotify::Error::InvalidGrant(_)
            | spotify::Error::InvalidClient
            | spotify::Error::NotOnAllowList
            | spotify::Error::MissingScope
            | spotify::Error::OwnerNeedsPremium
            | spotify::Error::EndpointRemoved,
        ) => CallOutcome::Refused,
    }
}

/// What the operator is to be told of a pause, before it is recorded.
fn alert_for(
    tx: &Tx<'_>,
    bucket: Bucket,
    ceiling: u32,
    time: Duration,
    cause: Cause,
) -> Result<Option<OperatorAlert>, StoreError> {
    Ok(match cause {
        Cause::Premium => Some(OperatorAlert::NoPremium),
        Cause::Endpoint => Some(OperatorAlert::EndpointRemoved(bucket)),
        Cause::Quota if bucket == Bucket::ArtistAlbums => {
            let is_second = allowance::learn(tx, bucket, ceiling, time)?;
            (time > QUOTA_PAUSE || is_second).then_some(OperatorAlert::QuotaSpent)
        }
        // Other calls are few and have no number of ours: their pause is enough.
        Cause::Quota | Cause::RateLimit | Cause::Outage => None,
    })
}
