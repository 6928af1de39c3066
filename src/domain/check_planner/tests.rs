use super::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::collections::HashMap;

/// A Friday, half an hour after midnight in Berlin.
const NOW: &str = "2026-11-26T23:30:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

fn in_berlin() -> Settings {
    let market = Market::In(TimeZone::get("Europe/Berlin").unwrap());
    let max_check_interval = hours(21 * 24);
    Settings { calls_per_day: 80, max_check_interval, market, has_hints: true, asks_as_users: true }
}

fn anywhere() -> Settings {
    Settings { market: Market::Unknown, ..in_berlin() }
}

fn budget() -> Budget {
    Budget { allowed: 80, ..Budget::default() }
}

fn id(n: usize) -> ArtistId {
    ArtistId::parse(&format!("artist{n}")).unwrap()
}

fn checked(n: usize, hours_ago: i64) -> Candidate {
    let checked_at = Some(now() - hours(hours_ago));
    let tracked_since = now() - hours(2_000);
    Candidate { id: id(n), rate: Some(0.01), checked_at, tracked_since, readers: 1, failures: 0 }
}

fn new(n: usize, hours_ago: i64) -> Candidate {
    Candidate {
        checked_at: None,
        rate: None,
        tracked_since: now() - hours(hours_ago),
        ..checked(n, 0)
    }
}

fn asked(planned_checks: &[PlannedCheck]) -> Vec<&str> {
    planned_checks.iter().map(|planned_check| planned_check.artist.as_str()).collect()
}

fn choose(candidates: &[Candidate], budget: &Budget, settings: &Settings) -> Vec<PlannedCheck> {
    plan_checks(&[], candidates, candidates.len(), budget, settings, now())
}

#[test]
fn score_grows_with_rate_followers_and_wait() {
    let unreserved = checked(0, 60);
    let prolific = Candidate { rate: Some(0.02), ..checked(1, 60) };
    let popular = Candidate { readers: 3, ..checked(2, 60) };
    let waiting = checked(3, 400);
    let planned_checks = choose(&[unreserved, prolific, popular, waiting], &budget(), &in_berlin());
    assert_eq!(asked(&planned_checks), ["artist3", "artist2", "artist1", "artist0"]);
}

#[test]
fn doubled_rate_does_not_double_calls() {
    // T ∝ 1/√λ: four times the rate is worth as much after half the time.
    let market = Market::In(TimeZone::UTC);
    let score = |rate, weeks: i64| {
        let checked_at = Some(now() - hours(weeks * 7 * 24));
        Candidate { rate: Some(rate), checked_at, ..checked(0, 0) }.score(&market, now())
    };
    let ratio = score(0.004, 4) / score(0.001, 8);
    assert!((0.97..1.03).contains(&ratio), "{ratio}");
}

#[test]
fn secondary_lists_get_remaining_calls_and_at_least_tenth() {
    let calls = |tracked| budget().for_secondary_lists(tracked, &in_berlin());
    assert_eq!([0, 30, 68, 69, 500].map(calls), [76, 46, 8, 8, 8]);
    assert_eq!([1_428, 1_500, 1_596, 5_000].map(calls), [8, 4, 0, 0], "21 days are promised");
    let poor = Budget { allowed: 2, ..budget() };
    assert_eq!(poor.for_secondary_lists(20, &in_berlin()), 1);
}

#[test]
fn hinted_artists_come_first_within_reserved_calls() {
    let candidates: Vec<_> = (0..200).map(|n| checked(n, 100)).collect();
    let planned_checks = plan_checks(&[id(7)], &candidates, 200, &budget(), &in_berlin(), now());
    assert_eq!(
        (planned_checks[0].artist.as_str(), planned_checks[0].purpose),
        ("artist7", Purpose::Hint)
    );
    assert_eq!(planned_checks[0].reserved, 0);
    assert_eq!(planned_checks.len(), 1 + 76, "five per cent of 80 are for hints");
    assert!(
        planned_checks[1..]
            .iter()
            .all(|planned_check| planned_check.reserved == 4 && planned_check.artist != id(7))
    );
    let first = choose(&[new(0, 50)], &budget(), &in_berlin());
    assert_eq!(first[0].reserved, 2, "half of them are for newcomers too");
    let nobody_hints = Settings { has_hints: false, ..in_berlin() };
    assert_eq!(choose(&candidates, &budget(), &nobody_hints).len(), 79, "one is for newcomers");
    assert_eq!(choose(&[new(0, 50)], &budget(), &nobody_hints)[0].reserved, 0);
    let busy = Budget { hints_lately: 20, ..budget() };
    assert_eq!(
        busy.reserved_for_hints(true),
        32,
        "what they needed lately, and half as much again"
    );
    assert_eq!(Budget { hints_lately: 500, ..budget() }.reserved_for_hints(true), 40);
    assert_eq!(
        Budget { hints: 12, ..busy }.reserved_for_hints(true),
        20,
        "what they had is not kept twice"
    );
    assert_eq!(Budget { hints: 60, ..busy }.reserved_for_hints(true), 0);
    let huge = Budget { allowed: u32::MAX, ..budget() };
    assert_eq!(huge.reserved_for_hints(true), u32::MAX / 20);
}

#[test]
fn hints_use_at_most_half_of_the_calls() {
    let hinted: Vec<_> = (0..500).map(id).collect();
    let mut candidates: Vec<_> = (0..600).map(|n| checked(n, 100)).collect();
    candidates.push(new(600, 1));
    let hints = |budget: &Budget| {
        let planned_checks = plan_checks(&hinted, &candidates, 601, budget, &in_berlin(), now());
        assert!(asked(&planned_checks).contains(&"artist600"));
        planned_checks.iter().filter(|planned_check| planned_check.purpose == Purpose::Hint).count()
    };
    assert_eq!(hints(&budget()), 40);
    assert_eq!(hints(&Budget { hints: 39, ..budget() }), 1);
    assert_eq!(hints(&Budget { hints: 40, ..budget() }), 0);
}

#[test]
fn new_artists_get_all_calls_when_waiting_longest() {
    let mut candidates: Vec<_> = (0..100).map(|n| new(n, 30)).collect();
    candidates.extend((100..150).map(|n| checked(n, 20)));
    let planned_checks = choose(&candidates, &budget(), &in_berlin());
    assert!(
        planned_checks[..76]
            .iter()
            .all(|planned_check| planned_check.purpose == Purpose::InitialScan)
    );
}

#[test]
fn new_and_known_artists_share_calls() {
    let mut candidates: Vec<_> = (0..100).map(|n| new(n, 1)).collect();
    candidates.extend((100..300).map(|n| checked(n, 100)));
    let planned_checks = choose(&candidates, &budget(), &in_berlin());
    let first = planned_checks
        .iter()
        .filter(|planned_check| planned_check.purpose == Purpose::InitialScan)
        .count();
    assert_eq!((first, planned_checks.len()), (39, 77));
    let spent = Budget { turns: 38, first: 10, ..budget() };
    let planned_checks = choose(&candidates, &spent, &in_berlin());
    assert!(
        planned_checks.iter().all(|planned_check| planned_check.purpose == Purpose::InitialScan)
    );
    assert_eq!(planned_checks.len(), 29);
}

#[test]
fn unknown_zone_spreads_checks_over_the_day() {
    let candidates: Vec<_> = (0..200).map(|n| checked(n, 100)).collect();
    let ago = |minutes| Budget {
        last_turn_at: Some(now() - SignedDuration::from_mins(minutes)),
        ..budget()
    };
    assert_eq!(choose(&candidates, &ago(10), &anywhere()).len(), 0);
    assert_eq!(choose(&candidates, &ago(20), &anywhere()).len(), 1);
    assert_eq!(choose(&candidates, &ago(12 * 60), &anywhere()).len(), 38, "made up for");
}

#[test]
fn thursday_afternoon_saves_calls_for_friday_morning() {
    let many: Vec<_> = (0..200).map(|n| checked(n, 100)).collect();
    let few: Vec<_> = (0..10).map(|n| checked(n, 100)).collect();
    let at = |candidates: &[Candidate], hours_before| {
        let now = now() - hours(hours_before);
        plan_checks(&[], candidates, candidates.len(), &budget(), &in_berlin(), now).len()
    };
    assert_eq!(at(&many, 0), 76);
    assert_eq!(at(&many, 10), 0, "Thursday");
    assert_eq!(at(&many, 24), 76, "the morning of Thursday");
    assert_eq!(at(&many, 34), 76, "Wednesday");
    assert_eq!(at(&few, 10), 10, "there is enough for both");
}

#[test]
fn longest_waiting_artist_is_brought_forward() {
    let mut candidates: Vec<_> =
        (0..100).map(|n| Candidate { rate: Some(1.0), ..checked(n, 200) }).collect();
    candidates.push(Candidate { rate: Some(1e-6), ..checked(100, 20 * 24 + 1) });
    assert_eq!(asked(&choose(&candidates, &budget(), &in_berlin()))[0], "artist100");
}

#[test]
fn overload_still_plans_half_of_calls_by_score() {
    let mut candidates: Vec<_> = (0..3_000).map(|n| checked(n, 30 * 24)).collect();
    candidates.push(Candidate { rate: Some(1.0), ..checked(3_000, 5 * 24) });
    let planned_checks = choose(&candidates, &budget(), &in_berlin());
    assert_eq!(asked(&planned_checks)[1], "artist3000");
}

#[test]
fn manual_check_comes_first_and_failed_checks_last() {
    let candidates =
        [Candidate { failures: 2, ..checked(0, 500) }, checked(1, 1), new(2, 1), checked(3, 9)];
    let planned_checks = everybody(&[id(1)], &candidates, &budget(), &in_berlin(), now());
    assert_eq!(asked(&planned_checks), ["artist1", "artist2", "artist3", "artist0"]);
    assert!(
        planned_checks
            .iter()
            .all(|planned_check| (planned_check.purpose, planned_check.reserved)
                == (Purpose::Manual, 0))
    );
}

fn candidate() -> impl Strategy<Value = Candidate> {
    (0usize..400, 0.0f64..3.0, prop::option::of(6i64..2_000), 1u32..20).prop_map(
        |(n, rate, ago, readers)| {
            let unreserved = ago.map_or_else(|| new(n, 50), |ago| checked(n, ago));
            Candidate { rate: Some(rate), readers, ..unreserved }
        },
    )
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(candidate(), 0..200).prop_map(|some| {
        let by_id: HashMap<_, _> = some.into_iter().map(|c| (c.id.clone(), c)).collect();
        by_id.into_values().collect()
    })
}

proptest! {
    #[test]
    fn hint_moves_only_its_own_artist_forward(
        candidates in candidates(), which in any::<prop::sample::Index>(), in_zone in any::<bool>()
    ) {
        prop_assume!(!candidates.is_empty());
        let settings = if in_zone { in_berlin() } else { anywhere() };
        let without = choose(&candidates, &budget(), &settings);
        let hinted = which.get(&candidates).id.clone();
        let with = plan_checks(std::slice::from_ref(&hinted), &candidates, candidates.len(), &budget(), &settings, now());
        prop_assert_eq!(&with[0].artist, &hinted);
        for purpose in [Purpose::InitialScan, Purpose::Scheduled] {
            let others = |planned_checks: &[PlannedCheck]| -> Vec<ArtistId> {
                let others = planned_checks.iter().filter(|e| e.purpose == purpose && e.artist != hinted);
                others.map(|e| e.artist.clone()).collect()
            };
            let (before, after) = (others(&without), others(&with));
            prop_assert!(after.starts_with(&before), "the same in the same order: {:?}, {:?}", before, after);
        }
    }

    #[test]
    fn artist_is_planned_once_and_reserve_stays_free(
        candidates in candidates(), hinted in 0usize..400, allowed in 0u32..200, first in 0u32..100, turns in 0u32..100,
        hints in 0u32..100, hints_lately in 0u32..300, has_unfinished in any::<bool>(), in_zone in any::<bool>(),
    ) {
        let settings = if in_zone { in_berlin() } else { anywhere() };
        let spent = first + turns + hints;
        let budget = Budget { allowed, spent, first, turns, hints, side: 0, hints_lately, has_unfinished, last_turn_at: None };
        let hinted: Vec<_> = (0..hinted).map(id).collect();
        let planned_checks = plan_checks(&hinted, &candidates, candidates.len(), &budget, &settings, now());
        let ids: std::collections::HashSet<_> = planned_checks.iter().map(|planned_check| &planned_check.artist).collect();
        prop_assert_eq!(ids.len(), planned_checks.len());
        let of = |purpose| planned_checks.iter().filter(|planned_check| planned_check.purpose == purpose).count() as u32;
        prop_assert!(hints + of(Purpose::Hint) <= hints.max(allowed.div_ceil(2)));
        prop_assert!(first + of(Purpose::InitialScan) <= first.max(allowed));
        prop_assert!(turns + of(Purpose::Scheduled) <= turns.max(allowed));
        // As the ledger books them.
        let mut free = i64::from(allowed) - i64::from(spent);
        for planned_check in &planned_checks {
            prop_assert_eq!(planned_check.reserved, budget.reserved_from(planned_check.purpose, &settings));
            if free > i64::from(planned_check.reserved) {
                free -= 1;
                prop_assert!(free >= i64::from(budget.page_reserve()));
                prop_assert!(planned_check.purpose != Purpose::Scheduled || free >= i64::from(budget.reserved_for_hints(true)));
            }
        }
    }

    #[test]
    fn secondary_lists_never_delay_promised_album_checks(
        tracked in 0u64..4_000, allowed in 0u32..200, days in 1i64..60, hints in 0u32..50,
    ) {
        let settings = Settings { max_check_interval: hours(24 * days), ..in_berlin() };
        let budget = Budget { allowed, hints, ..Budget::default() };
        let unreserved = budget.unreserved(Purpose::Scheduled, &settings);
        let share = budget.for_secondary_lists(tracked, &settings);
        let promised = tracked as f64 / days as f64;
        prop_assert!(share == 0 || f64::from(unreserved - share) >= promised, "{share} of {unreserved}");
        let left = unreserved.saturating_sub(tracked as u32);
        prop_assert!(share <= left.max(unreserved.div_ceil(10)));
    }

    #[test]
    fn score_grows_with_waiting_time(rate in 1e-6f64..10.0, hours_ago in 0i64..5_000, more in 1i64..500) {
        let sooner = Candidate { rate: Some(rate), ..checked(0, hours_ago) };
        let longer = Candidate { rate: Some(rate), ..checked(0, hours_ago + more) };
        let market = in_berlin().market;
        prop_assert!(longer.score(&market, now()) >= sooner.score(&market, now()));
    }
}

/// A simulated instance whose planner runs every two hours.
#[derive(Clone, Copy)]
struct Instance {
    artists: usize,
    days: i64,
    /// So many artists get hints again and again that Spotify never confirms.
    wrong_hints: usize,
    /// One check in ten fails.
    has_failures: bool,
    /// After 20 days Spotify locks the app out for a day, and allows half as many calls from then on.
    is_locked_out: bool,
}

impl Instance {
    fn of(artists: usize, days: i64) -> Self {
        Self { artists, days, wrong_hints: 0, has_failures: false, is_locked_out: false }
    }

    fn allowed(&self, hour: i64) -> u32 {
        match hour / 24 {
            20 if self.is_locked_out => 0,
            day if self.is_locked_out && day > 20 => 40,
            _ => 80,
        }
    }

    fn fails(&self, n: usize, hour: i64) -> bool {
        self.has_failures && (n as i64 * 7_919 + hour * 31).rem_euclid(10) == 0
    }

    /// The longest wait of any artist.
    fn longest_wait(&self, settings: &Settings) -> SignedDuration {
        let rate = |n| Some(0.0001 * (1 + n % 97) as f64);
        let mut candidates: Vec<_> =
            (0..self.artists).map(|n| Candidate { rate: rate(n), ..new(n, 0) }).collect();
        let places: HashMap<_, _> = (0..self.artists).map(|n| (id(n), n)).collect();
        let mut left_until = vec![now(); self.artists];
        let mut calls: Vec<(Timestamp, Purpose)> = Vec::new();
        let mut longest = SignedDuration::ZERO;
        for hour in (0..24 * self.days).step_by(2) {
            let now = now() + hours(hour);
            longest = candidates.iter().map(|c| c.waited(now)).fold(longest, SignedDuration::max);
            let is_ready = |n: usize, c: &&Candidate| {
                left_until[n] <= now && (c.checked_at.is_none() || c.waited(now) >= MIN_INTERVAL)
            };
            let ready = candidates.iter().enumerate().filter(|(n, c)| is_ready(*n, c));
            let ready: Vec<_> = ready.map(|(_, c)| c.clone()).collect();
            let budget = budget_of(&calls, self.allowed(hour), now);
            let mut free = i64::from(budget.allowed) - i64::from(budget.spent);
            let hinted = ready.iter().filter(|c| places[&c.id] < self.wrong_hints);
            let hinted: Vec<_> = hinted.map(|c| c.id.clone()).collect();
            for planned_check in plan_checks(&hinted, &ready, self.artists, &budget, settings, now)
            {
                if free <= i64::from(planned_check.reserved) {
                    break;
                }
                free -= 1;
                calls.push((now, planned_check.purpose));
                let n = places[&planned_check.artist];
                if self.fails(n, hour) {
                    left_until[n] = now + hours(6);
                } else {
                    candidates[n].checked_at = Some(now);
                }
            }
        }
        longest
    }
}

fn budget_of(calls: &[(Timestamp, Purpose)], allowed: u32, now: Timestamp) -> Budget {
    let of = |purpose: Purpose, days_ago: i64| {
        let ago = |at: Timestamp| now.duration_since(at) - hours(24 * days_ago);
        let is_of = |(at, p): &&(Timestamp, Purpose)| {
            *p == purpose && ago(*at) >= SignedDuration::ZERO && ago(*at) < hours(24)
        };
        calls.iter().filter(is_of).count() as u32
    };
    let (first, turns, hints) =
        (of(Purpose::InitialScan, 0), of(Purpose::Scheduled, 0), of(Purpose::Hint, 0));
    let last_turn_at =
        calls.iter().rev().find(|(_, p)| *p == Purpose::Scheduled).map(|(at, _)| *at);
    let hints_lately = of(Purpose::Hint, 6).max(of(Purpose::Hint, 13));
    let spent = first + turns + hints;
    Budget {
        allowed,
        spent,
        first,
        turns,
        hints,
        side: 0,
        hints_lately,
        last_turn_at,
        has_unfinished: false,
    }
}

#[test]
fn no_artist_starves_in_large_instances() {
    for settings in [in_berlin(), anywhere()] {
        for artists in [20, 500] {
            let longest = Instance::of(artists, 45).longest_wait(&settings);
            assert!(longest <= settings.max_check_interval, "{artists}: {longest:#}");
        }
    }
    // 1,500 artists need 19 of the 21 days for one check each.
    let settings = in_berlin();
    let longest = Instance::of(1_500, 50).longest_wait(&settings);
    assert!(longest <= settings.max_check_interval + hours(24), "{longest:#}");
    // 3,000 artists cannot all be checked within three weeks.
    let longest = Instance::of(3_000, 90).longest_wait(&anywhere());
    assert!(longest <= hours(24) * 85, "{longest:#}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Half of 40 calls a day are enough for 150 artists.
    #[test]
    fn no_artist_starves_despite_failures(
        artists in 1usize..150, in_zone in any::<bool>(), has_hints in any::<bool>(), wrong_hints in 0usize..150,
        has_failures in any::<bool>(), is_locked_out in any::<bool>(),
    ) {
        let settings = Settings { has_hints, ..if in_zone { in_berlin() } else { anywhere() } };
        let wrong_hints = if has_hints { wrong_hints.min(artists) } else { 0 };
        let instance = Instance { artists, days: 60, wrong_hints, has_failures, is_locked_out };
        let longest = instance.longest_wait(&settings);
        // Failed checks are repeated after hours, and a lockout takes a day.
        prop_assert!(longest <= settings.max_check_interval + hours(48), "{:#}", longest);
    }
}
