//! What lock-outs taught about the calls that Spotify really allows, and how today's stand.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx, artists, ledger};
use crate::domain::allowance::{self, Lesson};
use crate::domain::cadence::Budget;
use crate::domain::quota::{Bucket, LOCK_OUTS_REMEMBERED, Purpose, WINDOW};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Calls of a bucket in a rolling day that may be made at present; `None` for no limit.
///
/// # Errors
/// [`super::StoreError`]
pub fn of(tx: &Tx<'_>, bucket: Bucket, ceiling: Option<u32>) -> Result<Option<u32>> {
    Ok(allowance::allowed(ceiling, lesson(tx, bucket)?, tx.now()))
}

/// A lock-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockOut {
    /// When it is over.
    pub until: Timestamp,
    /// How many calls went through in the rolling day before it.
    pub spent: u32,
}

/// Learns from a lock-out that lasts for `time`, before its pause is recorded: another refusal while
/// a pause holds the calls up is the same lock-out. Whether one came shortly before.
///
/// # Errors
/// [`super::StoreError`]
pub fn learn(tx: &Tx<'_>, bucket: Bucket, time: Duration) -> Result<bool> {
    let before = lesson(tx, bucket)?;
    if ledger::pause_of(tx, bucket)?.is_some() {
        return Ok(false);
    }
    // The call that was refused is in the ledger.
    let spent = u32::try_from(ledger::used(tx, bucket)?.saturating_sub(1)).unwrap_or(u32::MAX);
    let lesson = Lesson::learn(spent, before, tx.now());
    tx.execute(
        "INSERT OR REPLACE INTO lessons (bucket, spent, at, until, in_a_row) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![bucket.as_str(), spent, Ms(tx.now()), Ms(tx.now() + time), lesson.in_a_row],
    )?;
    Ok(before.is_some_and(|before| tx.now().duration_since(before.at) < LOCK_OUTS_REMEMBERED))
}

/// The latest lock-out of a bucket.
///
/// # Errors
/// [`super::StoreError`]
pub fn lock_out(tx: &Tx<'_>, bucket: Bucket) -> Result<Option<LockOut>> {
    let sql = "SELECT until, spent FROM lessons WHERE bucket = ?1";
    let lock_out = tx.query_row(sql, [bucket.as_str()], |row| {
        Ok(LockOut { until: row.get::<_, Ms>(0)?.0, spent: row.get(1)? })
    });
    Ok(lock_out.optional()?)
}

/// What the last lock-out of a bucket taught.
///
/// # Errors
/// [`super::StoreError`]
pub fn lesson(tx: &Tx<'_>, bucket: Bucket) -> Result<Option<Lesson>> {
    let sql = "SELECT spent, at, in_a_row FROM lessons WHERE bucket = ?1";
    let lesson = tx.query_row(sql, [bucket.as_str()], |row| {
        Ok(Lesson { spent: row.get(0)?, at: row.get::<_, Ms>(1)?.0, in_a_row: row.get(2)? })
    });
    Ok(lesson.optional()?)
}

/// How the day's calls for artists' albums stand.
///
/// # Errors
/// [`super::StoreError`]
pub fn budget(tx: &Tx<'_>, ceiling: u32) -> Result<Budget> {
    let bucket = Bucket::ArtistAlbums;
    let sql = "SELECT max(at) FROM calls WHERE bucket = ?1 AND purpose = ?2 AND at <= ?3";
    let key = params![bucket.as_str(), Purpose::Turn.as_str(), Ms(tx.now())];
    let last_turn: Option<Ms> = tx.query_row(sql, key, |row| row.get(0))?;
    Ok(Budget {
        allowed: of(tx, bucket, Some(ceiling))?.unwrap_or(ceiling),
        spent: u32::try_from(ledger::used(tx, bucket)?).unwrap_or(u32::MAX),
        first: spent(tx, Purpose::First, SignedDuration::ZERO)?,
        turns: spent(tx, Purpose::Turn, SignedDuration::ZERO)?,
        hints: spent(tx, Purpose::Hint, SignedDuration::ZERO)?,
        // The day that began at this hour a week ago, and two.
        hints_lately: spent(tx, Purpose::Hint, WEEK - WINDOW)?.max(spent(
            tx,
            Purpose::Hint,
            WEEK * 2 - WINDOW,
        )?),
        last_turn_at: last_turn.map(|at| at.0),
        has_unfinished: artists::is_any_unfinished(tx)?,
    })
}

/// Calls for artists' albums in the rolling day that ended so long ago.
fn spent(tx: &Tx<'_>, purpose: Purpose, ended: SignedDuration) -> Result<u32> {
    let until = tx.now() - ended;
    let sql =
        "SELECT count(*) FROM calls WHERE bucket = ?1 AND at > ?2 AND at <= ?3 AND purpose = ?4";
    let bucket = Bucket::ArtistAlbums.as_str();
    // Calls that wait for their turn are booked a little ahead.
    let key =
        params![bucket, Ms(until - WINDOW), Ms(until + ledger::BOOKED_AHEAD), purpose.as_str()];
    Ok(tx.query_row(sql, key, |row| row.get(0))?)
}
