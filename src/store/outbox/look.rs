//! Looking at what is owed and what was.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::EmailKind;
use crate::domain::user::UserId;
use crate::store::columns::Ms;
use crate::store::{Result, Tx};

/// The words that are kept with a letter: why it did not leave, or what it is to quote.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn words_of(tx: &Tx<'_>, letter: i64) -> Result<Option<String>> {
    let sql = "SELECT reason FROM outbox WHERE letter = ?1 AND reason IS NOT NULL LIMIT 1";
    Ok(tx.query_row(sql, [letter], |row| row.get(0)).optional()?)
}

/// How many things are owed to people.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn count_owed(tx: &Tx<'_>) -> Result<u64> {
    let sql = "SELECT count(*) FROM outbox WHERE state = 'owed'";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// How many things of one kind were owed to a person within the last hour.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn count_lately(tx: &Tx<'_>, person: UserId, kind: EmailKind) -> Result<u64> {
    let sql = "SELECT count(*) FROM outbox WHERE person = ?1 AND kind = ?2 AND owed_at > ?3";
    let since = tx.now() - SignedDuration::from_hours(1);
    Ok(tx.query_row(sql, params![person, kind.as_str(), Ms(since)], |row| row.get(0))?)
}

/// When something of one kind was last owed to a person.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn last_owed(tx: &Tx<'_>, person: UserId, kind: EmailKind) -> Result<Option<Timestamp>> {
    let sql = "SELECT max(owed_at) FROM outbox WHERE person = ?1 AND kind = ?2";
    let last: Option<Ms> = tx.query_row(sql, params![person, kind.as_str()], |row| row.get(0))?;
    Ok(last.map(|at| at.0))
}

/// What the mail server last said against a letter to this person that is not settled well.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn trouble_of(tx: &Tx<'_>, person: UserId) -> Result<Option<String>> {
    let sql = "SELECT reason FROM outbox o WHERE person = ?1 AND reason IS NOT NULL
               AND state IN ('owed', 'refused') AND NOT EXISTS
                   (SELECT 1 FROM outbox s WHERE s.person = ?1 AND s.state = 'sent'
                        AND (s.settled_at, s.id) > (coalesce(o.settled_at, o.owed_at), o.id))
               ORDER BY id DESC LIMIT 1";
    Ok(tx.query_row(sql, [person], |row| row.get(0)).optional()?)
}
