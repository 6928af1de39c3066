//! Signed-in browsers. Only the hash of a session's token is stored.

use jiff::SignedDuration;
use rusqlite::params;

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::user::UserId;

/// A session expires after this long without a visit.
pub const IDLE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How often `seen_at` is written.
const RECORD_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

pub fn create(tx: &Tx<'_>, token_hash: [u8; 32], user: UserId) -> Result<()> {
    let sql =
        "INSERT INTO sessions (token_hash, user_id, created_at, seen_at) VALUES (?1, ?2, ?3, ?3)";
    tx.execute(sql, params![token_hash, user, Ms(tx.now())])?;
    Ok(())
}

/// A session that has not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    /// The user's `id` at Spotify.
    pub spotify_id: String,
    pub visit: VisitRecord,
}

/// The session with this token; `None` if it is unknown or expired.
pub fn find(tx: &Tx<'_>, token_hash: [u8; 32]) -> Result<Option<Session>> {
    let sql = "SELECT user_id, spotify_id, seen_at FROM sessions s JOIN users p ON p.id = s.user_id
               WHERE token_hash = ?1 AND seen_at > ?2";
    tx.query_optional(sql, params![token_hash, Ms(tx.now() - IDLE)], |row| {
        let Ms(seen_at) = row.get(2)?;
        let visit = match tx.now().duration_since(seen_at) > RECORD_INTERVAL {
            true => VisitRecord::Due,
            false => VisitRecord::Recent,
        };
        Ok(Session { user: row.get(0)?, spotify_id: row.get(1)?, visit })
    })
}

/// Whether a visit is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitRecord {
    /// The last one was recorded within the hour.
    Recent,
    /// To be recorded with [`record_visit`].
    Due,
}

/// Records that the session is in use.
pub fn record_visit(tx: &Tx<'_>, token_hash: [u8; 32]) -> Result<()> {
    let sql = "UPDATE sessions SET seen_at = ?2 WHERE token_hash = ?1";
    tx.execute(sql, params![token_hash, Ms(tx.now())])?;
    Ok(())
}

pub fn close(tx: &Tx<'_>, token_hash: [u8; 32]) -> Result<()> {
    tx.execute("DELETE FROM sessions WHERE token_hash = ?1", [token_hash])?;
    Ok(())
}

pub fn close_all(tx: &Tx<'_>, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM sessions WHERE user_id = ?1", [user])?;
    Ok(())
}
