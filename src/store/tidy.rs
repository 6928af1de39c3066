//! Keeping the database in order: what is over goes, some rows at a time, and times that only a wrong clock can
//! have written are mended.

use jiff::{SignedDuration, ToSpan};
use rusqlite::params;

use super::columns::Ms;
use super::ledger::BOOKED_AHEAD;
use super::{
    Result, Tx, artists, callers, clock_seen, consents, farewells, hints, identities, invitations,
};
use crate::clock;
use crate::domain::artist::ArtistId;
use crate::domain::quota::{MAX_PAUSE, WINDOW};
use crate::domain::{artist_list, day_of, digest};

/// No rule waits longer for anything but a pause: a sweep over very many artists, at most.
const MAX_WAIT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// So many rows of a table go in one transaction.
const AT_ONCE: u32 = 500;

/// So many artists are looked at in one: a few milliseconds.
const LOOKED_AT: u32 = 2_000;

/// No claim is made for longer.
const MAX_LEASE: SignedDuration = SignedDuration::from_hours(2);

/// How far ahead a time in each column can lie.
const TIMES: &[(&str, &[(&str, SignedDuration)])] = &[
    (
        "artists",
        &[
            ("next_check_at", MAX_WAIT),
            ("checked_at", MAX_LEASE),
            ("watched_since", MAX_LEASE),
            ("claimed_until", MAX_LEASE),
        ],
    ),
    (
        "people",
        &[
            ("follows_next_at", MAX_WAIT),
            ("trouble_until", MAX_WAIT),
            ("ended_at", MAX_LEASE),
            ("refused_since", MAX_LEASE),
            ("hurried_at", MAX_LEASE),
        ],
    ),
    ("feeds", &[("changed_at", MAX_LEASE), ("read_at", MAX_LEASE)]),
    ("sessions", &[("seen_at", MAX_LEASE)]),
    (
        "tokens",
        &[("refreshing_until", MAX_LEASE), ("authorized_at", MAX_LEASE), ("dead_since", MAX_LEASE)],
    ),
    ("outbox", &[("next_at", digest::MAX_WAIT), ("claimed_until", MAX_LEASE)]),
    ("pauses", &[("until", MAX_PAUSE)]),
    ("calls", &[("at", BOOKED_AHEAD)]),
    ("lessons", &[("at", SignedDuration::ZERO)]),
    (
        "artist_lists",
        &[
            ("next_check_at", artist_list::MAX_SECONDARY_INTERVAL),
            ("checked_at", MAX_LEASE),
            ("unwanted_at", MAX_LEASE),
        ],
    ),
    ("hints", &[("next_at", MAX_WAIT)]),
    ("hint_sources", &[("next_at", MAX_PAUSE)]),
    ("job_runs", &[("started_at", MAX_LEASE), ("ended_at", MAX_LEASE)]),
    ("invitations", &[("expires_at", invitations::MAX_TTL)]),
    ("callers", &[("asked_at", MAX_LEASE)]),
    (
        "identities",
        &[
            ("look_up_next_at", identities::KNOWN_FOR),
            ("trace_next_at", identities::KNOWN_FOR),
            ("deezer_next_at", MAX_WAIT),
        ],
    ),
];

/// What is over: a table, its key, and how long after the time in this column a row is kept.
const OVER: [(&str, &str, &str, SignedDuration); 8] = [
    // The last two weeks say how many calls hints need on which day.
    ("calls", "id", "at", SignedDuration::from_hours(16 * 24)),
    // Kept for a day, since its failures say how long the next one lasts.
    ("pauses", "scope", "until", WINDOW),
    ("sign_ins", "state_hash", "expires_at", SignedDuration::ZERO),
    ("invitations", "id", "expires_at", SignedDuration::from_hours(30 * 24)),
    ("callers", "id", "asked_at", callers::RETENTION),
    ("links", "id", "expires_at", SignedDuration::from_hours(30 * 24)),
    ("hints", "artist, source, key", "given_at", hints::RETENTION),
    ("unfollows", "person, artist", "gone_at", artists::RETENTION),
];

/// Looks at the clock, and mends times.
///
/// # Errors
/// [`super::StoreError`]
pub fn tidy(tx: &Tx<'_>) -> Result<()> {
    clock_seen::look(tx)?;
    mend_times(tx)
}

/// Forgets what is over, some rows in one transaction, from a table on; the table to go on with, `None` at the end.
/// What lies dead for the shortest time goes by any clock, the rest by one that is believed.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget_some(tx: &Tx<'_>, from: usize) -> Result<Option<usize>> {
    consents::bury_dead_tokens(tx)?;
    farewells::forget_old(tx)?;
    if !clock_seen::is_believed(tx)? {
        return Ok(None);
    }
    for (table, (name, key, column, kept_for)) in OVER.iter().enumerate().skip(from) {
        let sql = format!(
            "DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM {name} WHERE {column} <= ?1 LIMIT ?2)"
        );
        if tx.execute(&sql, params![Ms(tx.now() - *kept_for), AT_ONCE])? == AT_ONCE as usize {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Of some artists after this one, those whom nobody follows, or followed lately; and the one to go on after. They
/// are traces of who followed them, though they no longer say who that was.
///
/// # Errors
/// [`super::StoreError`]
pub fn artists_of_nobody(tx: &Tx<'_>, after: &str) -> Result<(Vec<ArtistId>, Option<String>)> {
    if !clock_seen::is_believed(tx)? {
        return Ok((Vec::new(), None));
    }
    artists::of_nobody(tx, after, LOOKED_AT)
}

/// A clock that was wrong once, years ahead, must not stop the daemon for years. One that has not been set
/// yet must mend nothing: all that was written right would look far ahead to it.
fn mend_times(tx: &Tx<'_>) -> Result<()> {
    if tx.now() < clock::BUILD_EPOCH {
        tracing::warn!(now = %tx.now(), "the clock is wrong: it stands before this version was made");
        return Ok(());
    }
    // What is owed since tomorrow was planned by a wrong clock. An email that is bound keeps its time:
    // its Message-ID is made of it.
    tx.execute(
        "UPDATE outbox SET owed_at = ?1, next_at = min(next_at, ?1)
         WHERE state = 'owed' AND letter IS NULL AND owed_at > ?2",
        params![Ms(tx.now()), Ms(tx.now() + MAX_LEASE)],
    )?;
    // A digest of the day after tomorrow was named by a wrong clock.
    let ahead = day_of(tx.now()).saturating_add(1.day()).to_string();
    tx.execute(
        "UPDATE people SET last_digest = NULL WHERE substr(last_digest, instr(last_digest, ':') + 1) > ?1",
        [ahead],
    )?;
    for (table, columns) in TIMES {
        mend_table(tx, table, columns)?;
    }
    Ok(())
}

/// One walk through a table says whether anything is to be mended there at all.
fn mend_table(tx: &Tx<'_>, table: &str, columns: &[(&str, SignedDuration)]) -> Result<()> {
    let latest: Vec<String> = columns.iter().map(|(name, _)| format!("max({name})")).collect();
    let sql = format!("SELECT {} FROM {table}", latest.join(", "));
    let latest = tx.query_row(&sql, [], |row| {
        (0..columns.len()).map(|n| row.get(n)).collect::<rusqlite::Result<Vec<Option<Ms>>>>()
    })?;
    for ((column, longest), latest) in columns.iter().zip(latest) {
        let most = tx.now() + *longest;
        if latest.is_none_or(|Ms(latest)| latest <= most) {
            continue;
        }
        let sql = format!("UPDATE {table} SET {column} = ?1 WHERE {column} > ?2");
        let rows = tx.execute(&sql, params![Ms(tx.now()), Ms(most)])?;
        tracing::warn!(table, column, rows, "times far ahead were mended: the clock was wrong");
    }
    Ok(())
}
