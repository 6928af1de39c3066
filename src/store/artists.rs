//! The artists that users follow: which are watched, due, claimed and checked.

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

/// A check that takes longer than this was abandoned.
const CHECK_LEASE: SignedDuration = SignedDuration::from_mins(10);

/// An artist that is followed again within this time continues where it stopped: a follow list that
/// Spotify cut short must cost no news. Later it starts with a silent initial scan, like any other.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An artist that this process may check.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Spotify's id.
    pub id: ArtistId,
    /// Consecutive failed checks.
    pub failures: u32,
}

/// Watches an artist that a user follows.
pub fn watch(tx: &Tx<'_>, artist: &Artist) -> Result<()> {
    tx.execute(
        "INSERT INTO artists (id, name, folded, tracked_since, next_check_at) VALUES (?1, ?2, ?4, ?3, ?3)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded = excluded.folded
             WHERE (name, folded) IS NOT (excluded.name, excluded.folded)",
        params![artist.id, artist.name, Ms(tx.now()), folded(&artist.name)],
    )?;
    tx.execute(
        "UPDATE artists SET tracked_since = ?2, next_check_at = ?2, checked_at = NULL
         WHERE id = ?1 AND untracked_at <= ?3",
        params![artist.id, Ms(tx.now()), Ms(tx.now() - RETENTION)],
    )?;
    let sql = "UPDATE artists SET untracked_at = NULL WHERE id = ?1 AND untracked_at IS NOT NULL";
    tx.execute(sql, [&artist.id])?;
    Ok(())
}

/// Records which artists nobody follows any more. Their releases are kept for a while.
pub fn record_untracked(tx: &Tx<'_>) -> Result<()> {
    tx.execute(
        "UPDATE artists SET untracked_at = ?1 WHERE untracked_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM follows WHERE artist = artists.id)",
        [Ms(tx.now())],
    )?;
    Ok(())
}

/// The artists that only this user follows or followed lately.
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

/// Of the next `most` artists after this one, those that nobody follows or followed lately; and the artist
/// to continue after.
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

/// Deletes those of the artists that still nobody follows, with their releases.
pub fn forget_unfollowed(tx: &Tx<'_>, artists: &[ArtistId]) -> Result<()> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM artists WHERE id = ?1 AND {UNFOLLOWED})");
    for artist in artists {
        if tx.query_row(&sql, [artist], |row| row.get(0))? {
            forget(tx, std::slice::from_ref(artist))?;
        }
    }
    Ok(())
}

/// Deletes artists with their releases, except for releases that a user has still to be notified of.
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

/// Deletes those of the releases that are on no list any more and that no user has still to be notified
/// of. Returns how many.
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

/// An artist's name; `None` if the artist is not known.
pub fn name_of(tx: &Tx<'_>, id: &ArtistId) -> Result<Option<String>> {
    let sql = "SELECT name FROM artists WHERE id = ?1";
    Ok(tx.query_row(sql, [id], |row| row.get(0)).optional()?)
}

/// Whether an artist is known.
pub fn is_known(tx: &Tx<'_>, id: &ArtistId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM artists WHERE id = ?1)";
    Ok(tx.query_row(sql, [id], |row| row.get(0))?)
}

/// How many artists are watched.
pub fn count_tracked(tx: &Tx<'_>) -> Result<u64> {
    let sql = "SELECT count(*) FROM artists WHERE untracked_at IS NULL";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// Which of the watched artists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckScope {
    /// All of them.
    All,
    /// Those whose next check is due.
    Due,
    /// Those of them that were never checked.
    NeverChecked,
}

/// The watched artists that may be checked now.
pub fn candidates(tx: &Tx<'_>, scope: CheckScope) -> Result<Vec<Candidate>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT id, rate, checked_at, tracked_since, failures,
                (SELECT count(*) FROM follows WHERE artist = artists.id)
         FROM artists
         WHERE untracked_at IS NULL AND claimed_until <= ?2 AND (?1 OR next_check_at <= ?2)
             AND (checked_at IS NULL OR NOT ?3)",
    )?;
    let key = params![scope == CheckScope::All, Ms(tx.now()), scope == CheckScope::NeverChecked];
    let candidates = rows.query_map(key, |row| {
        Ok(Candidate {
            id: row.get(0)?,
            rate: row.get(1)?,
            checked_at: row.get::<_, Option<Ms>>(2)?.map(|at| at.0),
            tracked_since: row.get::<_, Ms>(3)?.0,
            failures: row.get(4)?,
            readers: row.get(5)?,
        })
    })?;
    Ok(candidates.collect::<rusqlite::Result<_>>()?)
}

/// Claims the check of an artist; `None` if another process has it or made it after `listed_at`, or nobody
/// follows the artist. A check in the future was made before the clock stepped back.
pub fn claim(tx: &Tx<'_>, id: &ArtistId, listed_at: Timestamp) -> Result<Option<Claimed>> {
    let claimed = tx.query_row(
        "UPDATE artists SET claimed_until = ?2
         WHERE id = ?1 AND untracked_at IS NULL AND claimed_until <= ?3
             AND NOT (coalesce(checked_at, 0) > ?4 AND checked_at <= ?3)
         RETURNING failures",
        params![id, Ms(tx.now() + CHECK_LEASE), Ms(tx.now()), Ms(listed_at)],
        |row| Ok(Claimed { id: id.clone(), failures: row.get(0)? }),
    );
    Ok(claimed.optional()?)
}

/// Records a check that read all albums and singles that matter. The artist is left alone until `next_at`.
/// `rate` is the number of releases expected a week.
///
/// If the check had only the singles left to read, the artist counts as checked since its albums were.
pub fn record_check(tx: &Tx<'_>, id: &ArtistId, rate: f64, next_at: Timestamp) -> Result<()> {
    let changed = tx.execute(
        "UPDATE artists SET next_check_at = ?3, failures = 0, last_failure = NULL, claimed_until = 0, rate = ?4,
             checked_at = coalesce((SELECT checked_at FROM artist_lists WHERE artist = ?1 AND list = 'albums'), ?2)
         WHERE id = ?1",
        params![id, Ms(tx.now()), Ms(next_at), rate],
    )?;
    exactly_one(changed)
}

/// Records which of an artist's own albums has the latest date.
pub fn update_last_album(tx: &Tx<'_>, id: &ArtistId) -> Result<()> {
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

/// Records a failed check: only the time of the next one changes.
pub fn record_failure(tx: &Tx<'_>, id: &ArtistId, why: &str, next_at: Timestamp) -> Result<()> {
    let sql = "UPDATE artists SET failures = failures + 1, last_failure = ?2, next_check_at = ?3,
                   claimed_until = 0 WHERE id = ?1";
    tx.execute(sql, params![id, why, Ms(next_at)])?;
    Ok(())
}

/// Records that the day's calls ran out in the middle of a check, which is not a failure: the check starts
/// again at `next_at`, and until it succeeds some calls are reserved for its later pages
/// (`is_any_unfinished`).
pub fn record_out_of_quota(
    tx: &Tx<'_>,
    id: &ArtistId,
    why: &str,
    next_at: Timestamp,
) -> Result<()> {
    let sql =
        "UPDATE artists SET failures = 0, last_failure = ?2, next_check_at = ?3, claimed_until = 0
               WHERE id = ?1";
    tx.execute(sql, params![id, why, Ms(next_at)])?;
    Ok(())
}

/// Whether a check of an artist ran out of calls and has not succeeded since.
pub(super) fn is_any_unfinished(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM artists INDEXED BY artists_unfinished
               WHERE untracked_at IS NULL AND failures = 0 AND last_failure IS NOT NULL)";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// Releases a claim as if it had not been made.
pub fn release_claim(tx: &Tx<'_>, id: &ArtistId) -> Result<()> {
    tx.execute("UPDATE artists SET claimed_until = 0 WHERE id = ?1", [id])?;
    Ok(())
}

/// Releases every claim: those of a process that has died.
pub(super) fn release_claims(tx: &Tx<'_>) -> Result<()> {
    tx.execute("UPDATE artists SET claimed_until = 0 WHERE claimed_until > 0", [])?;
    Ok(())
}
