//! Records the outcome of an email.

use jiff::Timestamp;
use rusqlite::params;

use crate::domain::user::UserId;
use crate::store::columns::Ms;
use crate::store::{Result, Tx, preferences};

/// Marks an email sent: the server answered 250 to this very message. If it is a digest, the user gets no other
/// for the same day.
pub fn mark_sent(tx: &Tx<'_>, email: i64) -> Result<()> {
    record_digest(tx, email)?;
    finish(tx, email, "sent", None)
}

/// Marks an email rejected for good, with the server's text.
pub fn mark_rejected(tx: &Tx<'_>, email: i64, why: &str) -> Result<()> {
    finish(tx, email, "rejected", Some(why))
}

/// Drops an email that is no longer needed, with the reason.
pub fn mark_dropped(tx: &Tx<'_>, email: i64, why: &str) -> Result<()> {
    finish(tx, email, "dropped", Some(why))
}

/// Removes a row from an email because the user does not want it; `why` is shown to them.
pub fn mark_skipped(tx: &Tx<'_>, email: i64, subject: &str, why: &str) -> Result<()> {
    unbind(tx, email, subject, "skipped", why)
}

/// Removes a row from an email because its subject no longer exists.
pub fn drop_subject(tx: &Tx<'_>, email: i64, subject: &str, why: &str) -> Result<()> {
    unbind(tx, email, subject, "dropped", why)
}

/// Defers an email until `next_at`. `come_apart` unbinds its rows, so that they are sent with whatever else is
/// pending by then; only for emails that were certainly not accepted. An alert to the operator keeps its
/// quotation.
pub fn defer(
    tx: &Tx<'_>,
    email: i64,
    why: &str,
    next_at: Timestamp,
    come_apart: bool,
) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET reason = iif(kind = 'operator', coalesce(reason, ?2), ?2), next_at = ?3, claimed_until = 0,
             email_id = CASE WHEN ?4 THEN NULL ELSE email_id END
         WHERE email_id = ?1 AND state = 'pending'",
        params![email, why, Ms(next_at), come_apart],
    )?;
    Ok(())
}

/// Defers everything that is pending and unclaimed until `next_at`: the server rejects every login.
pub fn defer_all(tx: &Tx<'_>, next_at: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET next_at = ?1 WHERE state = 'pending' AND next_at < ?1 AND claimed_until <= ?2",
        params![Ms(next_at), Ms(tx.now())],
    )?;
    Ok(())
}

/// Gives up the rows of an email that were tried `tries` times and enqueued before `pending_before`. Rows that
/// joined later have their own attempts. Returns whether no row is left.
pub fn give_up(
    tx: &Tx<'_>,
    email: i64,
    why: &str,
    tries: u32,
    pending_before: Timestamp,
) -> Result<bool> {
    tx.execute(
        "UPDATE outbox SET state = 'rejected', reason = ?2, finished_at = ?3, claimed_until = 0
         WHERE email_id = ?1 AND state = 'pending' AND attempts >= ?4 AND enqueued_at <= ?5",
        params![email, why, Ms(tx.now()), tries, Ms(pending_before)],
    )?;
    delete_settled_goodbye(tx, email)?;
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM outbox WHERE email_id = ?1 AND state = 'pending')";
    Ok(tx.query_row(sql, [email], |row| row.get(0))?)
}

/// Records that an email was deferred through no fault of its own: at most `most` attempts count, so that it is
/// not given up because of them.
pub fn uncount_attempt(tx: &Tx<'_>, email: i64, most: u32) -> Result<()> {
    let sql =
        "UPDATE outbox SET attempts = min(attempts, ?2) WHERE email_id = ?1 AND state = 'pending'";
    tx.execute(sql, params![email, most])?;
    Ok(())
}

fn unbind(tx: &Tx<'_>, email: i64, subject: &str, state: &str, why: &str) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET state = ?3, reason = ?4, finished_at = ?5, claimed_until = 0
         WHERE email_id = ?1 AND subject = ?2 AND state = 'pending'",
        params![email, subject, state, why, Ms(tx.now())],
    )?;
    Ok(())
}

fn record_digest(tx: &Tx<'_>, email: i64) -> Result<()> {
    let sql = "SELECT user_id FROM outbox WHERE email_id = ?1 AND kind = 'news' AND state = 'pending' LIMIT 1";
    let Some(user) = tx.query_optional(sql, [email], |row| row.get::<_, UserId>(0))? else {
        return Ok(());
    };
    let Some(wanted) = preferences::of(tx, user)? else { return Ok(()) };
    let last = preferences::last_digest(tx, user)?;
    match wanted.digest_schedule.due(tx.now(), last) {
        Some(key) => preferences::digest_sent(tx, user, key),
        None => Ok(()),
    }
}

fn finish(tx: &Tx<'_>, email: i64, state: &str, why: Option<&str>) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET state = ?2, reason = ?3, finished_at = ?4, claimed_until = 0
         WHERE email_id = ?1 AND state = 'pending'",
        params![email, state, why, Ms(tx.now())],
    )?;
    // Nothing is kept about a deleted account once its last email is settled.
    delete_settled_goodbye(tx, email)
}

/// Deletes the row of a goodbye email that is settled, and what the email needed.
fn delete_settled_goodbye(tx: &Tx<'_>, email: i64) -> Result<()> {
    let sql = "DELETE FROM outbox WHERE email_id = ?1 AND kind = 'goodbye' AND state <> 'pending'
               RETURNING CAST(subject AS INTEGER)";
    for goodbye in tx.query_rows(sql, [email], |row| row.get::<_, i64>(0))? {
        tx.execute("DELETE FROM goodbye_emails WHERE id = ?1", [goodbye])?;
    }
    Ok(())
}
