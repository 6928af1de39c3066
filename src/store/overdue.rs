//! Artists that have not been checked for longer than promised, and why.

use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

use super::columns::Ms;
use super::{Result, Tx, api_calls, artists, users};
use crate::domain::check_planner::Settings;
use crate::domain::overdue::WhyOverdue;
use crate::domain::quota::{Bucket, Purpose};
use crate::domain::user::UserId;

/// An artist that has not been checked for longer than promised, or whose last check failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overdue {
    #[serde(rename = "artist")]
    pub name: String,
    /// The last successful check, if there was one.
    #[serde(rename = "last_check")]
    pub checked_at: Option<Timestamp>,
    #[serde(rename = "reason", serialize_with = "super::serialize::display")]
    pub why: WhyOverdue,
}

/// The overdue artists, or those that one user follows: longest wait first, at most `most` of them.
pub fn list(
    tx: &Tx<'_>,
    user: Option<UserId>,
    settings: &Settings,
    most: u32,
) -> Result<Vec<Overdue>> {
    let key = params![user, Ms(tx.now() - settings.max_check_interval), most];
    let rows = tx.query_rows("WITH longest AS MATERIALIZED (
             SELECT id FROM artists INDEXED BY artists_tracked
             WHERE untracked_at IS NULL
             AND (failures > 0 OR coalesce(checked_at, tracked_since) < ?2)
             AND (?1 IS NULL OR EXISTS (SELECT 1 FROM follows WHERE user_id = ?1 AND artist = artists.id))
             ORDER BY coalesce(checked_at, tracked_since), id LIMIT ?3)
         SELECT name, checked_at, iif(failures > 0, last_failure, NULL)
         FROM longest CROSS JOIN artists USING (id)
         ORDER BY coalesce(checked_at, tracked_since), name", key, |row| {
        let checked_at: Option<Ms> = row.get(1)?;
        Ok((row.get(0)?, checked_at.map(|at| at.0), row.get::<_, Option<String>>(2)?))
    })?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let general = why_in_general(tx, settings)?;
    let overdue = rows.into_iter().map(|(name, checked_at, failure)| {
        let why = failure.map_or_else(|| general.clone(), WhyOverdue::CheckFailed);
        Overdue { name, checked_at, why }
    });
    Ok(overdue.collect())
}

/// Why an artist is overdue unless its own last check failed: a pause, no connected user, no quota left,
/// or more artists than calls.
pub fn why_in_general(tx: &Tx<'_>, settings: &Settings) -> Result<WhyOverdue> {
    if let Some(pause) = api_calls::pause_of(tx, Bucket::ArtistAlbums)? {
        return Ok(WhyOverdue::Paused(pause));
    }
    if settings.asks_as_users && !users::is_any_token_available(tx)? {
        return Ok(WhyOverdue::NobodyConnected);
    }
    if let Some(pause) = api_calls::pause_of_checks(tx)? {
        return Ok(WhyOverdue::Outage(pause.until));
    }
    let (budget, tracked) =
        (api_calls::budget(tx, settings.calls_per_day)?, artists::count_tracked(tx)?);
    let calls = budget.allowed;
    Ok(match budget.is_spent(Purpose::Scheduled, settings) {
        true => WhyOverdue::QuotaExhausted { tracked, calls },
        false => WhyOverdue::Queued { tracked, calls },
    })
}
