//! The state of everything: for `dropday status`, whose `--json` is this structure serialized, and for
//! the admin page. JSON keys keep their names and meaning; more may be added.

mod alerts;
mod calls;
mod emails;
mod json;
mod users;

use jiff::Timestamp;
use rusqlite::params;
use serde::Serialize;

pub use self::calls::{Calls, DAYS, Day, History};
pub use self::emails::{AlertEmail, Emails, Group};
pub(in crate::store) use self::users::count_users;
pub use self::users::{Consent, Mailbox, UserPage, UserStatus, Users};

use super::access_requests::{self, AccessRequest};
use super::columns::Ms;
use super::hint_sources::{self, Health};
use super::job_runs::{self, JobRun};
use super::overdue::{self, Overdue};
use super::{Result, Tx, api_calls, identities};
use crate::domain::check_planner::Settings;
use crate::domain::disk_space::DiskSpace;
use crate::domain::operator_alert::AlertText;
use crate::domain::quota::{Pause, WINDOW};
use crate::domain::user::UserId;

/// How many overdue artists are listed.
const MAX_OVERDUE_LISTED: u32 = 10;

#[derive(Debug, Clone, Serialize)]
pub struct Status {
    pub users: Users,
    /// Users who are missing from the app's list at Spotify and asked to be added.
    pub access_requests: Vec<AccessRequest>,
    pub artists: Artists,
    #[serde(rename = "longest_overdue")]
    pub overdue: Vec<Overdue>,
    pub calls: Calls,
    /// Current pauses by scope: `all`, `checks` or the name of a bucket.
    #[serde(serialize_with = "json::pauses")]
    pub pauses: Vec<(String, Pause)>,
    /// Tracked artists that are known at MusicBrainz, and at Deezer.
    #[serde(skip)]
    pub known_elsewhere: (u64, u64),
    /// Hint sources that have been queried at least once.
    #[serde(serialize_with = "json::hint_sources")]
    pub hint_sources: Vec<Health>,
    pub emails: Emails,
    /// The latest runs by job, the newest first.
    #[serde(serialize_with = "json::jobs")]
    pub jobs: Vec<JobRun>,
    /// The disk that holds the database, in bytes; `None` where the system does not tell.
    #[serde(serialize_with = "json::disk")]
    pub disk: Option<DiskSpace>,
    /// What needs attention now, the most serious first.
    #[serde(serialize_with = "json::alerts")]
    pub alerts: Vec<AlertText>,
    /// Recent alert emails, the latest first.
    pub alert_emails: Vec<AlertEmail>,
}

/// Artists in numbers.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Artists {
    pub tracked: u64,
    pub never_checked: u64,
    /// Initial scans in the last 24 hours.
    pub initial_scans_last_day: u64,
    pub checked_last_day: u64,
    pub checked_last_week: u64,
    /// Not checked within `schedule.max_check_interval`, or failing.
    pub overdue: u64,
    /// The last check failed.
    pub failing: u64,
    pub last_check: Option<Timestamp>,
    /// The least recent last check of any artist that was checked at all.
    pub oldest_check: Option<Timestamp>,
}

impl Status {
    /// Recent runs of each job, the newest first.
    pub fn jobs(&self) -> impl Iterator<Item = &[JobRun]> {
        self.jobs.chunk_by(|one, next| one.job == next.job)
    }
}

/// The state of everything, with the users on `page`.
pub fn load(tx: &Tx<'_>, settings: &Settings, page: UserPage) -> Result<Status> {
    let mut status = Status {
        users: users::load(tx, page)?,
        access_requests: access_requests::list(tx)?,
        artists: artists_of(tx, None, settings)?,
        overdue: overdue::list(tx, None, settings, MAX_OVERDUE_LISTED)?,
        calls: calls::load(tx, settings.calls_per_day)?,
        pauses: api_calls::pauses(tx)?,
        known_elsewhere: identities::count_known(tx)?,
        hint_sources: hint_sources::health(tx)?,
        emails: emails::load(tx)?,
        jobs: job_runs::latest(tx)?,
        disk: tx.disk_space(),
        alerts: Vec::new(),
        alert_emails: emails::alert_emails(tx)?,
    };
    status.alerts = alerts::current(tx, &status)?;
    Ok(status)
}

/// All tracked artists, or those that one user follows.
pub fn artists_of(tx: &Tx<'_>, user: Option<UserId>, settings: &Settings) -> Result<Artists> {
    let whose = match user {
        Some(_) => "follows f JOIN artists ON id = f.artist WHERE f.user_id = ?1 AND",
        None => "artists WHERE ?1 IS NULL AND",
    };
    let sql = format!(
        "SELECT count(*), count(*) FILTER (WHERE checked_at IS NULL),
             count(*) FILTER (WHERE checked_at > ?2), count(*) FILTER (WHERE checked_at > ?3),
             count(*) FILTER (WHERE failures > 0 OR coalesce(checked_at, tracked_since) < ?4),
             count(*) FILTER (WHERE failures > 0), max(checked_at), min(checked_at),
             (SELECT count(*) FROM artist_lists l WHERE l.list = 'albums' AND l.initial_scan_at > ?2
                  AND (?1 IS NULL OR EXISTS (SELECT 1 FROM follows f WHERE f.user_id = ?1 AND f.artist = l.artist)))
         FROM {whose} untracked_at IS NULL"
    );
    let (day, week) = (tx.now() - WINDOW, tx.now() - WINDOW * 7);
    let key = params![user, Ms(day), Ms(week), Ms(tx.now() - settings.max_check_interval)];
    Ok(tx.query_row(&sql, key, |row| {
        Ok(Artists {
            tracked: row.get(0)?,
            never_checked: row.get(1)?,
            checked_last_day: row.get(2)?,
            checked_last_week: row.get(3)?,
            overdue: row.get(4)?,
            failing: row.get(5)?,
            last_check: row.get::<_, Option<Ms>>(6)?.map(|at| at.0),
            oldest_check: row.get::<_, Option<Ms>>(7)?.map(|at| at.0),
            initial_scans_last_day: row.get(8)?,
        })
    })?)
}

/// Whether a sign-in or the confirmation of an email address is in progress.
pub fn is_sign_up_in_progress(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM oauth_states WHERE expires_at > ?1)
                   OR EXISTS (SELECT 1 FROM confirmation_links WHERE used_at IS NULL AND expires_at > ?1)";
    Ok(tx.query_row(sql, [Ms(tx.now())], |row| row.get(0))?)
}
