//! The artists that a user follows, as the artists page lists them: searched, sorted, one page at a time.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::release::ReleaseDate;
use crate::domain::user::UserId;

/// Artists per page.
pub const PAGE_SIZE: u32 = 50;

/// A user may request a sync of their follows once in this time.
pub const SYNC_COOLDOWN: SignedDuration = SignedDuration::from_hours(1);

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Name,
    /// The newest album first.
    LastAlbum,
    /// Artists never checked first, then the least recently checked.
    Checked,
}

/// Which of the artists that a user follows to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArtistQuery {
    /// Part of the name, folded (`domain/text.rs`); empty for all artists.
    pub search: String,
    pub sort: Sort,
    /// Counted from 0.
    pub page: u32,
}

/// An artist's last album.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAlbum {
    pub title: String,
    /// Its address at Spotify.
    pub link: String,
    pub date: ReleaseDate,
}

/// An artist that a user follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    pub id: ArtistId,
    pub name: String,
    /// The album with the latest date.
    pub last_album: Option<LastAlbum>,
    pub tracked_since: Timestamp,
    /// The last successful check, if there was one.
    pub checked_at: Option<Timestamp>,
    /// Why the last check failed, if it did.
    pub failure: Option<String>,
    pub is_muted: bool,
}

/// How many of the artists that a user follows match a search.
pub fn count_found(tx: &Tx<'_>, user: UserId, search: &str) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM {MATCHES}");
    Ok(tx.query_row(&sql, params![user, search], |row| row.get(0))?)
}

/// One page of the artists that a user follows.
pub fn page(tx: &Tx<'_>, user: UserId, wanted: &ArtistQuery) -> Result<Vec<Followed>> {
    let skipped = i64::from(wanted.page) * i64::from(PAGE_SIZE);
    let key = params![user, wanted.search, PAGE_SIZE, skipped];

    tx.query_rows(&page_sql(wanted.sort), key, followed)
}

/// An artist, if the user follows it.
pub fn find(tx: &Tx<'_>, user: UserId, id: &ArtistId) -> Result<Option<Followed>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM follows f JOIN artists a ON a.id = f.artist
             LEFT JOIN releases r ON r.id = a.last_album
         WHERE f.user_id = ?1 AND f.artist = ?2"
    );
    tx.query_optional(&sql, params![user, id], followed)
}

/// When the user last requested a sync, if they may not request another one yet.
pub fn sync_requested_at(tx: &Tx<'_>, user: UserId) -> Result<Option<Timestamp>> {
    let sql = "SELECT sync_requested_at FROM users WHERE id = ?1 AND sync_requested_at > ?2";
    let key = params![user, Ms(tx.now() - SYNC_COOLDOWN)];
    Ok(tx.query_optional(sql, key, |row| row.get::<_, Ms>(0))?.map(|at| at.0))
}

/// Makes the user's follow list due now, at their request.
pub fn record_sync_request(tx: &Tx<'_>, user: UserId) -> Result<()> {
    let sql = "UPDATE users SET sync_requested_at = ?2, follows_next_at = min(follows_next_at, ?2) WHERE id = ?1";
    exactly_one(tx.execute(sql, params![user, Ms(tx.now())])?)
}

/// The artists followed by the user `?1` whose names contain `?2`. A `CROSS JOIN` is one that SQLite does not
/// reorder, so that artists come in the order of an index.
const MATCHES: &str = "artists a CROSS JOIN follows f ON f.user_id = ?1 AND f.artist = a.id
                       WHERE instr(a.folded, ?2) > 0";

/// Reads artists along the index of the requested order and stops at the end of the page, so nothing is
/// sorted but the page itself.
fn page_sql(sort: Sort) -> String {
    let order = match sort {
        Sort::Name => "a.folded, a.id",
        Sort::LastAlbum => "a.last_album_on DESC, a.id DESC",
        Sort::Checked => "a.checked_at, a.id",
    };
    format!(
        "WITH page AS MATERIALIZED (SELECT a.id FROM {MATCHES} ORDER BY {order} LIMIT ?3 OFFSET ?4)
         SELECT {COLUMNS} FROM page CROSS JOIN artists a ON a.id = page.id
             LEFT JOIN releases r ON r.id = a.last_album
         ORDER BY {order}"
    )
}

/// What [`followed`] reads, for the user `?1`.
const COLUMNS: &str = "a.id, a.name, a.tracked_since, a.checked_at, iif(a.failures > 0, a.last_failure, NULL),
    EXISTS (SELECT 1 FROM mutes m WHERE m.user_id = ?1 AND m.artist = a.id), r.title, r.link, r.date";

fn followed(row: &Row<'_>) -> rusqlite::Result<Followed> {
    let last_album = match row.get::<_, Option<String>>(6)? {
        None => None,
        Some(title) => Some(LastAlbum {
            title,
            link: row.get(7)?,
            date: ReleaseDate::parse(&row.get::<_, String>(8)?, None),
        }),
    };
    Ok(Followed {
        id: row.get(0)?,
        name: row.get(1)?,
        last_album,
        tracked_since: row.get::<_, Ms>(2)?.0,
        checked_at: row.get::<_, Option<Ms>>(3)?.map(|at| at.0),
        failure: row.get(4)?,
        is_muted: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;
    use crate::store::migrations;
    use crate::store::process_lock::OtherProcesses;

    #[test]
    fn every_sort_order_uses_an_index() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrations::migrate(&mut conn, Path::new("x"), OtherProcesses::Others).unwrap();
        for (sort, index) in [
            (Sort::Name, "artists_by_name"),
            (Sort::LastAlbum, "artists_by_album"),
            (Sort::Checked, "artists_by_check"),
        ] {
            let sql = format!("EXPLAIN QUERY PLAN {}", page_sql(sort));
            let mut rows = conn.prepare(&sql).unwrap();
            let steps =
                rows.query_map(params![1, "", 50, 0], |row| row.get::<_, String>(3)).unwrap();
            let steps: Vec<String> = steps.map(|step| step.unwrap()).collect();
            let walk = format!("SCAN a USING COVERING INDEX {index}");
            assert!(steps.contains(&walk), "{steps:#?}");
            let sorts = steps.iter().filter(|step| step.contains("TEMP B-TREE")).count();
            assert!(sorts <= 1, "only the page itself may be sorted: {steps:#?}");
        }
    }
}
