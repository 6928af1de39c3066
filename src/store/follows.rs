//! Who follows whom, and when each user's list is to be read again.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx, artists, outbox};
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::user::UserId;

/// How a user's list stood when it was last read.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// How many artists they follow, as far as is known.
    pub count: u64,
    /// Failures and doubts in a row.
    pub failures: u32,
    /// Why the list was last doubted, and since when it looks so.
    pub doubt: Option<(String, Timestamp)>,
}

/// What changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// Artists followed that were not before.
    pub added: u64,
    /// Artists no longer followed.
    pub removed: u64,
}

/// Whose lists are to be read: those that are due, or everybody's who can be asked.
///
/// # Errors
/// [`super::StoreError`]
pub fn due(tx: &Tx<'_>, everybody: bool) -> Result<Vec<UserId>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT id FROM people p JOIN tokens t ON t.person = p.id
         WHERE consent = 'good' AND (?1 OR (follows_next_at <= ?2 AND coalesce(trouble_until, 0) <= ?2))
         ORDER BY follows_next_at, id",
    )?;
    let due = rows.query_map(params![everybody, Ms(tx.now())], |row| row.get(0))?;
    Ok(due.collect::<rusqlite::Result<_>>()?)
}

/// Why a user's list is not read though it may be due: Spotify refuses them until later, in words.
///
/// # Errors
/// [`super::StoreError`]
pub fn refused(tx: &Tx<'_>, user: UserId) -> Result<Option<String>> {
    let sql = "SELECT coalesce(trouble, '') FROM people WHERE id = ?1 AND trouble_until > ?2";
    Ok(tx.query_row(sql, params![user, Ms(tx.now())], |row| row.get(0)).optional()?)
}

/// How a user's list stands; `None` if there is no such user.
///
/// # Errors
/// [`super::StoreError`]
pub fn standing(tx: &Tx<'_>, user: UserId) -> Result<Option<Standing>> {
    let found = tx.query_row(
        "SELECT (SELECT count(*) FROM follows WHERE person = ?1), follows_failures, follows_doubt,
                follows_doubt_since
         FROM people WHERE id = ?1",
        [user],
        |row| {
            let doubt: Option<String> = row.get(2)?;
            let since: Option<Ms> = row.get(3)?;
            let doubt = doubt.zip(since.map(|since| since.0));
            Ok(Standing { count: row.get(0)?, failures: row.get(1)?, doubt })
        },
    );
    Ok(found.optional()?)
}

/// Follows `artists` for `user`; `whole` says that whoever is missing was unfollowed.
///
/// # Errors
/// [`super::StoreError`]
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
        artists::note_unwatched(tx)?;
    }
    Ok(change)
}

/// Whether the follow is new. One that ended lately goes on where it left off, and what came out
/// meanwhile is owed.
fn follow(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO follows (person, artist, since) VALUES (?1, ?2, ?3)";
    let is_new = tx.execute(sql, params![user, artist, Ms(tx.now())])? == 1;
    if is_new {
        let sql =
            "DELETE FROM unfollows WHERE person = ?1 AND artist = ?2 RETURNING since, gone_at";
        let ended = tx.query_row(sql, params![user, artist], |row| {
            Ok((row.get::<_, Ms>(0)?, row.get::<_, Ms>(1)?))
        });
        if let Some((since, gone_at)) = ended.optional()?
            && tx.now().duration_since(gone_at.0) < artists::RETENTION
        {
            let sql = "UPDATE follows SET since = ?3 WHERE person = ?1 AND artist = ?2";
            tx.execute(sql, params![user, artist, since])?;
            outbox::owe_news_seen_since(tx, user, artist, gone_at.0)?;
        }
    }
    Ok(is_new)
}

fn unfollow(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<()> {
    tx.execute(
        "INSERT OR REPLACE INTO unfollows (person, artist, since, gone_at)
         SELECT person, artist, since, ?3 FROM follows WHERE person = ?1 AND artist = ?2",
        params![user, artist, Ms(tx.now())],
    )?;
    let sql = "DELETE FROM follows WHERE person = ?1 AND artist = ?2";
    exactly_one(tx.execute(sql, params![user, artist])?)
}

/// How many artists a user follows.
///
/// # Errors
/// [`super::StoreError`]
pub fn count(tx: &Tx<'_>, user: UserId) -> Result<u64> {
    let sql = "SELECT count(*) FROM follows WHERE person = ?1";
    Ok(tx.query_row(sql, [user], |row| row.get(0))?)
}

/// Whether a user follows every artist that is watched: nobody else follows anybody else.
pub(super) fn are_all(tx: &Tx<'_>, user: UserId) -> Result<bool> {
    Ok(count(tx, user)? == artists::count_watched(tx)?)
}

/// Whether a user follows an artist.
pub(super) fn is_one(tx: &Tx<'_>, user: UserId, artist: &ArtistId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM follows WHERE person = ?1 AND artist = ?2)";
    Ok(tx.query_row(sql, params![user, artist], |row| row.get(0))?)
}

fn followed(tx: &Tx<'_>, user: UserId) -> Result<Vec<ArtistId>> {
    let mut rows = tx.conn().prepare_cached("SELECT artist FROM follows WHERE person = ?1")?;
    Ok(rows.query_map([user], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Records that the list was read and believed, and when it is due again.
///
/// # Errors
/// [`super::StoreError`]
pub fn believed(tx: &Tx<'_>, user: UserId, next_at: Timestamp) -> Result<()> {
    let changed = tx.execute(
        "UPDATE people SET follows_read_at = ?2, follows_next_at = ?3, follows_failures = 0,
             follows_doubt = NULL, follows_doubt_since = NULL
         WHERE id = ?1",
        params![user, Ms(tx.now()), Ms(next_at)],
    )?;
    exactly_one(changed)
}

/// Records that the list was doubted. The same doubt as before keeps its beginning.
///
/// # Errors
/// [`super::StoreError`]
pub fn doubted(tx: &Tx<'_>, user: UserId, doubt: &str, next_at: Timestamp) -> Result<()> {
    let changed = tx.execute(
        "UPDATE people SET follows_next_at = ?3, follows_failures = follows_failures + 1,
             follows_doubt_since = CASE WHEN follows_doubt = ?2 THEN follows_doubt_since ELSE ?4 END,
             follows_doubt = ?2
         WHERE id = ?1",
        params![user, doubt, Ms(next_at), Ms(tx.now())],
    )?;
    exactly_one(changed)
}

/// Records that the list could not be read.
///
/// # Errors
/// [`super::StoreError`]
pub fn failed(tx: &Tx<'_>, user: UserId, next_at: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE people SET follows_next_at = ?2, follows_failures = follows_failures + 1 WHERE id = ?1",
        params![user, Ms(next_at)],
    )?;
    Ok(())
}
