//! Links in emails: bound to a purpose, good for a while, good once.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx};
use crate::domain::user::{EmailAddress, UserId};

/// A link that confirms an address is good for this long.
pub const CONFIRM_TTL: SignedDuration = SignedDuration::from_hours(48);

/// A link that confirms an address.
#[derive(Debug, Clone)]
pub struct ConfirmLink {
    /// Its number, which stands signed in the link.
    pub id: i64,
    /// Whose it is.
    pub user: UserId,
    /// The address that it confirms; `None` once it has.
    pub address: Option<EmailAddress>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Makes a link that confirms `address`, and ends the user's earlier ones: only the address
/// typed last can be confirmed.
///
/// # Errors
/// [`super::StoreError`]
pub fn make_confirm(tx: &Tx<'_>, user: UserId, address: &EmailAddress) -> Result<i64> {
    forget_awaiting(tx, user)?;
    tx.execute(
        "INSERT INTO links (purpose, person, address, created_at, expires_at)
         VALUES ('confirm', ?1, ?2, ?3, ?4)",
        params![user, address, Ms(tx.now()), Ms(tx.now() + CONFIRM_TTL)],
    )?;
    Ok(tx.conn().last_insert_rowid())
}

/// Ends the links of a user that wait to be used.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget_awaiting(tx: &Tx<'_>, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM links WHERE person = ?1 AND used_at IS NULL", [user])?;
    Ok(())
}

/// The confirming link with this number, used or over though it may be.
///
/// # Errors
/// [`super::StoreError`]
pub fn find_confirm(tx: &Tx<'_>, id: i64) -> Result<Option<ConfirmLink>> {
    find(tx, "purpose = 'confirm' AND id = ?1", id)
}

/// The address that a user has typed and not confirmed yet.
///
/// # Errors
/// [`super::StoreError`]
pub fn awaiting(tx: &Tx<'_>, user: UserId) -> Result<Option<ConfirmLink>> {
    let waiting = find(tx, "purpose = 'confirm' AND used_at IS NULL AND person = ?1", user.0)?;
    Ok(waiting.filter(|link| link.expires_at > tx.now()))
}

/// Marks a link used, and forgets its address.
///
/// # Errors
/// [`super::StoreError`]
pub fn mark_used(tx: &Tx<'_>, id: i64) -> Result<()> {
    let sql = "UPDATE links SET used_at = ?2, address = NULL WHERE id = ?1 AND used_at IS NULL";
    exactly_one(tx.execute(sql, params![id, Ms(tx.now())])?)
}

fn find(tx: &Tx<'_>, which: &str, key: i64) -> Result<Option<ConfirmLink>> {
    let sql = format!(
        "SELECT id, person, address, expires_at FROM links WHERE {which} ORDER BY id DESC LIMIT 1"
    );
    let found = tx.query_row(&sql, [key], |row| {
        Ok(ConfirmLink {
            id: row.get(0)?,
            user: row.get(1)?,
            address: row.get(2)?,
            expires_at: row.get::<_, Ms>(3)?.0,
        })
    });
    Ok(found.optional()?)
}
