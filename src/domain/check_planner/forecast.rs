//! About when an artist is asked about next: what the page of artists may promise.
//!
//! Nothing is planned but the earliest time; whom to ask is chosen when a call is free. Still it can be
//! reckoned. Whoever has the largest readers · λ · T² is asked first (see [`super`]), so that in the
//! long run each is asked when it reaches the same height, after a T that is proportional to 1/√λ. How
//! high that is follows from the calls for turns, which are all spent: Σ 1/T is their number.
//!
//! Whoever would wait too long is asked by then instead, out of the same calls. Where there are too few
//! for that, half of the calls go to those who waited longest, in turn.
//!
//! Left out, since they would cost more than "about" is worth: Fridays, hints (an artist with a hint is
//! asked sooner), and readers (so is one that several users follow).

use jiff::{SignedDuration, Timestamp};

use super::{BROUGHT_FORWARD, Budget, MIN_INTERVAL, Settings};
use crate::domain::quota::Purpose;

/// How quickly turns go round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckRate {
    /// Days between two checks of an artist, times the square root of its rate.
    days_times_root: f64,
    /// Who would wait for more days than this does not wait for their turn by rate.
    patience: f64,
    /// The days that they wait.
    longest: f64,
}

/// What is known of an artist that was asked about before.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// When it was last asked about.
    pub checked_at: Timestamp,
    /// It is left alone until then.
    pub next_check_at: Timestamp,
    /// Releases expected a week.
    pub rate: f64,
}

/// The artists that share the calls.
#[derive(Debug, Clone, Default)]
pub struct Population {
    /// The rates of those that were asked about.
    pub rates: Vec<f64>,
    /// How many were never asked about.
    pub never_asked: u64,
}

impl CheckRate {
    /// The present pace; `None` where there are no calls for turns.
    pub fn of(population: &Population, budget: &Budget, settings: &Settings) -> Option<Self> {
        let unreserved = f64::from(budget.unreserved(Purpose::Scheduled, settings));
        // Newcomers have half of the calls, as long as there are so many of them.
        let calls = unreserved - (population.never_asked as f64).min(unreserved / 2.0);
        if calls <= 0.0 {
            return None;
        }
        let watched = population.rates.len() as f64 + population.never_asked as f64;
        let promised = days(settings.max_wait);
        let patience = days(settings.max_wait - BROUGHT_FORWARD).max(days(MIN_INTERVAL));
        let roots = Roots::of(&population.rates, patience);
        if watched <= unreserved * promised {
            let days_times_root = where_it_is(calls, |d| roots.spent(d, 1.0 / patience));
            return Some(Self { days_times_root, patience, longest: patience });
        }
        let half = calls / 2.0;
        let days_times_root = where_it_is(half, |d| roots.spent(d, 0.0));
        let longest = (roots.impatient(days_times_root) as f64 / half).max(patience);
        Some(Self { days_times_root, patience, longest })
    }

    /// About when an artist is asked about next; not before `now`.
    pub fn next_check(&self, artist: &Asked, now: Timestamp) -> Timestamp {
        let by_rate = self.days_times_root / artist.rate.max(MIN_RATE).sqrt();
        let days = if by_rate > self.patience { self.longest } else { by_rate };
        let wait = SignedDuration::try_from_secs_f64(days * 86_400.0).unwrap_or(MIN_INTERVAL);
        let due = artist.checked_at.checked_add(wait.max(MIN_INTERVAL));
        due.unwrap_or(now).max(artist.next_check_at).max(now)
    }
}

/// The square roots of rates in rising order, and their sums from the lowest on: a pace is tried on 10,000
/// artists without a look at each.
struct Roots {
    rising: Vec<f64>,
    /// One more than there are roots: the first is 0.
    sums: Vec<f64>,
    patience: f64,
}

impl Roots {
    fn of(rates: &[f64], patience: f64) -> Self {
        let mut rising: Vec<f64> = rates.iter().map(|rate| rate.max(MIN_RATE).sqrt()).collect();
        rising.sort_unstable_by(f64::total_cmp);
        let mut sums = vec![0.0];
        sums.extend(rising.iter().scan(0.0, |sum, root| {
            *sum += root;
            Some(*sum)
        }));
        Self { rising, sums, patience }
    }

    /// Of how many the turn by rate comes too late for them.
    fn impatient(&self, days_times_root: f64) -> usize {
        self.rising.partition_point(|root| root * self.patience < days_times_root)
    }

    /// Calls a day, where each of the impatient has so many.
    fn spent(&self, days_times_root: f64, by_patience: f64) -> f64 {
        let most_often = 1.0 / days(MIN_INTERVAL);
        let slow = self.impatient(days_times_root);
        let quick =
            self.rising.partition_point(|root| *root < most_often * days_times_root).max(slow);
        let between = (self.sums[quick] - self.sums[slow]) / days_times_root;
        slow as f64 * by_patience + between + (self.rising.len() - quick) as f64 * most_often
    }
}

/// Nobody is taken to be quieter, in releases a week.
const MIN_RATE: f64 = 1e-9;

fn days(time: SignedDuration) -> f64 {
    time.as_secs_f64() / 86_400.0
}

/// Where a function that falls has come down to `height`.
fn where_it_is(height: f64, falls: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (1e-6_f64, 1e6_f64);
    for _ in 0..32 {
        let middle = (low * high).sqrt();
        if falls(middle) > height { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::super::calendar::Market;
    use super::super::{Candidate, plan_checks};
    use super::*;
    use crate::domain::artist::ArtistId;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    const CALLS: u32 = 12;

    fn now() -> Timestamp {
        "2026-11-27T00:30:00Z".parse().unwrap()
    }

    fn days(n: i64) -> SignedDuration {
        SignedDuration::from_hours(24 * n)
    }

    fn settings() -> Settings {
        Settings {
            calls_per_day: CALLS,
            max_wait: days(21),
            market: Market::In(TimeZone::UTC),
            has_hints: false,
            asks_as_users: true,
        }
    }

    fn budget() -> Budget {
        Budget { allowed: CALLS, ..Budget::default() }
    }

    fn population(artists: &[Candidate]) -> Population {
        Population { rates: artists.iter().filter_map(|a| a.rate).collect(), never_asked: 0 }
    }

    /// So many artists, some of whom put out much and some little.
    fn artists(count: usize) -> Vec<Candidate> {
        let artist = |n: usize| Candidate {
            id: ArtistId::parse(&format!("artist{n}")).unwrap(),
            rate: Some(0.004 * (1.0 + (n % 12) as f64)),
            checked_at: Some(now() - days(1 + (n % 9) as i64)),
            watched_since: now() - days(400),
            readers: 1,
            failures: 0,
        };
        (0..count).map(artist).collect()
    }

    /// Plays the real choice for a day: who was asked.
    fn play(artists: &mut [Candidate], at: Timestamp) -> Vec<usize> {
        let chosen = plan_checks(&[], artists, artists.len(), &budget(), &settings(), at);
        let may = (CALLS - budget().reserved_for_hints(false)) as usize;
        let chosen = chosen.into_iter().take(may).map(|planned_check| planned_check.artist);
        let places: Vec<_> =
            chosen.map(|id| artists.iter().position(|a| a.id == id).unwrap()).collect();
        places.iter().for_each(|place| artists[*place].checked_at = Some(at));
        places
    }

    #[test]
    fn what_is_promised_is_about_what_comes() {
        for count in [40, 120, 300] {
            let mut all = artists(count);
            (0..90).for_each(|day| drop(play(&mut all, now() + days(day))));
            let today = now() + days(90);
            let pace = CheckRate::of(&population(&all), &budget(), &settings()).unwrap();
            let promised: Vec<_> = all
                .iter()
                .map(|a| {
                    let (checked_at, rate) = (a.checked_at.unwrap(), a.rate.unwrap());
                    pace.next_check(&Asked { checked_at, next_check_at: checked_at, rate }, today)
                })
                .collect();
            let mut off = vec![None; count];
            for day in 0..90 {
                let at = today + days(day);
                for place in play(&mut all, at) {
                    let hours = at.duration_since(promised[place]).as_hours().abs();
                    off[place].get_or_insert(hours);
                }
            }
            let mut off: Vec<i64> = off.into_iter().map(|hours| hours.unwrap()).collect();
            off.sort_unstable();
            let mean_interval = 24 * count as i64 / i64::from(CALLS);
            // A week has one Friday, around which the checks crowd.
            assert!(off[count / 2] <= 36 + mean_interval / 4, "{count}: {}", off[count / 2]);
        }
    }

    #[test]
    fn without_calls_for_turns_nothing_is_promised() {
        let population = Population { rates: vec![0.1; 10], never_asked: 0 };
        assert_eq!(CheckRate::of(&population, &Budget::default(), &settings()), None);
    }

    proptest! {
        #[test]
        fn a_pace_tried_on_sums_costs_the_calls_that_it_costs_artist_by_artist(
            rates in prop::collection::vec(0.0f64..3.0, 0..200), patience in 0.25f64..60.0,
            days_times_root in 0.001f64..100.0, by_patience in 0.0f64..4.0,
        ) {
            let often = |rate: &f64| (rate.max(MIN_RATE).sqrt() / days_times_root).min(4.0);
            let of_each = rates.iter().map(often);
            let of_each = of_each.map(|often| if often * patience < 1.0 { by_patience } else { often });
            let (wanted, got) =
                (of_each.sum::<f64>(), Roots::of(&rates, patience).spent(days_times_root, by_patience));
            prop_assert!((wanted - got).abs() <= 1e-9 * (1.0 + wanted), "{got} instead of {wanted}");
        }

        #[test]
        fn a_promise_is_never_past_nor_before_the_earliest_time_and_no_later_than_the_longest_wait(
            rates in prop::collection::vec(0.0f64..3.0, 0..200), never_asked in 0u64..200,
            rate in 0.0f64..3.0, hours_ago in 0i64..2_000, allowed in 1u32..200,
        ) {
            let watched = rates.len() as u64 + never_asked;
            let population = Population { rates, never_asked };
            let budget = Budget { allowed, ..Budget::default() };
            let Some(pace) = CheckRate::of(&population, &budget, &settings()) else { return Ok(()) };
            let checked_at = now() - SignedDuration::from_hours(hours_ago);
            let artist = Asked { checked_at, next_check_at: checked_at + MIN_INTERVAL, rate };
            let next = pace.next_check(&artist, now());
            prop_assert!(next >= now() && next >= artist.next_check_at);
            let unreserved = u64::from(budget.unreserved(Purpose::Scheduled, &settings()));
            if watched <= unreserved * 21 {
                prop_assert!(next <= now().max(checked_at + settings().max_wait));
            }
            let oftener = Asked { rate: rate * 2.0, ..artist };
            prop_assert!(pace.next_check(&oftener, now()) <= next);
        }
    }
}
