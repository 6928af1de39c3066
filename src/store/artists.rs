//! The artists that somebody follows: watched, due, claimed, checked.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx};
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::check_planner::Candidate;
use crate::domain::release::ReleaseId;
use crate::domain::text::folded;
use crate::domain::user::UserId;

/// A check that takes longer than this was given up by whoever began it.
const CHECK_LEASE: SignedDuration = SignedDuration::from_mins(10);

/// Following an artist again within this time goes on where it left off: a list that was cut short
/// must cost no news. Later it begins with a silent first check, like any other.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An artist whose check is ours to make.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Spotify's id.
    pub id: ArtistId,
    /// The name.
    pub name: String,
    /// Since when somebody here follows the artist.
    pub watched_since: Timestamp,
    /// When the first check was made; `None` if this is the first.
    pub baseline_at: Option<Timestamp>,
    /// When the last check went through.
    pub checked_at: Option<Timestamp>,
    /// Checks in a row that failed.
    pub failures: u32,
    /// Spotify's `total` at the last check.
    pub total: Option<u64>,
}

/// Watches an artist that somebody follows.
///
/// # Errors
/// [`super::StoreError`]
pub fn watch(tx: &Tx<'_>, artist: &Artist) -> Result<()> {
    tx.execute(
        "INSERT INTO artists (id, name, folded, tracked_since, next_check_at) VALUES (?1, ?2, ?4, ?3, ?3)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded = excluded.folded
             WHERE (name, folded) IS NOT (excluded.name, excluded.folded)",
        params![artist.id, artist.name, Ms(tx.now()), folded(&artist.name)],
    )?;
    tx.execute(
        "UPDATE artists SET baseline_at = NULL, tracked_since = ?2, next_check_at = ?2, checked_at = NULL,
             total = NULL
         WHERE id = ?1 AND untracked_at <= ?3",
        params![artist.id, Ms(tx.now()), Ms(tx.now() - RETENTION)],
    )?;
    let sql = "UPDATE artists SET untracked_at = NULL WHERE id = ?1 AND untracked_at IS NOT NULL";
    tx.execute(sql, [&artist.id])?;
    Ok(())
}

/// Notes which artists nobody follows any more. What was seen of them is kept.
///
/// # Errors
/// [`super::StoreError`]
pub fn note_unwatched(tx: &Tx<'_>) -> Result<()> {
    tx.execute(
        "UPDATE artists SET untracked_at = ?1 WHERE untracked_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM follows WHERE artist = artists.id)",
        [Ms(tx.now())],
    )?;
    Ok(())
}

/// The artists that this user follows, or followed lately, and nobody else.
///
/// # Errors
/// [`super::StoreError`]
pub fn followed_only_by(tx: &Tx<'_>, user: UserId) -> Result<Vec<ArtistId>> {
    let mut rows = tx.conn().prepare_cached(
        "WITH ties AS (SELECT artist FROM follows WHERE user_id = ?1
                       UNION SELECT artist FROM unfollows WHERE user_id = ?1)
         SELECT artist FROM ties
         WHERE NOT EXISTS (SELECT 1 FROM follows f WHERE f.artist = ties.artist AND f.user_id <> ?1)
           AND NOT EXISTS (SELECT 1 FROM unfollows u WHERE u.artist = ties.artist AND u.user_id <> ?1)",
    )?;
    Ok(rows.query_map([user], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Of `most` artists after this one, those that nobody follows, or followed lately; and the one to go on after.
///
/// # Errors
/// [`super::StoreError`]
pub(super) fn unfollowed(
    tx: &Tx<'_>,
    after: &str,
    most: u32,
) -> Result<(Vec<ArtistId>, Option<String>)> {
    let sql = format!("SELECT id, {UNFOLLOWED} FROM artists WHERE id > ?1 ORDER BY id LIMIT ?2");
    let mut rows = tx.conn().prepare_cached(&sql)?;
    let seen = rows.query_map(params![after, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let seen = seen.collect::<rusqlite::Result<Vec<(ArtistId, bool)>>>()?;
    let last = seen.last().filter(|_| seen.len() == most as usize);
    let last = last.map(|(id, _)| id.as_str().to_owned());
    Ok((
        seen.into_iter().filter(|(_, is_of_nobody)| *is_of_nobody).map(|(id, _)| id).collect(),
        last,
    ))
}

const UNFOLLOWED: &str = "NOT EXISTS (SELECT 1 FROM follows WHERE artist = artists.id)
         AND NOT EXISTS (SELECT 1 FROM unfollows WHERE artist = artists.id)";

/// Deletes those of the artists whom still nobody follows, with what was seen of them.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget_unfollowed(tx: &Tx<'_>, artists: &[ArtistId]) -> Result<()> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM artists WHERE id = ?1 AND {UNFOLLOWED})");
    for artist in artists {
        if tx.query_row(&sql, [artist], |row| row.get(0))? {
            forget(tx, std::slice::from_ref(artist))?;
        }
    }
    Ok(())
}

/// Deletes artists with what was seen of them, except for albums that are still owed to somebody.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget(tx: &Tx<'_>, artists: &[ArtistId]) -> Result<()> {
    let mut seen =
        tx.conn().prepare_cached("SELECT release FROM artist_releases WHERE artist = ?1")?;
    for artist in artists {
        let releases = seen.query_map([artist], |row| row.get(0))?;
        let releases = releases.collect::<rusqlite::Result<Vec<ReleaseId>>>()?;
        tx.execute("DELETE FROM artists WHERE id = ?1", [artist])?;
        forget_releases(tx, &releases)?;
    }
    Ok(())
}

/// Deletes those of the releases that are on no list any more and are owed to nobody; how many.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget_releases(tx: &Tx<'_>, releases: &[ReleaseId]) -> Result<u64> {
    let sql = "DELETE FROM releases WHERE id = ?1
                   AND NOT EXISTS (SELECT 1 FROM artist_releases WHERE release = ?1)
                   AND NOT EXISTS (SELECT 1 FROM outbox
                                   WHERE kind = 'news' AND state = 'pending' AND subject = ?1)";
    let mut gone = 0;
    for release in releases {
        gone += tx.execute(sql, [release])? as u64;
    }
    Ok(gone)
}

/// What an artist is called; `None` where nobody has followed them lately.
///
/// # Errors
/// [`super::StoreError`]
pub fn name_of(tx: &Tx<'_>, id: &ArtistId) -> Result<Option<String>> {
    let sql = "SELECT name FROM artists WHERE id = ?1";
    Ok(tx.query_row(sql, [id], |row| row.get(0)).optional()?)
}

/// Whether anything is known of an artist.
///
/// # Errors
/// [`super::StoreError`]
pub fn is_known(tx: &Tx<'_>, id: &ArtistId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM artists WHERE id = ?1)";
    Ok(tx.query_row(sql, [id], |row| row.get(0))?)
}

/// How many artists are watched.
///
/// # Errors
/// [`super::StoreError`]
pub fn count_watched(tx: &Tx<'_>) -> Result<u64> {
    let sql = "SELECT count(*) FROM artists WHERE untracked_at IS NULL";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// Which of the watched artists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckScope {
    /// All of them.
    All,
    /// Those that were not asked about a moment ago and whose last check did not fail lately.
    Due,
    /// Those of them that were never asked about.
    NeverChecked,
}

/// The watched artists that may be asked about now.
///
/// # Errors
/// [`super::StoreError`]
pub fn candidates(tx: &Tx<'_>, whom: CheckScope) -> Result<Vec<Candidate>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT id, rate, checked_at, tracked_since, failures,
                (SELECT count(*) FROM follows WHERE artist = artists.id)
         FROM artists
         WHERE untracked_at IS NULL AND claimed_until <= ?2 AND (?1 OR next_check_at <= ?2)
             AND (checked_at IS NULL OR NOT ?3)",
    )?;
    let key = params![whom == CheckScope::All, Ms(tx.now()), whom == CheckScope::NeverChecked];
    let candidates = rows.query_map(key, |row| {
        Ok(Candidate {
            id: row.get(0)?,
            rate: row.get(1)?,
            checked_at: row.get::<_, Option<Ms>>(2)?.map(|at| at.0),
            watched_since: row.get::<_, Ms>(3)?.0,
            failures: row.get(4)?,
            readers: row.get(5)?,
        })
    })?;
    Ok(candidates.collect::<rusqlite::Result<_>>()?)
}

/// Claims the check of an artist; `None` if somebody else has it or made it after `listed_at`, or nobody
/// follows the artist. A check that lies ahead was made before the clock stepped back.
///
/// # Errors
/// [`super::StoreError`]
pub fn claim(tx: &Tx<'_>, id: &ArtistId, listed_at: Timestamp) -> Result<Option<Claimed>> {
    let claimed = tx.query_row(
        "UPDATE artists SET claimed_until = ?2
         WHERE id = ?1 AND untracked_at IS NULL AND claimed_until <= ?3
             AND NOT (coalesce(checked_at, 0) > ?4 AND checked_at <= ?3)
         RETURNING name, tracked_since, baseline_at, failures, total, checked_at",
        params![id, Ms(tx.now() + CHECK_LEASE), Ms(tx.now()), Ms(listed_at)],
        |row| {
            Ok(Claimed {
                id: id.clone(),
                name: row.get(0)?,
                watched_since: row.get::<_, Ms>(1)?.0,
                baseline_at: row.get::<_, Option<Ms>>(2)?.map(|at| at.0),
                failures: row.get(3)?,
                total: row.get(4)?,
                checked_at: row.get::<_, Option<Ms>>(5)?.map(|at| at.0),
            })
        },
    );
    Ok(claimed.optional()?)
}

/// What a check that went through taught.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckResult {
    /// Spotify's `total`; `None` keeps the one of the last check.
    pub total: Option<u64>,
    /// Releases expected a week; `None` keeps what was expected.
    pub rate: Option<f64>,
}

/// Records a check that went through; until `next_at` the artist is left alone.
///
/// # Errors
/// [`super::StoreError`]
pub fn checked(tx: &Tx<'_>, id: &ArtistId, learnt: CheckResult, next_at: Timestamp) -> Result<()> {
    let changed = tx.execute(
        "UPDATE artists SET baseline_at = coalesce(baseline_at, ?2), checked_at = ?2,
             next_check_at = ?3, failures = 0, last_failure = NULL, claimed_until = 0,
             total = coalesce(?4, total), rate = coalesce(?5, rate)
         WHERE id = ?1",
        params![id, Ms(tx.now()), Ms(next_at), learnt.total, learnt.rate],
    )?;
    exactly_one(changed)
}

/// Notes which of an artist's own albums is the last one, by its date.
///
/// # Errors
/// [`super::StoreError`]
pub fn note_last_album(tx: &Tx<'_>, id: &ArtistId) -> Result<()> {
    tx.execute(
        "UPDATE artists SET (last_album, last_album_on) =
             (SELECT r.id, r.date FROM artist_releases s JOIN releases r ON r.id = s.release
              WHERE s.artist = ?1 AND NOT s.appears AND r.kind = 'album' AND r.date <> ''
              ORDER BY r.date DESC, r.id LIMIT 1)
         WHERE id = ?1",
        [id],
    )?;
    Ok(())
}

/// Records a check that failed: nothing advances but the wait.
///
/// # Errors
/// [`super::StoreError`]
pub fn failed(tx: &Tx<'_>, id: &ArtistId, why: &str, next_at: Timestamp) -> Result<()> {
    let sql = "UPDATE artists SET failures = failures + 1, last_failure = ?2, next_check_at = ?3,
                   claimed_until = 0 WHERE id = ?1";
    tx.execute(sql, params![id, why, Ms(next_at)])?;
    Ok(())
}

/// Records that the day's calls ran out in the middle of a check, which is no failure: it begins anew at
/// `next_at`, and until it went through some calls are kept for its later pages (`is_any_unfinished`).
///
/// # Errors
/// [`super::StoreError`]
pub fn unfinished(tx: &Tx<'_>, id: &ArtistId, why: &str, next_at: Timestamp) -> Result<()> {
    let sql =
        "UPDATE artists SET failures = 0, last_failure = ?2, next_check_at = ?3, claimed_until = 0
               WHERE id = ?1";
    tx.execute(sql, params![id, why, Ms(next_at)])?;
    Ok(())
}

/// Whether a check of some artist ran out of calls, and none of that artist went through since.
///
/// # Errors
/// [`super::StoreError`]
pub(super) fn is_any_unfinished(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM artists INDEXED BY artists_unfinished
               WHERE untracked_at IS NULL AND failures = 0 AND last_failure IS NOT NULL)";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// Gives a claim back as if it had not been made.
///
/// # Errors
/// [`super::StoreError`]
pub fn release(tx: &Tx<'_>, id: &ArtistId) -> Result<()> {
    tx.execute("UPDATE artists SET claimed_until = 0 WHERE id = ?1", [id])?;
    Ok(())
}

/// Releases every claim: those of a process that is gone.
pub(super) fn release_claims(tx: &Tx<'_>) -> Result<()> {
    tx.execute("UPDATE artists SET claimed_until = 0 WHERE claimed_until > 0", [])?;
    Ok(())
}
