//! What a user should know about their account, in order of importance: what they must do, what someone else
//! must do, what only takes time.

use jiff::{SignedDuration, Timestamp};

use super::consent::{ends_at, reminder_due};
use super::quota::{Cause, Pause};

/// A pause that ends sooner is not worth mentioning.
const PAUSE_WORTH_SAYING: SignedDuration = SignedDuration::from_mins(15);

/// Follow lists are synced every six hours, so several syncs in a row failed.
const FOLLOWS_STALE_AFTER: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Clone)]
pub struct AccountFacts {
    pub consent: Consent,
    /// Why Spotify rejects the user at present.
    pub trouble: Option<String>,
    pub address: Address,
    pub is_subscribed: bool,
    /// What the mail server last said about an email that could not be sent.
    pub mail_trouble: Option<String>,
    /// The current pauses that keep artists from being checked.
    pub pauses: Vec<Pause>,
    /// Whether Spotify rejects the app itself, for every user.
    pub is_app_refused: bool,
    /// The pause that affects only follow lists.
    pub follows_pause: Option<Pause>,
    /// When the follow list was last synced completely.
    pub follows_read_at: Option<Timestamp>,
    /// Why the last follow list looks truncated.
    pub follows_suspect: Option<String>,
    pub artists: Tracked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    Given(Timestamp),
    /// Has ended, or was never given.
    Ended,
    /// Revoked by the user; the account is deleted at this time.
    Withdrawn(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    Missing,
    Unconfirmed,
    Confirmed,
    /// Confirmed, but emails bounce since this time.
    Bouncing(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked {
    pub all: u64,
    pub never_checked: u64,
    pub initial_scans_last_day: u64,
    /// Overdue or failing.
    pub overdue: u64,
    /// The last check of the artist that was not checked for the longest time.
    pub oldest_check: Option<Timestamp>,
}

/// The user's problems, and hints on what happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The account is deleted at this time.
    Withdrawn(Timestamp),
    SignInAgain,
    /// Spotify rejects the user, for this reason.
    Refused(String),
    /// Spotify rejects the app, for example after its secret was changed.
    AppRefused,
    /// The app's owner has no Premium; the next try is at about this time.
    NoPremium(Timestamp),
    /// Spotify forbids a call that Dropday needs; the next try is at this time.
    Forbidden(Timestamp),
    /// Emails bounce since this time.
    AddressBounces(Timestamp),
    /// The last email could not be sent; the mail server's reason.
    EmailDelayed(String),
    NoAddress,
    NotConfirmed,
    /// Checks are paused.
    Paused(Pause),
    /// The follow list was not synced yet.
    FollowsUnread,
    /// The last follow list looks truncated, for this reason.
    FollowListSuspect(String),
    /// Syncing follow lists is paused.
    FollowsPaused(Pause),
    /// The last sync of the follow list, which is too long ago.
    FollowsStale(Timestamp),
    NoArtists,
    Overdue(u64),
    InitialScan(InitialScan),
    ConsentEndsSoon(Timestamp),
    Unsubscribed,
    AllWell,
}

/// The severity of a condition, and its colour on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Ok,
    /// In progress, or needs attention later.
    Info,
    /// The user gets no news until someone acts.
    Error,
}

/// The progress of the initial scans of a user's artists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitialScan {
    pub done: u64,
    pub of: u64,
    /// Initial scans in the last 24 hours.
    pub last_day: u64,
}

impl InitialScan {
    /// The estimated number of days until all artists were scanned, at the pace of the last 24 hours; `None`
    /// if those had no scan.
    pub fn days_left(self) -> Option<u64> {
        let left = self.of.saturating_sub(self.done);
        (self.last_day > 0).then(|| left.div_ceil(self.last_day))
    }
}

impl Condition {
    pub fn severity(&self) -> Severity {
        match self {
            Self::Withdrawn(_)
            | Self::SignInAgain
            | Self::Refused(_)
            | Self::AppRefused
            | Self::NoPremium(_)
            | Self::Forbidden(_)
            | Self::AddressBounces(_)
            | Self::EmailDelayed(_) => Severity::Error,
            Self::AllWell => Severity::Ok,
            _ => Severity::Info,
        }
    }
}

/// Most severe first; [`Condition::AllWell`] alone if there is nothing else.
pub fn evaluate(facts: &AccountFacts, now: Timestamp) -> Vec<Condition> {
    if let Consent::Withdrawn(deleted_at) = facts.consent {
        return vec![Condition::Withdrawn(deleted_at)];
    }
    let mut conditions: Vec<Condition> =
        [of_consent(facts, now), of_spotify(facts, now), of_emails(facts), of_artists(facts, now)]
            .into_iter()
            .flatten()
            .collect();
    if let Consent::Given(at) = facts.consent
        && ends_at(at) > now
        && reminder_due(at, now).is_some()
    {
        conditions.push(Condition::ConsentEndsSoon(ends_at(at)));
    }
    if !facts.is_subscribed {
        conditions.push(Condition::Unsubscribed);
    }
    conditions.sort_by_key(|condition| std::cmp::Reverse(condition.severity()));
    if conditions.is_empty() { vec![Condition::AllWell] } else { conditions }
}

fn of_consent(facts: &AccountFacts, now: Timestamp) -> Vec<Condition> {
    let ended = (!is_good(facts.consent, now)).then_some(Condition::SignInAgain);
    let refused = || facts.trouble.clone().map(Condition::Refused);
    ended.or_else(refused).into_iter().collect()
}

/// A consent can have ended before the next request to Spotify reports it.
fn is_good(consent: Consent, now: Timestamp) -> bool {
    matches!(consent, Consent::Given(at) if ends_at(at) > now)
}

fn of_spotify(facts: &AccountFacts, now: Timestamp) -> Vec<Condition> {
    let last = facts.pauses.iter().max_by_key(|pause| (is_operators(pause.cause), pause.until));
    let condition = last.and_then(|pause| match pause.cause {
        Cause::Premium => Some(Condition::NoPremium(pause.until)),
        Cause::Endpoint => Some(Condition::Forbidden(pause.until)),
        Cause::RateLimit | Cause::Quota | Cause::Outage => {
            is_worth_saying(pause, now).then_some(Condition::Paused(*pause))
        }
    });
    facts.is_app_refused.then_some(Condition::AppRefused).into_iter().chain(condition).collect()
}

/// Whether only the operator can end it.
fn is_operators(cause: Cause) -> bool {
    matches!(cause, Cause::Premium | Cause::Endpoint)
}

fn of_emails(facts: &AccountFacts) -> Vec<Condition> {
    let stuck = facts.mail_trouble.clone().map(Condition::EmailDelayed);
    match facts.address {
        Address::Bouncing(since) => vec![Condition::AddressBounces(since)],
        Address::Missing => stuck.into_iter().chain([Condition::NoAddress]).collect(),
        Address::Unconfirmed => stuck.into_iter().chain([Condition::NotConfirmed]).collect(),
        Address::Confirmed => stuck.into_iter().collect(),
    }
}

fn of_artists(facts: &AccountFacts, now: Timestamp) -> Vec<Condition> {
    let artists = facts.artists;
    let suspect = facts.follows_suspect.clone().map(Condition::FollowListSuspect);
    let mut conditions: Vec<Condition> =
        suspect.or_else(|| stale_follows(facts, now)).into_iter().collect();
    let pause = facts.follows_pause.filter(|pause| is_worth_saying(pause, now));
    conditions.extend(pause.map(Condition::FollowsPaused));
    if artists.all == 0 {
        let is_read = facts.follows_read_at.is_some();
        conditions.push(if is_read { Condition::NoArtists } else { Condition::FollowsUnread });
    }
    if artists.overdue > 0 {
        conditions.push(Condition::Overdue(artists.overdue));
    }
    if artists.never_checked > 0 {
        conditions.push(Condition::InitialScan(InitialScan {
            done: artists.all.saturating_sub(artists.never_checked),
            of: artists.all,
            last_day: artists.initial_scans_last_day,
        }));
    }
    conditions
}

/// A stale follow list that neither the consent nor a rejection explains.
fn stale_follows(facts: &AccountFacts, now: Timestamp) -> Option<Condition> {
    let read_at = facts.follows_read_at?;
    let is_stale = now.duration_since(read_at) > FOLLOWS_STALE_AFTER;
    let is_unexplained = is_good(facts.consent, now) && facts.trouble.is_none();
    (is_stale && is_unexplained).then_some(Condition::FollowsStale(read_at))
}

fn is_worth_saying(pause: &Pause, now: Timestamp) -> bool {
    pause.until.duration_since(now) >= PAUSE_WORTH_SAYING
}

#[cfg(test)]
mod tests;
