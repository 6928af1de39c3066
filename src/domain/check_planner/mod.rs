//! Which artist is worth the next call, and when.
//!
//! Calls are the scarce good: some 80 in a rolling day for all users together. What users feel is
//! delay, the time from a release to the email. Where releases of an artist come at a rate λ and
//! are asked for every T, a release waits T/2 on average, so of N artists with B calls a day
//! Σ λᵢTᵢ/2 is to be least while Σ 1/Tᵢ = B: Tᵢ ∝ 1/√λᵢ, not the 1/λᵢ of asking wherever something
//! new is likeliest (K. C. Sia, J. Cho and H. Cho, "Efficient monitoring algorithm for fast news
//! alerts", IEEE TKDE 19(7), 2007; freshness in place of delay leads elsewhere: J. Cho and H.
//! Garcia-Molina, ACM TODS 28(4), 2003; Y. Azar and others, PNAS 115(32), 2018). Asking whoever has
//! the largest λT² keeps that balance without a plan, one artist at a time, as the greedy policies
//! of A. Kolobov and others (NeurIPS 2019) do. One T of the two is reckoned in weeks of releases
//! ([`calendar`]), since nearly all of a week is its Friday; the other is the time that users wait.
//!
//! The day's calls are spent as soon as a release day begins, where it is known when that is:
//! whatever is asked later in the day has waited longer. `docs/cadence.md` has the figures.

pub mod calendar;
pub mod rate;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::artist::ArtistId;
use super::detection;
use super::quota::Purpose;
use calendar::Market;

/// However many calls there are, no artist is asked about more often without a reason: an album does
/// not come out twice a day.
pub const MIN_INTERVAL: SignedDuration = SignedDuration::from_hours(6);

/// An artist is brought forward this long before it has waited its longest: a day's calls come
/// once a day.
const BROUGHT_FORWARD: SignedDuration = SignedDuration::from_hours(24);

/// For so long after a release day began its calls are best spent. What is spent later is missing
/// when the next day begins.
const MORNING: SignedDuration = SignedDuration::from_mins(30);

/// The least share of the day's calls that is kept back for hints, in per cent.
const RESERVED_FOR_HINTS: u32 = 5;

/// The same where nobody gives hints: an artist who is followed today need not wait for tomorrow.
const RESERVED_FOR_NEW_ARTISTS: u32 = 2;

/// The share of the day's calls that lists beside albums and singles have where the albums could do
/// with all of them: one in so many.
const SHARE_OF_SIDE_LISTS: u32 = 10;

/// What the operator lays down.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Calls for artists' albums in a rolling day, at most; less where Spotify taught us so.
    pub calls_per_day: u32,
    /// No artist waits longer, as long as there are calls enough for that.
    pub max_check_interval: SignedDuration,
    /// Where the release day begins.
    pub market: Market,
    /// Whether open catalogues give hints.
    pub has_hints: bool,
    /// Whether users' tokens ask, and not the app's own.
    pub asks_as_users: bool,
}

/// An artist that could be asked about now.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The artist.
    pub id: ArtistId,
    /// Releases expected a week; `None` where it was never reckoned.
    pub rate: Option<f64>,
    /// When it was last asked about; `None` if it never was.
    pub checked_at: Option<Timestamp>,
    /// Since when somebody here follows it.
    pub tracked_since: Timestamp,
    /// How many users here follow it.
    pub readers: u32,
    /// Checks in a row that failed.
    pub failures: u32,
}

/// How the day's calls stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Calls in a rolling day that may be made at present.
    pub allowed: u32,
    /// Calls of the last rolling day, for whatever they were made.
    pub spent: u32,
    /// Those of them for artists asked about for the first time.
    pub first: u32,
    /// Those by turns.
    pub turns: u32,
    /// Those for hints.
    pub hints: u32,
    /// Those for lists beside albums and singles.
    pub side: u32,
    /// Calls that hints needed on this day of the last two weeks, the most of both.
    pub hints_lately: u32,
    /// When the last call by turns went out, if that is less than a rolling day ago.
    pub last_turn_at: Option<Timestamp>,
    /// Whether a check ran out of calls between two pages, and was not made since.
    pub has_unfinished: bool,
}

/// Something to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCheck {
    /// The artist.
    pub artist: ArtistId,
    /// Why now.
    pub purpose: Purpose,
    /// So many of the day's calls are not for this.
    pub reserved: u32,
}

impl Budget {
    /// Calls that are still kept back for hints: what they needed lately and half as much again, at most
    /// half of all, less what they had today.
    pub fn reserved_for_hints(&self, has_hints: bool) -> u32 {
        let share = if has_hints { RESERVED_FOR_HINTS } else { RESERVED_FOR_NEW_ARTISTS };
        let least = (u64::from(self.allowed) * u64::from(share) / 100) as u32;
        let lately = match self.hints_lately {
            0 => 0,
            // A hint that finds no call left waits for a day: better some calls too many.
            lately => lately.saturating_add(lately / 2 + 2),
        };
        let had = if has_hints { self.hints } else { 0 };
        least.max(lately).min(self.allowed / 2).saturating_sub(had)
    }

    /// Free calls that must be left beside the first page of whatever is asked. Where calls become free
    /// one at a time, a check of several pages would else never come to its end, and take them all.
    pub fn page_reserve(&self) -> u32 {
        let beside = if self.has_unfinished { detection::MAX_SEARCHED_PAGES - 1 } else { 0 };
        beside.min(self.allowed / 2)
    }

    /// So many free calls are not for the first page of a check of this kind. What is kept for hints is
    /// kept for newcomers too, by half; where there are no hints, all of it.
    pub fn reserved_from(&self, purpose: Purpose, settings: &Settings) -> u32 {
        let kept = self.reserved_for_hints(settings.has_hints);
        let kept = match purpose {
            Purpose::Scheduled | Purpose::Secondary => kept,
            Purpose::InitialScan if settings.has_hints => kept / 2,
            Purpose::InitialScan | Purpose::Hint | Purpose::Manual | Purpose::Other => 0,
        };
        kept + self.page_reserve()
    }

    /// Whether nothing is left for checks of this kind but what is kept back from them.
    pub fn is_spent(&self, purpose: Purpose, settings: &Settings) -> bool {
        self.spent >= self.allowed.saturating_sub(self.reserved_from(purpose, settings))
    }

    /// Calls a day for lists beside albums and singles: what is left where each of the `watched`
    /// artists is asked about once a day, and a tenth where that leaves less, as long as none of them
    /// waits longer than is promised for that.
    pub fn for_side_lists(&self, watched: u64, settings: &Settings) -> u32 {
        let unreserved = self.unreserved(Purpose::Scheduled, settings);
        let watched = u32::try_from(watched).unwrap_or(u32::MAX);
        let days = settings.max_check_interval.as_secs_f64() / 86_400.0;
        let promised = (f64::from(watched) / days).ceil() as u32;
        let share =
            unreserved.saturating_sub(watched).max(unreserved.div_ceil(SHARE_OF_SIDE_LISTS));
        share.min(unreserved.saturating_sub(promised))
    }

    /// Calls a day for checks of this kind, of which newcomers and turns have their shares.
    fn unreserved(&self, purpose: Purpose, settings: &Settings) -> u32 {
        self.allowed.saturating_sub(self.reserved_from(purpose, settings) + self.hints)
    }
}

impl Candidate {
    /// How long the artist has waited.
    pub fn waited(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.checked_at.unwrap_or(self.tracked_since))
    }

    /// Whether it would wait too long by tomorrow.
    fn is_nearly_overdue(&self, settings: &Settings, now: Timestamp) -> bool {
        self.waited(now) + BROUGHT_FORWARD >= settings.max_check_interval
    }

    /// What it is worth to ask now: how likely there is something new, times the days that it can
    /// have waited, for each of its readers.
    pub fn score(&self, market: &Market, now: Timestamp) -> f64 {
        let since = self.checked_at.unwrap_or(self.tracked_since);
        let exposure = market.exposure(since, now);
        let rate = self.rate.unwrap_or_else(rate::prior_a_week);
        let days = self.waited(now).as_secs_f64().max(0.0) / 86_400.0;
        f64::from(self.readers.max(1)) * -(-rate * exposure).exp_m1() * days
    }
}

/// What to ask now, the best first. `hinted` are asked before all others, with half of the day's calls at
/// most; `candidates` are those that may be asked about at present. Of `watched` artists.
pub fn plan_checks(
    hinted: &[ArtistId],
    candidates: &[Candidate],
    watched: usize,
    budget: &Budget,
    settings: &Settings,
    now: Timestamp,
) -> Vec<PlannedCheck> {
    // A catalogue that is wrong about everybody must not take all the calls.
    let may_hint = budget.allowed.div_ceil(2).saturating_sub(budget.hints) as usize;
    let hinted = &hinted[..may_hint.min(hinted.len())];
    let is_hinted: HashSet<&ArtistId> = hinted.iter().collect();
    let (first, turns): (Vec<_>, Vec<_>) = candidates
        .iter()
        .filter(|c| !is_hinted.contains(&c.id))
        .partition(|c| c.checked_at.is_none());
    // Newcomers have half of the calls, or all of them while nobody else has waited as long.
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
    let turns = turns_now(turns, watched, may_turn, budget, settings, now);
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

/// Everybody, because a user says "now": hinted ones first, those that failed last, so as not to
/// stand in the others' way.
pub fn everybody(
    hinted: &[ArtistId],
    candidates: &[Candidate],
    budget: &Budget,
    settings: &Settings,
    now: Timestamp,
) -> Vec<PlannedCheck> {
    let is_hinted: HashSet<&ArtistId> = hinted.iter().collect();
    let mut all: Vec<&Candidate> = candidates.iter().collect();
    by_worth(&mut all, settings, now);
    all.sort_by_key(|c| (!is_hinted.contains(&c.id), c.failures > 0, c.checked_at.is_some()));
    all.iter().map(|c| planned_check(&c.id, Purpose::Manual, budget.page_reserve())).collect()
}

/// Whose turn it is, at most `may` of them.
fn turns_now<'a>(
    turns: Vec<&'a Candidate>,
    watched: usize,
    may: u32,
    budget: &Budget,
    settings: &Settings,
    now: Timestamp,
) -> Vec<&'a Candidate> {
    let (mut pressing, mut others): (Vec<_>, Vec<_>) =
        turns.into_iter().partition(|c| c.is_nearly_overdue(settings, now));
    let overdue = pressing.iter().filter(|c| c.waited(now) >= settings.max_check_interval).count();
    let calls_for_this_hour = calls_for_this_hour(watched, budget, settings, now);
    let may = may.min(calls_for_this_hour.max(count(overdue))) as usize;
    if may == 0 {
        return Vec::new();
    }
    pressing.sort_by(|a, b| (b.waited(now), &a.id).cmp(&(a.waited(now), &b.id)));
    by_worth(&mut others, settings, now);
    let days = settings.max_check_interval.as_secs_f64() / 86_400.0;
    // Where there are too few calls for the promise, half of them keep it as well as they can.
    let can_be_kept =
        watched as f64 <= f64::from(budget.unreserved(Purpose::Scheduled, settings)) * days;
    if can_be_kept {
        pressing.into_iter().chain(others).take(may).collect()
    } else {
        alternate(pressing.into_iter(), others.into_iter()).take(may).collect()
    }
}

/// How many calls by turns the hour allows: as many as there are while a release day is young. Where
/// nobody knows when it begins, they are spread over the day.
fn calls_for_this_hour(
    watched: usize,
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
    // What a Friday's morning will need is not spent on a Thursday's afternoon.
    let spare = unreserved.saturating_sub(count(watched));
    spare.saturating_sub(budget.turns)
}

fn by_worth(candidates: &mut [&Candidate], settings: &Settings, now: Timestamp) {
    candidates.sort_by_cached_key(|c| {
        // Positive floats are in the order of their bits; the largest comes first.
        (std::cmp::Reverse(c.score(&settings.market, now).to_bits()), c.checked_at, &c.id)
    });
}

fn in_order_of_arrival(mut first: Vec<&Candidate>) -> impl Iterator<Item = &Candidate> {
    first.sort_by_key(|c| (c.tracked_since, &c.id));
    first.into_iter()
}

/// One of each by turns, and then the rest of the longer.
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
