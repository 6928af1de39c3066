//! Counts and looks up pending and past emails.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::EmailKind;
use crate::domain::user::UserId;
use crate::store::columns::Ms;
use crate::store::{Result, Tx};

/// The text that is stored with an email: why it was not sent, or what it quotes.
pub fn words_of(tx: &Tx<'_>, email: i64) -> Result<Option<String>> {
    let sql = "SELECT reason FROM outbox WHERE email_id = ?1 AND reason IS NOT NULL LIMIT 1";
    tx.query_optional(sql, [email], |row| row.get(0))
}

/// How many rows are pending.
pub fn count_pending(tx: &Tx<'_>) -> Result<u64> {
    let sql = "SELECT count(*) FROM outbox WHERE state = 'pending'";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// How many rows of one kind were enqueued for a user within the last hour.
pub fn count_lately(tx: &Tx<'_>, user: UserId, kind: EmailKind) -> Result<u64> {
    let sql = "SELECT count(*) FROM outbox WHERE user_id = ?1 AND kind = ?2 AND enqueued_at > ?3";
    let since = tx.now() - SignedDuration::from_hours(1);
    Ok(tx.query_row(sql, params![user, kind.as_str(), Ms(since)], |row| row.get(0))?)
}

/// When a row of one kind was last enqueued for a user.
pub fn last_pending(tx: &Tx<'_>, user: UserId, kind: EmailKind) -> Result<Option<Timestamp>> {
    let sql = "SELECT max(enqueued_at) FROM outbox WHERE user_id = ?1 AND kind = ?2";
    let last: Option<Ms> = tx.query_row(sql, params![user, kind.as_str()], |row| row.get(0))?;
    Ok(last.map(|at| at.0))
}

/// The mail server's last objection to an email to this user, unless a later email was sent.
pub fn delivery_error(tx: &Tx<'_>, user: UserId) -> Result<Option<String>> {
    let sql = "SELECT reason FROM outbox o WHERE user_id = ?1 AND reason IS NOT NULL
               AND state IN ('pending', 'rejected') AND NOT EXISTS
                   (SELECT 1 FROM outbox s WHERE s.user_id = ?1 AND s.state = 'sent'
                        AND (s.finished_at, s.id) > (coalesce(o.finished_at, o.enqueued_at), o.id))
               ORDER BY id DESC LIMIT 1";
    tx.query_optional(sql, [user], |row| row.get(0))
}
