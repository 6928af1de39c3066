//! Authorization requests that have not returned from Spotify yet.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use secrecy::SecretString;

use super::columns::Ms;
use super::{Result, Tx};

/// How long a request is valid.
pub const TTL: SignedDuration = SignedDuration::from_mins(10);

/// Beyond this many requests, the oldest are deleted.
const MAX_ROWS: u32 = 1_000;

/// A stored authorization request.
#[derive(Debug)]
pub struct OauthState {
    /// SHA-256 of the browser's cookie.
    pub browser_hash: [u8; 32],
    /// The PKCE verifier.
    pub verifier: SecretString,
    pub expires_at: Timestamp,
    /// The invitation that the user came with.
    pub invitation: Option<i64>,
}

/// The row that a verifier is encrypted for.
pub(super) fn associated_data(state_hash: &[u8; 32]) -> String {
    format!("oauth_states/{state_hash:x?}/verifier")
}

/// Stores a request under the hash of its `state`.
pub fn begin(
    tx: &Tx<'_>,
    state_hash: [u8; 32],
    browser_hash: [u8; 32],
    verifier: &SecretString,
    invitation: Option<i64>,
) -> Result<()> {
    tx.execute(
        "DELETE FROM oauth_states WHERE expires_at <
             (SELECT expires_at FROM oauth_states ORDER BY expires_at DESC LIMIT 1 OFFSET ?1)",
        [MAX_ROWS],
    )?;
    tx.execute(
        "INSERT INTO oauth_states (state_hash, browser_hash, verifier_sealed, expires_at, invitation)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            state_hash,
            browser_hash,
            tx.seal(verifier, &associated_data(&state_hash)),
            Ms(tx.now() + TTL),
            invitation,
        ],
    )?;
    Ok(())
}

/// Takes out a request: it can be used once.
pub fn take(tx: &Tx<'_>, state_hash: [u8; 32]) -> Result<Option<OauthState>> {
    let row = tx.query_optional(
        "DELETE FROM oauth_states WHERE state_hash = ?1
         RETURNING browser_hash, verifier_sealed, expires_at, invitation",
        [state_hash],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let Some((browser_hash, sealed, expires_at, invitation)) = row else {
        return Ok(None);
    };
    let (sealed, Ms(expires_at)): (Vec<u8>, Ms) = (sealed, expires_at);
    let verifier = tx.open_seal(&sealed, &associated_data(&state_hash))?;
    Ok(Some(OauthState { browser_hash, verifier, expires_at, invitation }))
}

/// All encrypted verifiers.
pub(super) fn sealed(conn: &Connection) -> Result<Vec<([u8; 32], Vec<u8>)>> {
    let mut rows = conn.prepare_cached("SELECT state_hash, verifier_sealed FROM oauth_states")?;
    let sealed = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(sealed.collect::<rusqlite::Result<_>>()?)
}

/// Stores a verifier that was encrypted again.
pub(super) fn keep_sealed(conn: &Connection, state_hash: &[u8; 32], sealed: &[u8]) -> Result<()> {
    let sql = "UPDATE oauth_states SET verifier_sealed = ?2 WHERE state_hash = ?1";
    conn.execute(sql, params![state_hash, sealed])?;
    Ok(())
}
