//! Tokens, sealed. One refresh at a time for each user, across tasks and processes.

use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::SecretString;

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::token::{AccessToken, Grant, RefreshToken, Tokens};
use crate::domain::user::UserId;

/// A refresh that takes longer than this was given up by whoever began it. It may have to queue for
/// its turn, and a token that rotates must not be refreshed twice.
const REFRESH_LEASE: SignedDuration = SignedDuration::from_mins(15);

/// A user's tokens, with the number of their latest change.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The tokens.
    pub tokens: Tokens,
    /// Grows with each change.
    pub version: i64,
}

/// Whether a refresh is ours to make.
#[derive(Debug)]
pub enum RefreshClaim {
    /// Refresh these, then [`refreshed`] or [`release_refresh`].
    Ours(Kept),
    /// Somebody else has refreshed since: use these.
    Newer(Kept),
    /// Somebody else is at it.
    Busy,
    /// There are no tokens any more.
    Gone,
}

fn identity(user: UserId, column: &str) -> String {
    format!("tokens/{}/{column}", user.0)
}

/// Keeps what a consent brought. The six months begin now.
///
/// # Errors
/// [`super::StoreError`]
pub fn keep(tx: &Tx<'_>, user: UserId, grant: &Grant, refresh: &RefreshToken) -> Result<()> {
    tx.execute(
        "INSERT INTO tokens (person, access_sealed, expires_at, refresh_sealed, authorized_at, version)
         VALUES (?1, ?2, ?3, ?4, ?5, 1)
         ON CONFLICT (person) DO UPDATE SET access_sealed = excluded.access_sealed,
             expires_at = excluded.expires_at, refresh_sealed = excluded.refresh_sealed,
             authorized_at = excluded.authorized_at, version = version + 1, refreshing_until = 0,
             dead_since = NULL",
        params![
            user,
            tx.seal(&grant.access.0, &identity(user, "access")),
            Ms(grant.expires_at),
            tx.seal(&refresh.0, &identity(user, "refresh")),
            Ms(tx.now()),
        ],
    )?;
    Ok(())
}

/// A user's tokens; `None` where the consent has ended.
///
/// # Errors
/// [`super::StoreError`]
pub fn find(tx: &Tx<'_>, user: UserId) -> Result<Option<Kept>> {
    let row = tx.query_row(
        "SELECT access_sealed, expires_at, refresh_sealed, authorized_at, version
         FROM tokens WHERE person = ?1 AND dead_since IS NULL",
        [user],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    );
    let Some(row) = row.optional()? else { return Ok(None) };
    let (access, expires_at, refresh, authorized_at, version): (Vec<u8>, Ms, Vec<u8>, Ms, i64) =
        row;
    let open = |sealed: &[u8], column| -> Result<SecretString> {
        tx.open_seal(sealed, &identity(user, column))
    };
    let tokens = Tokens {
        access: AccessToken(open(&access, "access")?),
        expires_at: expires_at.0,
        refresh: RefreshToken(open(&refresh, "refresh")?),
        authorized_at: authorized_at.0,
    };
    Ok(Some(Kept { tokens, version }))
}

/// Claims the refresh of the tokens that were seen at `version`.
///
/// # Errors
/// [`super::StoreError`]
pub fn claim_refresh(tx: &Tx<'_>, user: UserId, version: i64) -> Result<RefreshClaim> {
    let Some(kept) = find(tx, user)? else { return Ok(RefreshClaim::Gone) };
    if kept.version != version {
        return Ok(RefreshClaim::Newer(kept));
    }
    let sql =
        "UPDATE tokens SET refreshing_until = ?2 WHERE person = ?1 AND refreshing_until <= ?3";
    let lease = tx.now() + REFRESH_LEASE;
    let claimed = tx.execute(sql, params![user, Ms(lease), Ms(tx.now())])?;
    Ok(if claimed == 1 { RefreshClaim::Ours(kept) } else { RefreshClaim::Busy })
}

/// Keeps what a refresh brought, in one go: the new refresh token where there is one, else the old
/// one stays. Returns whether it was kept: it is not where somebody signed in or left meanwhile.
///
/// # Errors
/// [`super::StoreError`]
pub fn refreshed(tx: &Tx<'_>, user: UserId, version: i64, grant: &Grant) -> Result<bool> {
    let refresh = grant.refresh.as_ref();
    let kept = tx.execute(
        "UPDATE tokens SET access_sealed = ?3, expires_at = ?4,
             refresh_sealed = coalesce(?5, refresh_sealed), version = version + 1, refreshing_until = 0
         WHERE person = ?1 AND version = ?2 AND dead_since IS NULL",
        params![
            user,
            version,
            tx.seal(&grant.access.0, &identity(user, "access")),
            Ms(grant.expires_at),
            refresh.map(|token| tx.seal(&token.0, &identity(user, "refresh"))),
        ],
    )?;
    Ok(kept == 1)
}

/// Gives a refresh that failed back, to be tried again.
///
/// # Errors
/// [`super::StoreError`]
pub fn release_refresh(tx: &Tx<'_>, user: UserId, version: i64) -> Result<()> {
    let sql = "UPDATE tokens SET refreshing_until = 0 WHERE person = ?1 AND version = ?2";
    tx.execute(sql, params![user, version])?;
    Ok(())
}

/// Releases every claim: those of a process that is gone.
pub(super) fn release_claims(tx: &Tx<'_>) -> Result<()> {
    tx.execute("UPDATE tokens SET refreshing_until = 0 WHERE refreshing_until > 0", [])?;
    Ok(())
}

/// A user's tokens as they are sealed: access and refresh.
pub(super) type Sealed = (UserId, Vec<u8>, Vec<u8>);

/// The sealed tokens of so many users after this one.
pub(super) fn sealed(conn: &Connection, after: UserId, most: u32) -> Result<Vec<Sealed>> {
    let mut rows = conn.prepare_cached(
        "SELECT person, access_sealed, refresh_sealed FROM tokens WHERE person > ?1
         ORDER BY person LIMIT ?2",
    )?;
    let sealed =
        rows.query_map(params![after, most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(sealed.collect::<rusqlite::Result<_>>()?)
}

/// What the two were sealed for.
pub(super) fn identities(user: UserId) -> [String; 2] {
    [identity(user, "access"), identity(user, "refresh")]
}

/// Keeps the same tokens, sealed anew.
pub(super) fn keep_sealed(
    conn: &Connection,
    user: UserId,
    access: &[u8],
    refresh: &[u8],
) -> Result<()> {
    let sql = "UPDATE tokens SET access_sealed = ?2, refresh_sealed = ?3 WHERE person = ?1";
    conn.execute(sql, params![user, access, refresh])?;
    Ok(())
}
