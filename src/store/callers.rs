//! Users who are not on the app's list at Spotify, as they wrote themselves down for the operator.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::user::EmailAddress;

/// Nobody waits for longer than this to be entered; the operator has had their email.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// So many wait at once. An app may have five users; more than this only a flood brings.
const MAX_ROWS: u32 = 50;

/// Somebody who wants to be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Their number on the list.
    pub number: i64,
    /// The name, as they typed it, on one line.
    pub name: String,
    /// The address of their account at Spotify, as they typed it. It is never written to.
    pub address: EmailAddress,
    /// When they asked.
    pub asked_at: Timestamp,
}

/// Whether there was room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// They stand on the list.
    Yes,
    /// As many wait as can.
    Full,
}

/// Writes somebody down, in the place of what they wrote before: each address stands there once, and
/// so does each proof of a trip to Spotify.
///
/// # Errors
/// [`super::StoreError`]
pub fn note(
    tx: &Tx<'_>,
    proof_hash: [u8; 32],
    name: &str,
    address: &EmailAddress,
) -> Result<Noted> {
    tx.execute(
        "DELETE FROM callers WHERE proof_hash = ?1 OR address = ?2",
        params![proof_hash, address],
    )?;
    let waiting: u32 = tx.query_row("SELECT count(*) FROM callers", [], |row| row.get(0))?;
    if waiting >= MAX_ROWS {
        return Ok(Noted::Full);
    }
    tx.execute(
        "INSERT INTO callers (name, address, proof_hash, asked_at) VALUES (?1, ?2, ?3, ?4)",
        params![name, address, proof_hash, Ms(tx.now())],
    )?;
    Ok(Noted::Yes)
}

const CALLER: &str = "SELECT id, name, address, asked_at FROM callers";

/// Everybody who waits, the last to ask first.
///
/// # Errors
/// [`super::StoreError`]
pub fn list(tx: &Tx<'_>) -> Result<Vec<Caller>> {
    let mut rows =
        tx.conn().prepare_cached(&format!("{CALLER} ORDER BY asked_at DESC, id DESC"))?;
    Ok(rows.query_map([], read)?.collect::<rusqlite::Result<_>>()?)
}

/// Whom this email names: whoever was in it when it was written before, and, unless it is a repeat that
/// must be the same, everybody who is in no other.
///
/// # Errors
/// [`super::StoreError`]
pub fn tell_in(tx: &Tx<'_>, email: i64, is_repeat: bool) -> Result<Vec<Caller>> {
    if !is_repeat {
        tx.execute("UPDATE callers SET told_in = ?1 WHERE told_in IS NULL", [email])?;
    }
    let sql = format!("{CALLER} WHERE told_in = ?1 ORDER BY id");
    let mut rows = tx.conn().prepare_cached(&sql)?;
    Ok(rows.query_map([email], read)?.collect::<rusqlite::Result<_>>()?)
}

/// Forgets somebody: they were entered, or will not be.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget(tx: &Tx<'_>, number: i64) -> Result<()> {
    tx.execute("DELETE FROM callers WHERE id = ?1", [number])?;
    Ok(())
}

/// Forgets whoever asked with this address: they are in.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget_address(tx: &Tx<'_>, address: &EmailAddress) -> Result<()> {
    tx.execute("DELETE FROM callers WHERE address = ?1", [address])?;
    Ok(())
}

/// Whether somebody waits whom no email names.
///
/// # Errors
/// [`super::StoreError`]
pub fn is_anybody_untold(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT 1 FROM callers WHERE told_in IS NULL LIMIT 1";
    Ok(tx.query_row(sql, [], |_| Ok(())).optional()?.is_some())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Caller> {
    let asked_at: Ms = row.get(3)?;
    let (number, name, address) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Caller { number, name, address, asked_at: asked_at.0 })
}
