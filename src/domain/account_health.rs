//! How the watch for a user stands, in the order in which it matters to them: what they must do,
//! what somebody else must, what only takes time; and that all is well where it is.

use jiff::{SignedDuration, Timestamp};

use super::consent::{ends_at, reminder_due};
use super::quota::{Cause, Pause};

/// A pause of which less is left is over before anybody could have minded.
const PAUSE_WORTH_SAYING: SignedDuration = SignedDuration::from_mins(15);

/// A list of follows is read every six hours: several readings in a row came to nothing.
const FOLLOWS_STALE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// What is known of a user's watch.
#[derive(Debug, Clone)]
pub struct AccountFacts {
    /// Their consent at Spotify.
    pub consent: Consent,
    /// Why Spotify refuses them at present, in words.
    pub trouble: Option<String>,
    /// Where their emails go.
    pub address: Address,
    /// Whether they want emails with news.
    pub is_subscribed: bool,
    /// What the mail server last said against an email that did not leave.
    pub mail_trouble: Option<String>,
    /// The pauses that hold now and keep artists from being asked about.
    pub pauses: Vec<Pause>,
    /// Whether Spotify does not accept the app itself, whoever asks.
    pub is_app_refused: bool,
    /// The pause that keeps lists of follows from being read, where artists are asked about all the same.
    pub follows_pause: Option<Pause>,
    /// When their follows were last read in full.
    pub follows_read_at: Option<Timestamp>,
    /// Why the list of follows read last was not believed.
    pub follows_suspect: Option<String>,
    /// Their artists.
    pub artists: Tracked,
}

/// How a consent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// It was given then.
    Given(Timestamp),
    /// It has ended, or was never brought to an end.
    Ended,
    /// The user took it back, and all about them is deleted then.
    Withdrawn(Timestamp),
}

/// Where emails go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// Nowhere: none was typed.
    Missing,
    /// One was typed and is not confirmed.
    Unconfirmed,
    /// To a confirmed one.
    Confirmed,
    /// To a confirmed one from which they have come back since.
    Bouncing(Timestamp),
}

/// A user's artists in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked {
    /// All of them.
    pub all: u64,
    /// Never looked at.
    pub never_asked: u64,
    /// Looked at for the first time within the last 24 hours.
    pub initial_scans_last_day: u64,
    /// Waiting for longer than they should, or failing.
    pub overdue: u64,
    /// When the last check went through of the one whose last check is longest ago.
    pub oldest_check: Option<Timestamp>,
}

/// A thing that a user should know of their watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// They took their consent back: all is deleted then.
    Withdrawn(Timestamp),
    /// Their consent has ended.
    SignInAgain,
    /// Spotify refuses them, in these words.
    Refused(String),
    /// Spotify does not accept the app, such as after its secret was changed.
    AppRefused,
    /// Spotify has stopped the app until about then, since its owner has no Premium.
    NoPremium(Timestamp),
    /// Spotify forbids to the app, until it is tried again then, what Dropday has to ask.
    Forbidden(Timestamp),
    /// Emails have come back since then.
    AddressBounces(Timestamp),
    /// The last email did not leave, in the mail server's words.
    EmailDelayed(String),
    /// No address was typed.
    NoAddress,
    /// The address is not confirmed.
    NotConfirmed,
    /// Nothing is asked for a while.
    Paused(Pause),
    /// Whom they follow was never read.
    FollowsUnread,
    /// The list of follows read last was not believed, in these words.
    FollowListSuspect(String),
    /// No list of follows is read for a while.
    FollowsPaused(Pause),
    /// Whom they follow was read last then, which is too long ago.
    FollowsStale(Timestamp),
    /// They follow nobody.
    NoArtists,
    /// Some artists have waited too long.
    Overdue(u64),
    /// Some artists wait for their first look.
    InitialScan(InitialScan),
    /// The consent ends soon.
    ConsentEndsSoon(Timestamp),
    /// They have switched emails with news off.
    Unsubscribed,
    /// Nothing is to be said.
    AllWell,
}

/// How grave a condition is: also the colour in which a page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is amiss.
    Ok,
    /// Something is under way, or will have to be done.
    Info,
    /// News is kept from the user, and somebody must do something.
    Error,
}

/// How far the first look at a user's artists has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InitialScan {
    /// Looked at.
    pub done: u64,
    /// Of so many.
    pub of: u64,
    /// First looks within the last 24 hours.
    pub last_day: u64,
}

impl InitialScan {
    /// Days until all were looked at, if each brings as many first looks as the last 24 hours did;
    /// `None` where those brought none.
    pub fn days_left(self) -> Option<u64> {
        let left = self.of.saturating_sub(self.done);
        (self.last_day > 0).then(|| left.div_ceil(self.last_day))
    }
}

impl Condition {
    /// How grave it is.
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
            Self::NoAddress
            | Self::NotConfirmed
            | Self::Paused(_)
            | Self::FollowsUnread
            | Self::FollowListSuspect(_)
            | Self::FollowsPaused(_)
            | Self::FollowsStale(_)
            | Self::NoArtists
            | Self::Overdue(_)
            | Self::InitialScan(_)
            | Self::ConsentEndsSoon(_)
            | Self::Unsubscribed => Severity::Info,
            Self::AllWell => Severity::Ok,
        }
    }
}

/// What a user should know of their watch, the gravest first; never nothing, and that all is well
/// only where nothing else is.
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

/// Spotify says that a consent is over when it is asked next, which can be a while after the end.
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

/// Whether only whoever runs the instance can end it.
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
    if artists.never_asked > 0 {
        conditions.push(Condition::InitialScan(InitialScan {
            done: artists.all.saturating_sub(artists.never_asked),
            of: artists.all,
            last_day: artists.initial_scans_last_day,
        }));
    }
    conditions
}

/// A list that has long not been read, where neither the consent nor a refusal says why.
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
