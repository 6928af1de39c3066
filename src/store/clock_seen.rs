//! What the clock was seen to say, so that one that leapt ahead is not believed at once (`domain/clock_jump.rs`).

use jiff::{SignedDuration, Timestamp};
use rusqlite::OptionalExtension;

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::clock_jump::ClockState;

/// A look that tells nothing new is noted this seldom.
const RECORD_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// Looks at the clock, and remembers what it says.
///
/// # Errors
/// [`super::StoreError`]
pub(super) fn look(tx: &Tx<'_>) -> Result<()> {
    let (before, is_noted) = match noted(tx)? {
        Some(seen) => (seen, true),
        None => {
            (newest_row(tx)?.map_or(ClockState::believed(tx.now()), ClockState::believed), false)
        }
    };
    let seen = before.look(tx.now());
    if before.is_believed() && !seen.is_believed() {
        tracing::warn!(
            before = %before.believed,
            now = %tx.now(),
            "the clock leapt ahead since it was last seen: nothing that is over by it is forgotten until it has \
             gone on from there for two days, or is put right"
        );
    }
    let is_news = before.is_believed() != seen.is_believed() || is_stale(before, tx.now());
    if is_news || !is_noted { note(tx, seen) } else { Ok(()) }
}

/// Whether what is over by the clock is over.
///
/// # Errors
/// [`super::StoreError`]
pub(super) fn is_believed(tx: &Tx<'_>) -> Result<bool> {
    let seen = noted(tx)?.unwrap_or(ClockState::believed(tx.now()));
    Ok(seen.look(tx.now()).is_believed())
}

/// Whether the last look is long ago, or lies ahead.
fn is_stale(seen: ClockState, now: Timestamp) -> bool {
    let last = seen.doubted.map_or(seen.believed, |(_, last)| last);
    now.duration_since(last).abs() >= RECORD_INTERVAL
}

fn noted(tx: &Tx<'_>) -> Result<Option<ClockState>> {
    let sql = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'clock_seen'";
    let text = tx.query_row(sql, [], |row| row.get::<_, String>(0)).optional()?;
    let times: Option<Vec<Timestamp>> =
        text.and_then(|text| text.split(' ').map(|time| time.parse().ok()).collect());
    Ok(match times.as_deref() {
        Some([believed]) => Some(ClockState::believed(*believed)),
        Some([believed, since, last]) => {
            Some(ClockState { believed: *believed, doubted: Some((*since, *last)) })
        }
        _ => None,
    })
}

fn note(tx: &Tx<'_>, seen: ClockState) -> Result<()> {
    let mut text = seen.believed.to_string();
    if let Some((since, last)) = seen.doubted {
        text = format!("{text} {since} {last}");
    }
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('clock_seen', ?1)";
    tx.execute(sql, [text.as_bytes()])?;
    Ok(())
}

/// When a version that did not look at the clock wrote last.
fn newest_row(tx: &Tx<'_>) -> Result<Option<Timestamp>> {
    let sql = "SELECT max(at) FROM (SELECT max(at) AS at FROM calls UNION ALL SELECT max(ended_at) FROM job_runs)";
    Ok(tx.query_row(sql, [], |row| row.get::<_, Option<Ms>>(0))?.map(|at| at.0))
}
