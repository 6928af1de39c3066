//! The state of each artist's lists: who wants them, and when they were checked.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::artist_list::{ArtistLists, ListKind, ListState};
use crate::domain::release_query::ReleaseQuery;

/// The lists of an artist; none is wanted of an artist that is not known.
///
/// # Errors
/// [`super::StoreError`]
pub fn load(tx: &Tx<'_>, artist: &ArtistId) -> Result<ArtistLists> {
    let sql = "SELECT count(*) FROM artist_releases s JOIN releases r ON r.id = s.release
               WHERE s.artist = ?1 AND NOT s.appears AND r.kind = 'album'";
    let known_albums = tx.query_row(sql, [artist], |row| row.get(0))?;
    let mut lists = ListKind::ALL.map(ListState::new);
    for list in &mut lists {
        *list = load_list(tx, artist, list.kind)?;
    }
    Ok(ArtistLists::new(known_albums, lists))
}

fn load_list(tx: &Tx<'_>, artist: &ArtistId, kind: ListKind) -> Result<ListState> {
    let list = ListState { wanted_since: wanted_since(tx, artist, kind)?, ..ListState::new(kind) };
    let sql = "SELECT unwanted_at, checked_at, next_check_at, deferred_at, total, failures
               FROM artist_lists WHERE artist = ?1 AND list = ?2";
    let stored = tx.query_row(sql, params![artist, kind.as_str()], |row| {
        let time = |column: usize| row.get::<_, Option<Ms>>(column).map(|at| at.map(|Ms(at)| at));
        Ok(ListState {
            unwanted_at: time(0)?,
            checked_at: time(1)?,
            next_check_at: time(2)?,
            deferred_at: time(3)?,
            total: row.get(4)?,
            failures: row.get(5)?,
            ..list
        })
    });
    Ok(stored.optional()?.unwrap_or(list))
}

/// Since when a follower wants a list. Every follower wants the albums.
fn wanted_since(tx: &Tx<'_>, artist: &ArtistId, kind: ListKind) -> Result<Option<Timestamp>> {
    let sql = match preference(kind) {
        None => "SELECT tracked_since FROM artists WHERE id = ?1".to_owned(),
        Some(column) => format!(
            "SELECT min(max(f.since, p.{column})) FROM {} AND f.artist = ?1",
            wanting(column)
        ),
    };
    let since = tx.query_row(&sql, [artist], |row| row.get::<_, Option<Ms>>(0)).optional()?;
    Ok(since.flatten().map(|Ms(at)| at))
}

/// How many secondary lists are wanted, of all artists.
///
/// # Errors
/// [`super::StoreError`]
pub fn count_wanted_secondary(tx: &Tx<'_>) -> Result<u64> {
    let mut count = 0;
    for column in ListKind::SECONDARY.into_iter().filter_map(preference) {
        let sql = format!("SELECT count(DISTINCT f.artist) FROM {}", wanting(column));
        count += tx.query_row(&sql, [], |row| row.get::<_, u64>(0))?;
    }
    Ok(count)
}

/// A complete check of the lists of one query.
#[derive(Debug, Clone, Copy)]
pub struct ListCheck {
    /// The query.
    pub query: ReleaseQuery,
    /// Whether it was the initial scan.
    pub is_initial_scan: bool,
    /// Spotify's `total`, if it sent one; otherwise the previous one stays.
    pub total: Option<u64>,
}

/// Records a check that read everything that matters. The lists are left alone for `interval`.
///
/// # Errors
/// [`super::StoreError`]
pub fn record_check(
    tx: &Tx<'_>,
    artist: &ArtistId,
    check: ListCheck,
    interval: SignedDuration,
) -> Result<()> {
    // The total of several lists belongs to the first of them (`ArtistLists::total_before`).
    let mut total = check.total;
    for list in check.query.lists() {
        // Counts for everyone who wants the list by now, even if the clock was set back since they do:
        // otherwise the next check would be another silent initial scan.
        let since = load_list(tx, artist, *list)?.since();
        let checked_at = since.map_or(tx.now(), |since| since.max(tx.now()));
        tx.execute(
            "INSERT INTO artist_lists (artist, list, initial_scan_at, checked_at, next_check_at, total)
             VALUES (?1, ?2, ?3, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET checked_at = ?3, next_check_at = ?4, failures = 0, deferred_at = NULL,
                 initial_scan_at = iif(?6, ?3, initial_scan_at), total = iif(?7, ?5, total)",
            params![
                artist,
                list.as_str(),
                Ms(checked_at),
                Ms(tx.now() + interval),
                total.take(),
                check.is_initial_scan,
                check.total.is_some(),
            ],
        )?;
    }
    Ok(())
}

/// Records that a check of a list failed: it is due again at `next_check_at`. Does nothing for an artist
/// that is not known any more.
///
/// # Errors
/// [`super::StoreError`]
pub fn record_failure(
    tx: &Tx<'_>,
    artist: &ArtistId,
    list: ListKind,
    next_check_at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO artist_lists (artist, list, next_check_at, failures)
         SELECT id, ?2, ?3, 1 FROM artists WHERE id = ?1
         ON CONFLICT DO UPDATE SET next_check_at = ?3, failures = failures + 1",
        params![artist, list.as_str(), Ms(next_check_at)],
    )?;
    Ok(())
}

/// Records that the check of an artist has still to come to a list. If it does not get there, the next
/// check starts with that list.
///
/// # Errors
/// [`super::StoreError`]
pub fn defer(tx: &Tx<'_>, artist: &ArtistId, list: ListKind) -> Result<()> {
    tx.execute(
        "INSERT INTO artist_lists (artist, list, deferred_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET deferred_at = ?3",
        params![artist, list.as_str(), Ms(tx.now())],
    )?;
    Ok(())
}

/// Records which lists no follower wants. A follower who wants one later starts with a silent check.
///
/// # Errors
/// [`super::StoreError`]
pub fn record_unwanted(tx: &Tx<'_>, artist: &ArtistId) -> Result<()> {
    for list in ListKind::ALL {
        if wanted_since(tx, artist, list)?.is_none() {
            let sql = "INSERT INTO artist_lists (artist, list, unwanted_at) VALUES (?1, ?2, ?3)
                       ON CONFLICT DO UPDATE SET unwanted_at = ?3, deferred_at = NULL";
            tx.execute(sql, params![artist, list.as_str(), Ms(tx.now())])?;
        }
    }
    Ok(())
}

/// The time after which everything is that can still be news on a list that not everybody wants
/// (`ListState::news_window`); `None` if nobody wants one.
pub(super) fn oldest_open_window(tx: &Tx<'_>) -> Result<Option<Timestamp>> {
    let mut oldest = None;
    for list in ListKind::ALL {
        let Some(column) = preference(list) else { continue };
        let sql = format!(
            "SELECT min(max(f.since, p.{column}, coalesce(l.checked_at, 0), coalesce(l.unwanted_at, 0)))
             FROM users p JOIN follows f ON f.user_id = p.id
             LEFT JOIN artist_lists l ON l.artist = f.artist AND l.list = ?1
             WHERE p.{column} IS NOT NULL"
        );
        let of_list = tx.query_row(&sql, [list.as_str()], |row| row.get::<_, Option<Ms>>(0))?;
        oldest = [oldest, of_list.map(|Ms(at)| at)].into_iter().flatten().min();
    }
    Ok(oldest)
}

/// The column of a user's preferences that says since when they want a list; `None` for the albums.
fn preference(list: ListKind) -> Option<&'static str> {
    match list {
        ListKind::Albums => None,
        ListKind::Singles => Some("singles_since"),
        ListKind::Compilations => Some("compilations_since"),
        ListKind::Appearances => Some("appearances_since"),
    }
}

/// The follows of users who want a list and have not muted the artist. Users whose consent has ended
/// are among them: if they sign in again they are notified of what they missed.
fn wanting(column: &str) -> String {
    format!(
        "follows f JOIN users p ON p.id = f.user_id
         WHERE p.{column} IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM mutes m WHERE m.user_id = f.user_id AND m.artist = f.artist)"
    )
}
