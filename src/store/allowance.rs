//! What lock-outs taught about the calls that Spotify really allows, and how today's stand.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx, ledger};
use crate::domain::allowance::{self, Lesson};
use crate::domain::cadence::Budget;
use crate::domain::quota::{Bucket, Purpose, WINDOW};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Calls of a bucket in a rolling day that may be made at present; `None` for no limit.
///
/// # Errors
/// [`super::StoreError`]
pub fn of(tx: &Tx<'_>, bucket: Bucket, ceiling: Option<u32>) -> Result<Option<u32>> {
    Ok(allowance::allowed(ceiling, lesson(tx, bucket)?, tx.now()))
}

/// Learns from a lock-out: the call that was refused is in the ledger, and does not count.
///
/// # Errors
/// [`super::StoreError`]
pub fn learn(tx: &Tx<'_>, bucket: Bucket) -> Result<()> {
    let spent = ledger::used(tx, bucket)?.saturating_sub(1);
    let spent = u32::try_from(spent).unwrap_or(u32::MAX);
    let lesson = Lesson::learn(spent, lesson(tx, bucket)?, tx.now());
    tx.conn().execute(
        "INSERT OR REPLACE INTO lessons (bucket, spent, at, in_a_row) VALUES (?1, ?2, ?3, ?4)",
        params![bucket.as_str(), lesson.spent, Ms(lesson.at), lesson.in_a_row],
    )?;
    Ok(())
}

/// What the last lock-out of a bucket taught.
///
/// # Errors
/// [`super::StoreError`]
pub fn lesson(tx: &Tx<'_>, bucket: Bucket) -> Result<Option<Lesson>> {
    let sql = "SELECT spent, at, in_a_row FROM lessons WHERE bucket = ?1";
    let lesson = tx.conn().query_row(sql, [bucket.as_str()], |row| {
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
    let last_turn: Option<Ms> = tx.conn().query_row(sql, key, |row| row.get(0))?;
    Ok(Budget {
        allowed: of(tx, bucket, Some(ceiling))?.unwrap_or(ceiling),
        first: spent(tx, Purpose::First, SignedDuration::ZERO)?,
        turns: spent(tx, Purpose::Turn, SignedDuration::ZERO)?,
        // The day that began at this hour a week ago, and two.
        hints_lately: spent(tx, Purpose::Hint, WEEK - WINDOW)?.max(spent(
            tx,
            Purpose::Hint,
            WEEK * 2 - WINDOW,
        )?),
        last_turn_at: last_turn.map(|at| at.0),
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
    Ok(tx.conn().query_row(sql, key, |row| row.get(0))?)
}
