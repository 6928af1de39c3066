//! How an artist's singles stand: who wants them, and what was asked about them.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::release_query::ReleaseQuery;

/// Singles that were left for later are looked at alone for so long, which is a little longer than it
/// can take until a call is free; then the albums are due again.
const LEFT_FOR: SignedDuration = SignedDuration::from_hours(30);

/// What decides how an artist's singles are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many albums were seen on the artist's lists.
    pub known_albums: u64,
    /// Since when somebody who follows the artist wants singles; `None` where nobody does.
    pub wanted_since: Option<Timestamp>,
    /// When the singles were first looked at for somebody who still wants them.
    pub baseline_at: Option<Timestamp>,
    /// Spotify's `total` at the last look at the singles alone.
    pub total: Option<u64>,
    /// Whether the artist's `total` counts singles too.
    pub is_total_of_both: bool,
    /// Whether the last check read the albums and had to leave the singles.
    pub are_left: bool,
}

/// How the singles of an artist stand; as if nobody wanted them, where the artist is not known.
///
/// # Errors
/// [`super::StoreError`]
pub fn standing(tx: &Tx<'_>, artist: &ArtistId) -> Result<Standing> {
    // An artist that was forgotten in between begins anew, singles and all.
    let sql = "SELECT
        (SELECT count(*) FROM artist_releases s JOIN releases r ON r.id = s.release
         WHERE s.artist = a.id AND NOT s.appears AND r.kind = 'album'),
        (SELECT min(max(f.since, p.singles_since)) FROM follows f JOIN users p ON p.id = f.user_id
         WHERE f.artist = a.id AND p.singles_since IS NOT NULL),
        iif(baseline_at IS NULL, NULL, singles_baseline_at),
        singles_total, total_has_singles, coalesce(singles_left_at BETWEEN ?2 AND ?3, FALSE)
        FROM artists a WHERE id = ?1";
    let key = params![artist, Ms(tx.now() - LEFT_FOR), Ms(tx.now())];
    let standing = tx.query_row(sql, key, |row| {
        Ok(Standing {
            known_albums: row.get(0)?,
            wanted_since: row.get::<_, Option<Ms>>(1)?.map(|at| at.0),
            baseline_at: row.get::<_, Option<Ms>>(2)?.map(|at| at.0),
            total: row.get(3)?,
            is_total_of_both: row.get(4)?,
            are_left: row.get(5)?,
        })
    });
    Ok(standing.optional()?.unwrap_or_default())
}

/// Records the looks of a check that went through, each with Spotify's `total`, where it was told.
/// Singles that were not looked at, since nobody wants them, begin with a silent look again when
/// somebody does. Where singles alone were looked at, the albums were checked when those were left.
///
/// # Errors
/// [`super::StoreError`]
pub fn after_check(
    tx: &Tx<'_>,
    artist: &ArtistId,
    queries: &[(ReleaseQuery, Option<u64>)],
) -> Result<()> {
    let total_of =
        |wanted| queries.iter().find(|(query, _)| *query == wanted).and_then(|query| query.1);
    let has_singles = queries.iter().any(|(query, _)| query.has_singles());
    let has_albums = queries.iter().any(|(query, _)| query.has_albums());
    let (albums, together) =
        (total_of(ReleaseQuery::Albums), total_of(ReleaseQuery::AlbumsAndSingles));
    // The `total` itself is written with the rest of the check; one that was not told stays.
    let is_of_both = (albums.is_some() || together.is_some()).then_some(together.is_some());
    tx.execute(
        "UPDATE artists SET singles_baseline_at = iif(?2, coalesce(singles_baseline_at, ?3), NULL),
             singles_total = ?4, total_has_singles = coalesce(?5, total_has_singles),
             checked_at = iif(?6, checked_at, coalesce(singles_left_at, checked_at)),
             singles_left_at = NULL
         WHERE id = ?1",
        params![
            artist,
            has_singles,
            Ms(tx.now()),
            total_of(ReleaseQuery::Singles),
            is_of_both,
            has_albums
        ],
    )?;
    Ok(())
}

/// Records that a check read the albums, of which Spotify says there are `total`, and no further.
///
/// # Errors
/// [`super::StoreError`]
pub fn leave(tx: &Tx<'_>, artist: &ArtistId, total: Option<u64>) -> Result<()> {
    tx.execute(
        "UPDATE artists SET singles_left_at = ?2, total = coalesce(?3, total),
             total_has_singles = iif(?3 IS NULL, total_has_singles, 0) WHERE id = ?1",
        params![artist, Ms(tx.now()), total],
    )?;
    Ok(())
}
