//! Hints: recorded once, checked with growing intervals, then confirmed by Spotify or dropped.

use jiff::SignedDuration;
use rusqlite::params;

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::hint::{self, Hint, SourceName};

/// Hints are deleted after this time. Sources list a release for about two weeks.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Whether Spotify's lists of the artist have an album with the date of the hint. Dates that are less
/// precise than a day do not match.
const SEEN: &str = "EXISTS (SELECT 1 FROM artist_releases s JOIN releases r ON r.id = s.release
     WHERE s.artist = ?1 AND NOT s.appears AND length(r.date) = 10
     AND abs(julianday(r.date) - julianday(released)) <= ?2)";

/// Hints by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Not yet confirmed or dropped.
    pub open: u64,
    /// Confirmed by Spotify.
    pub confirmed: u64,
    /// Never found at Spotify.
    pub dropped: u64,
}

/// Records a hint. Returns whether it asks for a check. It does not if the artist is not followed or has
/// enough open hints, if the release is already known, or if the source gave the hint before, unless
/// the release was postponed since.
pub fn record(tx: &Tx<'_>, hint: &Hint) -> Result<bool> {
    let released = hint.released.map(|day| day.to_string());
    let next_at = hint::first_try(hint.released, tx.now());
    let inserted = tx.execute(
        "INSERT INTO hints (artist, source, key, released, given_at, next_at)
         SELECT id, ?2, ?3, ?4, ?5, ?6 FROM artists WHERE id = ?1 AND untracked_at IS NULL
             AND (SELECT count(*) FROM hints
                  WHERE artist = ?1 AND state = 'open' AND NOT (source = ?2 AND key = ?3)) < ?7
         ON CONFLICT DO UPDATE SET released = excluded.released, given_at = excluded.given_at,
             next_at = excluded.next_at, tries = 0, state = 'open', finished_at = NULL
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
        "UPDATE hints SET state = 'confirmed', finished_at = ?3
         WHERE artist = ?1 AND source = ?4 AND key = ?5 AND {SEEN}"
    );
    let key = params![hint.artist, hint::SAME_DAY, Ms(tx.now()), hint.source, hint.key];
    Ok(tx.execute(&sql, key)? == 0)
}

/// The artists with a hint that asks for a check now, oldest first. If the last check failed or ran out
/// of calls, the artist waits until it is due again.
pub fn wanting(tx: &Tx<'_>) -> Result<Vec<ArtistId>> {
    tx.query_rows(
        "SELECT a.id FROM hints h JOIN artists a ON a.id = h.artist
         WHERE h.state = 'open' AND h.next_at <= ?1
         AND a.untracked_at IS NULL AND a.claimed_until <= ?1
         AND (a.last_failure IS NULL OR a.next_check_at <= ?1)
         GROUP BY a.id ORDER BY min(h.next_at), a.id",
        [Ms(tx.now())],
        |row| row.get(0),
    )
}

/// Updates an artist's hints after a successful check. News confirms the hints that were due, an album
/// with the date of a hint confirms that one, and other due hints are deferred or dropped.
pub fn after_check(tx: &Tx<'_>, artist: &ArtistId, found_news: bool) -> Result<()> {
    let sql = format!(
        "UPDATE hints SET state = 'confirmed', finished_at = ?3 WHERE artist = ?1 AND state = 'open'
         AND ((?4 AND (next_at <= ?3 OR tries > 0)) OR {SEEN})"
    );
    tx.execute(&sql, params![artist, hint::SAME_DAY, Ms(tx.now()), found_news])?;
    for (source, key, tries) in due_of(tx, artist)? {
        let tries = tries + 1;
        let next_at = hint::next_try(tries, tx.now());
        tx.execute(
            "UPDATE hints SET tries = ?4, next_at = coalesce(?5, next_at),
                 state = iif(?5 IS NULL, 'dropped', 'open'), finished_at = iif(?5 IS NULL, ?6, NULL)
             WHERE artist = ?1 AND source = ?2 AND key = ?3",
            params![artist, source, key, tries, next_at.map(Ms), Ms(tx.now())],
        )?;
    }
    Ok(())
}

fn due_of(tx: &Tx<'_>, artist: &ArtistId) -> Result<Vec<(String, String, u32)>> {
    tx.query_rows(
        "SELECT source, key, tries FROM hints
         WHERE artist = ?1 AND state = 'open' AND next_at <= ?2",
        params![artist, Ms(tx.now())],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// The hints of a source by state.
pub fn counts(tx: &Tx<'_>, source: SourceName) -> Result<Counts> {
    let sql = "SELECT count(*) FILTER (WHERE state = 'open'),
                      count(*) FILTER (WHERE state = 'confirmed'),
                      count(*) FILTER (WHERE state = 'dropped') FROM hints WHERE source = ?1";
    Ok(tx.query_row(sql, [source], |row| {
        Ok(Counts { open: row.get(0)?, confirmed: row.get(1)?, dropped: row.get(2)? })
    })?)
}
