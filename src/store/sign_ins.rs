//! Trips to Spotify that have not come back yet.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::SecretString;

use super::columns::Ms;
use super::{Result, Tx};

/// A trip is good for this long.
pub const TTL: SignedDuration = SignedDuration::from_mins(10);

/// So many trips are remembered; with more the oldest are forgotten.
const MAX_ROWS: u32 = 1_000;

/// What was remembered when somebody left for Spotify.
#[derive(Debug)]
pub struct SignIn {
    /// SHA-256 of the browser's cookie.
    pub browser_hash: [u8; 32],
    /// The PKCE verifier.
    pub verifier: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The number of the invitation that was brought along.
    pub invitation: Option<i64>,
}

/// What a trip's verifier is sealed for.
pub(super) fn identity(state_hash: &[u8; 32]) -> String {
    format!("sign_ins/{state_hash:x?}/verifier")
}

/// Remembers a trip under the hash of its `state`.
///
/// # Errors
/// [`super::StoreError`]
pub fn begin(
    tx: &Tx<'_>,
    state_hash: [u8; 32],
    browser_hash: [u8; 32],
    verifier: &SecretString,
    invitation: Option<i64>,
) -> Result<()> {
    tx.execute(
        "DELETE FROM sign_ins WHERE expires_at <
             (SELECT expires_at FROM sign_ins ORDER BY expires_at DESC LIMIT 1 OFFSET ?1)",
        [MAX_ROWS],
    )?;
    tx.execute(
        "INSERT INTO sign_ins (state_hash, browser_hash, verifier_sealed, expires_at, invitation)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            state_hash,
            browser_hash,
            tx.seal(verifier, &identity(&state_hash)),
            Ms(tx.now() + TTL),
            invitation,
        ],
    )?;
    Ok(())
}

/// Takes a trip out, once.
///
/// # Errors
/// [`super::StoreError`]
pub fn take(tx: &Tx<'_>, state_hash: [u8; 32]) -> Result<Option<SignIn>> {
    let row = tx.query_row(
        "DELETE FROM sign_ins WHERE state_hash = ?1
         RETURNING browser_hash, verifier_sealed, expires_at, invitation",
        [state_hash],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    );
    let Some((browser_hash, sealed, expires_at, invitation)) = row.optional()? else {
        return Ok(None);
    };
    let (sealed, Ms(expires_at)): (Vec<u8>, Ms) = (sealed, expires_at);
    let verifier = tx.open_seal(&sealed, &identity(&state_hash))?;
    Ok(Some(SignIn { browser_hash, verifier, expires_at, invitation }))
}

/// The verifiers of all trips as they are sealed.
pub(super) fn sealed(conn: &Connection) -> Result<Vec<([u8; 32], Vec<u8>)>> {
    let mut rows = conn.prepare_cached("SELECT state_hash, verifier_sealed FROM sign_ins")?;
    let sealed = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(sealed.collect::<rusqlite::Result<_>>()?)
}

/// Keeps the same verifier, sealed anew.
pub(super) fn keep_sealed(conn: &Connection, state_hash: &[u8; 32], sealed: &[u8]) -> Result<()> {
    let sql = "UPDATE sign_ins SET verifier_sealed = ?2 WHERE state_hash = ?1";
    conn.execute(sql, params![state_hash, sealed])?;
    Ok(())
}
