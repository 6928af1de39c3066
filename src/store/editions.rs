//! Which releases are editions of an album that was already known.

use rusqlite::params;

use super::{Result, Tx, releases};
use crate::domain::artist::ArtistId;
use crate::domain::release::{Release, ReleaseId};
use crate::domain::release_query::ReleaseQuery;

/// The known releases of which a query may return another edition, in no order: those on the artist's own
/// lists; for appearances, those on that list.
pub fn known_of(tx: &Tx<'_>, artist: &ArtistId, query: ReleaseQuery) -> Result<Vec<Release>> {
    let sql = "SELECT release FROM artist_releases WHERE artist = ?1 AND appears = ?2";
    let mut rows = tx.conn().prepare_cached(sql)?;
    let ids = rows.query_map(params![artist, query.is_appearances()], |row| row.get(0))?;
    let ids = ids.collect::<rusqlite::Result<Vec<ReleaseId>>>()?;
    let found: Result<Vec<_>> = ids.iter().map(|id| releases::find(tx, id)).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// Records that `release` is an edition of `album`.
pub fn note(tx: &Tx<'_>, release: &ReleaseId, album: &ReleaseId) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO editions (release, album) VALUES (?1, ?2)";
    tx.execute(sql, params![release, album])?;
    Ok(())
}

/// Whether a release is another edition of an album.
pub fn is_one(tx: &Tx<'_>, release: &ReleaseId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM editions WHERE release = ?1)";
    Ok(tx.query_row(sql, [release], |row| row.get(0))?)
}

/// The editions of an album.
pub fn of(tx: &Tx<'_>, album: &ReleaseId) -> Result<Vec<Release>> {
    let mut rows = tx
        .conn()
        .prepare_cached("SELECT release FROM editions WHERE album = ?1 ORDER BY release")?;
    let ids = rows.query_map([album], |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let found: Result<Vec<_>> = ids.iter().map(|id| releases::find(tx, id)).collect();
    Ok(found?.into_iter().flatten().collect())
}
