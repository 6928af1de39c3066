//! Keeping the database in order: what is over goes, and times that only a wrong clock can have
//! written are mended.

use jiff::{SignedDuration, ToSpan};
use rusqlite::params;

use super::columns::Ms;
use super::ledger::BOOKED_AHEAD;
use super::{Result, Tx, artists, callers, consents, farewells, hints, identities, invitations};
use crate::clock;
use crate::domain::quota::{LONGEST_PAUSE, WINDOW};
use crate::domain::{day_of, digest, side_list};

/// No rule waits longer for anything but a pause: a sweep over very many artists, at most.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// So many artists are forgotten in one transaction; the next pass goes on.
const AT_ONCE: u32 = 500;

/// No claim is made for longer.
const LONGEST_LEASE: SignedDuration = SignedDuration::from_hours(2);

/// Forgets what is over, and mends times.
///
/// # Errors
/// [`super::StoreError`]
pub fn tidy(tx: &Tx<'_>) -> Result<()> {
    forget_what_is_over(tx)?;
    artists::fold_names(tx)?;
    mend_times(tx)
}

fn forget_what_is_over(tx: &Tx<'_>) -> Result<()> {
    let now = tx.now();
    let forgotten = artists::FORGOTTEN_AFTER;
    for (sql, before) in [
        // The last two weeks say how many calls hints need on which day.
        ("DELETE FROM calls WHERE at <= ?1", now - WINDOW * 16),
        // Kept for a day, since its failures say how long the next one lasts.
        ("DELETE FROM pauses WHERE until <= ?1", now - WINDOW),
        ("DELETE FROM sign_ins WHERE expires_at <= ?1", now),
        ("DELETE FROM invitations WHERE expires_at <= ?1", now - WINDOW * 30),
        ("DELETE FROM callers WHERE asked_at <= ?1", now - callers::FORGOTTEN_AFTER),
        ("DELETE FROM links WHERE expires_at <= ?1", now - WINDOW * 30),
        ("DELETE FROM hints WHERE given_at <= ?1", now - hints::FORGOTTEN_AFTER),
        ("DELETE FROM unfollows WHERE gone_at <= ?1", now - forgotten),
    ] {
        tx.execute(sql, [Ms(before)])?;
    }
    consents::bury_dead_tokens(tx)?;
    farewells::forget_old(tx)?;
    // A trace of who followed them, though it no longer says who that was.
    let traces = artists::of_nobody(tx, AT_ONCE)?;
    if traces.is_empty() { Ok(()) } else { artists::forget(tx, &traces) }
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
