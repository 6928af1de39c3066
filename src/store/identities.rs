//! The artists' ids in open catalogues, and when to look them up again.

use jiff::SignedDuration;
use rusqlite::params;

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::hint::{DeezerId, Group, Identity, Mbid, Subject};

/// Identities rarely change: entries are merged now and then.
pub(super) const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// An unknown artist, or the link to it, may be added any day.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often Deezer is asked about an artist: 1,500 artists make one call in five seconds, where 50 are allowed.
const DEEZER_INTERVAL: SignedDuration = SignedDuration::from_hours(2);

/// Whether a follower of the artist wants singles.
const WANTS_SINGLES: &str = "EXISTS (SELECT 1 FROM follows f JOIN users p ON p.id = f.user_id
     WHERE f.artist = a.id AND p.singles_since IS NOT NULL)";

/// Artists of the group that are due, longest waiting first, at most `limit`.
pub fn due(tx: &Tx<'_>, group: Group, limit: usize) -> Result<Vec<Subject>> {
    let (condition, order) = match group {
        Group::Everyone => ("TRUE", "a.id"),
        Group::Unidentified => ("coalesce(look_up_next_at, 0) <= ?1", "look_up_next_at"),
        Group::Untraced => ("mbid IS NOT NULL AND trace_next_at <= ?1", "trace_next_at"),
        Group::Traced => ("deezer IS NOT NULL AND deezer_next_at <= ?1", "deezer_next_at"),
    };
    // Each of these statements takes the time as a parameter, needed or not.
    let sql = format!(
        "SELECT a.id, a.name, i.mbid, i.deezer, {WANTS_SINGLES}
         FROM artists a LEFT JOIN identities i ON i.artist = a.id
         WHERE a.untracked_at IS NULL AND ?1 = ?1 AND {condition} ORDER BY {order}, a.id LIMIT ?2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    tx.query_rows(&sql, params![Ms(tx.now()), limit], |row| {
        Ok(Subject {
            id: row.get(0)?,
            name: row.get(1)?,
            mbid: row.get(2)?,
            deezer: row.get(3)?,
            wants_singles: row.get(4)?,
        })
    })
}

/// Records that a source answered for `asked` and what it `found`. What it does not find any more stays as it was.
pub fn answered(tx: &Tx<'_>, group: Group, asked: &[ArtistId], found: &[Identity]) -> Result<()> {
    for artist in asked {
        match group {
            Group::Everyone => {}
            Group::Unidentified => looked_up(tx, artist, mbid_of(artist, found))?,
            Group::Untraced => traced(tx, artist, deezer_of(artist, found))?,
            Group::Traced => asked_at_deezer(tx, artist)?,
        }
    }
    Ok(())
}

fn mbid_of<'f>(artist: &ArtistId, found: &'f [Identity]) -> Option<&'f Mbid> {
    found.iter().find_map(|identity| match identity {
        Identity::Mbid(of, mbid) if of == artist => Some(mbid),
        _ => None,
    })
}

fn deezer_of(artist: &ArtistId, found: &[Identity]) -> Option<DeezerId> {
    found.iter().find_map(|identity| match identity {
        Identity::Deezer(of, deezer) if of == artist => Some(*deezer),
        _ => None,
    })
}

fn looked_up(tx: &Tx<'_>, artist: &ArtistId, mbid: Option<&Mbid>) -> Result<()> {
    let again = tx.now() + if mbid.is_some() { KNOWN_FOR } else { UNKNOWN_FOR };
    tx.execute(
        "INSERT INTO identities (artist, mbid, looked_up_at, look_up_next_at)
         SELECT id, ?2, ?3, ?4 FROM artists WHERE id = ?1
         ON CONFLICT (artist) DO UPDATE SET looked_up_at = ?3, look_up_next_at = ?4,
             trace_next_at = iif(?2 IS NULL OR ?2 IS mbid, trace_next_at, 0),
             mbid = coalesce(?2, mbid)",
        params![artist, mbid, Ms(tx.now()), Ms(again)],
    )?;
    Ok(())
}

fn traced(tx: &Tx<'_>, artist: &ArtistId, deezer: Option<DeezerId>) -> Result<()> {
    let again = tx.now() + if deezer.is_some() { KNOWN_FOR } else { UNKNOWN_FOR };
    let sql = "UPDATE identities SET traced_at = ?2, trace_next_at = ?3,
                   deezer = coalesce(?4, deezer) WHERE artist = ?1";
    tx.execute(sql, params![artist, Ms(tx.now()), Ms(again), deezer])?;
    Ok(())
}

fn asked_at_deezer(tx: &Tx<'_>, artist: &ArtistId) -> Result<()> {
    let sql = "UPDATE identities SET deezer_asked_at = ?2, deezer_next_at = ?3 WHERE artist = ?1";
    tx.execute(sql, params![artist, Ms(tx.now()), Ms(tx.now() + DEEZER_INTERVAL)])?;
    Ok(())
}

/// How many watched artists are known at MusicBrainz and at Deezer.
pub fn count_known(tx: &Tx<'_>) -> Result<(u64, u64)> {
    // Artists that nobody follows are few: subtracting them is cheaper than checking each artist.
    let all = "SELECT count(mbid), count(deezer) FROM identities";
    let untracked = "SELECT count(mbid), count(deezer) FROM artists INDEXED BY artists_tracked
                     CROSS JOIN identities ON artist = id WHERE untracked_at IS NOT NULL";
    let count =
        |sql| tx.query_row(sql, [], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?)));
    let ((mbids, deezers), (few, fewer)) = (count(all)?, count(untracked)?);
    Ok((mbids.saturating_sub(few), deezers.saturating_sub(fewer)))
}
