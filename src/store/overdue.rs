//! Artists that have waited longer than they should, and why: nothing stops in silence.

use jiff::Timestamp;
use rusqlite::params;

use super::columns::Ms;
use super::{Result, Tx, allowance, artists, ledger, users};
use crate::domain::check_planner::Settings;
use crate::domain::quota::{Bucket, Pause, Purpose};
use crate::domain::user::UserId;

/// An artist that has waited too long, or whose last check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The name.
    pub name: String,
    /// When the last check went through; `None` if none did yet.
    pub checked_at: Option<Timestamp>,
    /// Why.
    pub why: Why,
}

/// Why an artist waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The last check failed, in these words.
    Failed(String),
    /// Nothing is asked for a while.
    Paused(Pause),
    /// Spotify failed several times in a row: checks rest until this time.
    Outage(Timestamp),
    /// Nobody is connected with whose token it could be asked.
    NobodyConnected,
    /// The day's calls are spent.
    DaySpent {
        /// Artists that share them.
        watched: u64,
        /// How many there are in a rolling day.
        calls: u32,
    },
    /// Others are asked about first.
    NotItsTurn {
        /// Artists that share the day's calls.
        watched: u64,
        /// How many there are in a rolling day.
        calls: u32,
    },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(why) => write!(f, "the last check failed: {why}"),
            Self::Paused(pause) => {
                write!(f, "nothing is asked until {}: {}", pause.until, pause.cause)
            }
            Self::Outage(until) => {
                write!(f, "Spotify failed several times in a row; it is asked again at {until}")
            }
            Self::NobodyConnected => f.write_str(
                "nobody is connected to Spotify at present, so nothing can be asked; somebody must sign in",
            ),
            Self::DaySpent { watched, calls } => {
                write!(f, "the day's calls are spent: {watched} artists share {calls} calls a day")
            }
            Self::NotItsTurn { watched, calls } => {
                write!(f, "its turn has not come: {watched} artists share {calls} calls a day")
            }
        }
    }
}

/// Which artists are overdue, of all or of one user's, those that waited longest first, at most
/// `most` of them.
///
/// # Errors
/// [`super::StoreError`]
pub fn list(
    tx: &Tx<'_>,
    user: Option<UserId>,
    settings: &Settings,
    most: u32,
) -> Result<Vec<Overdue>> {
    let mut rows = tx.conn().prepare_cached(
        "WITH longest AS MATERIALIZED (
             SELECT id FROM artists INDEXED BY artists_watched
             WHERE unwatched_at IS NULL
             AND (failures > 0 OR coalesce(checked_at, watched_since) < ?2)
             AND (?1 IS NULL OR EXISTS (SELECT 1 FROM follows WHERE person = ?1 AND artist = artists.id))
             ORDER BY coalesce(checked_at, watched_since), id LIMIT ?3)
         SELECT name, checked_at, iif(failures > 0, last_failure, NULL)
         FROM longest CROSS JOIN artists USING (id)
         ORDER BY coalesce(checked_at, watched_since), name",
    )?;
    let key = params![user, Ms(tx.now() - settings.max_wait), most];
    let rows = rows.query_map(key, |row| {
        let checked_at: Option<Ms> = row.get(1)?;
        Ok((row.get(0)?, checked_at.map(|at| at.0), row.get::<_, Option<String>>(2)?))
    })?;
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let general = why_in_general(tx, settings)?;
    let overdue = rows.into_iter().map(|(name, checked_at, failure)| {
        let why = failure.map_or_else(|| general.clone(), Why::Failed);
        Overdue { name, checked_at, why }
    });
    Ok(overdue.collect())
}

/// Why anybody waits: a pause, nobody to ask for, a day that is spent, or more artists than calls.
///
/// # Errors
/// [`super::StoreError`]
pub fn why_in_general(tx: &Tx<'_>, settings: &Settings) -> Result<Why> {
    if let Some(pause) = ledger::pause_of(tx, Bucket::ArtistAlbums)? {
        return Ok(Why::Paused(pause));
    }
    if settings.asks_as_users && !users::can_anybody_lend(tx)? {
        return Ok(Why::NobodyConnected);
    }
    if let Some(pause) = ledger::pause_of_checks(tx)? {
        return Ok(Why::Outage(pause.until));
    }
    let (budget, watched) =
        (allowance::budget(tx, settings.calls_per_day)?, artists::count_watched(tx)?);
    let calls = budget.allowed;
    Ok(match budget.is_spent(Purpose::Scheduled, settings) {
        true => Why::DaySpent { watched, calls },
        false => Why::NotItsTurn { watched, calls },
    })
}
