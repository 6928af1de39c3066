//! The artists that one person follows, as their page lists them: searched, sorted, a page at a time.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::error::exactly_one;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::cadence::forecast::{Asked, Crowd, Pace};
use crate::domain::cadence::rate;
use crate::domain::release::ReleaseDate;
use crate::domain::user::UserId;

/// Artists on a page.
pub const A_PAGE: u32 = 50;

/// A person may ask to look for changes once in so long.
pub const HURRY_EVERY: SignedDuration = SignedDuration::from_hours(1);

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
    /// Whether the person wants to hear nothing of the artist.
    pub is_muted: bool,
}

/// How many artists of a person's are found.
///
/// # Errors
/// [`super::StoreError`]
pub fn count(tx: &Tx<'_>, person: UserId, search: &str) -> Result<u64> {
    if search.is_empty() {
        return super::follows::count(tx, person);
    }
    let sql =
        "SELECT count(*) FROM artists a INDEXED BY artists_by_name WHERE instr(a.folded, ?2) > 0
               AND EXISTS (SELECT 1 FROM follows f WHERE f.person = ?1 AND f.artist = a.id)";
    Ok(tx.query_row(sql, params![person, search], |row| row.get(0))?)
}

/// A page of somebody's artists. The order *next* is that of `pace`.
///
/// # Errors
/// [`super::StoreError`]
pub fn page(
    tx: &Tx<'_>,
    person: UserId,
    wanted: &Wanted,
    pace: Option<&Pace>,
) -> Result<Vec<Followed>> {
    let first = u64::from(wanted.page) * u64::from(A_PAGE);
    let ids = match (wanted.sort, pace) {
        (Sort::Next, Some(pace)) => by_next_check(tx, person, wanted, pace, first)?,
        _ => in_order(tx, person, wanted, first)?,
    };
    let found: Result<Vec<_>> = ids.iter().map(|id| find(tx, person, id)).collect();
    Ok(found?.into_iter().flatten().collect())
}

/// That an artist `a` is followed and found.
fn is_wanted(search: &str, walks_names: bool) -> String {
    let followed = "EXISTS (SELECT 1 FROM follows f WHERE f.person = ?1 AND f.artist = a.id)";
    match (search.is_empty(), walks_names) {
        // The parameter is there in any case.
        (true, _) => format!("{followed} AND ?2 IS NOT NULL"),
        (false, true) => format!("{followed} AND instr(a.folded, ?2) > 0"),
        (false, false) => format!(
            "{followed} AND a.id IN
                 (SELECT id FROM artists INDEXED BY artists_by_name WHERE instr(folded, ?2) > 0)"
        ),
    }
}

/// Walks an index in the order that is wanted, and passes those over whom others follow.
fn in_order(tx: &Tx<'_>, person: UserId, wanted: &Wanted, first: u64) -> Result<Vec<ArtistId>> {
    let order = match wanted.sort {
        Sort::Name => "a.folded, a.id",
        Sort::LastAlbum => "a.last_album_on DESC, a.id DESC",
        Sort::Checked | Sort::Next => "a.checked_at, a.id",
    };
    let is_wanted = is_wanted(&wanted.search, wanted.sort == Sort::Name);
    let sql =
        format!("SELECT a.id FROM artists a WHERE {is_wanted} ORDER BY {order} LIMIT ?3 OFFSET ?4");
    let mut rows = tx.conn().prepare_cached(&sql)?;
    let ids = rows.query_map(params![person, wanted.search, A_PAGE, first], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Reckons all of them: what is next is in no index.
fn by_next_check(
    tx: &Tx<'_>,
    person: UserId,
    wanted: &Wanted,
    pace: &Pace,
    first: u64,
) -> Result<Vec<ArtistId>> {
    let is_wanted = is_wanted(&wanted.search, false);
    let sql = format!(
        "SELECT a.id, a.checked_at, a.next_check_at, a.rate FROM artists a WHERE {is_wanted}"
    );
    let mut rows = tx.conn().prepare_cached(&sql)?;
    let all = rows.query_map(params![person, wanted.search], |row| {
        let (checked_at, next_check_at): (Option<Ms>, Ms) = (row.get(1)?, row.get(2)?);
        let rate = row.get::<_, Option<f64>>(3)?.unwrap_or_else(rate::prior_a_week);
        let next = checked_at.map(|Ms(checked_at)| {
            let asked = Asked { checked_at, next_check_at: next_check_at.0, rate };
            pace.next_check(&asked, tx.now())
        });
        Ok((next.is_none(), next, checked_at.map(|at| at.0), row.get(0)?))
    })?;
    // Whoever was never asked about comes last; of those that are due, whoever waited longest first.
    let mut all: Vec<(bool, Option<Timestamp>, Option<Timestamp>, ArtistId)> =
        all.collect::<rusqlite::Result<_>>()?;
    all.sort_unstable();
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    Ok(all.into_iter().skip(first).take(A_PAGE as usize).map(|(.., id)| id).collect())
}

/// An artist, if the person follows them.
///
/// # Errors
/// [`super::StoreError`]
pub fn find(tx: &Tx<'_>, person: UserId, id: &ArtistId) -> Result<Option<Followed>> {
    let sql = "SELECT a.name, r.title, r.link, r.date, a.checked_at, a.next_check_at, a.rate,
                   a.failures > 0,
                   EXISTS (SELECT 1 FROM mutes m WHERE m.person = ?1 AND m.artist = a.id)
               FROM follows f JOIN artists a ON a.id = f.artist LEFT JOIN releases r ON r.id = a.last_album
               WHERE f.person = ?1 AND f.artist = ?2";
    let found = tx.query_row(sql, params![person, id], |row| {
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
pub fn crowd(tx: &Tx<'_>) -> Result<Crowd> {
    let mut rows =
        tx.conn().prepare_cached("SELECT rate FROM artists WHERE unwatched_at IS NULL")?;
    let rates = rows.query_map([], |row| row.get::<_, Option<f64>>(0))?;
    let rates = rates.collect::<rusqlite::Result<Vec<_>>>()?;
    let never_asked = rates.iter().filter(|rate| rate.is_none()).count() as u64;
    Ok(Crowd { rates: rates.into_iter().flatten().collect(), never_asked })
}

/// When a person last asked to look for changes, if that is less than an hour ago.
///
/// # Errors
/// [`super::StoreError`]
pub fn hurried_at(tx: &Tx<'_>, person: UserId) -> Result<Option<Timestamp>> {
    let sql = "SELECT hurried_at FROM people WHERE id = ?1 AND hurried_at > ?2";
    let key = params![person, Ms(tx.now() - HURRY_EVERY)];
    Ok(tx.query_row(sql, key, |row| row.get::<_, Ms>(0)).optional()?.map(|at| at.0))
}

/// Makes a person's list of follows due at once, since they asked for it.
///
/// # Errors
/// [`super::StoreError`]
pub fn hurry(tx: &Tx<'_>, person: UserId) -> Result<()> {
    let sql = "UPDATE people SET hurried_at = ?2, follows_next_at = min(follows_next_at, ?2) WHERE id = ?1";
    exactly_one(tx.execute(sql, params![person, Ms(tx.now())])?)
}
