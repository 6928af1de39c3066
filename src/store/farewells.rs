//! What the last email to a user who deleted their account needs. Deleted when the email is settled.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx, outbox};
use crate::domain::user::EmailAddress;

/// An email that was not sent by then is given up, so that nothing is kept forever.
const RETENTION: SignedDuration = SignedDuration::from_hours(4 * 24);

#[derive(Debug, Clone)]
pub struct Farewell {
    pub address: EmailAddress,
    /// How many artists they followed.
    pub artists: u64,
    /// Whether they revoked Dropday's access at Spotify themselves.
    pub has_withdrawn: bool,
}

/// Enqueues the last email to a user who deletes their account.
pub fn owe(tx: &Tx<'_>, farewell: &Farewell) -> Result<()> {
    tx.execute(
        "INSERT INTO farewells (address, artists, withdrew, made_at) VALUES (?1, ?2, ?3, ?4)",
        params![farewell.address, farewell.artists, farewell.has_withdrawn, Ms(tx.now())],
    )?;
    outbox::owe_good_bye(tx, tx.conn().last_insert_rowid())?;
    Ok(())
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Farewell>> {
    let sql = "SELECT address, artists, withdrew FROM farewells WHERE id = ?1";
    let found = tx.query_row(sql, [id], |row| {
        Ok(Farewell { address: row.get(0)?, artists: row.get(1)?, has_withdrawn: row.get(2)? })
    });
    Ok(found.optional()?)
}

/// Deletes those whose email is settled, and the email.
pub(super) fn forget_settled(tx: &Tx<'_>, email: i64) -> Result<()> {
    let which = "letter = ?1 AND kind = 'good_bye' AND state <> 'owed'";
    tx.execute(
        &format!("DELETE FROM farewells WHERE id IN (SELECT subject FROM outbox WHERE {which})"),
        [email],
    )?;
    tx.execute(&format!("DELETE FROM outbox WHERE {which}"), [email])?;
    Ok(())
}

/// Deletes those whose email could not be sent for days.
pub(super) fn forget_old(tx: &Tx<'_>) -> Result<()> {
    let before = Ms(tx.now() - RETENTION);
    tx.execute("DELETE FROM farewells WHERE made_at <= ?1", [before])?;
    tx.execute("DELETE FROM outbox WHERE kind = 'good_bye' AND owed_at <= ?1", [before])?;
    Ok(())
}
