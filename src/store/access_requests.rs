//! Access requests of people who are not on the app's allow list at Spotify.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};
use serde::Serialize;

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::user::EmailAddress;

/// By then the operator has had the email about it.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// An app may have five users: more requests than this are a flood.
const MAX_ROWS: u32 = 50;

/// A request to be added to the allow list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessRequest {
    #[serde(skip)]
    pub number: i64,
    /// The name as entered, on one line.
    pub name: String,
    /// The address of their Spotify account, as entered. No email is sent to it.
    #[serde(rename = "email", serialize_with = "super::serialize::email")]
    pub address: EmailAddress,
    #[serde(rename = "requested_at")]
    pub asked_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    Yes,
    /// There are too many requests.
    Full,
}

/// Stores a request, which replaces an earlier one: there is one per address and one per sign-in attempt.
pub fn note(
    tx: &Tx<'_>,
    proof_hash: [u8; 32],
    name: &str,
    address: &EmailAddress,
) -> Result<Recorded> {
    tx.execute(
        "DELETE FROM access_requests WHERE proof_hash = ?1 OR address = ?2",
        params![proof_hash, address],
    )?;
    let waiting: u32 =
        tx.query_row("SELECT count(*) FROM access_requests", [], |row| row.get(0))?;
    if waiting >= MAX_ROWS {
        return Ok(Recorded::Full);
    }
    tx.execute(
        "INSERT INTO access_requests (name, address, proof_hash, asked_at) VALUES (?1, ?2, ?3, ?4)",
        params![name, address, proof_hash, Ms(tx.now())],
    )?;
    Ok(Recorded::Yes)
}

const ACCESS_REQUEST: &str = "SELECT id, name, address, asked_at FROM access_requests";

/// All requests, newest first.
pub fn list(tx: &Tx<'_>) -> Result<Vec<AccessRequest>> {
    tx.query_rows(&format!("{ACCESS_REQUEST} ORDER BY asked_at DESC, id DESC"), [], read)
}

/// The requests that this email lists: those that it listed when it was rendered before and, unless it is a repeat
/// that must stay the same, all that no other email lists.
pub fn record_alert(tx: &Tx<'_>, email: i64, is_repeat: bool) -> Result<Vec<AccessRequest>> {
    if !is_repeat {
        tx.execute("UPDATE access_requests SET alert_id = ?1 WHERE alert_id IS NULL", [email])?;
    }
    let sql = format!("{ACCESS_REQUEST} WHERE alert_id = ?1 ORDER BY id");

    tx.query_rows(&sql, [email], read)
}

/// Deletes a request that the operator has dealt with.
pub fn forget(tx: &Tx<'_>, number: i64) -> Result<()> {
    tx.execute("DELETE FROM access_requests WHERE id = ?1", [number])?;
    Ok(())
}

/// Deletes the request with this address: its sender has signed in.
pub fn forget_address(tx: &Tx<'_>, address: &EmailAddress) -> Result<()> {
    tx.execute("DELETE FROM access_requests WHERE address = ?1", [address])?;
    Ok(())
}

/// Whether there is a request that no email lists.
pub fn is_any_unreported(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT 1 FROM access_requests WHERE alert_id IS NULL LIMIT 1";
    Ok(tx.query_optional(sql, [], |_| Ok(()))?.is_some())
}

fn read(row: &Row<'_>) -> rusqlite::Result<AccessRequest> {
    let asked_at: Ms = row.get(3)?;
    let (number, name, address) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(AccessRequest { number, name, address, asked_at: asked_at.0 })
}
