//! What `/metrics` reads from the database. Nothing identifies a user.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::params_from_iter;

use super::columns::Ms;
use super::hints::{self, Counts};
use super::status::{self, Artists, Users};
use super::{Result, Tx, api_calls};
use crate::domain::check_planner::{Budget, Settings};
use crate::domain::consent;
use crate::domain::disk_space::DiskSpace;
use crate::domain::hint::SourceName;
use crate::domain::quota::{Bucket, Pause};

/// Histogram buckets of the artists' last checks, in days.
pub const CHECK_AGES_DAYS: [i64; 6] = [1, 3, 7, 14, 21, 30];

/// Histogram buckets of pending notifications, in minutes.
pub const PENDING_AGES_MINUTES: [i64; 6] = [0, 20, 60, 6 * 60, 24 * 60, 8 * 24 * 60];

/// Histogram buckets of the ends of consents, in days ahead.
pub const CONSENT_DAYS: [i64; 5] = [1, 7, 30, 90, 190];

#[derive(Debug, Clone)]
pub struct MetricsSnapshot {
    pub now: Timestamp,
    pub users: Users,
    pub artists: Artists,
    /// Watched artists whose last check, or else the first follow, is longer ago than each of [`CHECK_AGES_DAYS`].
    pub unchecked: [u64; 6],
    /// Calls in the last 24 hours, by bucket.
    pub calls: Vec<(Bucket, u64)>,
    pub budget: Budget,
    /// Current pauses, by scope.
    pub pauses: Vec<(String, Pause)>,
    /// Notifications pending for longer than each of [`PENDING_AGES_MINUTES`].
    pub pending: [u64; 6],
    /// Pending notifications that failed at least once.
    pub deferred: u64,
    /// Consents that end within each of [`CONSENT_DAYS`].
    pub consents: [u64; 5],
    /// Hints that are kept, by source and state.
    pub hints: Vec<(SourceName, Counts)>,
    /// The last successful run of each job.
    pub last_ok: Vec<(String, Timestamp)>,
    /// Size of the file, in bytes.
    pub size: u64,
    /// Free bytes in the file.
    pub unused: u64,
    /// Size of the write-ahead log, in bytes.
    pub log: u64,
    /// `None` if the system does not say.
    pub room: Option<DiskSpace>,
}

pub fn load(tx: &Tx<'_>, settings: &Settings) -> Result<MetricsSnapshot> {
    let (unchecked, pending) =
        (CHECK_AGES_DAYS.map(days), PENDING_AGES_MINUTES.map(SignedDuration::from_mins));
    let number = |sql: &str| -> Result<u64> { Ok(tx.query_row(sql, [], |row| row.get(0))?) };
    let calls = Bucket::ALL.map(|bucket| Ok((bucket, api_calls::used(tx, bucket)?)));
    let hints = SourceName::ALL.map(|source| Ok((source, hints::counts(tx, source)?)));
    let page = number("PRAGMA page_size")?;
    Ok(MetricsSnapshot {
        now: tx.now(),
        users: status::count_users(tx)?,
        artists: status::artists_of(tx, None, settings)?,
        unchecked: older(
            tx,
            "coalesce(checked_at, tracked_since)",
            "artists WHERE untracked_at IS NULL",
            unchecked,
        )?,
        calls: calls.into_iter().collect::<Result<_>>()?,
        budget: api_calls::budget(tx, settings.calls_per_day)?,
        pauses: api_calls::pauses(tx)?,
        pending: older(tx, "enqueued_at", "outbox WHERE state = 'pending'", pending)?,
        deferred: number(
            "SELECT count(*) FROM outbox WHERE state = 'pending' AND reason IS NOT NULL",
        )?,
        consents: consents(tx)?,
        hints: hints.into_iter().collect::<Result<_>>()?,
        last_ok: last_ok(tx)?,
        size: number("PRAGMA page_count")? * page,
        unused: number("PRAGMA freelist_count")? * page,
        log: size_of_log(tx.path()),
        room: tx.disk_space(),
    })
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// How many rows of `table` have a time in `column` that is longer ago than each of `ages`.
fn older<const N: usize>(
    tx: &Tx<'_>,
    column: &str,
    table: &str,
    ages: [SignedDuration; N],
) -> Result<[u64; N]> {
    let counts: Vec<_> =
        (1..=N).map(|n| format!("count(*) FILTER (WHERE {column} <= ?{n})")).collect();
    let sql = format!("SELECT {} FROM {table}", counts.join(", "));
    let before = params_from_iter(ages.map(|age| Ms(tx.now() - age)));
    Ok(tx.query_row(&sql, before, |row| {
        let mut counts = [0; N];
        for (n, count) in counts.iter_mut().enumerate() {
            *count = row.get(n)?;
        }
        Ok(counts)
    })?)
}

fn consents(tx: &Tx<'_>) -> Result<[u64; 5]> {
    let sql = "SELECT t.authorized_at FROM users p JOIN tokens t ON t.user_id = p.id
               WHERE p.consent = 'granted'";
    let mut rows = tx.conn().prepare_cached(sql)?;
    let mut counts = [0; 5];
    for given in rows.query_map([], |row| row.get::<_, Ms>(0))? {
        let left = consent::ends_at(given?.0).duration_since(tx.now());
        for (count, within) in counts.iter_mut().zip(CONSENT_DAYS) {
            *count += u64::from(left <= days(within));
        }
    }
    Ok(counts)
}

fn last_ok(tx: &Tx<'_>) -> Result<Vec<(String, Timestamp)>> {
    let sql = "SELECT job, max(ended_at) FROM job_runs WHERE result = 'ok' GROUP BY job";

    tx.query_rows(sql, [], |row| Ok((row.get(0)?, row.get::<_, Ms>(1)?.0)))
}

fn size_of_log(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Path::new(&log).metadata().map_or(0, |log| log.len())
}
