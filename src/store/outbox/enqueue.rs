//! Enqueues everything but news.

use jiff::Timestamp;
use rusqlite::params;

use super::EmailKind;
use crate::domain::user::{Addressee, UserId};
use crate::store::columns::Ms;
use crate::store::{Result, Tx};

/// Enqueues something for a user, unless it was enqueued before. Returns whether it is new.
pub fn enqueue(tx: &Tx<'_>, user: UserId, kind: EmailKind, subject: &str) -> Result<bool> {
    insert(tx, Addressee::User(user), kind, subject, tx.now())
}

/// Enqueues the email about the end of the consent that was given at `given_at`. Not even `once --all` sends it
/// before its time.
pub fn enqueue_sign_in_again(
    tx: &Tx<'_>,
    user: UserId,
    given_at: Timestamp,
    next_send_time: Timestamp,
) -> Result<bool> {
    let subject = given_at.as_millisecond().to_string();
    insert(tx, Addressee::User(user), EmailKind::SignInAgain, &subject, next_send_time)
}

/// Enqueues the last email to a user who deleted their account.
pub fn enqueue_goodbye(tx: &Tx<'_>, goodbye: i64) -> Result<bool> {
    insert(tx, Addressee::Left, EmailKind::Goodbye, &goodbye.to_string(), tx.now())
}

/// Enqueues an alert to the operator, unless it was enqueued before.
pub fn enqueue_operator(tx: &Tx<'_>, subject: &str) -> Result<bool> {
    insert(tx, Addressee::Operator, EmailKind::Operator, subject, tx.now())
}

/// Whether an alert of this kind is pending, whatever its day.
pub fn is_enqueued_for_operator(tx: &Tx<'_>, alert: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM outbox
               WHERE kind = 'operator' AND state = 'pending' AND subject LIKE ?1 || ':%')";
    Ok(tx.query_row(sql, [alert], |row| row.get(0))?)
}

/// Stores a quotation with the pending alerts of this kind.
pub fn record_server_reply(tx: &Tx<'_>, alert: &str, words: &str) -> Result<()> {
    let sql = "UPDATE outbox SET reason = ?2
               WHERE kind = 'operator' AND state = 'pending' AND subject LIKE ?1 || ':%'";
    tx.execute(sql, [alert, words])?;
    Ok(())
}

fn insert(
    tx: &Tx<'_>,
    addressee: Addressee,
    kind: EmailKind,
    subject: &str,
    next_at: Timestamp,
) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO outbox (user_id, kind, subject, next_at, enqueued_at)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![addressee, kind.as_str(), subject, Ms(next_at), Ms(tx.now())];
    Ok(tx.execute(sql, row)? == 1)
}
