//! Releases, and on which artists' lists they are.

use std::collections::HashSet;

use jiff::ToSpan;
use rusqlite::{OptionalExtension, Row, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::day_of;
use crate::domain::release::{Release, ReleaseDate, ReleaseId, ReleaseKind};
use crate::domain::release_filter::Match;
use crate::domain::release_query::ReleaseQuery;
use crate::domain::user::UserId;

/// How far back the releases go that a new user sees.
const RECENT_DAYS: i64 = 30;

/// The releases that a query does not return for the first time: those on the artist's own lists, and for
/// appearances those on that list too.
pub fn seen_of(tx: &Tx<'_>, artist: &ArtistId, query: ReleaseQuery) -> Result<HashSet<ReleaseId>> {
    let sql = "SELECT release FROM artist_releases WHERE artist = ?1 AND (?2 OR NOT appears)";
    let mut rows = tx.conn().prepare_cached(sql)?;
    let seen = rows.query_map(params![artist, query.is_appearances()], |row| row.get(0))?;
    Ok(seen.collect::<rusqlite::Result<_>>()?)
}

/// How a release is on an artist's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArtistRelease {
    /// Whether it is news.
    pub is_news: bool,
    /// Whether it is another artist's, and this one only appears on it.
    pub appears: bool,
}

/// Saves a release on an artist's list with its latest data. Whether it is news was decided when it was
/// first seen there, and is decided again only if it turns out to be the artist's own.
pub fn remember(
    tx: &Tx<'_>,
    artist: &ArtistId,
    release: &Release,
    sighting: ArtistRelease,
) -> Result<()> {
    let credits: Vec<(&str, &str)> =
        release.artists.iter().map(|a| (a.id.as_str(), a.name.as_str())).collect();
    tx.execute(
        "INSERT INTO releases (id, title, kind, artists, date, tracks, cover, link)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, kind = excluded.kind,
             artists = excluded.artists, date = excluded.date, tracks = excluded.tracks,
             cover = excluded.cover, link = excluded.link, changed_at = ?9
             WHERE (title, kind, artists, date, tracks, cover, link) IS NOT (excluded.title,
                 excluded.kind, excluded.artists, excluded.date, excluded.tracks, excluded.cover,
                 excluded.link)",
        params![
            release.id,
            release.title,
            release.kind.as_str(),
            serde_json::to_string(&credits).unwrap_or_default(),
            release.date.to_string(),
            release.tracks,
            release.cover,
            release.link,
            Ms(tx.now()),
        ],
    )?;
    tx.execute(
        "INSERT INTO artist_releases (artist, release, seen_at, is_news, appears) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at, is_news = excluded.is_news, appears = 0
             WHERE appears AND NOT excluded.appears",
        params![artist, release.id, Ms(tx.now()), sighting.is_news, sighting.appears],
    )?;
    Ok(())
}

/// The release with this id.
pub fn find(tx: &Tx<'_>, id: &ReleaseId) -> Result<Option<Release>> {
    let sql =
        "SELECT id, title, kind, artists, date, tracks, cover, link FROM releases WHERE id = ?1";
    Ok(tx.query_row(sql, [id], read).optional()?)
}

/// The releases of the last 30 days from the artists that a user follows, the newest first, at most `most`.
/// Only those with an exact day, without editions, releases in a news email, and lists they do not want.
pub fn recent_of(tx: &Tx<'_>, user: UserId, most: u32) -> Result<Vec<Release>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT id, title, kind, artists, date, tracks, cover, link FROM releases r
         WHERE length(date) = 10 AND date BETWEEN ?2 AND ?3
           AND id IN (SELECT s.release FROM follows f JOIN artist_releases s ON s.artist = f.artist
                      JOIN users p ON p.id = f.user_id
                      WHERE f.user_id = ?1 AND CASE WHEN s.appears THEN p.appearances_since IS NOT NULL
                          WHEN r.kind = 'single' THEN p.singles_since IS NOT NULL
                          WHEN r.kind = 'compilation' THEN p.compilations_since IS NOT NULL
                          ELSE TRUE END)
           AND NOT EXISTS (SELECT 1 FROM editions e WHERE e.release = r.id)
           AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.user_id = ?1 AND o.kind = 'news' AND o.subject = r.id)
         ORDER BY date DESC, id LIMIT ?4",
    )?;
    let today = day_of(tx.now());
    let since = today.saturating_sub(RECENT_DAYS.days());
    let found = rows.query_map(params![user, since.to_string(), today.to_string(), most], read)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// How many of a user's artists are searched for their latest releases: to show some, not all.
const MAX_ARTISTS_SEARCHED: u32 = 50;

/// The latest own releases of artists that a user follows and has not muted, at most `most`.
pub fn latest_of(tx: &Tx<'_>, user: UserId, most: usize) -> Result<Vec<Release>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT DISTINCT r.id, title, kind, artists, date, tracks, cover, link
         FROM (SELECT artist FROM follows WHERE user_id = ?1
                   AND artist NOT IN (SELECT artist FROM mutes WHERE user_id = ?1) LIMIT ?3) f
         JOIN artist_releases s ON s.artist = f.artist AND NOT s.appears
         JOIN releases r ON r.id = s.release
         WHERE date <= ?4 ORDER BY date DESC, r.id LIMIT ?2",
    )?;
    let (today, most) = (day_of(tx.now()).to_string(), i64::try_from(most).unwrap_or(i64::MAX));
    let found = rows.query_map(params![user, most, MAX_ARTISTS_SEARCHED, today], read)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Release> {
    let credits: Vec<(String, String)> =
        serde_json::from_str(&row.get::<_, String>(3)?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(
                3,
                rusqlite::types::Type::Text,
                Box::new(error),
            )
        })?;
    let artists = credits
        .iter()
        .filter_map(|(id, name)| Some(Artist::new(ArtistId::parse(id)?, name)))
        .collect();
    Ok(Release {
        id: row.get(0)?,
        title: row.get(1)?,
        kind: ReleaseKind::parse(&row.get::<_, String>(2)?),
        artists,
        date: ReleaseDate::parse(&row.get::<_, String>(4)?, None),
        tracks: row.get(5)?,
        cover: row.get(6)?,
        link: row.get(7)?,
    })
}

/// The artists that a user follows or has muted and on whose lists the release is.
pub fn reasons(tx: &Tx<'_>, id: &ReleaseId, user: UserId) -> Result<Vec<Match>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT a.id, a.name, s.appears,
             EXISTS (SELECT 1 FROM mutes m WHERE m.user_id = ?2 AND m.artist = a.id) AS is_muted
         FROM artist_releases s JOIN artists a ON a.id = s.artist
         WHERE s.release = ?1 AND (is_muted
             OR EXISTS (SELECT 1 FROM follows f WHERE f.user_id = ?2 AND f.artist = a.id))
         ORDER BY a.name, a.id",
    )?;
    let reasons = rows.query_map(params![id, user], |row| {
        Ok(Match {
            artist: row.get(0)?,
            name: row.get(1)?,
            appears: row.get(2)?,
            is_muted: row.get(3)?,
        })
    })?;
    Ok(reasons.collect::<rusqlite::Result<_>>()?)
}
