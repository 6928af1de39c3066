//! What the account page loads from the database.

use jiff::Timestamp;

use crate::domain::account_health::{self, Address, Condition, Consent, Tracked};
use crate::domain::check_planner;
use crate::domain::preferences::Preferences;
use crate::domain::quota::{Bucket, Cause, Pause};
use crate::domain::user::{EmailAddress, UserId};
use crate::spotify;
use crate::store::outbox::{EmailKind, RecentEmail};
use crate::store::overdue::{self, Overdue};
use crate::store::status::Artists;
use crate::store::users::User;
use crate::store::{
    StoreError, Tx, api_calls, confirmation_links, follows, job_runs, outbox, preferences, status,
    users,
};

/// Overdue artists to list.
const OVERDUE_LISTED: u32 = 50;

/// Recent emails to list.
const EMAILS_LISTED: usize = 10;

pub(super) struct AccountData {
    pub(super) user: User,
    pub(super) wanted: Preferences,
    /// The address that awaits confirmation.
    pub(super) awaiting: Option<EmailAddress>,
    pub(super) artists: Artists,
    pub(super) overdue: Vec<Overdue>,
    pub(super) emails: Vec<RecentEmail>,
    /// When a sample email was last requested.
    pub(super) sampled_at: Option<Timestamp>,
    pub(super) conditions: Vec<Condition>,
}

pub(super) fn load(
    tx: &Tx<'_>,
    id: UserId,
    cadence: &check_planner::Settings,
) -> Result<Option<AccountData>, StoreError> {
    let Some(user) = users::find(tx, id)? else { return Ok(None) };
    let Some(wanted) = preferences::of(tx, id)? else { return Ok(None) };
    let awaiting = confirmation_links::awaiting(tx, id)?.and_then(|link| link.address);
    let artists = status::artists_of(tx, Some(id), cadence)?;
    let overdue = match artists.overdue {
        0 => Vec::new(),
        _ => overdue::list(tx, Some(id), cadence, OVERDUE_LISTED)?,
    };
    let (pauses, follows_pause) = (pauses(tx)?, api_calls::pause_of(tx, Bucket::Following)?);
    let known = account_health::AccountFacts {
        consent: consent_of(&user),
        trouble: user.trouble.clone(),
        address: address_of(&user, awaiting.is_some()),
        is_subscribed: wanted.is_subscribed,
        mail_trouble: outbox::delivery_error(tx, id)?,
        is_app_refused: is_app_refused(tx)?,
        follows_pause: follows_pause.filter(|pause| !pauses.contains(pause)),
        pauses,
        follows_read_at: user.follows_read_at,
        follows_suspect: follows::list_status(tx, id)?
            .and_then(|s| s.suspect)
            .map(|suspect| suspect.0),
        artists: tracked(&artists),
    };
    let conditions = account_health::evaluate(&known, tx.now());
    let emails = outbox::recent_emails(tx, user.id, EMAILS_LISTED)?;
    let sampled_at = outbox::last_pending(tx, id, EmailKind::Sample)?;
    Ok(Some(AccountData {
        user,
        sampled_at,
        wanted,
        awaiting,
        artists,
        overdue,
        emails,
        conditions,
    }))
}

pub(super) fn address_of(user: &User, is_awaiting: bool) -> Address {
    match (user.bouncing_since, &user.address) {
        (Some(since), _) => Address::Bouncing(since),
        (None, Some(_)) => Address::Confirmed,
        (None, None) if is_awaiting => Address::Unconfirmed,
        (None, None) => Address::Missing,
    }
}

fn consent_of(user: &User) -> Consent {
    match (user.deleted_at, user.authorized_at) {
        (Some(deleted_at), _) => Consent::Withdrawn(deleted_at),
        (None, Some(given_at)) if !user.must_sign_in => Consent::Given(given_at),
        _ => Consent::Ended,
    }
}

/// The pauses that stop checks, and those that only the operator can end.
fn pauses(tx: &Tx<'_>) -> Result<Vec<Pause>, StoreError> {
    let (asking, checks) =
        (api_calls::pause_of(tx, Bucket::ArtistAlbums)?, api_calls::pause_of_checks(tx)?);
    let all = api_calls::pauses(tx)?.into_iter().map(|(_, pause)| pause);
    let operators = all.filter(|pause| matches!(pause.cause, Cause::Premium | Cause::Endpoint));
    Ok(operators.chain(asking).chain(checks).collect())
}

/// Whether Spotify rejected the app's credentials in the last run of a job. Every run tries again.
fn is_app_refused(tx: &Tx<'_>) -> Result<bool, StoreError> {
    let words = spotify::Error::InvalidClient.to_string();
    let runs = [job_runs::last(tx, "follows")?, job_runs::last(tx, "releases")?];
    Ok(runs.into_iter().flatten().any(|run| run.did.contains(&words)))
}

fn tracked(artists: &Artists) -> Tracked {
    Tracked {
        all: artists.tracked,
        never_checked: artists.never_checked,
        initial_scans_last_day: artists.initial_scans_last_day,
        overdue: artists.overdue,
        oldest_check: artists.oldest_check,
    }
}
