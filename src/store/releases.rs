//! Releases, and on which artist's list each was seen.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Row, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::audience::Reason;
use crate::domain::release::{Release, ReleaseDate, ReleaseId, ReleaseKind};
use crate::domain::user::UserId;

/// The releases that were seen on an artist's list.
///
/// # Errors
/// [`super::StoreError`]
pub fn seen_of(tx: &Tx<'_>, artist: &ArtistId) -> Result<HashSet<ReleaseId>> {
    let mut rows = tx.conn().prepare_cached("SELECT release FROM sightings WHERE artist = ?1")?;
    Ok(rows.query_map([artist], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Remembers a release on an artist's list, with the freshest words for it. Whether it is news was
/// settled when it was first seen there.
///
/// # Errors
/// [`super::StoreError`]
pub fn remember(tx: &Tx<'_>, artist: &ArtistId, release: &Release, is_news: bool) -> Result<()> {
    let credits: Vec<(&str, &str)> =
        release.artists.iter().map(|a| (a.id.as_str(), a.name.as_str())).collect();
    tx.execute(
        "INSERT INTO releases (id, title, kind, artists, date, tracks, cover, link)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, kind = excluded.kind,
             artists = excluded.artists, date = excluded.date, tracks = excluded.tracks,
             cover = excluded.cover, link = excluded.link",
        params![
            release.id,
            release.title,
            release.kind.as_str(),
            serde_json::to_string(&credits).unwrap_or_default(),
            release.date.to_string(),
            release.tracks,
            release.cover,
            release.link,
        ],
    )?;
    tx.execute(
        "INSERT OR IGNORE INTO sightings (artist, release, seen_at, is_news) VALUES (?1, ?2, ?3, ?4)",
        params![artist, release.id, Ms(tx.now()), is_news],
    )?;
    Ok(())
}

/// The release with this id.
///
/// # Errors
/// [`super::StoreError`]
pub fn find(tx: &Tx<'_>, id: &ReleaseId) -> Result<Option<Release>> {
    let sql =
        "SELECT id, title, kind, artists, date, tracks, cover, link FROM releases WHERE id = ?1";
    Ok(tx.query_row(sql, [id], read).optional()?)
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

/// The artists whom `person` follows and on whose lists the release was seen: why it concerns them.
///
/// # Errors
/// [`super::StoreError`]
pub fn reasons(
    tx: &Tx<'_>,
    id: &ReleaseId,
    person: UserId,
) -> Result<Vec<Reason>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT a.id, a.name, s.appears,
             EXISTS (SELECT 1 FROM mutes m WHERE m.person = f.person AND m.artist = a.id)
         FROM sightings s JOIN follows f ON f.artist = s.artist JOIN artists a ON a.id = s.artist
         WHERE s.release = ?1 AND f.person = ?2 ORDER BY a.name, a.id",
    )?;
    let reasons = rows.query_map(params![id, person], |row| {
        Ok(Reason {
            artist: row.get(0)?,
            name: row.get(1)?,
            appears: row.get(2)?,
            is_muted: row.get(3)?,
        })
    })?;
    Ok(reasons.collect::<rusqlite::Result<_>>()?)
}
