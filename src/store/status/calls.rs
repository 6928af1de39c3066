//! Calls to Spotify in the last 24 hours and by day.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rusqlite::params;
use serde::Serialize;

use super::json;
use crate::domain::day_of;
use crate::domain::learned_quota::QuotaLockout;
use crate::domain::quota::Bucket;
use crate::store::columns::Ms;
use crate::store::{Result, Tx, api_calls};

/// Days of history, today included. The ledger keeps two more (`store/tidy.rs`).
pub const DAYS: usize = 14;

#[derive(Debug, Clone, Serialize)]
pub struct Calls {
    /// In the last 24 hours, by bucket.
    #[serde(serialize_with = "json::buckets")]
    pub used: Vec<(Bucket, u64)>,
    /// `spotify.artist_albums_per_day`
    pub artist_albums_per_day: u32,
    /// Less than that for some weeks after a lockout.
    pub artist_albums_allowed: u32,
    pub artist_albums_left: u64,
    #[serde(serialize_with = "json::histories")]
    pub by_day: Vec<History>,
    #[serde(serialize_with = "json::lockout")]
    pub last_lockout: Option<QuotaLockout>,
}

/// The calls of one bucket by day, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    pub bucket: Bucket,
    pub days: Vec<Day>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day {
    /// In UTC.
    pub day: Date,
    pub calls: u64,
}

impl History {
    /// The calls of the busiest day.
    pub fn most(&self) -> u64 {
        self.days.iter().map(|day| day.calls).max().unwrap_or(0)
    }

    pub fn today(&self) -> u64 {
        self.days.last().map_or(0, |day| day.calls)
    }
}

/// Calls that are booked ahead count for today.
pub(super) fn load(tx: &Tx<'_>, per_day: u32) -> Result<Calls> {
    let used = Bucket::ALL.map(|bucket| api_calls::used(tx, bucket).map(|used| (bucket, used)));
    let used: Vec<_> = used.into_iter().collect::<Result<_>>()?;
    let allowed = api_calls::allowed(tx, Bucket::ArtistAlbums, per_day)?;
    let of_albums = used.iter().find(|(bucket, _)| *bucket == Bucket::ArtistAlbums);
    let left = u64::from(allowed).saturating_sub(of_albums.map_or(0, |(_, used)| *used));
    Ok(Calls {
        artist_albums_per_day: per_day,
        artist_albums_allowed: allowed,
        artist_albums_left: left,
        by_day: Bucket::ALL.into_iter().map(|bucket| history(tx, bucket)).collect::<Result<_>>()?,
        last_lockout: api_calls::quota_lockout(tx, Bucket::ArtistAlbums)?,
        used,
    })
}

/// Queries one index range per day, which is twenty times as fast as grouping all rows by day.
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
        days.push(Day { day, calls: rows.query_row(key, |row| row.get(0))? });
    }
    Ok(History { bucket, days })
}

fn start_of(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
}
