//! Single-use sign-up links. Only the hash of a link's token is stored.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx};
use crate::domain::user::UserId;

/// The longest validity.
pub const MAX_TTL: SignedDuration = SignedDuration::from_hours(366 * 24);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub number: i64,
    /// Who it is for, in the operator's words; may be empty.
    pub note: String,
    pub made_at: Timestamp,
    pub expires_at: Timestamp,
    /// When and by whom it was used.
    pub used: Option<(Timestamp, String)>,
}

impl Invitation {
    /// Whether it can be used.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.used.is_none() && self.expires_at > now
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawal {
    Done,
    /// It was used before.
    Used,
    /// There is none with this number.
    Unknown,
}

/// Creates an invitation and returns its number.
pub fn make(
    tx: &Tx<'_>,
    token_hash: [u8; 32],
    note: &str,
    good_for: SignedDuration,
) -> Result<Invitation> {
    let expires_at = tx.now() + good_for.min(MAX_TTL);
    tx.execute(
        "INSERT INTO invitations (token_hash, note, made_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![token_hash, note, Ms(tx.now()), Ms(expires_at)],
    )?;
    let (number, note) = (tx.conn().last_insert_rowid(), note.to_owned());
    Ok(Invitation { number, note, made_at: tx.now(), expires_at, used: None })
}

const INVITATION: &str = "SELECT i.id, note, made_at, i.expires_at, used_at, display_name
     FROM invitations i LEFT JOIN users p ON p.id = i.used_by";

/// The invitation with this token, even if it is used or expired.
pub fn of_token(tx: &Tx<'_>, token_hash: [u8; 32]) -> Result<Option<Invitation>> {
    let sql = format!("{INVITATION} WHERE token_hash = ?1");
    tx.query_optional(&sql, [token_hash], read)
}

pub fn find(tx: &Tx<'_>, number: i64) -> Result<Option<Invitation>> {
    let sql = format!("{INVITATION} WHERE i.id = ?1");
    tx.query_optional(&sql, [number], read)
}

/// All invitations, newest first.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Invitation>> {
    tx.query_rows(&format!("{INVITATION} ORDER BY i.id DESC"), [], read)
}

/// Marks a valid invitation as used; an error if it was used before.
pub fn use_up(tx: &Tx<'_>, number: i64, user: UserId) -> Result<()> {
    let sql = "UPDATE invitations SET used_at = ?2, used_by = ?3 WHERE id = ?1 AND used_at IS NULL";
    exactly_one(tx.execute(sql, params![number, Ms(tx.now()), user])?)
}

/// Deletes an unused invitation.
pub fn withdraw(tx: &Tx<'_>, number: i64) -> Result<Withdrawal> {
    let Some(invitation) = find(tx, number)? else { return Ok(Withdrawal::Unknown) };
    if invitation.used.is_some() {
        return Ok(Withdrawal::Used);
    }
    tx.execute("DELETE FROM invitations WHERE id = ?1", [number])?;
    Ok(Withdrawal::Done)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Invitation> {
    let used_at: Option<Ms> = row.get(4)?;
    let used_by: Option<String> = row.get(5)?;
    Ok(Invitation {
        number: row.get(0)?,
        note: row.get(1)?,
        made_at: row.get::<_, Ms>(2)?.0,
        expires_at: row.get::<_, Ms>(3)?.0,
        used: used_at.map(|at| (at.0, used_by.unwrap_or_default())),
    })
}
