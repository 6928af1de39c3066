//! The ledger of each source of hints: its pace, its pauses and its health. All outlive a restart.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::hints::{self, Counts};
use super::{Result, Tx};
use crate::domain::backoff;
use crate::domain::hint::SourceName;

/// No pause is longer, whatever a source asks for: a slip of its must not silence it for ever. A
/// call that lies further ahead was booked before the clock stepped back.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// No source is called twice within this time, whatever became of the first call.
const MIN_DISTANCE: Duration = Duration::from_secs(2);

/// How a source does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The source.
    pub source: SourceName,
    /// Calls made, ever.
    pub calls: u64,
    /// It is not asked before.
    pub next_at: Timestamp,
    /// When it last answered.
    pub last_ok_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
    /// Why it last failed, and when.
    pub last_error: Option<(String, Timestamp)>,
    /// What became of its hints.
    pub hints: Counts,
}

/// When the next call to a source may go out; `None` if that is further away than `patience`.
///
/// # Errors
/// [`super::StoreError`]
pub fn free_at(tx: &Tx<'_>, source: SourceName, patience: Duration) -> Result<Option<Timestamp>> {
    let sql = "SELECT next_at FROM hint_sources WHERE source = ?1";
    let next_at = tx.query_row(sql, [source], |row| row.get::<_, Ms>(0)).optional()?;
    let next_at = next_at.map(|at| at.0).filter(|at| *at <= tx.now() + MAX_PAUSE * 2);
    let at = next_at.map_or(tx.now(), |next_at| next_at.max(tx.now()));
    Ok((at <= tx.now() + patience).then_some(at))
}

/// Books a call to a source that goes out at `at`, and puts the one after it at a distance.
///
/// # Errors
/// [`super::StoreError`]
pub fn book(tx: &Tx<'_>, source: SourceName, at: Timestamp, distance: Duration) -> Result<()> {
    tx.execute(
        "INSERT INTO hint_sources (source, next_at, calls) VALUES (?1, ?2, 1)
         ON CONFLICT (source) DO UPDATE SET next_at = ?2, calls = calls + 1",
        params![source, Ms(at + distance)],
    )?;
    Ok(())
}

/// Gives a booking back whose call was broken off: the next start need not wait a round for it.
///
/// # Errors
/// [`super::StoreError`]
pub fn give_back(tx: &Tx<'_>, source: SourceName) -> Result<()> {
    let sql = "UPDATE hint_sources SET next_at = min(next_at, ?2) WHERE source = ?1";
    tx.execute(sql, params![source, Ms(tx.now() + MIN_DISTANCE)])?;
    Ok(())
}

/// Records that a source answered.
///
/// # Errors
/// [`super::StoreError`]
pub fn went_well(tx: &Tx<'_>, source: SourceName) -> Result<()> {
    let sql = "UPDATE hint_sources SET failures = 0, last_ok_at = ?2 WHERE source = ?1";
    tx.execute(sql, params![source, Ms(tx.now())])?;
    Ok(())
}

/// Records why a source did not answer, and leaves it alone: longer with each failure in a row, and
/// at least for as long as it asked. For how long, is the answer.
///
/// # Errors
/// [`super::StoreError`]
pub fn failed(
    tx: &Tx<'_>,
    source: SourceName,
    why: &str,
    retry_after: Option<Duration>,
    chance: f64,
) -> Result<SignedDuration> {
    let sql = "SELECT failures FROM hint_sources WHERE source = ?1";
    let before: Option<u32> = tx.query_row(sql, [source], |row| row.get(0)).optional()?;
    let ladder = backoff::HINTS.wait(before.unwrap_or(0) + 1, chance);
    let wait = ladder.max(retry_after.unwrap_or_default()).min(MAX_PAUSE);
    tx.execute(
        "UPDATE hint_sources SET failures = failures + 1, next_at = ?2, last_error = ?3,
             last_error_at = ?4 WHERE source = ?1",
        params![source, Ms(tx.now() + wait), why, Ms(tx.now())],
    )?;
    Ok(SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO))
}

/// How every source does that was ever asked.
///
/// # Errors
/// [`super::StoreError`]
pub fn health(tx: &Tx<'_>) -> Result<Vec<Health>> {
    let mut all = Vec::new();
    for source in SourceName::ALL {
        let counts = hints::counts(tx, source)?;
        let sql = "SELECT calls, next_at, last_ok_at, failures, last_error, last_error_at
                   FROM hint_sources WHERE source = ?1";
        let health = tx.query_row(sql, [source], |row| {
            let last_error_at: Option<Ms> = row.get(5)?;
            Ok(Health {
                source,
                calls: row.get(0)?,
                next_at: row.get::<_, Ms>(1)?.0,
                last_ok_at: row.get::<_, Option<Ms>>(2)?.map(|at| at.0),
                failures: row.get(3)?,
                last_error: row.get::<_, Option<String>>(4)?.zip(last_error_at.map(|at| at.0)),
                hints: counts,
            })
        });
        all.extend(health.optional()?);
    }
    Ok(all)
}
