//! What is kept long enough goes, some rows at a time.
//!
//! An outbox row decides that nothing is told twice. It goes only when what it is about could not be
//! owed again without it: [`Horizon`] says from when on that is so.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx, artist_lists, clock_seen};
use crate::domain::day_of;
use crate::domain::release::ReleaseId;

/// What users were told is kept for more than a year: longer than a consent, or a year's digest, lasts.
const RETENTION: SignedDuration = SignedDuration::from_hours(24 * 400);

/// Days end later elsewhere than they do in UTC; and the last check may have begun the day before.
const MARGIN: SignedDuration = SignedDuration::from_hours(48);

/// Room is given back when more than a tenth of the file is free, and that is more than 4 MB.
const FREE_SHARE: u64 = 10;
const FREE_PAGES: u64 = 1024;

/// Until when something must be over for its row to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon(Timestamp);

/// What one transaction has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Rows about emails.
    pub emails: u64,
    /// The row to go on after; `None` at the end.
    pub next: Option<i64>,
}

/// Whether a day has gone by since the last time, by a clock that is believed. One that stepped back does not
/// make it wait.
///
/// # Errors
/// [`super::StoreError`]
pub fn is_due(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'upkeep_at'";
    let at = tx.query_row(sql, [], |row| row.get::<_, String>(0)).optional()?;
    let at = at.and_then(|at| at.parse::<Timestamp>().ok());
    let is_fresh = |at| at <= tx.now() && tx.now() < at + SignedDuration::from_hours(24);
    Ok(!at.is_some_and(is_fresh) && clock_seen::is_believed(tx)?)
}

/// Notes that all of it is done.
///
/// # Errors
/// [`super::StoreError`]
pub fn done(tx: &Tx<'_>) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('upkeep_at', ?1)";
    tx.execute(sql, [tx.now().to_string().as_bytes()])?;
    Ok(())
}

/// From when on a release that is dated earlier can be nobody's news any more: what is dated so is news on
/// no list that will be looked at again, however long that had to wait.
///
/// A later look at a list tells what is dated since the one before, a first look what is dated since
/// somebody wants the list (`domain/artist_list.rs`).
///
/// # Errors
/// [`super::StoreError`]
pub fn horizon(tx: &Tx<'_>) -> Result<Horizon> {
    let mut horizon = tx.now() - RETENTION;
    let sql = "SELECT min(coalesce(checked_at, watched_since)) FROM artists";
    let albums: Option<Ms> = tx.query_row(sql, [], |row| row.get(0))?;
    let others = artist_lists::oldest_open_window(tx)?;
    for oldest in albums.map(|Ms(at)| at).into_iter().chain(others) {
        horizon = horizon.min(oldest - MARGIN);
    }
    Ok(Horizon(horizon))
}

/// Removes what was told long ago, looking at `most` rows about emails after this one.
///
/// # Errors
/// [`super::StoreError`]
pub fn forget_emails(tx: &Tx<'_>, horizon: Horizon, after: i64, most: u32) -> Result<Removed> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT id FROM outbox WHERE id > ?1 AND owed_at < ?2 ORDER BY id LIMIT ?3",
    )?;
    let ids = rows.query_map(params![after, Ms(horizon.0), most], |row| row.get::<_, i64>(0))?;
    let ids = ids.collect::<rusqlite::Result<Vec<i64>>>()?;
    let before = day_of(horizon.0);
    let mut emails = 0;
    for id in &ids {
        emails += forget_email(tx, *id, horizon.0, before)?;
    }
    let is_last = ids.len() < most as usize;
    Ok(Removed { emails, next: ids.last().copied().filter(|_| !is_last) })
}

/// Forgets that something was told, if it cannot be owed again: a release that is dated earlier, or what has
/// a subject of its time, which the welcome does not.
fn forget_email(
    tx: &Tx<'_>,
    id: i64,
    settled_before: Timestamp,
    dated_before: Date,
) -> Result<u64> {
    let sql = "DELETE FROM outbox WHERE id = ?1 AND state <> 'owed' AND settled_at < ?2 AND (
            kind IN ('confirm', 'sample', 'sign_in_again', 'consent_ends', 'operator')
            OR (kind = 'news' AND EXISTS (SELECT 1 FROM releases r WHERE r.id = subject AND ?3 >
                CASE length(r.date) WHEN 4 THEN r.date || '-12-31' WHEN 7 THEN r.date || '-31'
                     WHEN 10 THEN r.date ELSE '9999-12-31' END)
                AND NOT EXISTS (SELECT 1 FROM sightings s
                                WHERE s.release = subject AND s.seen_at >= ?2)))";
    let gone = tx.execute(sql, params![id, Ms(settled_before), dated_before.to_string()])?;
    Ok(gone as u64)
}

/// Of `most` releases after this one, those that were seen on no list that is still known and are owed to
/// nobody; and the one to go on after.
///
/// # Errors
/// [`super::StoreError`]
pub fn orphans(tx: &Tx<'_>, after: &str, most: u32) -> Result<(Vec<ReleaseId>, Option<String>)> {
    let mut rows = tx.conn().prepare_cached(
        "SELECT id, NOT EXISTS (SELECT 1 FROM sightings WHERE release = r.id) FROM releases r
         WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let seen = rows.query_map(params![after, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let seen = seen.collect::<rusqlite::Result<Vec<(ReleaseId, bool)>>>()?;
    let last = seen.last().filter(|_| seen.len() == most as usize);
    let last = last.map(|(id, _)| id.as_str().to_owned());
    Ok((seen.into_iter().filter(|(_, is_orphan)| *is_orphan).map(|(id, _)| id).collect(), last))
}

/// Gives some room back to the disk; how many pages.
///
/// # Errors
/// [`super::StoreError`]
pub fn give_room_back(tx: &Tx<'_>, most: u32) -> Result<u64> {
    let number = |pragma: &str| -> rusqlite::Result<u64> {
        tx.conn().query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
    };
    let (free, all) = (number("freelist_count")?, number("page_count")?);
    if free < FREE_PAGES || free * FREE_SHARE < all {
        return Ok(0);
    }
    let mut vacuum = tx.conn().prepare(&format!("PRAGMA incremental_vacuum({most})"))?;
    let mut steps = vacuum.query([])?;
    while steps.next()?.is_some() {}
    Ok(free - number("freelist_count")?)
}
