//! Owing what is no news.

use jiff::Timestamp;
use rusqlite::params;

use super::Kind;
use crate::domain::user::{Addressee, UserId};
use crate::store::columns::Ms;
use crate::store::{Result, Tx};

/// Owes a user something, unless it was owed before. Returns whether it is new.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn owe(tx: &Tx<'_>, user: UserId, kind: Kind, subject: &str) -> Result<bool> {
    insert(tx, Addressee::User(user), kind, subject, tx.now())
}

/// Owes a user the email about the consent that was given at `given_at`, to leave at `next_send_time`
/// and not before, whoever asks for all emails.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn owe_sign_in_again(
    tx: &Tx<'_>,
    user: UserId,
    given_at: Timestamp,
    next_send_time: Timestamp,
) -> Result<bool> {
    let subject = given_at.as_millisecond().to_string();
    insert(tx, Addressee::User(user), Kind::SignInAgain, &subject, next_send_time)
}

/// Owes the last email to somebody who left.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn owe_good_bye(tx: &Tx<'_>, farewell: i64) -> Result<bool> {
    insert(tx, Addressee::Left, Kind::GoodBye, &farewell.to_string(), tx.now())
}

/// Owes the operator an email, unless it was owed before.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn owe_operator(tx: &Tx<'_>, subject: &str) -> Result<bool> {
    insert(tx, Addressee::Operator, Kind::Operator, subject, tx.now())
}

/// Whether the operator is owed an email about this matter, whatever the day.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn is_owed_to_operator(tx: &Tx<'_>, alert: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM outbox
               WHERE kind = 'operator' AND state = 'owed' AND subject LIKE ?1 || ':%')";
    Ok(tx.query_row(sql, [alert], |row| row.get(0))?)
}

/// Keeps somebody's words with the email that the operator is owed about this matter.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn quote_to_operator(tx: &Tx<'_>, alert: &str, words: &str) -> Result<()> {
    let sql = "UPDATE outbox SET reason = ?2
               WHERE kind = 'operator' AND state = 'owed' AND subject LIKE ?1 || ':%'";
    tx.execute(sql, [alert, words])?;
    Ok(())
}

fn insert(
    tx: &Tx<'_>,
    addressee: Addressee,
    kind: Kind,
    subject: &str,
    next_at: Timestamp,
) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO outbox (person, kind, subject, next_at, owed_at)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![addressee, kind.as_str(), subject, Ms(next_at), Ms(tx.now())];
    Ok(tx.execute(sql, row)? == 1)
}
