//! Calls to Spotify by day.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rusqlite::params;

use crate::domain::day_of;
use crate::domain::quota::Bucket;
use crate::store::columns::Ms;
use crate::store::{Result, Tx};

/// So many days are told, today among them. The ledger keeps two more (`store/tidy.rs`).
pub const DAYS: usize = 14;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The calls of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Which.
    pub bucket: Bucket,
    /// Days in UTC and the calls of each, the oldest first.
    pub days: Vec<(Date, u64)>,
}

impl History {
    /// The calls of the fullest day.
    pub fn most(&self) -> u64 {
        self.days.iter().map(|(_, calls)| *calls).max().unwrap_or(0)
    }

    /// The calls of the day that is not over.
    pub fn today(&self) -> u64 {
        self.days.last().map_or(0, |(_, calls)| *calls)
    }
}

/// The calls of the last days, by bucket. What waits for its turn counts for today.
///
/// # Errors
/// [`crate::store::StoreError`]
pub(super) fn by_day(tx: &Tx<'_>) -> Result<Vec<History>> {
    Bucket::ALL.into_iter().map(|bucket| history(tx, bucket)).collect()
}

fn history(tx: &Tx<'_>, bucket: Bucket) -> Result<History> {
    let today = day_of(tx.now());
    let first = today.saturating_sub((DAYS as i64 - 1).days());
    let mut days: Vec<_> = first.series(1.day()).take(DAYS).map(|day| (day, 0)).collect();
    let mut rows = tx.conn().prepare_cached(
        "SELECT (min(at, ?3) - ?2) / ?4 AS day, count(*) FROM calls
         WHERE bucket = ?1 AND at >= ?2 GROUP BY day",
    )?;
    let key = params![bucket.as_str(), Ms(start_of(first)), Ms(tx.now()), DAY.as_millis() as i64];
    let counted = rows.query_map(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (n, calls) in counted.collect::<rusqlite::Result<Vec<(usize, u64)>>>()? {
        if let Some(day) = days.get_mut(n) {
            day.1 = calls;
        }
    }
    Ok(History { bucket, days })
}

fn start_of(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
}
