//! What came out from a user's artists, and what emails told them of it.

use jiff::Timestamp;
use rusqlite::{Row, params};

use crate::domain::release::{Release, ReleaseId};
use crate::domain::user::UserId;
use crate::store::columns::{Ms, unreadable};
use crate::store::{Result, Tx, releases};

/// Something that was news to a user.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place: the later it was seen, the greater.
    pub place: i64,
    /// What came out.
    pub release: Release,
    /// When it was seen, or news to them.
    pub seen_at: Timestamp,
    /// Whether an email told them.
    pub told: Told,
}

/// Whether an email told a user of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// One did, then.
    Mailed(Timestamp),
    /// One will, then or soon after; the reason is why an earlier try did not.
    Owed(Timestamp, Option<String>),
    /// They did not want it, in words.
    Unwanted(String),
    /// It could not be told any more, in words.
    Dropped(String),
    /// The mail server refused the email for good, in its words.
    Refused(String),
    /// They have confirmed no address.
    Unconfirmed,
}

/// A part of a stream.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it holds, as far as it is still known.
    pub entries: Vec<Entry>,
    /// How much of it was read.
    pub rows: usize,
    /// The place of what was read last.
    pub last_place: Option<i64>,
}

/// What was news to a user before `before`, the latest first, at most `most`.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn stream(tx: &Tx<'_>, user: UserId, before: i64, most: usize) -> Result<Part> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT id, subject, owed_at, state, reason, coalesce(settled_at, owed_at), next_at FROM outbox
         WHERE person = ?1 AND kind = 'news' AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let found = rows.query_map(params![user, before, most], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, Ms>(2)?.0, told(row)?))
    })?;
    entries(tx, found.collect::<rusqlite::Result<_>>()?)
}

/// What came out since a user who has confirmed no address follows its artists, the latest first, at
/// most `most`: nothing of it is owed to them yet.
///
/// # Errors
/// [`crate::store::StoreError`]
pub fn unconfirmed_stream(tx: &Tx<'_>, user: UserId, most: usize) -> Result<Part> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT s.release, max(s.seen_at) AS seen FROM sightings s INDEXED BY sightings_news
         CROSS JOIN follows f ON f.person = ?1 AND f.artist = s.artist
         WHERE s.is_news AND s.seen_at >= (SELECT created_at FROM people WHERE id = ?1)
           AND s.seen_at >= f.since
         GROUP BY s.release ORDER BY seen DESC, s.release LIMIT ?2",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let found = rows.query_map(params![user, most], |row| {
        let Ms(seen_at) = row.get(1)?;
        Ok((seen_at.as_millisecond(), row.get(0)?, seen_at, Told::Unconfirmed))
    })?;
    entries(tx, found.collect::<rusqlite::Result<_>>()?)
}

fn entries(tx: &Tx<'_>, found: Vec<(i64, ReleaseId, Timestamp, Told)>) -> Result<Part> {
    let (rows, last_place) = (found.len(), found.last().map(|(place, ..)| *place));
    let mut entries = Vec::with_capacity(found.len());
    for (place, release, seen_at, told) in found {
        if let Some(release) = releases::find(tx, &release)? {
            entries.push(Entry { place, release, seen_at, told });
        }
    }
    Ok(Part { entries, rows, last_place })
}

fn told(row: &Row<'_>) -> rusqlite::Result<Told> {
    let (state, reason): (String, Option<String>) = (row.get(3)?, row.get(4)?);
    let words = reason.clone().unwrap_or_default();
    Ok(match state.as_str() {
        "sent" => Told::Mailed(row.get::<_, Ms>(5)?.0),
        "owed" => Told::Owed(row.get::<_, Ms>(6)?.0, reason),
        "unwanted" => Told::Unwanted(words),
        "dropped" => Told::Dropped(words),
        "refused" => Told::Refused(words),
        _ => return Err(unreadable("what became of a letter").into()),
    })
}
