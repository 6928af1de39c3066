//! What lock-outs taught about the calls that Spotify really allows, and how today's stand.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx, api_calls, artists};
use crate::domain::check_planner::Budget;
use crate::domain::learned_quota::{self, QuotaLockout};
use crate::domain::quota::{Bucket, LOCK_OUTS_REMEMBERED, Purpose, WINDOW};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Calls of a bucket in a rolling day that may be made at present.
///
/// # Errors
/// [`super::StoreError`]
pub fn of(tx: &Tx<'_>, bucket: Bucket, ceiling: u32) -> Result<u32> {
    Ok(learned_quota::allowed(ceiling, quota_lockout(tx, bucket)?, tx.now()))
}

/// A lock-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockOut {
    /// When it is over.
    pub until: Timestamp,
    /// How many calls went through in the rolling day before it.
    pub spent: u32,
}

/// Learns from a lock-out that lasts for `time`, where the operator allows `ceiling`, before its pause is
/// recorded: another refusal while a pause holds the calls up is the same lock-out. Whether one came
/// shortly before.
///
/// # Errors
/// [`super::StoreError`]
pub fn learn(tx: &Tx<'_>, bucket: Bucket, ceiling: u32, time: Duration) -> Result<bool> {
    let before = quota_lockout(tx, bucket)?;
    if api_calls::pause_of(tx, bucket)?.is_some() {
        return Ok(false);
    }
    // The call that was refused is in the ledger.
    let spent = u32::try_from(api_calls::used(tx, bucket)?.saturating_sub(1)).unwrap_or(u32::MAX);
    let quota_lockout = QuotaLockout::learn(spent, ceiling, before, tx.now());
    tx.execute(
        "INSERT OR REPLACE INTO quota_lockouts (bucket, spent, at, until, consecutive) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![bucket.as_str(), quota_lockout.spent, Ms(tx.now()), Ms(tx.now() + time), quota_lockout.in_a_row],
    )?;
    Ok(before.is_some_and(|before| tx.now().duration_since(before.at) < LOCK_OUTS_REMEMBERED))
}

/// The latest lock-out of a bucket.
///
/// # Errors
/// [`super::StoreError`]
pub fn lock_out(tx: &Tx<'_>, bucket: Bucket) -> Result<Option<LockOut>> {
    // What was learnt need not be what went through. The call that was refused is in the ledger.
    let sql = "SELECT until,
                   (SELECT max(count(*) - 1, 0) FROM api_calls
                    WHERE api_calls.bucket = quota_lockouts.bucket AND api_calls.at > quota_lockouts.at - ?2
                        AND api_calls.at <= quota_lockouts.at + ?3)
               FROM quota_lockouts WHERE bucket = ?1";
    let key = params![
        bucket.as_str(),
        WINDOW.as_millis() as i64,
        api_calls::BOOKED_AHEAD.as_millis() as i64
    ];
    let lock_out = tx.query_row(sql, key, |row| {
        Ok(LockOut { until: row.get::<_, Ms>(0)?.0, spent: row.get(1)? })
    });
    Ok(lock_out.optional()?)
}

/// What the last lock-out of a bucket taught.
///
/// # Errors
/// [`super::StoreError`]
pub fn quota_lockout(tx: &Tx<'_>, bucket: Bucket) -> Result<Option<QuotaLockout>> {
    let sql = "SELECT spent, at, consecutive FROM quota_lockouts WHERE bucket = ?1";
    let quota_lockout = tx.query_row(sql, [bucket.as_str()], |row| {
        Ok(QuotaLockout { spent: row.get(0)?, at: row.get::<_, Ms>(1)?.0, in_a_row: row.get(2)? })
    });
    Ok(quota_lockout.optional()?)
}

/// How the day's calls for artists' albums stand.
///
/// # Errors
/// [`super::StoreError`]
pub fn budget(tx: &Tx<'_>, ceiling: u32) -> Result<Budget> {
    // All that the pages and passes want to know of the day in one walk. Calls that wait for their turn are
    // booked a little ahead; what lies further ahead was booked before the clock stepped back.
    let sql = "SELECT count(*),
                   count(*) FILTER (WHERE purpose = ?3 AND at <= ?8),
                   count(*) FILTER (WHERE purpose = ?4 AND at <= ?8),
                   count(*) FILTER (WHERE purpose = ?5 AND at <= ?8),
                   count(*) FILTER (WHERE purpose = ?6 AND at <= ?8),
                   max(at) FILTER (WHERE purpose = ?4 AND at <= ?7)
               FROM api_calls WHERE bucket = ?1 AND at > ?2";
    let bucket = Bucket::ArtistAlbums;
    let key = params![
        bucket.as_str(),
        Ms(tx.now() - WINDOW),
        Purpose::InitialScan.as_str(),
        Purpose::Scheduled.as_str(),
        Purpose::Hint.as_str(),
        Purpose::Secondary.as_str(),
        Ms(tx.now()),
        Ms(tx.now() + api_calls::BOOKED_AHEAD),
    ];
    let budget = Budget {
        allowed: of(tx, bucket, ceiling)?,
        // The day that began at this hour a week ago, and two.
        hints_lately: hints(tx, WEEK - WINDOW)?.max(hints(tx, WEEK * 2 - WINDOW)?),
        has_unfinished: artists::is_any_unfinished(tx)?,
        ..Budget::default()
    };
    Ok(tx.query_row(sql, key, |row| {
        Ok(Budget {
            spent: row.get(0)?,
            first: row.get(1)?,
            turns: row.get(2)?,
            hints: row.get(3)?,
            side: row.get(4)?,
            last_turn_at: row.get::<_, Option<Ms>>(5)?.map(|at| at.0),
            ..budget
        })
    })?)
}

/// Calls for hints in the rolling day that ended so long ago.
fn hints(tx: &Tx<'_>, ended: SignedDuration) -> Result<u32> {
    let until = tx.now() - ended;
    let sql = "SELECT count(*) FROM api_calls WHERE bucket = ?1 AND at > ?2 AND at <= ?3 AND purpose = ?4";
    let (bucket, purpose) = (Bucket::ArtistAlbums.as_str(), Purpose::Hint.as_str());
    let key = params![bucket, Ms(until - WINDOW), Ms(until + api_calls::BOOKED_AHEAD), purpose];
    Ok(tx.query_row(sql, key, |row| row.get(0))?)
}
