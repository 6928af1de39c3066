//! The news of a user, the latest first, with the status of each notification.

use jiff::Timestamp;
use rusqlite::{Row, params};

use crate::domain::release::{Release, ReleaseId};
use crate::domain::user::UserId;
use crate::store::columns::{Ms, unreadable};
use crate::store::{Result, Tx, releases};

#[derive(Debug, Clone)]
pub struct Entry {
    /// Its position: the later it was seen, the greater.
    pub place: i64,
    pub release: Release,
    /// When it was seen, or became news to the user.
    pub seen_at: Timestamp,
    pub status: DeliveryStatus,
}

/// Whether the user was notified of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// Sent at this time.
    Mailed(Timestamp),
    /// Pending; will be sent at this time or shortly after. The reason is why an earlier attempt failed.
    Pending(Timestamp, Option<String>),
    /// The user did not want it, for this reason.
    Unwanted(String),
    /// It could no longer be sent, for this reason.
    Dropped(String),
    /// The mail server rejected the email for good, with this text.
    Refused(String),
    /// The user has no confirmed address.
    Unconfirmed,
}

/// A page of the stream.
#[derive(Debug, Clone)]
pub struct Part {
    /// The releases that still exist.
    pub entries: Vec<Entry>,
    /// How many rows were read.
    pub rows: usize,
    /// The position of the last row.
    pub last_place: Option<i64>,
}

/// The news of a user before the position `before`, the latest first, at most `most`.
pub fn stream(tx: &Tx<'_>, user: UserId, before: i64, most: usize) -> Result<Part> {
    let sql = "SELECT id, subject, enqueued_at, state, reason, coalesce(finished_at, enqueued_at), next_at
               FROM outbox WHERE user_id = ?1 AND kind = 'news' AND id < ?2 ORDER BY id DESC LIMIT ?3";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let found = tx.query_rows(sql, params![user, before, most], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, Ms>(2)?.0, status(row)?))
    })?;
    entries(tx, found)
}

/// What came out since a user without a confirmed address follows each artist, the latest first, at most
/// `most`. Nothing of it is in the outbox yet.
pub fn unconfirmed_stream(tx: &Tx<'_>, user: UserId, most: usize) -> Result<Part> {
    let sql =
        "SELECT s.release, max(s.seen_at) AS seen FROM artist_releases s INDEXED BY artist_releases_news
         CROSS JOIN follows f ON f.user_id = ?1 AND f.artist = s.artist
         WHERE s.is_news AND s.seen_at >= (SELECT created_at FROM users WHERE id = ?1)
           AND s.seen_at >= f.since
         GROUP BY s.release ORDER BY seen DESC, s.release LIMIT ?2";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let found = tx.query_rows(sql, params![user, most], |row| {
        let Ms(seen_at) = row.get(1)?;
        Ok((seen_at.as_millisecond(), row.get(0)?, seen_at, DeliveryStatus::Unconfirmed))
    })?;
    entries(tx, found)
}

fn entries(tx: &Tx<'_>, found: Vec<(i64, ReleaseId, Timestamp, DeliveryStatus)>) -> Result<Part> {
    let (rows, last_place) = (found.len(), found.last().map(|(place, ..)| *place));
    let mut entries = Vec::with_capacity(found.len());
    for (place, release, seen_at, status) in found {
        if let Some(release) = releases::find(tx, &release)? {
            entries.push(Entry { place, release, seen_at, status });
        }
    }
    Ok(Part { entries, rows, last_place })
}

fn status(row: &Row<'_>) -> rusqlite::Result<DeliveryStatus> {
    let (state, reason): (String, Option<String>) = (row.get(3)?, row.get(4)?);
    let words = reason.clone().unwrap_or_default();
    Ok(match state.as_str() {
        "sent" => DeliveryStatus::Mailed(row.get::<_, Ms>(5)?.0),
        "pending" => DeliveryStatus::Pending(row.get::<_, Ms>(6)?.0, reason),
        "skipped" => DeliveryStatus::Unwanted(words),
        "dropped" => DeliveryStatus::Dropped(words),
        "rejected" => DeliveryStatus::Refused(words),
        _ => return Err(unreadable("what became of a letter").into()),
    })
}
