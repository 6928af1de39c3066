//! Browsers that are signed in. Only the hash of a session's token is kept.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::user::UserId;

/// A session ends after this long without a visit.
pub const IDLE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A visit is written down no more often than this.
const NOTED: SignedDuration = SignedDuration::from_hours(1);

/// Opens a session.
///
/// # Errors
/// [`super::StoreError`]
pub fn open(tx: &Tx<'_>, token_hash: [u8; 32], user: UserId) -> Result<()> {
    let sql =
        "INSERT INTO sessions (token_hash, person, created_at, seen_at) VALUES (?1, ?2, ?3, ?3)";
    tx.execute(sql, params![token_hash, user, Ms(tx.now())])?;
    Ok(())
}

/// A session that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user: UserId,
    /// Their `id` at Spotify.
    pub spotify_id: String,
    /// Whether this visit is worth a write.
    pub visit: Visit,
}

/// Whose session this is; `None` where it is unknown or over.
///
/// # Errors
/// [`super::StoreError`]
pub fn whose(tx: &Tx<'_>, token_hash: [u8; 32]) -> Result<Option<Session>> {
    let sql = "SELECT person, spotify_id, seen_at FROM sessions s JOIN people p ON p.id = s.person
               WHERE token_hash = ?1 AND seen_at > ?2";
    let found = tx.query_row(sql, params![token_hash, Ms(tx.now() - IDLE)], |row| {
        let Ms(seen_at) = row.get(2)?;
        let visit = match tx.now().duration_since(seen_at) > NOTED {
            true => Visit::WorthNoting,
            false => Visit::Fresh,
        };
        Ok(Session { user: row.get(0)?, spotify_id: row.get(1)?, visit })
    });
    Ok(found.optional()?)
}

/// Whether a visit is worth a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Noted within the hour.
    Fresh,
    /// To be noted with [`note_visit`].
    WorthNoting,
}

/// Notes that the session is in use.
///
/// # Errors
/// [`super::StoreError`]
pub fn note_visit(tx: &Tx<'_>, token_hash: [u8; 32]) -> Result<()> {
    let sql = "UPDATE sessions SET seen_at = ?2 WHERE token_hash = ?1";
    tx.execute(sql, params![token_hash, Ms(tx.now())])?;
    Ok(())
}

/// Forgets sessions that ended, so many at most; how many.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget_ended(tx: &Tx<'_>, most: u32) -> Result<u64> {
    let sql = "DELETE FROM sessions WHERE token_hash IN
                   (SELECT token_hash FROM sessions WHERE seen_at <= ?1 LIMIT ?2)";
    Ok(tx.execute(sql, params![Ms(tx.now() - IDLE), most])? as u64)
}

/// Ends a session.
///
/// # Errors
/// [`super::StoreError`]
pub fn close(tx: &Tx<'_>, token_hash: [u8; 32]) -> Result<()> {
    tx.execute("DELETE FROM sessions WHERE token_hash = ?1", [token_hash])?;
    Ok(())
}

/// Ends every session of a user.
///
/// # Errors
/// [`super::StoreError`]
pub fn close_all(tx: &Tx<'_>, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM sessions WHERE person = ?1", [user])?;
    Ok(())
}
