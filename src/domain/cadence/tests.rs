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
    Settings { calls_per_day: 80, max_wait: hours(21 * 24), market, has_hints: true }
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
    let watched_since = now() - hours(2_000);
    Candidate { id: id(n), rate: Some(0.01), checked_at, watched_since, readers: 1, failures: 0 }
}

fn new(n: usize, hours_ago: i64) -> Candidate {
    Candidate {
        checked_at: None,
        rate: None,
        watched_since: now() - hours(hours_ago),
        ..checked(n, 0)
    }
}

fn asked(errands: &[Errand]) -> Vec<&str> {
    errands.iter().map(|errand| errand.artist.as_str()).collect()
}

fn choose(candidates: &[Candidate], budget: &Budget, settings: &Settings) -> Vec<Errand> {
    errands(&[], candidates, candidates.len(), budget, settings, now())
}

#[test]
fn who_puts_out_more_or_has_more_readers_or_waited_longer_is_asked_first() {
    let plain = checked(0, 60);
    let prolific = Candidate { rate: Some(0.02), ..checked(1, 60) };
    let popular = Candidate { readers: 3, ..checked(2, 60) };
    let waiting = checked(3, 400);
    let errands = choose(&[plain, prolific, popular, waiting], &budget(), &in_berlin());
    assert_eq!(asked(&errands), ["artist3", "artist2", "artist1", "artist0"]);
}

#[test]
fn twice_the_rate_does_not_mean_twice_the_calls() {
    // T goes with 1/√λ: four times the rate is worth as much after half the time.
    let market = Market::In(TimeZone::UTC);
    let worth = |rate, weeks: i64| {
        let checked_at = Some(now() - hours(weeks * 7 * 24));
        Candidate { rate: Some(rate), checked_at, ..checked(0, 0) }.worth(&market, now())
    };
    let ratio = worth(0.004, 4) / worth(0.001, 8);
    assert!((0.97..1.03).contains(&ratio), "{ratio}");
}

#[test]
fn hints_come_first_and_their_share_is_kept_back_from_the_others() {
    let candidates: Vec<_> = (0..200).map(|n| checked(n, 100)).collect();
    let errands = errands(&[id(7)], &candidates, 200, &budget(), &in_berlin(), now());
    assert_eq!((errands[0].artist.as_str(), errands[0].purpose), ("artist7", Purpose::Hint));
    assert_eq!(errands[0].kept_back, 0);
    assert_eq!(errands.len(), 1 + 76, "five per cent of 80 are for hints");
    assert!(errands[1..].iter().all(|errand| errand.kept_back == 4 && errand.artist != id(7)));
    let first = choose(&[new(0, 50)], &budget(), &in_berlin());
    assert_eq!(first[0].kept_back, 2, "half of them are for newcomers too");
    let nobody_hints = Settings { has_hints: false, ..in_berlin() };
    assert_eq!(choose(&candidates, &budget(), &nobody_hints).len(), 79, "one is for newcomers");
    assert_eq!(choose(&[new(0, 50)], &budget(), &nobody_hints)[0].kept_back, 0);
    let busy = Budget { hints_lately: 20, ..budget() };
    assert_eq!(busy.kept_for_hints(true), 32, "what they needed lately, and half as much again");
    assert_eq!(Budget { hints_lately: 500, ..budget() }.kept_for_hints(true), 40);
}

#[test]
fn hints_about_everybody_leave_half_of_the_calls_to_who_is_new_or_has_waited_too_long() {
    let hinted: Vec<_> = (0..500).map(id).collect();
    let mut candidates: Vec<_> = (0..600).map(|n| checked(n, 100)).collect();
    let count = |candidates: &[Candidate], budget: &Budget| {
        let errands = errands(&hinted, candidates, 600, budget, &in_berlin(), now());
        errands.iter().filter(|errand| errand.purpose == Purpose::Hint).count()
    };
    assert_eq!(count(&candidates, &budget()), 500, "nobody else is in a hurry");
    candidates.push(new(600, 1));
    assert_eq!(count(&candidates, &budget()), 40);
    candidates[600] = checked(600, 20 * 24 + 1);
    assert_eq!(count(&candidates, &budget()), 40);
    assert_eq!(count(&candidates, &Budget { hints: 39, ..budget() }), 1);
    assert_eq!(count(&candidates, &Budget { hints: 40, ..budget() }), 0);
}

#[test]
fn newcomers_have_all_the_calls_where_nobody_else_has_waited_as_long() {
    let mut candidates: Vec<_> = (0..100).map(|n| new(n, 30)).collect();
    candidates.extend((100..150).map(|n| checked(n, 20)));
    let errands = choose(&candidates, &budget(), &in_berlin());
    assert!(errands[..76].iter().all(|errand| errand.purpose == Purpose::First));
}

#[test]
fn newcomers_and_the_others_share_the_calls() {
    let mut candidates: Vec<_> = (0..100).map(|n| new(n, 1)).collect();
    candidates.extend((100..300).map(|n| checked(n, 100)));
    let errands = choose(&candidates, &budget(), &in_berlin());
    let first = errands.iter().filter(|errand| errand.purpose == Purpose::First).count();
    assert_eq!((first, errands.len()), (38, 76));
    let spent = Budget { turns: 38, first: 10, ..budget() };
    let errands = choose(&candidates, &spent, &in_berlin());
    assert!(errands.iter().all(|errand| errand.purpose == Purpose::First));
    assert_eq!(errands.len(), 28);
}

#[test]
fn where_nobody_knows_the_zone_turns_are_spread_over_the_day() {
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
fn a_thursdays_afternoon_leaves_the_calls_to_fridays_morning() {
    let many: Vec<_> = (0..200).map(|n| checked(n, 100)).collect();
    let few: Vec<_> = (0..10).map(|n| checked(n, 100)).collect();
    let at = |candidates: &[Candidate], hours_before| {
        let now = now() - hours(hours_before);
        errands(&[], candidates, candidates.len(), &budget(), &in_berlin(), now).len()
    };
    assert_eq!(at(&many, 0), 76);
    assert_eq!(at(&many, 10), 0, "Thursday");
    assert_eq!(at(&many, 24), 76, "the morning of Thursday");
    assert_eq!(at(&many, 34), 76, "Wednesday");
    assert_eq!(at(&few, 10), 10, "there is enough for both");
}

#[test]
fn who_has_waited_longest_of_all_is_brought_forward() {
    let mut candidates: Vec<_> =
        (0..100).map(|n| Candidate { rate: Some(1.0), ..checked(n, 200) }).collect();
    candidates.push(Candidate { rate: Some(1e-6), ..checked(100, 20 * 24 + 1) });
    assert_eq!(asked(&choose(&candidates, &budget(), &in_berlin()))[0], "artist100");
}

#[test]
fn where_the_promise_cannot_be_kept_half_of_the_calls_are_chosen_all_the_same() {
    let mut candidates: Vec<_> = (0..3_000).map(|n| checked(n, 30 * 24)).collect();
    candidates.push(Candidate { rate: Some(1.0), ..checked(3_000, 5 * 24) });
    let errands = choose(&candidates, &budget(), &in_berlin());
    assert_eq!(asked(&errands)[1], "artist3000");
}

#[test]
fn a_person_who_says_now_is_obeyed_and_what_failed_comes_last() {
    let candidates =
        [Candidate { failures: 2, ..checked(0, 500) }, checked(1, 1), new(2, 1), checked(3, 9)];
    let errands = everybody(&[id(1)], &candidates, &budget(), &in_berlin(), now());
    assert_eq!(asked(&errands), ["artist1", "artist2", "artist3", "artist0"]);
    assert!(errands.iter().all(|errand| (errand.purpose, errand.kept_back) == (Purpose::Asked, 0)));
}

fn candidate() -> impl Strategy<Value = Candidate> {
    (0usize..400, 0.0f64..3.0, prop::option::of(6i64..2_000), 1u32..20).prop_map(
        |(n, rate, ago, readers)| {
            let plain = ago.map_or_else(|| new(n, 50), |ago| checked(n, ago));
            Candidate { rate: Some(rate), readers, ..plain }
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
    fn a_hint_brings_an_artist_forward_and_costs_no_other_more_than_one_place(
        candidates in candidates(), which in any::<prop::sample::Index>(), in_zone in any::<bool>()
    ) {
        prop_assume!(!candidates.is_empty());
        let settings = if in_zone { in_berlin() } else { anywhere() };
        let without = choose(&candidates, &budget(), &settings);
        let hinted = which.get(&candidates).id.clone();
        let with = errands(std::slice::from_ref(&hinted), &candidates, candidates.len(), &budget(), &settings, now());
        prop_assert_eq!(&with[0].artist, &hinted);
        let others = |errands: &[Errand]| -> Vec<ArtistId> {
            errands.iter().filter(|e| e.artist != hinted).map(|e| e.artist.clone()).collect()
        };
        let (before, after) = (others(&without), others(&with));
        prop_assert!(before.iter().all(|id| after.contains(id)), "a hint takes nobody's place");
    }

    #[test]
    fn nobody_is_asked_twice_and_never_more_than_the_days_calls(
        candidates in candidates(), allowed in 0u32..200, first in 0u32..100, turns in 0u32..100, hints in 0u32..300
    ) {
        let budget = Budget { allowed, first, turns, hints_lately: hints, ..Budget::default() };
        let errands = choose(&candidates, &budget, &in_berlin());
        let mut ids = asked(&errands);
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), all);
        prop_assert!(all as u32 <= 2 * allowed);
        prop_assert!(budget.kept_for_hints(true) <= allowed / 2);
    }

    #[test]
    fn whoever_waits_longer_is_worth_more(rate in 1e-6f64..10.0, hours_ago in 0i64..5_000, more in 1i64..500) {
        let sooner = Candidate { rate: Some(rate), ..checked(0, hours_ago) };
        let longer = Candidate { rate: Some(rate), ..checked(0, hours_ago + more) };
        let market = in_berlin().market;
        prop_assert!(longer.worth(&market, now()) >= sooner.worth(&market, now()));
    }
}

/// Plays days of 80 calls through the rule, a look every two hours, and says how long anybody waited.
fn longest_wait(artists: usize, days: i64, settings: &Settings) -> SignedDuration {
    let start = now();
    let mut candidates: Vec<_> = (0..artists)
        .map(|n| Candidate { rate: Some(0.0001 * (1 + n % 97) as f64), ..new(n, 0) })
        .collect();
    let mut calls: Vec<(Timestamp, Purpose)> = Vec::new();
    let mut longest = SignedDuration::ZERO;
    for hour in (0..24 * days).step_by(2) {
        let now = start + hours(hour);
        calls.retain(|(at, _)| now.duration_since(*at) < hours(24));
        let of = |purpose| calls.iter().filter(|(_, p)| *p == purpose).count() as u32;
        let last_turn_at =
            calls.iter().filter(|(_, p)| *p == Purpose::Turn).map(|(at, _)| *at).max();
        let budget = Budget {
            allowed: 80,
            spent: calls.len() as u32,
            first: of(Purpose::First),
            turns: of(Purpose::Turn),
            hints: of(Purpose::Hint),
            hints_lately: 0,
            last_turn_at,
            has_unfinished: false,
        };
        let ready: Vec<_> = candidates
            .iter()
            .filter(|c| c.checked_at.is_none() || c.waited(now) >= SHORTEST_INTERVAL)
            .cloned()
            .collect();
        for errand in errands(&[], &ready, artists, &budget, settings, now) {
            if calls.len() >= (80 - errand.kept_back) as usize {
                break;
            }
            calls.push((now, errand.purpose));
            let candidate = candidates.iter_mut().find(|c| c.id == errand.artist).unwrap();
            longest = longest.max(candidate.waited(now));
            candidate.checked_at = Some(now);
        }
        longest = candidates.iter().map(|c| c.waited(now)).max().unwrap_or(longest).max(longest);
    }
    longest
}

#[test]
fn nobody_starves_however_many_there_are() {
    for settings in [in_berlin(), anywhere()] {
        for artists in [20, 150, 500] {
            let longest = longest_wait(artists, 45, &settings);
            assert!(longest <= settings.max_wait, "{artists}: {longest:#}");
        }
        // 1,500 need 19 of the 21 days for one round.
        let longest = longest_wait(1_500, 50, &settings);
        assert!(longest <= settings.max_wait + hours(24), "{longest:#}");
        // 3,000 cannot all be asked within three weeks.
        let longest = longest_wait(3_000, 90, &settings);
        assert!(longest <= hours(24) * 85, "{longest:#}");
    }
}
