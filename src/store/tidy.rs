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
use crate::domain::quota::{LONGEST_PAUSE, WINDOW};
use crate::domain::{day_of, digest, side_list};

/// No rule waits longer for anything but a pause: a sweep over very many artists, at most.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// So many rows of a table go in one transaction.
const AT_ONCE: u32 = 500;

/// So many artists are looked at in one: a few milliseconds.
const LOOKED_AT: u32 = 2_000;

/// No claim is made for longer.
const LONGEST_LEASE: SignedDuration = SignedDuration::from_hours(2);

/// Looks at the clock, and mends times.
///
/// # Errors
/// [`super::StoreError`]
pub fn tidy(tx: &Tx<'_>) -> Result<()> {
    clock_seen::look(tx)?;
    artists::fold_names(tx)?;
    mend_times(tx)
}

/// Forgets what is over, some rows of each table; whether there may be more. What lies dead for the shortest time
/// goes by any clock, the rest by one that is believed.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget_some(tx: &Tx<'_>) -> Result<bool> {
    consents::bury_dead_tokens(tx)?;
    farewells::forget_old(tx)?;
    if !clock_seen::is_believed(tx)? {
        return Ok(false);
    }
    let now = tx.now();
    let mut is_more = false;
    for (table, key, column, before) in [
        // The last two weeks say how many calls hints need on which day.
        ("calls", "id", "at", now - WINDOW * 16),
        // Kept for a day, since its failures say how long the next one lasts.
        ("pauses", "scope", "until", now - WINDOW),
        ("sign_ins", "state_hash", "expires_at", now),
        ("invitations", "id", "expires_at", now - WINDOW * 30),
        ("callers", "id", "asked_at", now - callers::FORGOTTEN_AFTER),
        ("links", "id", "expires_at", now - WINDOW * 30),
        ("hints", "artist, source, key", "given_at", now - hints::FORGOTTEN_AFTER),
        ("unfollows", "person, artist", "gone_at", now - artists::FORGOTTEN_AFTER),
    ] {
        let sql = format!(
            "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {column} <= ?1 LIMIT ?2)"
        );
        is_more |= tx.execute(&sql, params![Ms(before), AT_ONCE])? == AT_ONCE as usize;
    }
    Ok(is_more)
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
    if tx.now() < clock::NOT_BEFORE {
        tracing::warn!(now = %tx.now(), "the clock is wrong: it stands before this version was made");
        return Ok(());
    }
    // What is owed since tomorrow was planned by a wrong clock. A letter that is bound keeps its time:
    // its Message-ID is made of it.
    tx.execute(
        "UPDATE outbox SET owed_at = ?1, next_at = min(next_at, ?1)
         WHERE state = 'owed' AND letter IS NULL AND owed_at > ?2",
        params![Ms(tx.now()), Ms(tx.now() + LONGEST_LEASE)],
    )?;
    // A digest of the day after tomorrow was named by a wrong clock.
    let ahead = day_of(tx.now()).saturating_add(1.day()).to_string();
    tx.execute(
        "UPDATE people SET last_digest = NULL WHERE substr(last_digest, instr(last_digest, ':') + 1) > ?1",
        [ahead],
    )?;
    for (table, column, longest, mended) in [
        ("artists", "next_check_at", LONGEST_WAIT, tx.now()),
        ("artists", "checked_at", LONGEST_LEASE, tx.now()),
        ("artists", "watched_since", LONGEST_LEASE, tx.now()),
        ("artists", "baseline_at", LONGEST_LEASE, tx.now()),
        ("artists", "claimed_until", LONGEST_LEASE, tx.now()),
        ("people", "follows_next_at", LONGEST_WAIT, tx.now()),
        ("people", "trouble_until", LONGEST_WAIT, tx.now()),
        ("people", "ended_at", LONGEST_LEASE, tx.now()),
        ("people", "refused_since", LONGEST_LEASE, tx.now()),
        ("people", "hurried_at", LONGEST_LEASE, tx.now()),
        ("feeds", "changed_at", LONGEST_LEASE, tx.now()),
        ("feeds", "read_at", LONGEST_LEASE, tx.now()),
        ("sessions", "seen_at", LONGEST_LEASE, tx.now()),
        ("tokens", "refreshing_until", LONGEST_LEASE, tx.now()),
        ("tokens", "authorized_at", LONGEST_LEASE, tx.now()),
        ("tokens", "dead_since", LONGEST_LEASE, tx.now()),
        ("outbox", "next_at", digest::LONGEST_WAIT, tx.now()),
        ("outbox", "claimed_until", LONGEST_LEASE, tx.now()),
        ("pauses", "until", LONGEST_PAUSE, tx.now()),
        ("calls", "at", BOOKED_AHEAD, tx.now()),
        ("lessons", "at", SignedDuration::ZERO, tx.now()),
        ("side_lists", "next_at", side_list::LONGEST_WAIT, tx.now()),
        ("side_lists", "unwanted_at", LONGEST_LEASE, tx.now()),
        ("hints", "next_at", LONGEST_WAIT, tx.now()),
        ("hint_sources", "next_at", LONGEST_PAUSE, tx.now()),
        ("job_runs", "started_at", LONGEST_LEASE, tx.now()),
        ("job_runs", "ended_at", LONGEST_LEASE, tx.now()),
        ("invitations", "expires_at", invitations::LONGEST_GOOD_FOR, tx.now()),
        ("callers", "asked_at", LONGEST_LEASE, tx.now()),
        ("identities", "look_up_next_at", identities::KNOWN_FOR, tx.now()),
        ("identities", "trace_next_at", identities::KNOWN_FOR, tx.now()),
        ("identities", "deezer_next_at", LONGEST_WAIT, tx.now()),
    ] {
        let sql = format!("UPDATE {table} SET {column} = ?1 WHERE {column} > ?2");
        let changed = tx.execute(&sql, params![Ms(mended), Ms(tx.now() + longest)])?;
        if changed > 0 {
            tracing::warn!(
                table,
                column,
                rows = changed,
                "times far ahead were mended: the clock was wrong"
            );
        }
    }
    Ok(())
}
