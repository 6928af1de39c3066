//! Encrypted tokens. A user's tokens are refreshed by one task at a time, across processes.

use jiff::SignedDuration;
use rusqlite::{Connection, params};
use secrecy::SecretString;

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::token::{AccessToken, Grant, RefreshToken, Tokens};
use crate::domain::user::UserId;

/// A claim expires after this long. It includes the wait for the rate limiter, because a token that rotates must not be
/// refreshed twice.
const REFRESH_LEASE: SignedDuration = SignedDuration::from_mins(15);

#[derive(Debug, Clone)]
pub struct StoredTokens {
    pub tokens: Tokens,
    /// Increases with each change.
    pub version: i64,
}

/// The answer to a claim.
#[derive(Debug)]
pub enum RefreshClaim {
    /// Refresh these, then call [`refreshed`] or [`release_refresh`].
    Acquired(StoredTokens),
    /// They were refreshed meanwhile: use these.
    Newer(StoredTokens),
    /// Another task is refreshing them.
    Busy,
    /// There are no tokens any more.
    Gone,
}

fn associated_data(user: UserId, column: &str) -> String {
    format!("tokens/{}/{column}", user.0)
}

/// Stores the tokens of a new consent. Its six months start now.
pub fn keep(tx: &Tx<'_>, user: UserId, grant: &Grant, refresh: &RefreshToken) -> Result<()> {
    tx.execute(
        "INSERT INTO tokens (user_id, access_sealed, expires_at, refresh_sealed, authorized_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, 1)
         ON CONFLICT (user_id) DO UPDATE SET access_sealed = excluded.access_sealed,
             expires_at = excluded.expires_at, refresh_sealed = excluded.refresh_sealed,
             authorized_at = excluded.authorized_at, version = version + 1, refreshing_until = 0,
             expired_since = NULL",
        params![
            user,
            tx.seal(&grant.access.0, &associated_data(user, "access")),
            Ms(grant.expires_at),
            tx.seal(&refresh.0, &associated_data(user, "refresh")),
            Ms(tx.now()),
        ],
    )?;
    Ok(())
}

/// A user's tokens; `None` if the consent has ended.
pub fn find(tx: &Tx<'_>, user: UserId) -> Result<Option<StoredTokens>> {
    let row = tx.query_optional(
        "SELECT access_sealed, expires_at, refresh_sealed, version
         FROM tokens WHERE user_id = ?1 AND expired_since IS NULL",
        [user],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let Some(row) = row else { return Ok(None) };
    let (access, expires_at, refresh, version): (Vec<u8>, Ms, Vec<u8>, i64) = row;
    let open = |sealed: &[u8], column| -> Result<SecretString> {
        tx.open_seal(sealed, &associated_data(user, column))
    };
    let tokens = Tokens {
        access: AccessToken(open(&access, "access")?),
        expires_at: expires_at.0,
        refresh: RefreshToken(open(&refresh, "refresh")?),
    };
    Ok(Some(StoredTokens { tokens, version }))
}

/// Claims the refresh of tokens of this `version`.
pub fn claim_refresh(tx: &Tx<'_>, user: UserId, version: i64) -> Result<RefreshClaim> {
    let Some(kept) = find(tx, user)? else { return Ok(RefreshClaim::Gone) };
    if kept.version != version {
        return Ok(RefreshClaim::Newer(kept));
    }
    let sql =
        "UPDATE tokens SET refreshing_until = ?2 WHERE user_id = ?1 AND refreshing_until <= ?3";
    let lease = tx.now() + REFRESH_LEASE;
    let claimed = tx.execute(sql, params![user, Ms(lease), Ms(tx.now())])?;
    Ok(if claimed == 1 { RefreshClaim::Acquired(kept) } else { RefreshClaim::Busy })
}

/// Stores refreshed tokens; the old refresh token stays if there is no new one. Returns whether they were stored: they
/// are not if the user signed in again or was deleted meanwhile.
pub fn refreshed(tx: &Tx<'_>, user: UserId, version: i64, grant: &Grant) -> Result<bool> {
    let refresh = grant.refresh.as_ref();
    let kept = tx.execute(
        "UPDATE tokens SET access_sealed = ?3, expires_at = ?4,
             refresh_sealed = coalesce(?5, refresh_sealed), version = version + 1, refreshing_until = 0
         WHERE user_id = ?1 AND version = ?2 AND expired_since IS NULL",
        params![
            user,
            version,
            tx.seal(&grant.access.0, &associated_data(user, "access")),
            Ms(grant.expires_at),
            refresh.map(|token| tx.seal(&token.0, &associated_data(user, "refresh"))),
        ],
    )?;
    Ok(kept == 1)
}

/// Releases the claim of a failed refresh.
pub fn release_refresh(tx: &Tx<'_>, user: UserId, version: i64) -> Result<()> {
    let sql = "UPDATE tokens SET refreshing_until = 0 WHERE user_id = ?1 AND version = ?2";
    tx.execute(sql, params![user, version])?;
    Ok(())
}

/// Releases all claims, which are a dead process's.
pub(super) fn release_claims(tx: &Tx<'_>) -> Result<()> {
    tx.execute("UPDATE tokens SET refreshing_until = 0 WHERE refreshing_until > 0", [])?;
    Ok(())
}

/// A user's encrypted access and refresh token.
pub(super) type Sealed = (UserId, Vec<u8>, Vec<u8>);

/// All encrypted tokens.
pub(super) fn sealed(conn: &Connection) -> Result<Vec<Sealed>> {
    let mut rows = conn.prepare("SELECT user_id, access_sealed, refresh_sealed FROM tokens")?;
    let sealed = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(sealed.collect::<rusqlite::Result<_>>()?)
}

/// The rows that they are encrypted for.
pub(super) fn identities(user: UserId) -> [String; 2] {
    [associated_data(user, "access"), associated_data(user, "refresh")]
}

/// Stores tokens that were encrypted again.
pub(super) fn keep_sealed(
    conn: &Connection,
    user: UserId,
    access: &[u8],
    refresh: &[u8],
) -> Result<()> {
    let sql = "UPDATE tokens SET access_sealed = ?2, refresh_sealed = ?3 WHERE user_id = ?1";
    conn.execute(sql, params![user, access, refresh])?;
    Ok(())
}
