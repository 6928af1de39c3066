//! The calls to each hint source: when the next one is due, and how the last ones went.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;
use serde::Serialize;

use super::columns::Ms;
use super::hints::{self, Counts};
use super::{Result, Tx};
use crate::domain::backoff;
use crate::domain::hint::SourceName;

/// The maximum pause, whatever a source asks for. A call that is due much later was booked before the
/// clock stepped back.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// The minimum time until the call after a cancelled one.
const MIN_INTERVAL: Duration = Duration::from_secs(2);

/// The health of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    #[serde(skip)]
    pub source: SourceName,
    /// All calls so far.
    pub calls: u64,
    /// When the next call is due.
    pub next_at: Timestamp,
    /// When it last answered.
    #[serde(rename = "last_ok")]
    pub last_ok_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    pub last_error: Option<LastError>,
    #[serde(flatten)]
    pub hints: Counts,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastError {
    pub reason: String,
    pub at: Timestamp,
}

/// When the next call to a source is due. `None` if that is later than `max_wait` from now.
pub fn next_call_at(
    tx: &Tx<'_>,
    source: SourceName,
    max_wait: Duration,
) -> Result<Option<Timestamp>> {
    let sql = "SELECT next_at FROM hint_sources WHERE source = ?1";
    let next_at = tx.query_optional(sql, [source], |row| row.get::<_, Ms>(0))?;
    let next_at = next_at.map(|at| at.0).filter(|at| *at <= tx.now() + MAX_PAUSE * 2);
    let at = next_at.map_or(tx.now(), |next_at| next_at.max(tx.now()));
    Ok((at <= tx.now() + max_wait).then_some(at))
}

/// Records a call to a source at `at`. The next one is due after `interval`.
pub fn book_call(tx: &Tx<'_>, source: SourceName, at: Timestamp, interval: Duration) -> Result<()> {
    tx.execute(
        "INSERT INTO hint_sources (source, next_at, calls) VALUES (?1, ?2, 1)
         ON CONFLICT (source) DO UPDATE SET next_at = ?2, calls = calls + 1",
        params![source, Ms(at + interval)],
    )?;
    Ok(())
}

/// Makes the next call due again after a call was cancelled.
pub fn release_call(tx: &Tx<'_>, source: SourceName) -> Result<()> {
    let sql = "UPDATE hint_sources SET next_at = min(next_at, ?2) WHERE source = ?1";
    tx.execute(sql, params![source, Ms(tx.now() + MIN_INTERVAL)])?;
    Ok(())
}

/// Records that a source answered.
pub fn record_success(tx: &Tx<'_>, source: SourceName) -> Result<()> {
    let sql = "UPDATE hint_sources SET failures = 0, last_ok_at = ?2 WHERE source = ?1";
    tx.execute(sql, params![source, Ms(tx.now())])?;
    Ok(())
}

/// Records a failure and defers the next call: with backoff, and at least as long as the source asks.
/// Returns the wait.
pub fn record_failure(
    tx: &Tx<'_>,
    source: SourceName,
    why: &str,
    retry_after: Option<Duration>,
    rng: f64,
) -> Result<SignedDuration> {
    let sql = "SELECT failures FROM hint_sources WHERE source = ?1";
    let before: Option<u32> = tx.query_optional(sql, [source], |row| row.get(0))?;
    let wait = backoff::HINTS.wait(before.unwrap_or(0) + 1, rng);
    let wait = wait.max(retry_after.unwrap_or_default()).min(MAX_PAUSE);
    tx.execute(
        "UPDATE hint_sources SET failures = failures + 1, next_at = ?2, last_error = ?3,
             last_error_at = ?4 WHERE source = ?1",
        params![source, Ms(tx.now() + wait), why, Ms(tx.now())],
    )?;
    Ok(SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO))
}

/// The health of all sources that were ever called.
pub fn health(tx: &Tx<'_>) -> Result<Vec<Health>> {
    let mut all = Vec::new();
    for source in SourceName::ALL {
        let counts = hints::counts(tx, source)?;
        let sql = "SELECT calls, next_at, last_ok_at, failures, last_error, last_error_at
                   FROM hint_sources WHERE source = ?1";
        let health = tx.query_optional(sql, [source], |row| {
            let last_error_at: Option<Ms> = row.get(5)?;
            Ok(Health {
                source,
                calls: row.get(0)?,
                next_at: row.get::<_, Ms>(1)?.0,
                last_ok_at: row.get::<_, Option<Ms>>(2)?.map(|at| at.0),
                failures: row.get(3)?,
                last_error: row
                    .get::<_, Option<String>>(4)?
                    .zip(last_error_at)
                    .map(|(reason, at)| LastError { reason, at: at.0 }),
                hints: counts,
            })
        })?;
        all.extend(health);
    }
    Ok(all)
}
