//! What is needed for the last letter to somebody who left. It goes when the letter has left, or
//! when it cannot.

use jiff::SignedDuration;
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx, outbox};
use crate::domain::user::EmailAddress;

/// A letter that could not leave by then never will; and nothing is kept for ever.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(4 * 24);

/// What the last letter says, and where it goes.
#[derive(Debug, Clone)]
pub struct Farewell {
    /// Where.
    pub address: EmailAddress,
    /// The name that they showed at Spotify.
    pub name: String,
    /// How many artists were watched for them.
    pub artists: u64,
}

/// Owes somebody who leaves a last letter.
///
/// # Errors
/// [`super::StoreError`]
pub fn owe(tx: &Tx<'_>, farewell: &Farewell) -> Result<()> {
    tx.execute(
        "INSERT INTO farewells (address, name, artists, made_at) VALUES (?1, ?2, ?3, ?4)",
        params![farewell.address, farewell.name, farewell.artists, Ms(tx.now())],
    )?;
    outbox::owe_good_bye(tx, tx.conn().last_insert_rowid())?;
    Ok(())
}

/// The farewell with this number.
///
/// # Errors
/// [`super::StoreError`]
pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Farewell>> {
    let sql = "SELECT address, name, artists FROM farewells WHERE id = ?1";
    let found = tx.query_row(sql, [id], |row| {
        Ok(Farewell { address: row.get(0)?, name: row.get(1)?, artists: row.get(2)? })
    });
    Ok(found.optional()?)
}

/// Forgets those whose letter is settled, the letter included.
pub(super) fn forget_settled(tx: &Tx<'_>, letter: i64) -> Result<()> {
    let which = "letter = ?1 AND kind = 'good_bye' AND state <> 'owed'";
    tx.execute(
        &format!("DELETE FROM farewells WHERE id IN (SELECT subject FROM outbox WHERE {which})"),
        [letter],
    )?;
    tx.execute(&format!("DELETE FROM outbox WHERE {which}"), [letter])?;
    Ok(())
}

/// Forgets those whose letter could not leave for days.
pub(super) fn forget_old(tx: &Tx<'_>) -> Result<()> {
    let before = Ms(tx.now() - KEPT_FOR);
    tx.execute("DELETE FROM farewells WHERE made_at <= ?1", [before])?;
    tx.execute("DELETE FROM outbox WHERE kind = 'good_bye' AND owed_at <= ?1", [before])?;
    Ok(())
}
