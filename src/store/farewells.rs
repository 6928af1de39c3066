//! What is needed for the last email to somebody who left. It goes when the email has left, or
//! when it cannot.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx, outbox};
use crate::domain::user::EmailAddress;

/// An email that could not leave by then never will; and nothing is kept for ever.
const RETENTION: SignedDuration = SignedDuration::from_hours(4 * 24);

/// What the last email says, and where it goes.
#[derive(Debug, Clone)]
pub struct Farewell {
    /// Where.
    pub address: EmailAddress,
    /// How many artists were watched for them.
    pub artists: u64,
    /// Whether they took their consent back at Spotify themselves.
    pub has_withdrawn: bool,
}

/// Owes somebody who leaves a last email.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe(tx: &Tx<'_>, farewell: &Farewell) -> Result<()> {
    tx.execute(
        "INSERT INTO farewells (address, artists, withdrew, made_at) VALUES (?1, ?2, ?3, ?4)",
        params![farewell.address, farewell.artists, farewell.has_withdrawn, Ms(tx.now())],
    )?;
    outbox::owe_good_bye(tx, tx.conn().last_insert_rowid())?;
    Ok(())
}

/// The farewell with this number.
///
/// # Errors
/// [`super::StoreError`]
pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Farewell>> {
    let sql = "SELECT address, artists, withdrew FROM farewells WHERE id = ?1";
    let found = tx.query_row(sql, [id], |row| {
        Ok(Farewell { address: row.get(0)?, artists: row.get(1)?, has_withdrawn: row.get(2)? })
    });
    Ok(found.optional()?)
}

/// Forgets those whose email is settled, the email included.
pub(super) fn forget_settled(tx: &Tx<'_>, email: i64) -> Result<()> {
    let which = "letter = ?1 AND kind = 'good_bye' AND state <> 'owed'";
    tx.execute(
        &format!("DELETE FROM farewells WHERE id IN (SELECT subject FROM outbox WHERE {which})"),
        [email],
    )?;
    tx.execute(&format!("DELETE FROM outbox WHERE {which}"), [email])?;
    Ok(())
}

/// Forgets those whose email could not leave for days.
pub(super) fn forget_old(tx: &Tx<'_>) -> Result<()> {
    let before = Ms(tx.now() - RETENTION);
    tx.execute("DELETE FROM farewells WHERE made_at <= ?1", [before])?;
    tx.execute("DELETE FROM outbox WHERE kind = 'good_bye' AND owed_at <= ?1", [before])?;
    Ok(())
}
