//! The artists that one user follows, as their page lists them: searched, sorted, a page at a time.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx, artists, follows};
use crate::domain::artist::ArtistId;
use crate::domain::check_planner::forecast::{Asked, CheckRate, Population};
use crate::domain::check_planner::rate;
use crate::domain::release::ReleaseDate;
use crate::domain::user::UserId;

/// Artists on a page.
pub const PAGE_SIZE: u32 = 50;

/// A user may ask to look for changes once in so long.
pub const SYNC_COOLDOWN: SignedDuration = SignedDuration::from_hours(1);

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// The newest album first.
    LastAlbum,
    /// Whoever was never asked about first, then whoever was asked about longest ago.
    Checked,
    /// Whoever is asked about next first.
    Next,
}

/// Which of somebody's artists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Part of the name, folded; empty for all.
    pub search: String,
    /// The order.
    pub sort: Sort,
    /// The page, from 0.
    pub page: u32,
}

/// An artist's last album.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAlbum {
    /// The title.
    pub title: String,
    /// Its address on Spotify.
    pub link: String,
    /// When it came out.
    pub date: ReleaseDate,
}

/// An artist that somebody follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// Which.
    pub id: ArtistId,
    /// The name.
    pub name: String,
    /// The last album, by its date.
    pub last_album: Option<LastAlbum>,
    /// When the last check went through; `None` if none did yet.
    pub checked_at: Option<Timestamp>,
    /// The artist is left alone until then.
    pub next_check_at: Timestamp,
    /// Releases expected a week.
    pub rate: f64,
    /// Whether the last check failed.
    pub has_failed: bool,
    /// Whether the user wants to hear nothing of the artist.
    pub is_muted: bool,
}

/// How many artists of somebody's there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// All that they follow.
    pub all: u64,
    /// Those that are found.
    pub found: u64,
}

/// How many artists a user follows, and how many of them are found.
///
/// # Errors
/// [`super::StoreError`]
pub fn count(tx: &Tx<'_>, user: UserId, search: &str) -> Result<Count> {
    let all = follows::count(tx, user)?;
    if search.is_empty() {
        return Ok(Count { all, found: all });
    }
    let sql = format!(
        "SELECT count(*) FROM artists a INDEXED BY artists_by_name
         WHERE instr(a.folded, ?2) > 0 AND {}",
        is_followed(tx, user)?
    );
    let found = tx.query_row(&sql, params![user, search], |row| row.get(0))?;
    Ok(Count { all, found })
}

/// A page of somebody's artists, of whom there are so many. The order *next* is that of `pace`.
///
/// # Errors
/// [`super::StoreError`]
pub fn page(
    tx: &Tx<'_>,
    user: UserId,
    wanted: &Wanted,
    count: Count,
    pace: Option<&CheckRate>,
) -> Result<Vec<Followed>> {
    let slice = Slice::of(wanted.page, count.found);
    let mut ids = match (wanted.sort, pace) {
        (Sort::Next, Some(pace)) => by_next_check(tx, user, &wanted.search, count, pace, slice)?,
        _ => in_order(tx, user, wanted, count, slice)?,
    };
    if slice.is_backwards {
        ids.reverse();
    }
    let found: Result<Vec<_>> = ids.iter().map(|id| find(tx, user, id)).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// Where a page lies, from the end of the list that is nearer: the last page comes as soon as the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slice {
    is_backwards: bool,
    skip: u64,
    take: u64,
}

impl Slice {
    fn of(page: u32, found: u64) -> Self {
        let first = (u64::from(page) * u64::from(PAGE_SIZE)).min(found);
        let end = (first + u64::from(PAGE_SIZE)).min(found);
        let is_backwards = first > found - end;
        let skip = if is_backwards { found - end } else { first };
        Self { is_backwards, skip, take: end - first }
    }
}

/// That the user follows an artist `a`. Whoever follows all that are watched need not be looked up for each.
fn is_followed(tx: &Tx<'_>, user: UserId) -> Result<&'static str> {
    Ok(match follows::are_all(tx, user)? {
        // The plus keeps the planner from an index that would serve for nothing else.
        true => "+a.unwatched_at IS NULL AND ?1 IS NOT NULL",
        false => "EXISTS (SELECT 1 FROM follows f WHERE f.person = ?1 AND f.artist = a.id)",
    })
}

const FOUND_BY_NAME: &str =
    "SELECT id FROM artists INDEXED BY artists_by_name WHERE instr(folded, ?2) > 0";

/// Walks an index in the order that is wanted, and passes those over whom only others follow.
fn in_order(
    tx: &Tx<'_>,
    user: UserId,
    wanted: &Wanted,
    count: Count,
    slice: Slice,
) -> Result<Vec<ArtistId>> {
    let (index, column, falls) = match wanted.sort {
        Sort::Name => ("artists_by_name", "folded", false),
        Sort::LastAlbum => ("artists_by_album", "last_album_on", true),
        Sort::Checked | Sort::Next => ("artists_by_check", "checked_at", false),
    };
    // Where few are found they are put in order; where many are, enough of them come along on the walk.
    let is_rare = count.found * 8 < count.all;
    let (walk, is_found) = match (wanted.search.is_empty(), wanted.sort) {
        // The parameter is there in any case.
        (true, _) => (format!("INDEXED BY {index}"), "?2 IS NOT NULL".to_owned()),
        (false, Sort::LastAlbum | Sort::Checked | Sort::Next) if is_rare => {
            (String::new(), format!("a.id IN ({FOUND_BY_NAME})"))
        }
        (false, _) => (format!("INDEXED BY {index}"), "instr(a.folded, ?2) > 0".to_owned()),
    };
    let direction = if falls == slice.is_backwards { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT a.id FROM artists a {walk} WHERE {is_found} AND {}
         ORDER BY a.{column} {direction}, a.id {direction} LIMIT ?3 OFFSET ?4",
        is_followed(tx, user)?
    );
    let mut rows = tx.conn().prepare_cached(&sql)?;
    let key = params![user, wanted.search, slice.take, slice.skip];
    Ok(rows.query_map(key, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// When somebody is asked about, as the order *next* has it: whoever was never asked about comes last; of
/// those that are due, whoever waited longest comes first.
type Turn = (bool, Option<Timestamp>, Option<Timestamp>, ArtistId);

/// Reckons all of them, since what is next is in no index. Whom the user follows is looked up only where
/// the page lies: for each of 10,000 it would take longer than all the rest.
fn by_next_check(
    tx: &Tx<'_>,
    user: UserId,
    search: &str,
    count: Count,
    pace: &CheckRate,
    slice: Slice,
) -> Result<Vec<ArtistId>> {
    let mut turns = turns(tx, user, search, count, pace)?;
    turns.sort_unstable();
    if slice.is_backwards {
        turns.reverse();
    }
    let mut skip = slice.skip;
    let mut ids = Vec::new();
    for (.., id) in turns {
        if ids.len() as u64 == slice.take {
            break;
        }
        if !follows::is_one(tx, user, &id)? {
            continue;
        }
        match skip.checked_sub(1) {
            Some(rest) => skip = rest,
            None => ids.push(id),
        }
    }
    Ok(ids)
}

/// The turns of the artists that are found, among them all that the user follows.
fn turns(
    tx: &Tx<'_>,
    user: UserId,
    search: &str,
    count: Count,
    pace: &CheckRate,
) -> Result<Vec<Turn>> {
    let follows_many = count.all * 4 > artists::count_watched(tx)?;
    let whom = match follows_many {
        true => {
            "artists a INDEXED BY artists_watched WHERE a.unwatched_at IS NULL AND ?1 IS NOT NULL"
        }
        false => "follows f CROSS JOIN artists a ON a.id = f.artist WHERE f.person = ?1",
    };
    let is_found = match search.is_empty() {
        true => "?2 IS NOT NULL".to_owned(),
        false => format!("a.id IN ({FOUND_BY_NAME})"),
    };
    let sql =
        format!("SELECT a.id, a.checked_at, a.next_check_at, a.rate FROM {whom} AND {is_found}");
    let mut rows = tx.conn().prepare_cached(&sql)?;
    let turns = rows.query_map(params![user, search], |row| {
        let (checked_at, next_check_at): (Option<Ms>, Ms) = (row.get(1)?, row.get(2)?);
        let rate = row.get::<_, Option<f64>>(3)?.unwrap_or_else(rate::prior_a_week);
        let next = checked_at.map(|Ms(checked_at)| {
            let asked = Asked { checked_at, next_check_at: next_check_at.0, rate };
            pace.next_check(&asked, tx.now())
        });
        Ok((next.is_none(), next, checked_at.map(|at| at.0), row.get(0)?))
    })?;
    Ok(turns.collect::<rusqlite::Result<_>>()?)
}

/// An artist, if the user follows them.
///
/// # Errors
/// [`super::StoreError`]
pub fn find(tx: &Tx<'_>, user: UserId, id: &ArtistId) -> Result<Option<Followed>> {
    let sql = "SELECT a.name, r.title, r.link, r.date, a.checked_at, a.next_check_at, a.rate,
                   a.failures > 0,
                   EXISTS (SELECT 1 FROM mutes m WHERE m.person = ?1 AND m.artist = a.id)
               FROM follows f JOIN artists a ON a.id = f.artist LEFT JOIN releases r ON r.id = a.last_album
               WHERE f.person = ?1 AND f.artist = ?2";
    let found = tx.query_row(sql, params![user, id], |row| {
        let title: Option<String> = row.get(1)?;
        let last_album = match title {
            None => None,
            Some(title) => Some(LastAlbum {
                title,
                link: row.get(2)?,
                date: ReleaseDate::parse(&row.get::<_, String>(3)?, None),
            }),
        };
        Ok(Followed {
            id: id.clone(),
            name: row.get(0)?,
            last_album,
            checked_at: row.get::<_, Option<Ms>>(4)?.map(|at| at.0),
            next_check_at: row.get::<_, Ms>(5)?.0,
            rate: row.get::<_, Option<f64>>(6)?.unwrap_or_else(rate::prior_a_week),
            has_failed: row.get(7)?,
            is_muted: row.get(8)?,
        })
    });
    Ok(found.optional()?)
}

/// The artists that share the calls, whoever follows them.
///
/// # Errors
/// [`super::StoreError`]
pub fn crowd(tx: &Tx<'_>) -> Result<Population> {
    let mut rows =
        tx.conn().prepare_cached("SELECT rate FROM artists WHERE unwatched_at IS NULL")?;
    let rates = rows.query_map([], |row| row.get::<_, Option<f64>>(0))?;
    let rates = rates.collect::<rusqlite::Result<Vec<_>>>()?;
    let never_asked = rates.iter().filter(|rate| rate.is_none()).count() as u64;
    Ok(Population { rates: rates.into_iter().flatten().collect(), never_asked })
}

/// When a user last asked to look for changes, if that is less than an hour ago.
///
/// # Errors
/// [`super::StoreError`]
pub fn hurried_at(tx: &Tx<'_>, user: UserId) -> Result<Option<Timestamp>> {
    let sql = "SELECT hurried_at FROM people WHERE id = ?1 AND hurried_at > ?2";
    let key = params![user, Ms(tx.now() - SYNC_COOLDOWN)];
    Ok(tx.query_row(sql, key, |row| row.get::<_, Ms>(0)).optional()?.map(|at| at.0))
}

/// Makes a user's list of follows due at once, since they asked for it.
///
/// # Errors
/// [`super::StoreError`]
pub fn hurry(tx: &Tx<'_>, user: UserId) -> Result<()> {
    let sql = "UPDATE people SET hurried_at = ?2, follows_next_at = min(follows_next_at, ?2) WHERE id = ?1";
    exactly_one(tx.execute(sql, params![user, Ms(tx.now())])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_taken_from_either_end_show_each_artist_once_and_in_order(found in 0_u64..1_000) {
            let list: Vec<u64> = (0..found).collect();
            let pages = u32::try_from(found.div_ceil(u64::from(PAGE_SIZE))).unwrap() + 1;
            let mut shown = Vec::new();
            for page in 0..pages {
                let Slice { is_backwards, skip, take } = Slice::of(page, found);
                prop_assert!(skip <= found / 2 + 1);
                let (skip, take) = (usize::try_from(skip).unwrap(), usize::try_from(take).unwrap());
                let mut part: Vec<u64> = match is_backwards {
                    true => list.iter().rev().skip(skip).take(take).copied().collect(),
                    false => list.iter().skip(skip).take(take).copied().collect(),
                };
                if is_backwards {
                    part.reverse();
                }
                shown.extend(part);
            }
            prop_assert_eq!(shown, list);
        }
    }
}
