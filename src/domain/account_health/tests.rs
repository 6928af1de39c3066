use proptest::prelude::*;

use super::*;

const NOW: &str = "2026-11-23T12:00:00Z";

fn at(raw: &str) -> Timestamp {
    raw.parse().unwrap()
}

fn now() -> Timestamp {
    at(NOW)
}

/// A user without any problem.
fn well() -> AccountFacts {
    AccountFacts {
        consent: Consent::Given(now()),
        trouble: None,
        address: Address::Confirmed,
        is_subscribed: true,
        mail_trouble: None,
        pauses: vec![],
        is_app_refused: false,
        follows_pause: None,
        follows_read_at: Some(now()),
        follows_suspect: None,
        artists: Tracked {
            all: 300,
            never_checked: 0,
            initial_scans_last_day: 0,
            overdue: 0,
            oldest_check: Some(now()),
        },
    }
}

fn pause(cause: Cause, until: &str) -> Pause {
    Pause { until: at(until), cause }
}

fn of(facts: &AccountFacts) -> Vec<Condition> {
    evaluate(facts, now())
}

#[test]
fn each_problem_alone_gives_one_condition() {
    let later = at("2026-11-27T12:00:00Z");
    let quota = pause(Cause::Quota, "2026-11-24T12:00:00Z");
    let none = Tracked { all: 0, oldest_check: None, ..well().artists };
    let first = Tracked { never_checked: 180, initial_scans_last_day: 60, ..well().artists };
    let given = at("2026-06-01T12:00:00Z");
    for (facts, expected) in [
        (well(), Condition::AllWell),
        (
            AccountFacts { consent: Consent::Withdrawn(later), ..well() },
            Condition::Withdrawn(later),
        ),
        (AccountFacts { consent: Consent::Ended, ..well() }, Condition::SignInAgain),
        (AccountFacts { trouble: Some("no".into()), ..well() }, Condition::Refused("no".into())),
        (
            AccountFacts { consent: Consent::Given(given), ..well() },
            Condition::ConsentEndsSoon(at("2026-12-01T12:00:00Z")),
        ),
        (AccountFacts { address: Address::Missing, ..well() }, Condition::NoAddress),
        (AccountFacts { address: Address::Unconfirmed, ..well() }, Condition::NotConfirmed),
        (
            AccountFacts { address: Address::Bouncing(given), ..well() },
            Condition::AddressBounces(given),
        ),
        (
            AccountFacts { mail_trouble: Some("552".into()), ..well() },
            Condition::EmailDelayed("552".into()),
        ),
        (AccountFacts { is_subscribed: false, ..well() }, Condition::Unsubscribed),
        (AccountFacts { is_app_refused: true, ..well() }, Condition::AppRefused),
        (AccountFacts { follows_pause: Some(quota), ..well() }, Condition::FollowsPaused(quota)),
        (
            AccountFacts { follows_read_at: Some(at("2026-11-22T11:59:59Z")), ..well() },
            Condition::FollowsStale(at("2026-11-22T11:59:59Z")),
        ),
        (
            AccountFacts { consent: Consent::Given(at("2026-05-23T12:00:00Z")), ..well() },
            Condition::SignInAgain,
        ),
        (AccountFacts { pauses: vec![quota], ..well() }, Condition::Paused(quota)),
        (
            AccountFacts { pauses: vec![pause(Cause::Premium, "2026-11-23T13:00:00Z")], ..well() },
            Condition::NoPremium(at("2026-11-23T13:00:00Z")),
        ),
        (
            AccountFacts { pauses: vec![pause(Cause::Endpoint, "2026-11-23T18:00:00Z")], ..well() },
            Condition::Forbidden(at("2026-11-23T18:00:00Z")),
        ),
        (AccountFacts { artists: none, ..well() }, Condition::NoArtists),
        (AccountFacts { artists: none, follows_read_at: None, ..well() }, Condition::FollowsUnread),
        (
            AccountFacts { follows_suspect: Some("cut".into()), ..well() },
            Condition::FollowListSuspect("cut".into()),
        ),
        (
            AccountFacts { artists: Tracked { overdue: 14, ..well().artists }, ..well() },
            Condition::Overdue(14),
        ),
        (
            AccountFacts { artists: first, ..well() },
            Condition::InitialScan(InitialScan { done: 120, of: 300, last_day: 60 }),
        ),
    ] {
        assert_eq!(of(&facts), [expected]);
    }
}

#[test]
fn blocking_conditions_precede_slow_ones() {
    let artists = Tracked { never_checked: 10, overdue: 2, ..well().artists };
    let facts = AccountFacts {
        artists,
        is_subscribed: false,
        consent: Consent::Ended,
        address: Address::Missing,
        ..well()
    };
    assert_eq!(
        of(&facts),
        [
            Condition::SignInAgain,
            Condition::NoAddress,
            Condition::Overdue(2),
            Condition::InitialScan(InitialScan { done: 290, of: 300, last_day: 0 }),
            Condition::Unsubscribed,
        ]
    );
}

#[test]
fn short_pauses_are_hidden_and_missing_premium_ranks_first() {
    let short = pause(Cause::RateLimit, "2026-11-23T12:01:00Z");
    assert_eq!(of(&AccountFacts { pauses: vec![short], ..well() }), [Condition::AllWell]);
    let premium = pause(Cause::Premium, "2026-11-23T12:30:00Z");
    let quota = pause(Cause::Quota, "2026-11-24T12:00:00Z");
    let facts = AccountFacts { pauses: vec![quota, premium, short], ..well() };
    assert_eq!(of(&facts), [Condition::NoPremium(premium.until)]);
}

#[test]
fn initial_scan_estimate_follows_pace_of_last_day() {
    let look = |done, last_day| InitialScan { done, of: 300, last_day }.days_left();
    assert_eq!(look(120, 60), Some(3));
    assert_eq!(look(121, 60), Some(3));
    assert_eq!(look(299, 60), Some(1));
    assert_eq!(look(0, 0), None);
}

fn facts() -> impl Strategy<Value = AccountFacts> {
    let moment =
        || (1_700_000_000_i64..1_900_000_000).prop_map(|s| Timestamp::from_second(s).unwrap());
    let words = || prop::option::of("[a-z]{1,3}");
    let consent = prop_oneof![
        moment().prop_map(Consent::Given),
        Just(Consent::Ended),
        moment().prop_map(Consent::Withdrawn)
    ];
    let address = prop_oneof![
        Just(Address::Missing),
        Just(Address::Unconfirmed),
        Just(Address::Confirmed),
        moment().prop_map(Address::Bouncing)
    ];
    let pauses = (prop::sample::select(Cause::ALL.to_vec()), moment())
        .prop_map(|(cause, until)| Pause { until, cause });
    let artists =
        (0_u64..5, any::<u64>(), any::<u64>(), 0_u64..5).prop_map(|(all, never, last, overdue)| {
            Tracked {
                all,
                never_checked: never % (all + 1),
                initial_scans_last_day: last,
                overdue,
                oldest_check: None,
            }
        });
    let emails = (words(), words(), words(), address, any::<(bool, bool)>());
    (consent, emails, prop::collection::vec(pauses, 0..4), prop::option::of(moment()), artists)
        .prop_map(
            |(
                consent,
                (trouble, mail_trouble, follows_suspect, address, (is_subscribed, is_app_refused)),
                pauses,
                read,
                artists,
            )| {
                AccountFacts {
                    consent,
                    trouble,
                    address,
                    is_subscribed,
                    mail_trouble,
                    pauses,
                    is_app_refused,
                    follows_pause: None,
                    follows_read_at: read,
                    follows_suspect,
                    artists,
                }
            },
        )
}

proptest! {
    #[test]
    fn conditions_are_never_empty_and_ordered_by_severity(facts in facts()) {
        let conditions = evaluate(&facts, now());
        prop_assert!(!conditions.is_empty());
        prop_assert!(conditions.windows(2).all(|pair| pair[0].severity() >= pair[1].severity()));
        let well = conditions.contains(&Condition::AllWell);
        prop_assert!(!well || conditions.len() == 1);
        let can_get_emails = matches!(facts.consent, Consent::Given(_))
            && facts.address == Address::Confirmed
            && facts.is_subscribed
            && !facts.is_app_refused
            && facts.artists.all > 0;
        prop_assert!(!well || can_get_emails);
        for condition in conditions {
            if let Condition::InitialScan(look) = condition {
                prop_assert!(look.done < look.of);
                prop_assert!(look.days_left().is_none_or(|days| days > 0));
            }
        }
    }
}
