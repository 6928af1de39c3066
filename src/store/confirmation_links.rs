//! Links that confirm an email address. Each is valid once, for a limited time.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx};
use crate::domain::user::{EmailAddress, UserId};

/// How long a link is valid.
pub const CONFIRM_TTL: SignedDuration = SignedDuration::from_hours(48);

/// A confirmation link.
#[derive(Debug, Clone)]
pub struct ConfirmationLink {
    /// The number that the link contains, signed.
    pub id: i64,
    pub user: UserId,
    /// The address to confirm; `None` once the link is used.
    pub address: Option<EmailAddress>,
    pub expires_at: Timestamp,
}

/// Creates a link for `address` and invalidates earlier ones: only the address entered last can be confirmed.
pub fn make_confirm(tx: &Tx<'_>, user: UserId, address: &EmailAddress) -> Result<i64> {
    forget_awaiting(tx, user)?;
    tx.execute(
        "INSERT INTO confirmation_links (purpose, user_id, address, created_at, expires_at)
         VALUES ('confirm', ?1, ?2, ?3, ?4)",
        params![user, address, Ms(tx.now()), Ms(tx.now() + CONFIRM_TTL)],
    )?;
    Ok(tx.conn().last_insert_rowid())
}

/// Invalidates a user's unused links.
pub fn forget_awaiting(tx: &Tx<'_>, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM confirmation_links WHERE user_id = ?1 AND used_at IS NULL", [user])?;
    Ok(())
}

/// The link with this number, even if it is used or expired.
pub fn find_confirm(tx: &Tx<'_>, id: i64) -> Result<Option<ConfirmationLink>> {
    find(tx, "purpose = 'confirm' AND id = ?1", id)
}

/// The address that a user has entered and not confirmed yet.
pub fn awaiting(tx: &Tx<'_>, user: UserId) -> Result<Option<ConfirmationLink>> {
    let waiting = find(tx, "purpose = 'confirm' AND used_at IS NULL AND user_id = ?1", user.0)?;
    Ok(waiting.filter(|link| link.expires_at > tx.now()))
}

/// Marks a link as used and deletes its address.
pub fn mark_used(tx: &Tx<'_>, id: i64) -> Result<()> {
    let sql = "UPDATE confirmation_links SET used_at = ?2, address = NULL WHERE id = ?1 AND used_at IS NULL";
    exactly_one(tx.execute(sql, params![id, Ms(tx.now())])?)
}

fn find(tx: &Tx<'_>, which: &str, key: i64) -> Result<Option<ConfirmationLink>> {
    let sql = format!(
        "SELECT id, user_id, address, expires_at FROM confirmation_links WHERE {which} ORDER BY id DESC LIMIT 1"
    );
    tx.query_optional(&sql, [key], |row| {
        Ok(ConfirmationLink {
            id: row.get(0)?,
            user: row.get(1)?,
            address: row.get(2)?,
            expires_at: row.get::<_, Ms>(3)?.0,
        })
    })
}
