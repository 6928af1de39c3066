//! What the goodbye email to a deleted user needs. It is deleted when the email was sent or cannot be sent.

use jiff::SignedDuration;
use rusqlite::params;

use super::columns::Ms;
use super::{Result, Tx, outbox};
use crate::domain::user::EmailAddress;

/// An email that could not be sent by then never will be.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_hours(4 * 24);

#[derive(Debug, Clone)]
pub struct PendingGoodbye {
    pub address: EmailAddress,
    /// How many artists the user followed.
    pub artists: u64,
    /// Whether the user revoked access at Spotify.
    pub has_withdrawn: bool,
}

/// Enqueues the goodbye email.
pub fn enqueue(tx: &Tx<'_>, goodbye: &PendingGoodbye) -> Result<()> {
    tx.execute(
        "INSERT INTO goodbye_emails (address, artists, withdrew, made_at) VALUES (?1, ?2, ?3, ?4)",
        params![goodbye.address, goodbye.artists, goodbye.has_withdrawn, Ms(tx.now())],
    )?;
    outbox::enqueue_goodbye(tx, tx.conn().last_insert_rowid())?;
    Ok(())
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<PendingGoodbye>> {
    let sql = "SELECT address, artists, withdrew FROM goodbye_emails WHERE id = ?1";
    tx.query_optional(sql, [id], |row| {
        Ok(PendingGoodbye {
            address: row.get(0)?,
            artists: row.get(1)?,
            has_withdrawn: row.get(2)?,
        })
    })
}
