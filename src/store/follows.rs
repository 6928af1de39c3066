//! Which users follow which artists, and when each list is due for a sync.

use jiff::Timestamp;
use rusqlite::params;

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx, artists, outbox};
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::user::UserId;

/// The state of a user's follow list.
#[derive(Debug, Clone, Default)]
pub struct FollowListStatus {
    /// Artists in the list.
    pub count: u64,
    /// Consecutive failures and suspect lists.
    pub failures: u32,
    /// Why the list is suspect, and since when, if it is.
    pub suspect: Option<(String, Timestamp)>,
}

/// The result of applying a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    pub added: u64,
    pub removed: u64,
}

/// The users whose lists are due, or all connected users.
pub fn due(tx: &Tx<'_>, everybody: bool) -> Result<Vec<UserId>> {
    tx.query_rows("SELECT id FROM users p JOIN tokens t ON t.user_id = p.id
         WHERE consent = 'granted' AND (?1 OR (follows_next_at <= ?2 AND coalesce(spotify_error_until, 0) <= ?2))
         ORDER BY follows_next_at, id", params![everybody, Ms(tx.now())], |row| row.get(0))
}

/// Why Spotify rejects the user for the time being, if it does.
pub fn refused(tx: &Tx<'_>, user: UserId) -> Result<Option<String>> {
    let sql =
        "SELECT coalesce(spotify_error, '') FROM users WHERE id = ?1 AND spotify_error_until > ?2";
    tx.query_optional(sql, params![user, Ms(tx.now())], |row| row.get(0))
}

/// `None` if there is no such user.
pub fn list_status(tx: &Tx<'_>, user: UserId) -> Result<Option<FollowListStatus>> {
    tx.query_optional(
        "SELECT (SELECT count(*) FROM follows WHERE user_id = ?1), follows_failures, follows_suspect,
                follows_suspect_since
         FROM users WHERE id = ?1",
        [user],
        |row| {
            let suspect: Option<String> = row.get(2)?;
            let since: Option<Ms> = row.get(3)?;
            let suspect = suspect.zip(since.map(|since| since.0));
            Ok(FollowListStatus { count: row.get(0)?, failures: row.get(1)?, suspect })
        },
    )
}

/// Adds the follows of `user`; if `whole`, also removes those that are not in `artists`.
pub fn apply(tx: &Tx<'_>, user: UserId, artists: &[Artist], whole: bool) -> Result<Change> {
    let mut change = Change::default();
    for artist in artists {
        artists::watch(tx, artist)?;
        change.added += u64::from(follow(tx, user, &artist.id)?);
    }
    if whole {
        let kept: std::collections::HashSet<&ArtistId> = artists.iter().map(|a| &a.id).collect();
        for gone in followed(tx, user)?.iter().filter(|id| !kept.contains(id)) {
            unfollow(tx, user, gone)?;
            change.removed += 1;
        }
        artists::record_untracked(tx)?;
    }
    Ok(change)
}

/// Returns whether the follow is new. One that ended recently is resumed, and what came out in between is
/// enqueued.
fn follow(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO follows (user_id, artist, since) VALUES (?1, ?2, ?3)";
    let is_new = tx.execute(sql, params![user, artist, Ms(tx.now())])? == 1;
    if is_new {
        let sql =
            "DELETE FROM unfollows WHERE user_id = ?1 AND artist = ?2 RETURNING since, ended_at";
        let ended = tx.query_optional(sql, params![user, artist], |row| {
            Ok((row.get::<_, Ms>(0)?, row.get::<_, Ms>(1)?))
        })?;
        if let Some((since, gone_at)) = ended
            && tx.now().duration_since(gone_at.0) < artists::RETENTION
        {
            let sql = "UPDATE follows SET since = ?3 WHERE user_id = ?1 AND artist = ?2";
            tx.execute(sql, params![user, artist, since])?;
            outbox::enqueue_news_seen_since(tx, user, artist, gone_at.0)?;
        }
    }
    Ok(is_new)
}

fn unfollow(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<()> {
    tx.execute(
        "INSERT OR REPLACE INTO unfollows (user_id, artist, since, ended_at)
         SELECT user_id, artist, since, ?3 FROM follows WHERE user_id = ?1 AND artist = ?2",
        params![user, artist, Ms(tx.now())],
    )?;
    let sql = "DELETE FROM follows WHERE user_id = ?1 AND artist = ?2";
    exactly_one(tx.execute(sql, params![user, artist])?)
}

pub fn count(tx: &Tx<'_>, user: UserId) -> Result<u64> {
    let sql = "SELECT count(*) FROM follows WHERE user_id = ?1";
    Ok(tx.query_row(sql, [user], |row| row.get(0))?)
}

fn followed(tx: &Tx<'_>, user: UserId) -> Result<Vec<ArtistId>> {
    tx.query_rows("SELECT artist FROM follows WHERE user_id = ?1", [user], |row| row.get(0))
}

/// Records that the list was applied, and when it is due again.
pub fn record_sync(tx: &Tx<'_>, user: UserId, next_at: Timestamp) -> Result<()> {
    let changed = tx.execute(
        "UPDATE users SET follows_read_at = ?2, follows_next_at = ?3, follows_failures = 0,
             follows_suspect = NULL, follows_suspect_since = NULL
         WHERE id = ?1",
        params![user, Ms(tx.now()), Ms(next_at)],
    )?;
    exactly_one(changed)
}

/// Records that the list is suspect. The time since when is kept while the reason stays the same.
pub fn record_suspect_list(
    tx: &Tx<'_>,
    user: UserId,
    suspect: &str,
    next_at: Timestamp,
) -> Result<()> {
    let changed = tx.execute(
        "UPDATE users SET follows_next_at = ?3, follows_failures = follows_failures + 1,
             follows_suspect_since = CASE WHEN follows_suspect = ?2 THEN follows_suspect_since ELSE ?4 END,
             follows_suspect = ?2
         WHERE id = ?1",
        params![user, suspect, Ms(next_at), Ms(tx.now())],
    )?;
    exactly_one(changed)
}

/// Records a failed sync.
pub fn failed(tx: &Tx<'_>, user: UserId, next_at: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE users SET follows_next_at = ?2, follows_failures = follows_failures + 1 WHERE id = ?1",
        params![user, Ms(next_at)],
    )?;
    Ok(())
}
