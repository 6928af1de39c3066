//! Decides which artists to check next, and when.
//!
//! Calls are scarce: about 80 in a rolling day for all users together. What users notice is delay, the time
//! from a release to the email. If an artist releases at a rate λ and is checked every T, a release waits T/2
//! on average. So with N artists and B calls a day, Σ λᵢTᵢ/2 must be minimal while Σ 1/Tᵢ = B. That gives Tᵢ
//! ∝ 1/√λᵢ, not the 1/λᵢ of checking wherever something new is most likely (K. C. Sia, J. Cho and H. Cho,
//! "Efficient monitoring algorithm for fast news alerts", IEEE TKDE 19(7), 2007; optimizing freshness gives
//! other results: J. Cho and H. Garcia-Molina, ACM TODS 28(4), 2003; Y. Azar et al., PNAS 115(32), 2018).
//! Checking the artist with the largest λT² first keeps that balance without a plan, like the greedy policies
//! of A. Kolobov et al. (NeurIPS 2019). One T is measured in weeks of releases ([`calendar`]), since most
//! releases come out on a Friday; the other is the time that users wait.
//!
//! If the time zone of the market is known, the day's calls are spent as soon as the release day begins,
//! since every later check finds releases that have waited longer. `docs/cadence.md` has the measurements.

pub mod calendar;
pub mod rate;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::artist::ArtistId;
use super::detection;
use super::quota::Purpose;
use calendar::Market;

/// The shortest time between two scheduled checks of an artist, however many calls are left.
pub const MIN_INTERVAL: SignedDuration = SignedDuration::from_hours(6);

/// An artist is checked this long before it becomes overdue, since some calls become free only once a day.
const OLDEST_FIRST_SHARE: SignedDuration = SignedDuration::from_hours(24);

/// How long after the start of a release day its calls are best spent. Calls spent later are missing when the
/// next day begins.
const MORNING: SignedDuration = SignedDuration::from_mins(30);

/// The minimum share of the day's calls that is reserved for hints, in per cent.
const RESERVED_FOR_HINTS: u32 = 5;

/// The same without hint sources, so that a newly followed artist need not wait until the next day.
const RESERVED_FOR_NEW_ARTISTS: u32 = 2;

/// One in so many of the day's calls goes to secondary lists, even if albums could use all of them.
const SECONDARY_SHARE: u32 = 10;

#[derive(Debug, Clone)]
pub struct Settings {
    /// The maximum for a rolling day; fewer after a quota lockout.
    pub calls_per_day: u32,
    /// No artist waits longer if there are enough calls.
    pub max_check_interval: SignedDuration,
    pub market: Market,
    pub has_hints: bool,
    /// Whether releases are fetched with users' tokens instead of the app's own.
    pub asks_as_users: bool,
}

#[derive(Debug, Clone)]
pub struct Candidate {
    pub id: ArtistId,
    /// Expected releases per week; `None` if not estimated yet.
    pub rate: Option<f64>,
    pub checked_at: Option<Timestamp>,
    pub tracked_since: Timestamp,
    /// The number of followers.
    pub readers: u32,
    /// Consecutive failed checks.
    pub failures: u32,
}

/// How many of the day's calls are spent, and on what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Calls per rolling day that are allowed at present.
    pub allowed: u32,
    /// Calls in the last rolling day for any purpose.
    pub spent: u32,
    /// Of these, calls for initial scans.
    pub first: u32,
    /// Of these, calls for scheduled checks.
    pub turns: u32,
    /// Of these, calls for hints.
    pub hints: u32,
    /// Of these, calls for secondary lists.
    pub side: u32,
    /// Calls that hints needed on this weekday in the last two weeks, the larger of both.
    pub hints_lately: u32,
    /// When the last scheduled check was made, if within the last rolling day.
    pub last_turn_at: Option<Timestamp>,
    /// Whether a check that ran out of calls between two pages still waits.
    pub has_unfinished: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCheck {
    /// The artist.
    pub artist: ArtistId,
    pub purpose: Purpose,
    /// How many of the day's calls are reserved for others.
    pub reserved: u32,
}

impl Budget {
    /// Calls that are still reserved for hints: one and a half times what they needed lately, at most half of
    /// all calls, less what they used today.
    pub fn reserved_for_hints(&self, has_hints: bool) -> u32 {
        let share = if has_hints { RESERVED_FOR_HINTS } else { RESERVED_FOR_NEW_ARTISTS };
        let least = (u64::from(self.allowed) * u64::from(share) / 100) as u32;
        let lately = match self.hints_lately {
            0 => 0,
            // A hint without a free call waits for a day, so reserve slightly too many.
            lately => lately.saturating_add(lately / 2 + 2),
        };
        let had = if has_hints { self.hints } else { 0 };
        least.max(lately).min(self.allowed / 2).saturating_sub(had)
    }

    /// Free calls that must remain besides the first page of any check. Without them, a check of several
    /// pages would never finish if calls become free one at a time, and would take all of them.
    pub fn page_reserve(&self) -> u32 {
        let beside = if self.has_unfinished { detection::MAX_SEARCHED_PAGES - 1 } else { 0 };
        beside.min(self.allowed / 2)
    }

    /// Free calls that are not available for the first page of such a check. Half of what is reserved for
    /// hints is reserved from new artists too, or nothing if there are no hint sources.
    pub fn reserved_from(&self, purpose: Purpose, settings: &Settings) -> u32 {
        let kept = self.reserved_for_hints(settings.has_hints);
        let kept = match purpose {
            Purpose::Scheduled | Purpose::Secondary => kept,
            Purpose::InitialScan if settings.has_hints => kept / 2,
            Purpose::InitialScan | Purpose::Hint | Purpose::Manual | Purpose::Other => 0,
        };
        kept + self.page_reserve()
    }

    /// Whether all calls are spent that are not reserved from such checks.
    pub fn is_spent(&self, purpose: Purpose, settings: &Settings) -> bool {
        self.spent >= self.allowed.saturating_sub(self.reserved_from(purpose, settings))
    }

    /// Calls per day for secondary lists: what remains if each of the `tracked` artists is checked once a
    /// day, or a tenth if that is more, as long as no artist becomes overdue because of it.
    pub fn for_secondary_lists(&self, tracked: u64, settings: &Settings) -> u32 {
        let unreserved = self.unreserved(Purpose::Scheduled, settings);
        let tracked = u32::try_from(tracked).unwrap_or(u32::MAX);
        let days = settings.max_check_interval.as_secs_f64() / 86_400.0;
        let promised = (f64::from(tracked) / days).ceil() as u32;
        let share = unreserved.saturating_sub(tracked).max(unreserved.div_ceil(SECONDARY_SHARE));
        share.min(unreserved.saturating_sub(promised))
    }

    /// Calls per day that initial scans and scheduled checks share.
    fn unreserved(&self, purpose: Purpose, settings: &Settings) -> u32 {
        self.allowed.saturating_sub(self.reserved_from(purpose, settings) + self.hints)
    }
}

impl Candidate {
    pub fn waited(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.checked_at.unwrap_or(self.tracked_since))
    }

    fn is_nearly_overdue(&self, settings: &Settings, now: Timestamp) -> bool {
        self.waited(now) + OLDEST_FIRST_SHARE >= settings.max_check_interval
    }

    /// The value of a check now: the probability of something new × the days it can have waited × followers.
    pub fn score(&self, market: &Market, now: Timestamp) -> f64 {
        let since = self.checked_at.unwrap_or(self.tracked_since);
        let exposure = market.exposure(since, now);
        let rate = self.rate.unwrap_or_else(rate::prior_a_week);
        let days = self.waited(now).as_secs_f64().max(0.0) / 86_400.0;
        f64::from(self.readers.max(1)) * -(-rate * exposure).exp_m1() * days
    }
}

/// The checks to make now, best first. `hinted` artists come first, with at most half of the day's calls.
/// `candidates` may be checked now; `tracked` is the number of all tracked artists.
pub fn plan_checks(
    hinted: &[ArtistId],
    candidates: &[Candidate],
    tracked: usize,
    budget: &Budget,
    settings: &Settings,
    now: Timestamp,
) -> Vec<PlannedCheck> {
    // A hint source that is wrong about every artist must not take all calls.
    let may_hint = budget.allowed.div_ceil(2).saturating_sub(budget.hints) as usize;
    let hinted = &hinted[..may_hint.min(hinted.len())];
    let is_hinted: HashSet<&ArtistId> = hinted.iter().collect();
    let (first, turns): (Vec<_>, Vec<_>) = candidates
        .iter()
        .filter(|c| !is_hinted.contains(&c.id))
        .partition(|c| c.checked_at.is_none());
    // New artists get half of the calls, or all of them while no other artist has waited as long.
    let longest = first.iter().map(|c| c.waited(now)).max();
    let before_first = turns.iter().filter(|c| longest.is_some_and(|l| c.waited(now) > l)).count();
    let left_for = |purpose, others: usize| {
        let unreserved = budget.unreserved(purpose, settings);
        unreserved - count(others).min(unreserved / 2)
    };
    let may_first =
        left_for(Purpose::InitialScan, before_first).saturating_sub(budget.first) as usize;
    let may_turn = left_for(Purpose::Scheduled, first.len()).saturating_sub(budget.turns);
    let planned_check = |id: &ArtistId, purpose| {
        planned_check(id, purpose, budget.reserved_from(purpose, settings))
    };
    let hinted = hinted.iter().map(|id| planned_check(id, Purpose::Hint));
    let first = in_order_of_arrival(first).take(may_first);
    let first = first.map(|c| planned_check(&c.id, Purpose::InitialScan));
    let turns = scheduled_now(turns, tracked, may_turn, budget, settings, now);
    let turns = turns.iter().map(|c| planned_check(&c.id, Purpose::Scheduled));
    if before_first == 0 {
        hinted.chain(first).chain(turns).collect()
    } else {
        hinted.chain(alternate(turns, first)).collect()
    }
}

fn planned_check(artist: &ArtistId, purpose: Purpose, reserved: u32) -> PlannedCheck {
    PlannedCheck { artist: artist.clone(), purpose, reserved }
}

fn count(some: usize) -> u32 {
    u32::try_from(some).unwrap_or(u32::MAX)
}

/// All artists, for a manual run: hinted ones first, failed ones last.
pub fn everybody(
    hinted: &[ArtistId],
    candidates: &[Candidate],
    budget: &Budget,
    settings: &Settings,
    now: Timestamp,
) -> Vec<PlannedCheck> {
    let is_hinted: HashSet<&ArtistId> = hinted.iter().collect();
    let mut all: Vec<&Candidate> = candidates.iter().collect();
    sort_by_score(&mut all, settings, now);
    all.sort_by_key(|c| (!is_hinted.contains(&c.id), c.failures > 0, c.checked_at.is_some()));
    all.iter().map(|c| planned_check(&c.id, Purpose::Manual, budget.page_reserve())).collect()
}

/// The scheduled checks, at most `may`.
fn scheduled_now<'a>(
    turns: Vec<&'a Candidate>,
    tracked: usize,
    may: u32,
    budget: &Budget,
    settings: &Settings,
    now: Timestamp,
) -> Vec<&'a Candidate> {
    let (mut pressing, mut others): (Vec<_>, Vec<_>) =
        turns.into_iter().partition(|c| c.is_nearly_overdue(settings, now));
    let overdue = pressing.iter().filter(|c| c.waited(now) >= settings.max_check_interval).count();
    let calls_for_this_hour = calls_for_this_hour(tracked, budget, settings, now);
    let may = may.min(calls_for_this_hour.max(count(overdue))) as usize;
    if may == 0 {
        return Vec::new();
    }
    pressing.sort_by(|a, b| (b.waited(now), &a.id).cmp(&(a.waited(now), &b.id)));
    sort_by_score(&mut others, settings, now);
    let days = settings.max_check_interval.as_secs_f64() / 86_400.0;
    // If there are too few calls to prevent overdue artists, half of them go to the longest waits.
    let can_be_kept =
        tracked as f64 <= f64::from(budget.unreserved(Purpose::Scheduled, settings)) * days;
    if can_be_kept {
        pressing.into_iter().chain(others).take(may).collect()
    } else {
        alternate(pressing.into_iter(), others.into_iter()).take(may).collect()
    }
}

/// How many scheduled checks to make now: all that are left while a release day is young. If the market is
/// unknown, they are spread over the day.
fn calls_for_this_hour(
    tracked: usize,
    budget: &Budget,
    settings: &Settings,
    now: Timestamp,
) -> u32 {
    let unreserved = budget.unreserved(Purpose::Scheduled, settings);
    let Some(began) = settings.market.day_began(now) else {
        let Some(last) = budget.last_turn_at else { return unreserved };
        let since = now.duration_since(last).as_secs_f64().max(0.0);
        return (since * f64::from(unreserved) / 86_400.0) as u32;
    };
    let is_morning = now.duration_since(began) < MORNING;
    if is_morning || !settings.market.is_friday_next(now) {
        return unreserved;
    }
    // Saves on a Thursday afternoon what Friday morning needs.
    let spare = unreserved.saturating_sub(count(tracked));
    spare.saturating_sub(budget.turns)
}

fn sort_by_score(candidates: &mut [&Candidate], settings: &Settings, now: Timestamp) {
    candidates.sort_by_cached_key(|c| {
        // Positive floats sort like their bits.
        (std::cmp::Reverse(c.score(&settings.market, now).to_bits()), c.checked_at, &c.id)
    });
}

fn in_order_of_arrival(mut first: Vec<&Candidate>) -> impl Iterator<Item = &Candidate> {
    first.sort_by_key(|c| (c.tracked_since, &c.id));
    first.into_iter()
}

/// Alternates between both, then yields the rest of the longer one.
fn alternate<T>(
    mut one: impl Iterator<Item = T>,
    mut other: impl Iterator<Item = T>,
) -> impl Iterator<Item = T> {
    let mut is_ones_turn = false;
    std::iter::from_fn(move || {
        is_ones_turn = !is_ones_turn;
        match is_ones_turn {
            true => one.next().or_else(|| other.next()),
            false => other.next().or_else(|| one.next()),
        }
    })
}

#[cfg(test)]
mod tests;
