//! Lock-outs: times for which Spotify's daily quota of artists' albums was spent.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx, ledger};
use crate::domain::quota::{Bucket, LOCK_OUTS_REMEMBERED};

/// A lock-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockOut {
    /// When it is over.
    pub until: Timestamp,
    /// How many calls of the rolling day led to it.
    pub used: u64,
}

/// Notes a lock-out that lasts for `time`, before its pause is. Another one while a pause holds the
/// calls up is the same one. Returns how many there were within a week.
///
/// # Errors
/// [`super::StoreError`]
pub fn note(tx: &Tx<'_>, time: Duration) -> Result<u64> {
    if ledger::pause_of(tx, Bucket::ArtistAlbums)?.is_none() {
        let used = ledger::used(tx, Bucket::ArtistAlbums)?;
        let sql = "INSERT OR IGNORE INTO lock_outs (at, until, used) VALUES (?1, ?2, ?3)";
        tx.conn().execute(sql, params![Ms(tx.now()), Ms(tx.now() + time), used])?;
    }
    let sql = "SELECT count(*) FROM lock_outs WHERE at > ?1";
    let since = tx.now() - LOCK_OUTS_REMEMBERED;
    Ok(tx.conn().query_row(sql, [Ms(since)], |row| row.get(0))?)
}

/// The latest lock-out.
///
/// # Errors
/// [`super::StoreError`]
pub fn latest(tx: &Tx<'_>) -> Result<Option<LockOut>> {
    let sql = "SELECT until, used FROM lock_outs ORDER BY at DESC LIMIT 1";
    let read =
        |row: &rusqlite::Row<'_>| Ok(LockOut { until: row.get::<_, Ms>(0)?.0, used: row.get(1)? });
    Ok(tx.conn().query_row(sql, [], read).optional()?)
}

/// Forgets those of more than a week ago, and those that only a wrong clock can have written.
///
/// # Errors
/// [`super::StoreError`]
pub(super) fn forget_old(tx: &Tx<'_>) -> Result<()> {
    let sql = "DELETE FROM lock_outs WHERE at <= ?1 OR at > ?2";
    tx.conn().execute(sql, params![Ms(tx.now() - LOCK_OUTS_REMEMBERED), Ms(tx.now())])?;
    Ok(())
}
