//! Users: who they are, where their emails go, how their consent stands.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx, outbox};
use crate::domain::artist::ArtistId;
use crate::domain::consent::{DELETION_DELAY, Ending};
use crate::domain::user::{EmailAddress, Profile, UserId};

/// A user as they are known here.
#[derive(Debug, Clone)]
pub struct User {
    /// Our number.
    pub id: UserId,
    /// The name they show at Spotify; may be empty.
    pub display_name: String,
    /// Their `id` at Spotify.
    pub spotify_id: String,
    /// Where news goes; `None` until an address is confirmed.
    pub address: Option<EmailAddress>,
    /// What Spotify said their address is, to fill the form with. Never written to.
    pub suggested_address: Option<EmailAddress>,
    /// When they first signed in.
    pub created_at: Timestamp,
    /// When they last consented at Spotify; `None` where the consent has ended.
    pub authorized_at: Option<Timestamp>,
    /// Whether they must sign in again before Spotify answers.
    pub must_sign_in: bool,
    /// When everything about them is deleted, since they took their consent back.
    pub deleted_at: Option<Timestamp>,
    /// Why Spotify refuses this user at present, in words.
    pub trouble: Option<String>,
    /// When their follows were last read in full.
    pub follows_read_at: Option<Timestamp>,
    /// Since when emails to their address come back, so that none are sent.
    pub bouncing_since: Option<Timestamp>,
}

/// Finds who `profile` is by `account_id`, else by `id`, or makes a new user. Their consent is
/// good from now on, and what they missed since they took an earlier one back is owed.
///
/// # Errors
/// [`super::StoreError`]
pub fn sign_in(tx: &Tx<'_>, profile: &Profile) -> Result<UserId> {
    let id = match find_by_profile(tx, profile)? {
        Some(id) => id,
        None => add(tx, profile)?,
    };
    let sql = "SELECT ended_at FROM users WHERE id = ?1 AND end_reason = 'revoked'";
    let revoked_at = tx.query_optional(sql, [id], |row| row.get::<_, Ms>(0))?;
    let changed = tx.execute(
        "UPDATE users SET account_id = coalesce(?2, account_id), spotify_id = ?3, display_name = ?4,
             suggested_address = coalesce(?5, suggested_address), consent = 'granted', spotify_error = NULL,
             spotify_error_until = NULL, follows_next_at = ?6, follows_failures = 0, end_reason = NULL,
             ended_at = NULL, refused_since = NULL
         WHERE id = ?1",
        params![id, profile.account_id, profile.id, profile.display_name, profile.email, Ms(tx.now())],
    )?;
    exactly_one(changed)?;
    if let Some(Ms(since)) = revoked_at {
        outbox::enqueue_news_missed(tx, id, since)?;
    }
    Ok(id)
}

/// Who `profile` is, where they are here already.
///
/// # Errors
/// [`super::StoreError`]
pub fn find_by_profile(tx: &Tx<'_>, profile: &Profile) -> Result<Option<UserId>> {
    let by_account = tx.query_optional(
        "SELECT id FROM users WHERE account_id = ?1",
        [&profile.account_id],
        |r| r.get(0),
    )?;
    if by_account.is_some() {
        return Ok(by_account);
    }
    // Whoever signed in before Spotify told account ids; or Spotify left it out this once.
    tx.query_optional(
        "SELECT id FROM users WHERE spotify_id = ?1 AND (account_id IS NULL OR ?2 IS NULL)
         ORDER BY account_id IS NULL DESC, id LIMIT 1",
        params![profile.id, profile.account_id],
        |r| r.get(0),
    )
}

fn add(tx: &Tx<'_>, profile: &Profile) -> Result<UserId> {
    tx.execute(
        "INSERT INTO users (account_id, spotify_id, display_name, created_at, consent, follows_next_at)
         VALUES (?1, ?2, ?3, ?4, 'granted', ?4)",
        params![profile.account_id, profile.id, profile.display_name, Ms(tx.now())],
    )?;
    Ok(UserId(tx.conn().last_insert_rowid()))
}

/// After so many emails in a row that came back for the address' sake, no more are sent there.
const MAX_BOUNCES: u32 = 3;

const USER: &str = "SELECT p.id, display_name, spotify_id, address, suggested_address, created_at,
     t.authorized_at, consent = 'ended', spotify_error, follows_read_at, end_reason,
     coalesce(refused_since, ended_at), bouncing_since
     FROM users p LEFT JOIN tokens t ON t.user_id = p.id AND t.expired_since IS NULL";

/// The user with this number.
///
/// # Errors
/// [`super::StoreError`]
pub fn find(tx: &Tx<'_>, id: UserId) -> Result<Option<User>> {
    tx.query_optional(&format!("{USER} WHERE p.id = ?1"), [id], read)
}

/// Everybody, in the order in which they came.
///
/// # Errors
/// [`super::StoreError`]
pub fn all(tx: &Tx<'_>) -> Result<Vec<User>> {
    tx.query_rows(&format!("{USER} ORDER BY p.id"), [], read)
}

fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    let is_revoked = row.get::<_, Option<Ending>>(10)? == Some(Ending::Revoked);
    let refused_since: Option<Ms> = row.get(11)?;
    Ok(User {
        id: row.get(0)?,
        display_name: row.get(1)?,
        spotify_id: row.get(2)?,
        address: row.get(3)?,
        suggested_address: row.get(4)?,
        created_at: row.get::<_, Ms>(5)?.0,
        authorized_at: row.get::<_, Option<Ms>>(6)?.map(|at| at.0),
        must_sign_in: row.get(7)?,
        deleted_at: refused_since.filter(|_| is_revoked).map(|at| at.0 + DELETION_DELAY),
        trouble: row.get(8)?,
        follows_read_at: row.get::<_, Option<Ms>>(9)?.map(|at| at.0),
        bouncing_since: row.get::<_, Option<Ms>>(12)?.map(|at| at.0),
    })
}

/// Sends this user's emails to `address`, which was confirmed just now, from now on.
///
/// # Errors
/// [`super::StoreError`]
pub fn set_address(tx: &Tx<'_>, id: UserId, address: &EmailAddress) -> Result<()> {
    let sql = "UPDATE users SET address = ?2, bounces = 0, bouncing_since = NULL WHERE id = ?1";
    exactly_one(tx.execute(sql, params![id, address])?)
}

/// Notes that an email reached this user's address.
///
/// # Errors
/// [`super::StoreError`]
pub fn clear_bounces(tx: &Tx<'_>, id: UserId) -> Result<()> {
    tx.execute("UPDATE users SET bounces = 0 WHERE id = ?1 AND bounces > 0", [id])?;
    Ok(())
}

/// Notes that an email came back for the address' sake. Returns whether that makes one too many, so
/// that no more are sent there.
///
/// # Errors
/// [`super::StoreError`]
pub fn bounced(tx: &Tx<'_>, id: UserId) -> Result<bool> {
    tx.execute("UPDATE users SET bounces = bounces + 1 WHERE id = ?1", [id])?;
    let sql = "UPDATE users SET bouncing_since = ?2
               WHERE id = ?1 AND bounces >= ?3 AND bouncing_since IS NULL";
    Ok(tx.execute(sql, params![id, Ms(tx.now()), MAX_BOUNCES])? == 1)
}

/// Whether no emails are sent to this user's address, since they come back.
///
/// # Errors
/// [`super::StoreError`]
pub fn is_bouncing(tx: &Tx<'_>, id: UserId) -> Result<bool> {
    let sql = "SELECT bouncing_since IS NOT NULL FROM users WHERE id = ?1";
    Ok(tx.query_optional(sql, [id], |row| row.get(0))?.unwrap_or(false))
}

/// Records that Spotify refuses this user until about `until`.
///
/// # Errors
/// [`super::StoreError`]
pub fn set_trouble(tx: &Tx<'_>, id: UserId, why: &str, until: Timestamp) -> Result<()> {
    let sql = "UPDATE users SET spotify_error = ?2, spotify_error_until = ?3 WHERE id = ?1";
    tx.execute(sql, params![id, why, Ms(until)])?;
    Ok(())
}

/// Records that Spotify answers this user again.
///
/// # Errors
/// [`super::StoreError`]
pub fn clear_trouble(tx: &Tx<'_>, id: UserId) -> Result<()> {
    let sql = "UPDATE users SET spotify_error = NULL, spotify_error_until = NULL WHERE id = ?1 AND spotify_error IS NOT NULL";
    tx.execute(sql, [id])?;
    Ok(())
}

/// Whose turn it is to lend their token for asking about `artist`: somebody healthy, who follows
/// the artist if anybody healthy does, and who lent longest ago. Takes the turn.
///
/// # Errors
/// [`super::StoreError`]
pub fn next_token_owner(
    tx: &Tx<'_>,
    artist: &ArtistId,
    except: &[UserId],
) -> Result<Option<UserId>> {
    let healthy = tx.query_rows("SELECT p.id FROM users p JOIN tokens t ON t.user_id = p.id
         WHERE p.consent = 'granted' AND t.expired_since IS NULL AND coalesce(p.spotify_error_until, 0) <= ?2
         ORDER BY EXISTS (SELECT 1 FROM follows f WHERE f.user_id = p.id AND f.artist = ?1) DESC,
                  p.token_used_at, p.id", params![artist, Ms(tx.now())], |row| row.get::<_, UserId>(0))?;
    let Some(turn) = healthy.into_iter().find(|id| !except.contains(id)) else { return Ok(None) };
    // A counter rather than the time, which may stand still or step back.
    let sql =
        "UPDATE users SET token_used_at = (SELECT max(token_used_at) + 1 FROM users) WHERE id = ?1";
    exactly_one(tx.execute(sql, [turn])?)?;
    Ok(Some(turn))
}

/// Whether anybody could lend a token now.
///
/// # Errors
/// [`super::StoreError`]
pub(super) fn is_any_token_available(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM users p JOIN tokens t ON t.user_id = p.id
               WHERE p.consent = 'granted' AND t.expired_since IS NULL AND coalesce(p.spotify_error_until, 0) <= ?1)";
    Ok(tx.query_row(sql, [Ms(tx.now())], |row| row.get(0))?)
}

/// Deletes a user with everything that hangs on them, tokens first.
///
/// # Errors
/// [`super::StoreError`]
pub fn delete(tx: &Tx<'_>, id: UserId) -> Result<()> {
    tx.execute("DELETE FROM tokens WHERE user_id = ?1", [id])?;
    exactly_one(tx.execute("DELETE FROM users WHERE id = ?1", [id])?)
}
