//! How an artist's lists beside albums and singles stand: who wants them, when they were looked at.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::columns::Ms;
use super::{Result, Tx};
use crate::domain::artist::ArtistId;
use crate::domain::secondary_list::{SecondaryList, Standing};

/// The lists of an artist of which a look is due.
///
/// # Errors
/// [`super::StoreError`]
pub fn due(tx: &Tx<'_>, artist: &ArtistId) -> Result<Vec<(SecondaryList, Standing)>> {
    let mut due = Vec::new();
    for list in SecondaryList::ALL {
        let standing = standing(tx, artist, list)?;
        if standing.is_due(tx.now()) {
            due.push((list, standing));
        }
    }
    Ok(due)
}

/// How many lists somebody wants, of all artists.
///
/// # Errors
/// [`super::StoreError`]
pub fn count_wanted(tx: &Tx<'_>) -> Result<u64> {
    let mut count = 0;
    for list in SecondaryList::ALL {
        let sql = format!("SELECT count(DISTINCT f.artist) FROM {}", wanting(list));
        count += tx.query_row(&sql, [], |row| row.get::<_, u64>(0))?;
    }
    Ok(count)
}

/// Records a look at a list that went through, with Spotify's `total`, where it was told. A `total`
/// that is `None` keeps the one of the look before: what is still to be found of its growth is
/// searched for the next time.
///
/// # Errors
/// [`super::StoreError`]
pub fn looked(
    tx: &Tx<'_>,
    artist: &ArtistId,
    list: SecondaryList,
    total: Option<u64>,
    rest: SignedDuration,
) -> Result<()> {
    let is_first = standing(tx, artist, list)?.is_initial_scan();
    tx.execute(
        "INSERT INTO secondary_lists (artist, list, baseline_at, checked_at, total, next_at)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET baseline_at = iif(?6, ?3, baseline_at), checked_at = ?3,
             total = coalesce(?4, total), next_at = ?5, failures = 0",
        params![artist, list.as_str(), Ms(tx.now()), total, Ms(tx.now() + rest), is_first],
    )?;
    Ok(())
}

/// Records a look that failed: nothing advances but the wait. Nothing happens where the artist is not
/// known any more.
///
/// # Errors
/// [`super::StoreError`]
pub fn failed(
    tx: &Tx<'_>,
    artist: &ArtistId,
    list: SecondaryList,
    next_at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO secondary_lists (artist, list, next_at, failures)
         SELECT id, ?2, ?3, 1 FROM artists WHERE id = ?1
         ON CONFLICT DO UPDATE SET next_at = ?3, failures = failures + 1",
        params![artist, list.as_str(), Ms(next_at)],
    )?;
    Ok(())
}

/// Notes at a check which lists nobody wants any more: whoever does later begins with a silent look.
///
/// # Errors
/// [`super::StoreError`]
pub fn note_unwanted(tx: &Tx<'_>, artist: &ArtistId) -> Result<()> {
    for list in SecondaryList::ALL {
        let sql = format!(
            "UPDATE secondary_lists SET unwanted_at = ?3 WHERE artist = ?1 AND list = ?2
             AND NOT EXISTS (SELECT 1 FROM {} AND f.artist = ?1)",
            wanting(list)
        );
        tx.execute(&sql, params![artist, list.as_str(), Ms(tx.now())])?;
    }
    Ok(())
}

fn standing(tx: &Tx<'_>, artist: &ArtistId, list: SecondaryList) -> Result<Standing> {
    let sql = format!(
        "SELECT min(max(f.since, p.{})) FROM {} AND f.artist = ?1",
        wanted_since(list),
        wanting(list)
    );
    let wanted_since: Option<Ms> = tx.query_row(&sql, [artist], |row| row.get(0))?;
    let sql =
        "SELECT unwanted_at, baseline_at, checked_at, total, next_at, failures FROM secondary_lists
               WHERE artist = ?1 AND list = ?2";
    let known = tx.query_row(sql, params![artist, list.as_str()], |row| {
        let time = |column: usize| row.get::<_, Option<Ms>>(column).map(|at| at.map(|Ms(at)| at));
        Ok(Standing {
            wanted_since: None,
            unwanted_at: time(0)?,
            baseline_at: time(1)?,
            looked_at: time(2)?,
            total: row.get(3)?,
            next_at: time(4)?,
            failures: row.get(5)?,
        })
    });
    let known = known.optional()?.unwrap_or_default();
    Ok(Standing { wanted_since: wanted_since.map(|at| at.0), ..known })
}

/// The column that says since when a user wants a list.
fn wanted_since(list: SecondaryList) -> &'static str {
    match list {
        SecondaryList::Compilations => "compilations_since",
        SecondaryList::Appearances => "appearances_since",
    }
}

/// Who wants a list and hears of the artist: not those who muted them. Who took their consent back may
/// come back, and is told then what they missed.
fn wanting(list: SecondaryList) -> String {
    format!(
        "follows f JOIN users p ON p.id = f.user_id
         WHERE p.{} IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM mutes m WHERE m.user_id = f.user_id AND m.artist = f.artist)",
        wanted_since(list)
    )
}
