//! How consents stand: refused, ended, held by the brake, near their end, to be deleted.

use jiff::Timestamp;
use rusqlite::params;

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx, outbox};
use crate::domain::consent::{DELETION_DELAY, Ending, REVERSAL_WINDOW, Refusal, RefusalCount};
use crate::domain::user::UserId;

/// Notes that the tokens seen at `version` were refused with `invalid_grant`; `None`, and nothing
/// noted, where they have changed since.
///
/// # Errors
/// [`super::StoreError`]
pub fn refused(tx: &Tx<'_>, user: UserId, version: i64) -> Result<Option<Refusal>> {
    let sql =
        "SELECT t.authorized_at, p.refused_since FROM users p JOIN tokens t ON t.user_id = p.id
               WHERE p.id = ?1 AND t.version = ?2 AND t.expired_since IS NULL";
    let found = tx.query_optional(sql, params![user, version], |row| {
        Ok((row.get::<_, Ms>(0)?, row.get::<_, Option<Ms>>(1)?))
    })?;
    let Some((authorized_at, before)) = found else { return Ok(None) };
    let since = before.map_or(tx.now(), |since| since.0);
    let sql = "UPDATE users SET refused_since = ?2 WHERE id = ?1";
    exactly_one(tx.execute(sql, params![user, Ms(since)])?)?;
    Ok(Some(Refusal { authorized_at: authorized_at.0, since, is_held: before.is_some() }))
}

/// How many users are refused at present. Whose consent ended for good is not among them: that
/// was no surprise.
///
/// # Errors
/// [`super::StoreError`]
pub fn refusals(tx: &Tx<'_>) -> Result<RefusalCount> {
    let sql = "SELECT count(*) FILTER (WHERE p.refused_since IS NOT NULL), count(*)
               FROM users p JOIN tokens t ON t.user_id = p.id
               WHERE t.expired_since IS NULL OR t.expired_since > ?1";
    let read =
        |row: &rusqlite::Row<'_>| Ok(RefusalCount { refused: row.get(0)?, connected: row.get(1)? });
    Ok(tx.query_row(sql, [Ms(tx.now() - REVERSAL_WINDOW)], read)?)
}

/// Ends a consent: the user must sign in again. The tokens go at once where it is `for_good`;
/// else they are kept for an hour, marked dead, should it turn out that Spotify was wrong.
///
/// # Errors
/// [`super::StoreError`]
pub fn end(tx: &Tx<'_>, user: UserId, how: Ending, for_good: bool) -> Result<()> {
    let sql = "UPDATE tokens SET expired_since = ?2, refreshing_until = 0 WHERE user_id = ?1";
    exactly_one(tx.execute(sql, params![user, Ms(tx.now())])?)?;
    if for_good {
        tx.execute("DELETE FROM tokens WHERE user_id = ?1", [user])?;
    }
    let changed = tx.execute(
        "UPDATE users SET consent = 'ended', end_reason = ?2, ended_at = ?3, spotify_error = NULL,
             spotify_error_until = NULL WHERE id = ?1",
        params![user, how.as_str(), Ms(tx.now())],
    )?;
    exactly_one(changed)
}

/// Keeps a consent that is refused: the user's token is tried again at `until`. `why` is for them
/// to read.
///
/// # Errors
/// [`super::StoreError`]
pub fn hold(tx: &Tx<'_>, user: UserId, why: &str, until: Timestamp) -> Result<()> {
    let sql = "UPDATE tokens SET expired_since = NULL, refreshing_until = 0 WHERE user_id = ?1";
    exactly_one(tx.execute(sql, [user])?)?;
    let changed = tx.execute(
        "UPDATE users SET consent = 'granted', end_reason = NULL, ended_at = NULL, spotify_error = ?2,
             spotify_error_until = ?3, follows_next_at = ?3 WHERE id = ?1",
        params![user, why, Ms(until)],
    )?;
    exactly_one(changed)
}

/// Takes back the ends of all consents that ended within the hour, with the emails about them that
/// have not left, and suspends the consents.
pub fn restore(tx: &Tx<'_>, why: &str, until: Timestamp) -> Result<()> {
    let ended = tx.query_rows(
        "SELECT p.id, p.end_reason = 'revoked', p.ended_at FROM users p
         JOIN tokens t ON t.user_id = p.id WHERE t.expired_since > ?1",
        [Ms(tx.now() - REVERSAL_WINDOW)],
        |row| Ok((row.get::<_, UserId>(0)?, row.get::<_, bool>(1)?, row.get::<_, Ms>(2)?)),
    )?;
    for (user, was_revoked, Ms(ended_at)) in ended {
        hold(tx, user, why, until)?;
        let sql = "DELETE FROM outbox WHERE user_id = ?1 AND kind = 'sign_in_again' AND state = 'pending'";
        tx.execute(sql, [user])?;
        if was_revoked {
            outbox::enqueue_news_missed(tx, user, ended_at)?;
        }
    }
    Ok(())
}

/// Makes everybody's list of follows due, and tokens that live beyond `refresh_by` due to be refreshed for
/// that: whether others are refused too is known within minutes.
///
/// # Errors
/// [`super::StoreError`]
pub fn force_refresh_all(tx: &Tx<'_>, refresh_by: Timestamp) -> Result<()> {
    let sql =
        "UPDATE users SET follows_next_at = min(follows_next_at, ?1) WHERE consent = 'granted'";
    tx.execute(sql, [Ms(tx.now())])?;
    let sql = "UPDATE tokens SET expires_at = min(expires_at, ?1) WHERE expired_since IS NULL";
    tx.execute(sql, [Ms(refresh_by)])?;
    Ok(())
}

/// Notes that Spotify takes the user's refresh token after all.
///
/// # Errors
/// [`super::StoreError`]
pub fn clear_refusal(tx: &Tx<'_>, user: UserId) -> Result<()> {
    let sql = "UPDATE users SET refused_since = NULL WHERE id = ?1 AND refused_since IS NOT NULL";
    tx.execute(sql, [user])?;
    Ok(())
}

/// Whose consents are good and can be written about, and when each was given.
///
/// # Errors
/// [`super::StoreError`]
pub fn good(tx: &Tx<'_>) -> Result<Vec<(UserId, Timestamp)>> {
    tx.query_rows("SELECT p.id, t.authorized_at FROM users p JOIN tokens t ON t.user_id = p.id
         WHERE p.consent = 'granted' AND t.expired_since IS NULL AND p.address IS NOT NULL ORDER BY p.id", [], |row| Ok((row.get(0)?, row.get::<_, Ms>(1)?.0)))
}

/// How many consents the brake holds.
///
/// # Errors
/// [`super::StoreError`]
pub fn count_held(tx: &Tx<'_>) -> Result<u64> {
    let sql = "SELECT count(*) FROM users WHERE consent = 'granted' AND refused_since IS NOT NULL";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// Who took their consent back so long ago that what is known of them must go.
///
/// # Errors
/// [`super::StoreError`]
pub fn to_be_deleted(tx: &Tx<'_>) -> Result<Vec<UserId>> {
    tx.query_rows("SELECT id FROM users WHERE end_reason = 'revoked' AND coalesce(refused_since, ended_at) <= ?1", [Ms(tx.now() - DELETION_DELAY)], |row| row.get(0))
}
