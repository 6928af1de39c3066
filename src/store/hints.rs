//! Hints: given once, tried with growing distance, and settled: confirmed by Spotify, or dropped.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::hint::{self, Hint, SourceName};

/// A source tells of a release for two weeks or so; hints older than this are never told again.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// That an album of the hint's day was seen on the artist's own list at Spotify. Dates that are less
/// precise than a day are no Julian days, and match nothing.
const SEEN: &str = "EXISTS (SELECT 1 FROM sightings s JOIN releases r ON r.id = s.release
     WHERE s.artist = ?1 AND NOT s.appears AND length(r.date) = 10
     AND abs(julianday(r.date) - julianday(released)) <= ?2)";

/// Hints by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spotify is still to be asked, or to be asked again.
    pub open: u64,
    /// Spotify had it.
    pub confirmed: u64,
    /// Spotify never had it.
    pub dropped: u64,
}

/// Takes a hint in; whether it opens a question. It does not if nobody watches the artist, if so many are
/// open of the artist that one more would change nothing, if Spotify was seen to have what it speaks of,
/// or if the same source gave it before, unless the release was put off since and not found.
///
/// # Errors
/// [`super::StoreError`]
pub fn give(tx: &Tx<'_>, hint: &Hint) -> Result<bool> {
    let released = hint.released.map(|day| day.to_string());
    let next_at = hint::first_try(hint.released, tx.now());
    let inserted = tx.execute(
        "INSERT INTO hints (artist, source, key, released, given_at, next_at)
         SELECT id, ?2, ?3, ?4, ?5, ?6 FROM artists WHERE id = ?1 AND unwatched_at IS NULL
             AND (SELECT count(*) FROM hints
                  WHERE artist = ?1 AND state = 'open' AND NOT (source = ?2 AND key = ?3)) < ?7
         ON CONFLICT DO UPDATE SET released = excluded.released, given_at = excluded.given_at,
             next_at = excluded.next_at, tries = 0, state = 'open', settled_at = NULL
         WHERE hints.state <> 'confirmed' AND excluded.released > hints.released",
        params![
            hint.artist,
            hint.source,
            hint.key,
            released,
            Ms(tx.now()),
            Ms(next_at),
            hint::MAX_OPEN
        ],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    let sql = format!(
        "UPDATE hints SET state = 'confirmed', settled_at = ?3
         WHERE artist = ?1 AND source = ?4 AND key = ?5 AND {SEEN}"
    );
    let key = params![hint.artist, hint::SAME_DAY, Ms(tx.now()), hint.source, hint.key];
    Ok(tx.execute(&sql, key)? == 0)
}

/// The artists of whom a hint asks for a check now, the one that has waited longest first. One whose
/// last check failed, or ran out of calls, waits until that is due again, hint or no hint.
///
/// # Errors
/// [`super::StoreError`]
pub fn wanting(tx: &Tx<'_>) -> Result<Vec<ArtistId>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT a.id FROM hints h JOIN artists a ON a.id = h.artist
         WHERE h.state = 'open' AND h.next_at <= ?1
         AND a.unwatched_at IS NULL AND a.claimed_until <= ?1
         AND (a.last_failure IS NULL OR a.next_check_at <= ?1)
         GROUP BY a.id ORDER BY min(h.next_at), a.id",
    )?;
    let wanting = rows.query_map([Ms(tx.now())], |row| row.get(0))?;
    Ok(wanting.collect::<rusqlite::Result<_>>()?)
}

/// Settles an artist's hints by a check that went through. News confirms those that were tried by
/// now, and an album of the day that a hint names confirms that one. Any other hint that was due is
/// tried again later, or dropped.
///
/// # Errors
/// [`super::StoreError`]
pub fn after_check(tx: &Tx<'_>, artist: &ArtistId, found_news: bool) -> Result<()> {
    let sql = format!(
        "UPDATE hints SET state = 'confirmed', settled_at = ?3 WHERE artist = ?1 AND state = 'open'
         AND ((?4 AND (next_at <= ?3 OR tries > 0)) OR {SEEN})"
    );
    tx.execute(&sql, params![artist, hint::SAME_DAY, Ms(tx.now()), found_news])?;
    for (source, key, tries) in due_of(tx, artist)? {
        let tries = tries + 1;
        let next_at = hint::next_try(tries, tx.now());
        tx.execute(
            "UPDATE hints SET tries = ?4, next_at = coalesce(?5, next_at),
                 state = iif(?5 IS NULL, 'dropped', 'open'), settled_at = iif(?5 IS NULL, ?6, NULL)
             WHERE artist = ?1 AND source = ?2 AND key = ?3",
            params![artist, source, key, tries, next_at.map(Ms), Ms(tx.now())],
        )?;
    }
    Ok(())
}

fn due_of(tx: &Tx<'_>, artist: &ArtistId) -> Result<Vec<(String, String, u32)>> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT source, key, tries FROM hints
         WHERE artist = ?1 AND state = 'open' AND next_at <= ?2",
    )?;
    let due = rows.query_map(params![artist, Ms(tx.now())], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(due.collect::<rusqlite::Result<_>>()?)
}

/// When the next hint will ask for a check; `None` if none is open.
///
/// # Errors
/// [`super::StoreError`]
pub fn next_at(tx: &Tx<'_>) -> Result<Option<Timestamp>> {
    let sql = "SELECT min(next_at) FROM hints WHERE state = 'open'";
    Ok(tx.query_row(sql, [], |row| row.get::<_, Option<Ms>>(0))?.map(|at| at.0))
}

/// Hints of a source by what became of them.
///
/// # Errors
/// [`super::StoreError`]
pub fn counts(tx: &Tx<'_>, source: SourceName) -> Result<Counts> {
    let sql = "SELECT count(*) FILTER (WHERE state = 'open'),
                      count(*) FILTER (WHERE state = 'confirmed'),
                      count(*) FILTER (WHERE state = 'dropped') FROM hints WHERE source = ?1";
    Ok(tx.query_row(sql, [source], |row| {
        Ok(Counts { open: row.get(0)?, confirmed: row.get(1)?, dropped: row.get(2)? })
    })?)
}
