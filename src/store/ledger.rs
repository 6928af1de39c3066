//! The ledger of calls to Spotify, and the pauses it asked for. Both outlive a restart.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::quota::{Bucket, Pause, WINDOW};

/// A call that lies further ahead than this was booked before the clock stepped back.
const BOOKED_AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Whether a call may go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booking {
    /// At this time, and it is counted.
    Booked(Timestamp),
    /// Not before the pause is over.
    Paused(Pause),
    /// The day's calls are spent; the next is free at this time.
    Spent(Timestamp),
}

/// What may be asked, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls of the bucket in any rolling day; `None` for no limit of ours.
    pub per_day: Option<u32>,
    /// Time between the starts of two calls, whatever their buckets.
    pub interval: Duration,
}

/// Books the next call of a bucket: counts it now, so that a crash cannot lose it, and says when it
/// may go out, at a distance from the one before it, even if another process made that.
///
/// # Errors
/// [`super::StoreError`]
pub fn book(tx: &Tx<'_>, bucket: Bucket, limits: Limits) -> Result<Booking> {
    if let Some(pause) = pause_of(tx, bucket)? {
        return Ok(Booking::Paused(pause));
    }
    if let Some(free_at) = limits.per_day.map(|n| spent_until(tx, bucket, n)).transpose()?.flatten()
    {
        return Ok(Booking::Spent(free_at));
    }
    let at = next_start(tx, limits.interval)?;
    let sql = "INSERT INTO calls (bucket, at) VALUES (?1, ?2)";
    tx.conn().execute(sql, params![bucket.as_str(), Ms(at)])?;
    Ok(Booking::Booked(at))
}

/// When the oldest of the last `per_day` calls leaves the window; `None` if there is room now.
fn spent_until(tx: &Tx<'_>, bucket: Bucket, per_day: u32) -> Result<Option<Timestamp>> {
    let Some(skip) = per_day.checked_sub(1) else { return Ok(Some(tx.now() + WINDOW)) };
    let sql =
        "SELECT at FROM calls WHERE bucket = ?1 AND at > ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3";
    let key = params![bucket.as_str(), Ms(tx.now() - WINDOW), skip];
    let oldest = tx.conn().query_row(sql, key, |row| row.get::<_, Ms>(0)).optional()?;
    Ok(oldest.map(|Ms(at)| at + WINDOW))
}

fn next_start(tx: &Tx<'_>, interval: Duration) -> Result<Timestamp> {
    let sql = "SELECT max(at) FROM calls WHERE at <= ?1";
    let last: Option<Ms> =
        tx.conn().query_row(sql, [Ms(tx.now() + BOOKED_AHEAD)], |row| row.get(0))?;
    Ok(last.map_or(tx.now(), |Ms(last)| tx.now().max(last + interval)))
}

/// Calls of a bucket in the last rolling day.
///
/// # Errors
/// [`super::StoreError`]
pub fn used(tx: &Tx<'_>, bucket: Bucket) -> Result<u64> {
    let sql = "SELECT count(*) FROM calls WHERE bucket = ?1 AND at > ?2";
    let key = params![bucket.as_str(), Ms(tx.now() - WINDOW)];
    Ok(tx.conn().query_row(sql, key, |row| row.get(0))?)
}

/// Forgets calls that left the window long ago.
///
/// # Errors
/// [`super::StoreError`]
pub fn prune(tx: &Tx<'_>) -> Result<()> {
    tx.conn().execute("DELETE FROM calls WHERE at <= ?1", [Ms(tx.now() - WINDOW * 2)])?;
    tx.conn().execute("DELETE FROM pauses WHERE until <= ?1", [Ms(tx.now())])?;
    Ok(())
}

/// What is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every call to Spotify.
    All,
    /// The calls of one bucket.
    One(Bucket),
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::One(bucket) => bucket.as_str(),
        }
    }
}

/// Pauses `scope` for `time`. A pause that lasts longer already stays.
///
/// # Errors
/// [`super::StoreError`]
pub fn pause(tx: &Tx<'_>, scope: Scope, time: Duration, reason: &str) -> Result<()> {
    tx.conn().execute(
        "INSERT INTO pauses (scope, until, reason) VALUES (?1, ?2, ?3)
         ON CONFLICT (scope) DO UPDATE SET until = excluded.until, reason = excluded.reason
         WHERE until < excluded.until",
        params![scope.as_str(), Ms(tx.now() + time), reason],
    )?;
    Ok(())
}

/// The pauses that hold now, by scope.
///
/// # Errors
/// [`super::StoreError`]
pub fn pauses(tx: &Tx<'_>) -> Result<Vec<(String, Pause)>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT scope, until, reason FROM pauses WHERE until > ?1 ORDER BY scope",
    )?;
    let pauses = rows.query_map([Ms(tx.now())], |row| {
        Ok((row.get(0)?, Pause { until: row.get::<_, Ms>(1)?.0, reason: row.get(2)? }))
    })?;
    Ok(pauses.collect::<rusqlite::Result<_>>()?)
}

fn pause_of(tx: &Tx<'_>, bucket: Bucket) -> Result<Option<Pause>> {
    let sql = "SELECT until, reason FROM pauses WHERE scope IN ('all', ?1) AND until > ?2
               ORDER BY until DESC LIMIT 1";
    let pause = tx.conn().query_row(sql, params![bucket.as_str(), Ms(tx.now())], |row| {
        Ok(Pause { until: row.get::<_, Ms>(0)?.0, reason: row.get(1)? })
    });
    Ok(pause.optional()?)
}
