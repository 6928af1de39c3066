//! The state of everything in numbers, for `dropday status` and the pages.

mod calls;
mod emails;
mod needs;
mod report;
mod users;

use jiff::Timestamp;
use rusqlite::params;

pub use self::calls::{DAYS, History};
pub use self::emails::{Group, Told};
pub use self::needs::Need;
pub use self::report::{Report, report};
pub use self::users::{Consent, Mailbox, Page, Standing};

use super::access_requests::{self, AccessRequest};
use super::columns::Ms;
use super::hint_sources::{self, Health};
use super::job_runs::{self, JobRun};
use super::overdue::{self, Overdue};
use super::{Result, Tx, allowance, api_calls, consents, identities, outbox};
use crate::domain::check_planner::Settings;
use crate::domain::quota::{Bucket, Pause, WINDOW};
use crate::domain::user::UserId;

/// So many artists that have waited too long are listed.
const OVERDUE_LISTED: u32 = 10;

/// Everything in numbers.
#[derive(Debug, Clone)]
pub struct Status {
    /// Users.
    pub users: Users,
    /// Who is not on the app's list at Spotify, and asked to be.
    pub access_requests: Vec<AccessRequest>,
    /// Artists.
    pub artists: Artists,
    /// Calls in the last rolling day, by bucket.
    pub calls: Vec<(Bucket, u64)>,
    /// Calls for artists' albums in a rolling day that may be made at present.
    pub allowed: u32,
    /// The artists that have waited too long, at most ten.
    pub overdue: Vec<Overdue>,
    /// Pauses that hold now, by scope.
    pub pauses: Vec<(String, Pause)>,
    /// Watched artists that are known at MusicBrainz, and at Deezer.
    pub known_elsewhere: (u64, u64),
    /// The sources of hints that were ever asked.
    pub hint_sources: Vec<Health>,
    /// Things owed to users.
    pub pending: u64,
    /// Of those, how many the mail server has put off at least once.
    pub deferred: u64,
    /// The latest reason why an email was put off.
    pub deferred_because: Option<String>,
    /// Emails that were refused for good.
    pub refused: u64,
    /// Albums and other things that were sent.
    pub sent: u64,
    /// What the last passes of each job did, by job, the newest first.
    pub jobs: Vec<JobRun>,
}

/// Users in numbers.
#[derive(Debug, Clone, Copy)]
pub struct Users {
    /// All.
    pub all: u64,
    /// With a consent that is good.
    pub connected: u64,
    /// Who must sign in again.
    pub must_sign_in_again: u64,
    /// With a confirmed address.
    pub confirmed: u64,
    /// Whom Spotify refuses at present.
    pub in_trouble: u64,
    /// Of those, whose consent is held since Spotify refuses many at once.
    pub held: u64,
    /// To whose address nothing is sent, since emails come back.
    pub bouncing: u64,
}

/// Artists in numbers.
#[derive(Debug, Clone, Copy)]
pub struct Artists {
    /// Watched.
    pub watched: u64,
    /// Never asked about yet.
    pub never_asked: u64,
    /// Looked at for the first time in the last 24 hours.
    pub initial_scans_last_day: u64,
    /// Checked in the last 24 hours.
    pub checked_last_day: u64,
    /// Checked in the last seven days.
    pub checked_last_week: u64,
    /// Waiting for longer than they should, or failing.
    pub overdue: u64,
    /// Whose last check failed.
    pub failing: u64,
    /// When the last check went through.
    pub last_check: Option<Timestamp>,
    /// When the last check went through of the artist whose last check is longest ago; of those that
    /// were checked at all.
    pub oldest_check: Option<Timestamp>,
}

/// The state of everything.
///
/// # Errors
/// [`super::StoreError`]
pub fn of(tx: &Tx<'_>, settings: &Settings) -> Result<Status> {
    let count = |sql: &str| -> Result<u64> { Ok(tx.query_row(sql, [], |row| row.get(0))?) };
    let calls = Bucket::ALL.map(|bucket| api_calls::used(tx, bucket).map(|used| (bucket, used)));
    Ok(Status {
        users: count_users(tx)?,
        access_requests: access_requests::list(tx)?,
        artists: artists_of(tx, None, settings)?,
        allowed: allowance::budget(tx, settings.calls_per_day)?.allowed,
        overdue: overdue::list(tx, None, settings, OVERDUE_LISTED)?,
        calls: calls.into_iter().collect::<Result<_>>()?,
        pauses: api_calls::pauses(tx)?,
        known_elsewhere: identities::count_known(tx)?,
        hint_sources: hint_sources::health(tx)?,
        pending: outbox::count_pending(tx)?,
        deferred: count(
            "SELECT count(*) FROM outbox WHERE state = 'pending' AND reason IS NOT NULL",
        )?,
        deferred_because: deferred_because(tx)?,
        refused: count_settled(tx, "rejected")?,
        sent: count_settled(tx, "sent")?,
        jobs: job_runs::latest(tx)?,
    })
}

/// The artists that somebody follows, or that one user follows.
///
/// # Errors
/// [`super::StoreError`]
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
             count(*) FILTER (WHERE baseline_at > ?2)
         FROM {whose} untracked_at IS NULL"
    );
    let (day, week) = (tx.now() - WINDOW, tx.now() - WINDOW * 7);
    let key = params![user, Ms(day), Ms(week), Ms(tx.now() - settings.max_wait)];
    Ok(tx.query_row(&sql, key, |row| {
        Ok(Artists {
            watched: row.get(0)?,
            never_asked: row.get(1)?,
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

pub(super) fn count_users(tx: &Tx<'_>) -> Result<Users> {
    let sql = "SELECT count(*), count(*) FILTER (WHERE consent = 'granted'),
                      count(*) FILTER (WHERE consent = 'ended'),
                      count(*) FILTER (WHERE address IS NOT NULL),
                      count(*) FILTER (WHERE spotify_error IS NOT NULL),
                      count(*) FILTER (WHERE bouncing_since IS NOT NULL)
               FROM users";
    let held = consents::count_held(tx)?;
    Ok(tx.query_row(sql, [], |row| {
        Ok(Users {
            all: row.get(0)?,
            connected: row.get(1)?,
            must_sign_in_again: row.get(2)?,
            confirmed: row.get(3)?,
            in_trouble: row.get(4)?,
            bouncing: row.get(5)?,
            held,
        })
    })?)
}

fn count_settled(tx: &Tx<'_>, state: &str) -> Result<u64> {
    let sql = "SELECT count(*) FROM outbox WHERE state = ?1 AND finished_at IS NOT NULL";
    Ok(tx.query_row(sql, [state], |row| row.get(0))?)
}

fn deferred_because(tx: &Tx<'_>) -> Result<Option<String>> {
    let sql = "SELECT max(reason) FROM outbox WHERE state = 'pending' AND id =
               (SELECT max(id) FROM outbox WHERE state = 'pending' AND reason IS NOT NULL)";
    Ok(tx.query_row(sql, [], |row| row.get(0))?)
}

/// Whether somebody is on a trip to Spotify, or has an address to confirm.
///
/// # Errors
/// [`super::StoreError`]
pub fn is_anybody_half_way(tx: &Tx<'_>) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM oauth_states WHERE expires_at > ?1)
                   OR EXISTS (SELECT 1 FROM confirmation_links WHERE used_at IS NULL AND expires_at > ?1)";
    Ok(tx.query_row(sql, [Ms(tx.now())], |row| row.get(0))?)
}
