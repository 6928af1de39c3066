//! Guards against a wrong clock: nothing expires by one that has just jumped ahead (`domain/clock_jump.rs`), and
//! times in the far future, which only a wrong clock can have written, stop nothing for longer than that clock is
//! wrong.

use jiff::{SignedDuration, Timestamp, ToSpan};
use rusqlite::params;

use super::api_calls::BOOKED_AHEAD;
use super::columns::Ms;
use super::{Result, Tx};
use crate::clock;
use crate::domain::clock_jump::ClockState;
use crate::domain::quota::MAX_PAUSE;
use crate::domain::{day_of, digest};

/// How often an unchanged state is written.
const WRITE_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// The longest that anything is planned ahead, unless it says otherwise below.
const PLANNED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The longest lease; what has happened cannot be further ahead either.
const HAPPENED: SignedDuration = SignedDuration::from_hours(2);

/// How far ahead a time can be.
const TIMES: [(&str, &str, SignedDuration); 24] = [
    ("artists", "next_check_at", PLANNED),
    ("artists", "checked_at", HAPPENED),
    ("artists", "tracked_since", HAPPENED),
    ("artists", "claimed_until", HAPPENED),
    ("artist_lists", "next_check_at", PLANNED),
    ("artist_lists", "checked_at", HAPPENED),
    ("artist_lists", "unwanted_at", HAPPENED),
    ("users", "follows_next_at", PLANNED),
    ("users", "spotify_error_until", PLANNED),
    ("users", "ended_at", HAPPENED),
    ("users", "refused_since", HAPPENED),
    ("users", "sync_requested_at", HAPPENED),
    ("tokens", "refreshing_until", HAPPENED),
    ("tokens", "authorized_at", HAPPENED),
    ("tokens", "expired_since", HAPPENED),
    ("sessions", "seen_at", HAPPENED),
    ("api_calls", "at", BOOKED_AHEAD),
    ("pauses", "until", MAX_PAUSE),
    ("quota_lockouts", "at", SignedDuration::ZERO),
    ("hints", "next_at", PLANNED),
    ("hint_sources", "next_at", MAX_PAUSE),
    ("identities", "look_up_next_at", PLANNED),
    ("identities", "trace_next_at", PLANNED),
    ("identities", "deezer_next_at", PLANNED),
];

/// Records what the clock says, and corrects times that only a wrong clock can have written.
pub fn check_clock(tx: &Tx<'_>) -> Result<()> {
    observe(tx)?;
    if tx.now() < clock::BUILD_EPOCH {
        // By this clock, every time that was written correctly would be in the far future.
        tracing::warn!(now = %tx.now(), "the clock is wrong: it is earlier than this version's release");
        return Ok(());
    }
    correct_outbox(tx)?;
    for (table, column, ahead) in TIMES {
        correct(tx, table, column, "true", ahead)?;
    }
    Ok(())
}

/// Whether what has expired by the clock has expired.
pub(super) fn is_trusted(tx: &Tx<'_>) -> Result<bool> {
    let state = find(tx)?.unwrap_or(ClockState::trusted(tx.now()));
    Ok(state.observe(tx.now()).is_trusted())
}

fn observe(tx: &Tx<'_>) -> Result<()> {
    let Some(before) = find(tx)? else { return save(tx, ClockState::trusted(tx.now())) };
    let state = before.observe(tx.now());
    if before.is_trusted() && !state.is_trusted() {
        tracing::warn!(
            before = %before.trusted,
            now = %tx.now(),
            "the clock jumped ahead: nothing expires until it has kept that time for two days, or is corrected"
        );
    }
    let is_old = tx.now().duration_since(before.last_seen()).abs() >= WRITE_INTERVAL;
    if is_old || before.is_trusted() != state.is_trusted() { save(tx, state) } else { Ok(()) }
}

/// An email that is bound keeps its time, since its Message-ID is made of it.
fn correct_outbox(tx: &Tx<'_>) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET enqueued_at = ?1, next_at = min(next_at, ?1)
         WHERE state = 'pending' AND email_id IS NULL AND enqueued_at > ?2",
        params![Ms(tx.now()), Ms(tx.now() + HAPPENED)],
    )?;
    correct(tx, "outbox", "next_at", "state = 'pending'", digest::MAX_WAIT)?;
    correct(tx, "outbox", "claimed_until", "state = 'pending'", HAPPENED)?;
    // A digest is named after its day, which is tomorrow's at most.
    let tomorrow = day_of(tx.now()).saturating_add(1.day()).to_string();
    tx.execute(
        "UPDATE users SET last_digest = NULL WHERE substr(last_digest, instr(last_digest, ':') + 1) > ?1",
        [tomorrow],
    )?;
    Ok(())
}

fn correct(tx: &Tx<'_>, table: &str, column: &str, of: &str, ahead: SignedDuration) -> Result<()> {
    let sql = format!("UPDATE {table} SET {column} = ?1 WHERE {of} AND {column} > ?2");
    let rows = tx.execute(&sql, params![Ms(tx.now()), Ms(tx.now() + ahead)])?;
    if rows > 0 {
        tracing::warn!(
            table,
            column,
            rows,
            "corrected times in the far future: the clock was wrong"
        );
    }
    Ok(())
}

fn find(tx: &Tx<'_>) -> Result<Option<ClockState>> {
    let sql = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'clock_seen'";
    let text = tx.query_optional(sql, [], |row| row.get::<_, String>(0))?;
    let times: Option<Vec<Timestamp>> =
        text.and_then(|text| text.split(' ').map(|time| time.parse().ok()).collect());
    Ok(match times.as_deref() {
        Some([trusted]) => Some(ClockState::trusted(*trusted)),
        Some([trusted, since, last]) => {
            Some(ClockState { trusted: *trusted, suspect: Some((*since, *last)) })
        }
        _ => None,
    })
}

fn save(tx: &Tx<'_>, state: ClockState) -> Result<()> {
    let mut text = state.trusted.to_string();
    if let Some((since, last)) = state.suspect {
        text = format!("{text} {since} {last}");
    }
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('clock_seen', ?1)";
    tx.execute(sql, [text.as_bytes()])?;
    Ok(())
}
