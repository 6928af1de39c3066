//! What became of an email.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use crate::domain::user::UserId;
use crate::store::columns::Ms;
use crate::store::{Result, Tx, farewells, preferences};

/// Marks an email sent: the server answered 250 to that very message. If it is a digest, its user
/// gets no other for the same day.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn sent(tx: &Tx<'_>, email: i64) -> Result<()> {
    note_digest(tx, email)?;
    settle(tx, email, "sent", None)
}

/// Stops an email: the server refused it for good, in these words.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn refused(tx: &Tx<'_>, email: i64, why: &str) -> Result<()> {
    settle(tx, email, "refused", Some(why))
}

/// Drops an email that is no longer wanted, for this reason.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn dropped(tx: &Tx<'_>, email: i64, why: &str) -> Result<()> {
    settle(tx, email, "dropped", Some(why))
}

/// Takes one thing out of an email, since the user does not want it, in words for them.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn unwanted(tx: &Tx<'_>, email: i64, subject: &str, why: &str) -> Result<()> {
    take_out(tx, email, subject, "unwanted", why)
}

/// Takes one thing out of an email, since it cannot be told any more.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn drop_subject(tx: &Tx<'_>, email: i64, subject: &str, why: &str) -> Result<()> {
    take_out(tx, email, subject, "dropped", why)
}

/// Puts an email off until `next_at`. `come_apart` lets its rows leave with whatever else is owed
/// by then, and is for emails that were certainly never accepted; otherwise the very same email
/// will be repeated. An email to the operator keeps the words that it is about.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn put_off(
    tx: &Tx<'_>,
    email: i64,
    why: &str,
    next_at: Timestamp,
    come_apart: bool,
) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET reason = iif(kind = 'operator', coalesce(reason, ?2), ?2), next_at = ?3, claimed_until = 0,
             letter = CASE WHEN ?4 THEN NULL ELSE letter END
         WHERE letter = ?1 AND state = 'owed'",
        params![email, why, Ms(next_at), come_apart],
    )?;
    Ok(())
}

/// Lets everything that is owed and in nobody's hands wait until `next_at`: the server lets nobody in.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn put_all_off(tx: &Tx<'_>, next_at: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET next_at = ?1 WHERE state = 'owed' AND next_at < ?1 AND claimed_until <= ?2",
        params![Ms(next_at), Ms(tx.now())],
    )?;
    Ok(())
}

/// Gives up what of an email was tried `tries` times and owed since before `owed_before`; what joined it
/// lately has its own tries. Whether nothing of it is left.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn give_up(
    tx: &Tx<'_>,
    email: i64,
    why: &str,
    tries: u32,
    owed_before: Timestamp,
) -> Result<bool> {
    tx.execute(
        "UPDATE outbox SET state = 'refused', reason = ?2, settled_at = ?3, claimed_until = 0
         WHERE letter = ?1 AND state = 'owed' AND attempts >= ?4 AND owed_at <= ?5",
        params![email, why, Ms(tx.now()), tries, Ms(owed_before)],
    )?;
    farewells::forget_settled(tx, email)?;
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE letter = ?1 AND state = 'owed')";
    Ok(tx.query_row(sql, [email], |row| row.get(0))?)
}

/// Notes that an email was put off for no fault of its own: its attempts count as `most` at most, and
/// it is not given up for them.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn blameless(tx: &Tx<'_>, email: i64, most: u32) -> Result<()> {
    let sql = "UPDATE outbox SET attempts = min(attempts, ?2) WHERE letter = ?1 AND state = 'owed'";
    tx.execute(sql, params![email, most])?;
    Ok(())
}

fn take_out(tx: &Tx<'_>, email: i64, subject: &str, state: &str, why: &str) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET state = ?3, reason = ?4, settled_at = ?5, claimed_until = 0
         WHERE letter = ?1 AND subject = ?2 AND state = 'owed'",
        params![email, subject, state, why, Ms(tx.now())],
    )?;
    Ok(())
}

fn note_digest(tx: &Tx<'_>, email: i64) -> Result<()> {
    let sql =
        "SELECT person FROM outbox WHERE letter = ?1 AND kind = 'news' AND state = 'owed' LIMIT 1";
    let Some(user) = tx.query_row(sql, [email], |row| row.get::<_, UserId>(0)).optional()? else {
        return Ok(());
    };
    let Some(wanted) = preferences::of(tx, user)? else { return Ok(()) };
    let last = preferences::last_digest(tx, user)?;
    match wanted.digest_schedule.due(tx.now(), last) {
        Some(key) => preferences::digest_sent(tx, user, key),
        None => Ok(()),
    }
}

fn settle(tx: &Tx<'_>, email: i64, state: &str, why: Option<&str>) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET state = ?2, reason = ?3, settled_at = ?4, claimed_until = 0
         WHERE letter = ?1 AND state = 'owed'",
        params![email, state, why, Ms(tx.now())],
    )?;
    // Nothing of somebody who left is kept once they know.
    farewells::forget_settled(tx, email)
}
