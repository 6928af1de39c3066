use proptest::prelude::*;

use super::*;

const NOW: &str = "2026-11-23T12:00:00Z";

fn at(raw: &str) -> Timestamp {
    raw.parse().unwrap()
}

fn now() -> Timestamp {
    at(NOW)
}

/// Somebody of whom nothing is to be said.
fn well() -> Facts {
    Facts {
        consent: Consent::Given(now()),
        trouble: None,
        address: Address::Confirmed,
        is_subscribed: true,
        mail_trouble: None,
        pauses: vec![],
        is_app_refused: false,
        follows_pause: None,
        follows_read_at: Some(now()),
        follows_doubt: None,
        artists: Watched {
            all: 300,
            never_asked: 0,
            first_looks_last_day: 0,
            overdue: 0,
            oldest_check: Some(now()),
        },
    }
}

fn pause(cause: Cause, until: &str) -> Pause {
    Pause { until: at(until), cause }
}

fn of(facts: &Facts) -> Vec<Condition> {
    judge(facts, now())
}

#[test]
fn each_fact_by_itself_is_said_and_nothing_beside_it() {
    let later = at("2026-11-27T12:00:00Z");
    let quota = pause(Cause::Quota, "2026-11-24T12:00:00Z");
    let none = Watched { all: 0, oldest_check: None, ..well().artists };
    let first = Watched { never_asked: 180, first_looks_last_day: 60, ..well().artists };
    let given = at("2026-06-01T12:00:00Z");
    for (facts, expected) in [
        (well(), Condition::AllWell),
        (Facts { consent: Consent::Withdrawn(later), ..well() }, Condition::Withdrawn(later)),
        (Facts { consent: Consent::Ended, ..well() }, Condition::SignInAgain),
        (Facts { trouble: Some("no".into()), ..well() }, Condition::Refused("no".into())),
        (
            Facts { consent: Consent::Given(given), ..well() },
            Condition::ConsentEndsSoon(at("2026-12-01T12:00:00Z")),
        ),
        (Facts { address: Address::Missing, ..well() }, Condition::NoAddress),
        (Facts { address: Address::Unconfirmed, ..well() }, Condition::NotConfirmed),
        (Facts { address: Address::Bouncing(given), ..well() }, Condition::AddressBounces(given)),
        (
            Facts { mail_trouble: Some("552".into()), ..well() },
            Condition::EmailDelayed("552".into()),
        ),
        (Facts { is_subscribed: false, ..well() }, Condition::Unsubscribed),
        (Facts { is_app_refused: true, ..well() }, Condition::AppRefused),
        (Facts { follows_pause: Some(quota), ..well() }, Condition::FollowsPaused(quota)),
        (
            Facts { follows_read_at: Some(at("2026-11-22T11:59:59Z")), ..well() },
            Condition::FollowsStale(at("2026-11-22T11:59:59Z")),
        ),
        (
            Facts { consent: Consent::Given(at("2026-05-23T12:00:00Z")), ..well() },
            Condition::SignInAgain,
        ),
        (Facts { pauses: vec![quota], ..well() }, Condition::Paused(quota)),
        (
            Facts { pauses: vec![pause(Cause::Premium, "2026-11-23T13:00:00Z")], ..well() },
            Condition::NoPremium(at("2026-11-23T13:00:00Z")),
        ),
        (
            Facts { pauses: vec![pause(Cause::Endpoint, "2026-11-23T18:00:00Z")], ..well() },
            Condition::Forbidden(at("2026-11-23T18:00:00Z")),
        ),
        (Facts { artists: none, ..well() }, Condition::NoArtists),
        (Facts { artists: none, follows_read_at: None, ..well() }, Condition::FollowsUnread),
        (
            Facts { follows_doubt: Some("cut".into()), ..well() },
            Condition::FollowsInDoubt("cut".into()),
        ),
        (
            Facts { artists: Watched { overdue: 14, ..well().artists }, ..well() },
            Condition::Overdue(14),
        ),
        (
            Facts { artists: first, ..well() },
            Condition::FirstLook(FirstLook { done: 120, of: 300, last_day: 60 }),
        ),
    ] {
        assert_eq!(of(&facts), [expected]);
    }
}

#[test]
fn what_news_is_kept_back_by_comes_before_what_takes_time() {
    let artists = Watched { never_asked: 10, overdue: 2, ..well().artists };
    let facts = Facts {
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
            Condition::FirstLook(FirstLook { done: 290, of: 300, last_day: 0 }),
            Condition::Unsubscribed,
        ]
    );
}

#[test]
fn a_pause_of_a_minute_is_not_worth_a_word_and_the_owners_premium_beats_a_longer_one() {
    let short = pause(Cause::RateLimit, "2026-11-23T12:01:00Z");
    assert_eq!(of(&Facts { pauses: vec![short], ..well() }), [Condition::AllWell]);
    let premium = pause(Cause::Premium, "2026-11-23T12:30:00Z");
    let quota = pause(Cause::Quota, "2026-11-24T12:00:00Z");
    let facts = Facts { pauses: vec![quota, premium, short], ..well() };
    assert_eq!(of(&facts), [Condition::NoPremium(premium.until)]);
}

#[test]
fn the_first_look_takes_as_many_days_as_the_last_days_pace_needs() {
    let look = |done, last_day| FirstLook { done, of: 300, last_day }.days_left();
    assert_eq!(look(120, 60), Some(3));
    assert_eq!(look(121, 60), Some(3));
    assert_eq!(look(299, 60), Some(1));
    assert_eq!(look(0, 0), None);
}

fn facts() -> impl Strategy<Value = Facts> {
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
            Watched {
                all,
                never_asked: never % (all + 1),
                first_looks_last_day: last,
                overdue,
                oldest_check: None,
            }
        });
    let emails = (words(), words(), words(), address, any::<(bool, bool)>());
    (consent, emails, prop::collection::vec(pauses, 0..4), prop::option::of(moment()), artists)
        .prop_map(
            |(
                consent,
                (trouble, mail_trouble, follows_doubt, address, (is_subscribed, is_app_refused)),
                pauses,
                read,
                artists,
            )| {
                Facts {
                    consent,
                    trouble,
                    address,
                    is_subscribed,
                    mail_trouble,
                    pauses,
                    is_app_refused,
                    follows_pause: None,
                    follows_read_at: read,
                    follows_doubt,
                    artists,
                }
            },
        )
}

proptest! {
    #[test]
    fn something_is_always_said_the_gravest_first_and_all_well_only_alone(facts in facts()) {
        let conditions = judge(&facts, now());
        prop_assert!(!conditions.is_empty());
        prop_assert!(conditions.windows(2).all(|pair| pair[0].gravity() >= pair[1].gravity()));
        let well = conditions.contains(&Condition::AllWell);
        prop_assert!(!well || conditions.len() == 1);
        let can_get_emails = matches!(facts.consent, Consent::Given(_))
            && facts.address == Address::Confirmed
            && facts.is_subscribed
            && !facts.is_app_refused
            && facts.artists.all > 0;
        prop_assert!(!well || can_get_emails);
        for condition in conditions {
            if let Condition::FirstLook(look) = condition {
                prop_assert!(look.done < look.of);
                prop_assert!(look.days_left().is_none_or(|days| days > 0));
            }
        }
    }
}
