//! The ledger of calls to Spotify, what lock-outs taught about how many it allows, and the pauses it asked for. All
//! of them outlive a restart.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};

use super::columns::Ms;
use super::{Result, Tx, artists};
use crate::domain::backoff::Backoff;
use crate::domain::check_planner::Budget;
use crate::domain::learned_quota::{self, QuotaLockout};
use crate::domain::quota::{Bucket, Cause, LOCK_OUTS_REMEMBERED, Pause, Purpose, WINDOW};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A call that lies further ahead than this was booked before the clock stepped back.
pub const BOOKED_AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// Whether a call may go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booking {
    /// At this time, and it is counted.
    Booked(Timestamp),
    /// Not before the pause is over.
    Paused(Pause),
    /// The day's calls are spent; the next is free at this time.
    Spent(Timestamp),
    /// Too many wait already for somebody who waits at a page.
    Crowded,
}

/// What may be asked, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls of the bucket in any rolling day, at most; `None` for no limit of ours. Fewer where a
    /// lock-out taught us so.
    pub per_day: Option<u32>,
    /// So many of them are not for this call.
    pub reserved: u32,
    /// Why the call is made.
    pub purpose: Purpose,
    /// Time between the starts of two calls, whatever their buckets.
    pub interval: Duration,
    /// The longest that the call may wait for its turn.
    pub max_wait: Duration,
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
    let allowed = limits.per_day.map(|ceiling| allowed(tx, bucket, ceiling)).transpose()?;
    let allowed = allowed.map(|n| n.saturating_sub(limits.reserved));
    if let Some(free_at) = allowed.map(|n| spent_until(tx, bucket, n)).transpose()?.flatten() {
        return Ok(Booking::Spent(free_at));
    }
    let at = next_start(tx, limits.interval)?;
    if at > tx.now() + limits.max_wait {
        return Ok(Booking::Crowded);
    }
    let sql = "INSERT INTO api_calls (bucket, at, purpose) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![bucket.as_str(), Ms(at), limits.purpose.as_str()])?;
    Ok(Booking::Booked(at))
}

/// When the oldest of the last `per_day` calls leaves the window; `None` if there is room now.
///
/// # Errors
/// [`super::StoreError`]
pub fn spent_until(tx: &Tx<'_>, bucket: Bucket, per_day: u32) -> Result<Option<Timestamp>> {
    let Some(skip) = per_day.checked_sub(1) else { return Ok(Some(tx.now() + WINDOW)) };
    let sql =
        "SELECT at FROM api_calls WHERE bucket = ?1 AND at > ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3";
    let key = params![bucket.as_str(), Ms(tx.now() - WINDOW), skip];
    let oldest = tx.query_optional(sql, key, |row| row.get::<_, Ms>(0))?;
    Ok(oldest.map(|Ms(at)| at + WINDOW))
}

fn next_start(tx: &Tx<'_>, interval: Duration) -> Result<Timestamp> {
    let sql = "SELECT max(at) FROM api_calls WHERE at <= ?1";
    let last: Option<Ms> = tx.query_row(sql, [Ms(tx.now() + BOOKED_AHEAD)], |row| row.get(0))?;
    Ok(last.map_or(tx.now(), |Ms(last)| tx.now().max(last + interval)))
}

/// Calls of a bucket in the last rolling day.
///
/// # Errors
/// [`super::StoreError`]
pub fn used(tx: &Tx<'_>, bucket: Bucket) -> Result<u64> {
    let sql = "SELECT count(*) FROM api_calls WHERE bucket = ?1 AND at > ?2";
    let key = params![bucket.as_str(), Ms(tx.now() - WINDOW)];
    Ok(tx.query_row(sql, key, |row| row.get(0))?)
}

/// Calls of a bucket in a rolling day that may be made at present.
///
/// # Errors
/// [`super::StoreError`]
pub fn allowed(tx: &Tx<'_>, bucket: Bucket, ceiling: u32) -> Result<u32> {
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
    if pause_of(tx, bucket)?.is_some() {
        return Ok(false);
    }
    // The call that was refused is in the ledger.
    let spent = u32::try_from(used(tx, bucket)?.saturating_sub(1)).unwrap_or(u32::MAX);
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
    let key = params![bucket.as_str(), WINDOW.as_millis() as i64, BOOKED_AHEAD.as_millis() as i64];
    tx.query_optional(sql, key, |row| {
        Ok(LockOut { until: row.get::<_, Ms>(0)?.0, spent: row.get(1)? })
    })
}

/// What the last lock-out of a bucket taught.
///
/// # Errors
/// [`super::StoreError`]
pub fn quota_lockout(tx: &Tx<'_>, bucket: Bucket) -> Result<Option<QuotaLockout>> {
    let sql = "SELECT spent, at, consecutive FROM quota_lockouts WHERE bucket = ?1";
    tx.query_optional(sql, [bucket.as_str()], |row| {
        Ok(QuotaLockout { spent: row.get(0)?, at: row.get::<_, Ms>(1)?.0, in_a_row: row.get(2)? })
    })
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
        Ms(tx.now() + BOOKED_AHEAD),
    ];
    let budget = Budget {
        allowed: allowed(tx, bucket, ceiling)?,
        // The day that began at this hour a week ago, and two.
        hints_lately: hint_calls(tx, WEEK - WINDOW)?.max(hint_calls(tx, WEEK * 2 - WINDOW)?),
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
fn hint_calls(tx: &Tx<'_>, ended: SignedDuration) -> Result<u32> {
    let until = tx.now() - ended;
    let sql = "SELECT count(*) FROM api_calls WHERE bucket = ?1 AND at > ?2 AND at <= ?3 AND purpose = ?4";
    let (bucket, purpose) = (Bucket::ArtistAlbums.as_str(), Purpose::Hint.as_str());
    let key = params![bucket, Ms(until - WINDOW), Ms(until + BOOKED_AHEAD), purpose];
    Ok(tx.query_row(sql, key, |row| row.get(0))?)
}

/// What is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every call to Spotify.
    All,
    /// The calls of one bucket.
    One(Bucket),
    /// Checks that nobody asked for, while Spotify is down.
    Checks,
}

impl Scope {
    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::One(bucket) => bucket.as_str(),
            Self::Checks => "checks",
        }
    }
}

/// Pauses `scope` for `time`. A pause that lasts longer already stays.
///
/// # Errors
/// [`super::StoreError`]
pub fn pause(tx: &Tx<'_>, scope: Scope, time: Duration, cause: Cause) -> Result<()> {
    tx.execute(
        "INSERT INTO pauses (scope, until, cause) VALUES (?1, ?2, ?3)
         ON CONFLICT (scope) DO UPDATE SET until = excluded.until, cause = excluded.cause
         WHERE until < excluded.until",
        params![scope.as_str(), Ms(tx.now() + time), cause.as_str()],
    )?;
    Ok(())
}

/// Pauses checks since Spotify is down, the longer the more often it was found so.
///
/// # Errors
/// [`super::StoreError`]
pub fn pause_checks(tx: &Tx<'_>, ladder: Backoff, rng: f64) -> Result<Pause> {
    let scope = Scope::Checks.as_str();
    let sql = "SELECT failures FROM pauses WHERE scope = ?1";
    let before: Option<u32> = tx.query_optional(sql, [scope], |row| row.get(0))?;
    let failures = before.unwrap_or(0) + 1;
    let pause = Pause { until: tx.now() + ladder.wait(failures, rng), cause: Cause::Outage };
    tx.execute(
        "INSERT OR REPLACE INTO pauses (scope, until, cause, failures) VALUES (?1, ?2, ?3, ?4)",
        params![scope, Ms(pause.until), pause.cause.as_str(), failures],
    )?;
    Ok(pause)
}

/// Ends the pause of checks: Spotify answers.
///
/// # Errors
/// [`super::StoreError`]
pub fn resume_checks(tx: &Tx<'_>) -> Result<()> {
    tx.execute("DELETE FROM pauses WHERE scope = ?1", [Scope::Checks.as_str()])?;
    Ok(())
}

/// The pause of checks, if it holds now.
///
/// # Errors
/// [`super::StoreError`]
pub fn pause_of_checks(tx: &Tx<'_>) -> Result<Option<Pause>> {
    longest(tx, [Scope::Checks.as_str(), ""])
}

/// The pause that holds a bucket's calls up now, its own or everybody's.
///
/// # Errors
/// [`super::StoreError`]
pub fn pause_of(tx: &Tx<'_>, bucket: Bucket) -> Result<Option<Pause>> {
    longest(tx, [Scope::All.as_str(), bucket.as_str()])
}

/// The pauses that hold now, by scope.
///
/// # Errors
/// [`super::StoreError`]
pub fn pauses(tx: &Tx<'_>) -> Result<Vec<(String, Pause)>> {
    tx.query_rows(
        "SELECT until, cause, scope FROM pauses WHERE until > ?1 ORDER BY scope",
        [Ms(tx.now())],
        |row| Ok((row.get(2)?, read_pause(row)?)),
    )
}

fn longest(tx: &Tx<'_>, scopes: [&str; 2]) -> Result<Option<Pause>> {
    let sql = "SELECT until, cause FROM pauses WHERE scope IN (?1, ?2) AND until > ?3
               ORDER BY until DESC LIMIT 1";
    let key = params![scopes[0], scopes[1], Ms(tx.now())];
    tx.query_optional(sql, key, read_pause)
}

fn read_pause(row: &Row<'_>) -> rusqlite::Result<Pause> {
    Ok(Pause { until: row.get::<_, Ms>(0)?.0, cause: row.get(1)? })
}
