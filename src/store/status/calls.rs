//! Calls to Spotify by day.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rusqlite::params;

use crate::domain::day_of;
use crate::domain::quota::Bucket;
use crate::store::columns::Ms;
use crate::store::{Result, Tx};

/// So many days are told, today among them. The ledger keeps two more (`store/tidy.rs`).
pub const DAYS: usize = 14;

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

/// One range of the index for each day: to group all of them by their day takes twenty times as long.
fn history(tx: &Tx<'_>, bucket: Bucket) -> Result<History> {
    let today = day_of(tx.now());
    let first = today.saturating_sub((DAYS as i64 - 1).days());
    let mut rows = tx.conn().prepare_cached(
        "SELECT count(*) FROM api_calls WHERE bucket = ?1 AND at >= ?2 AND at < ?3",
    )?;
    let mut days = Vec::with_capacity(DAYS);
    for day in first.series(1.day()).take(DAYS) {
        let end = if day == today { Timestamp::MAX } else { start_of(day.saturating_add(1.day())) };
        let key = params![bucket.as_str(), Ms(start_of(day)), Ms(end)];
        days.push((day, rows.query_row(key, |row| row.get(0))?));
    }
    Ok(History { bucket, days })
}

fn start_of(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
}
