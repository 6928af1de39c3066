//! How long a consent lasts, when to announce its end, and whether to believe that it has ended.
//!
//! Spotify ends every consent six months after it was given
//! (<https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration>) and then answers
//! `invalid_grant`. It has also done so for valid consents, for nearly all users at once
//! (<https://github.com/metabrainz/listenbrainz-server/pull/1921>), so consents are suspended during a mass
//! refusal.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

const LASTS_MONTHS: i32 = 6;

/// How long after the first refusal the account of a user who revoked the consent is deleted. Spotify's
/// Developer Terms allow five days (Appendix A, 5c: <https://developer.spotify.com/terms>).
pub const DELETION_DELAY: SignedDuration = SignedDuration::from_hours(4 * 24);

/// Refusals within this time are evaluated together, and a consent that ended within it can be restored.
pub const REVERSAL_WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// How long after a suspension a user's token is tried again.
pub const RETRY_INTERVAL: SignedDuration = SignedDuration::from_hours(2);

/// After this long a refusal is final, even during a mass refusal.
const REFUSAL_RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// So many refusals at once are normal: a couple who leave together.
const FEW: u64 = 2;

/// So is one in so many of all connected users.
const SHARE: u64 = 5;

/// How a consent ended, according to Spotify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Expired,
    Revoked,
    /// Not stated. Treated as expired: nothing is deleted on a guess.
    Unknown,
}

impl Ending {
    /// Parses the description that comes with `invalid_grant`
    /// (<https://github.com/felix-hilden/tekore/issues/349>).
    pub fn read(description: &str) -> Self {
        match description.trim().trim_end_matches('.').to_ascii_lowercase().as_str() {
            "refresh token expired" => Self::Expired,
            "refresh token revoked" => Self::Revoked,
            _ => Self::Unknown,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Expired, Self::Revoked, Self::Unknown].into_iter().find(|end| end.as_str() == raw)
    }
}

/// When a consent ends, by the calendar in UTC.
pub fn ends_at(authorized_at: Timestamp) -> Timestamp {
    let later = TimeZone::UTC.to_datetime(authorized_at).checked_add(LASTS_MONTHS.months());
    let later = later.and_then(|later| TimeZone::UTC.to_timestamp(later));
    later.unwrap_or(Timestamp::MAX)
}

/// How many days before a consent ends its user is reminded.
pub const REMINDER_DAYS: [i64; 3] = [30, 7, 1];

/// Which of [`REMINDER_DAYS`] is due: only the last one, even if earlier ones were missed.
pub fn reminder_due(authorized_at: Timestamp, now: Timestamp) -> Option<i64> {
    let left = ends_at(authorized_at).duration_since(now);
    let is_due = |days: &i64| left <= SignedDuration::from_hours(24 * days);
    REMINDER_DAYS.into_iter().rev().find(is_due).filter(|_| left > SignedDuration::ZERO)
}

/// An `invalid_grant` for a user's refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub authorized_at: Timestamp,
    /// The first refusal since the token last worked.
    pub since: Timestamp,
    /// Whether the consent is suspended already.
    pub is_held: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalCount {
    /// Users who were refused within the hour or are suspended.
    pub refused: u64,
    /// Users who are connected, or were until then.
    pub connected: u64,
}

impl RefusalCount {
    /// Whether Spotify is more likely wrong than so many users.
    pub fn is_anomalous(self) -> bool {
        self.refused > FEW && self.refused.saturating_mul(SHARE) > self.connected
    }

    /// Whether this is the first refusal in a while. Tokens are refreshed one by one, so all of them must be
    /// tried to notice a mass refusal.
    pub fn is_first_refusal(self) -> bool {
        self.refused == 1 && self.connected > FEW
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The consent has ended, but can be restored within an hour.
    Ended,
    /// Expired, or refused for a day.
    EndedForGood,
    /// Suspended because of a mass refusal.
    Suspended,
}

/// Evaluates a refusal that `refusals` already counts.
pub fn evaluate(refusal: Refusal, refusals: RefusalCount, now: Timestamp) -> Verdict {
    let is_over = now >= ends_at(refusal.authorized_at);
    if is_over || now.duration_since(refusal.since) >= REFUSAL_RETENTION {
        Verdict::EndedForGood
    } else if refusal.is_held || refusals.is_anomalous() {
        Verdict::Suspended
    } else {
        Verdict::Ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn at(raw: &str) -> Timestamp {
        raw.parse().unwrap()
    }

    #[test]
    fn consent_lasts_six_calendar_months() {
        for (given, over) in [
            ("2026-11-23T12:00:00Z", "2027-05-23T12:00:00Z"),
            ("2026-08-31T23:59:59Z", "2027-02-28T23:59:59Z"),
            ("2027-08-31T00:00:00Z", "2028-02-29T00:00:00Z"),
        ] {
            assert_eq!(ends_at(at(given)), at(over), "{given}");
        }
        assert_eq!(ends_at(Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn end_reason_comes_from_spotify_message() {
        assert_eq!(Ending::read("Refresh token expired"), Ending::Expired);
        assert_eq!(Ending::read(" refresh token REVOKED."), Ending::Revoked);
        for vague in ["", "Token has been expired or revoked", "revoked", "Invalid refresh token"] {
            assert_eq!(Ending::read(vague), Ending::Unknown, "{vague}");
        }
        for ending in [Ending::Expired, Ending::Revoked, Ending::Unknown] {
            assert_eq!(Ending::parse(ending.as_str()), Some(ending));
        }
    }

    #[test]
    fn reminders_are_due_month_week_and_day_before() {
        let given = at("2026-11-23T12:00:00Z");
        for (now, due) in [
            ("2026-11-23T12:00:00Z", None),
            ("2027-04-23T11:59:59Z", None),
            ("2027-04-23T12:00:00Z", Some(30)),
            ("2027-05-16T11:59:59Z", Some(30)),
            ("2027-05-16T12:00:00Z", Some(7)),
            ("2027-05-22T12:00:00Z", Some(1)),
            ("2027-05-23T11:59:59Z", Some(1)),
            ("2027-05-23T12:00:00Z", None),
        ] {
            assert_eq!(reminder_due(given, at(now)), due, "{now}");
        }
    }

    #[test]
    fn mass_refusal_needs_many_and_large_share() {
        for (refused, connected, odd) in [
            (1, 1, false),
            (2, 2, false),
            (3, 3, true),
            (3, 14, true),
            (3, 15, false),
            (5, 24, true),
            (200, 1000, false),
            (201, 1000, true),
        ] {
            assert_eq!(
                RefusalCount { refused, connected }.is_anomalous(),
                odd,
                "{refused} of {connected}"
            );
        }
    }

    #[test]
    fn refusal_ends_suspends_or_ends_after_a_day() {
        let now = at("2026-11-25T12:00:00Z");
        let (alone, many) =
            (RefusalCount { refused: 1, connected: 5 }, RefusalCount { refused: 4, connected: 5 });
        let refusal = |since: &str, is_held| Refusal {
            authorized_at: at("2026-11-01T00:00:00Z"),
            since: at(since),
            is_held,
        };
        let (just_now, a_day_ago) = ("2026-11-25T12:00:00Z", "2026-11-24T12:00:00Z");
        assert_eq!(evaluate(refusal(just_now, false), alone, now), Verdict::Ended);
        assert_eq!(evaluate(refusal(just_now, false), many, now), Verdict::Suspended);
        assert_eq!(evaluate(refusal("2026-11-24T12:00:01Z", true), alone, now), Verdict::Suspended);
        assert_eq!(evaluate(refusal(a_day_ago, true), many, now), Verdict::EndedForGood);
        let over =
            Refusal { authorized_at: at("2026-05-25T12:00:00Z"), since: now, is_held: false };
        assert_eq!(
            evaluate(over, many, now),
            Verdict::EndedForGood,
            "five who came on one evening"
        );
    }

    /// The reminders for checks at `times` (hours since the consent), each once, as the outbox ensures.
    fn told(given: Timestamp, times: &BTreeSet<i64>) -> Vec<(i64, i64)> {
        let mut told: Vec<(i64, i64)> = Vec::new();
        for hours in times {
            let now = given + SignedDuration::from_hours(*hours);
            if let Some(due) = reminder_due(given, now)
                && told.iter().all(|(_, before)| *before != due)
            {
                told.push((*hours, due));
            }
        }
        told
    }

    fn a_time() -> impl Strategy<Value = Timestamp> {
        (1_600_000_000_i64..2_000_000_000).prop_map(|s| Timestamp::from_second(s).unwrap())
    }

    proptest! {
        #[test]
        fn reminders_come_once_in_order_for_any_schedule(
            given in a_time(),
            times in proptest::collection::btree_set(0_i64..24 * 190, 0..60),
        ) {
            let told = told(given, &times);
            prop_assert!(told.windows(2).all(|pair| pair[0].1 > pair[1].1));
            prop_assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0), "one at a time");
            for (hours, reminder) in told {
                let left = ends_at(given)
                    .duration_since(given + SignedDuration::from_hours(hours))
                    .as_hours();
                prop_assert!((0..=24 * reminder).contains(&left));
            }
        }

        #[test]
        fn daily_runs_miss_no_reminder(given in a_time(), first in 0_i64..24) {
            let times: BTreeSet<i64> = (0..190).map(|day| first + 24 * day).collect();
            let told: Vec<i64> = told(given, &times).into_iter().map(|(_, r)| r).collect();
            // A day always has a check, since checks are never more than a day apart.
            prop_assert_eq!(told, REMINDER_DAYS);
        }

        #[test]
        fn new_sign_in_restarts_reminders(given in a_time(), days in 0_i64..151) {
            let now = given + SignedDuration::from_hours(24 * days);
            prop_assert_eq!(reminder_due(now, now), None);
        }

        #[test]
        fn few_refusals_are_never_a_mass_refusal(refused in any::<u64>(), connected in any::<u64>()) {
            let odd = RefusalCount { refused, connected }.is_anomalous();
            prop_assert!(!(odd && refused <= FEW));
            prop_assert!(!(odd && u128::from(refused) * 5 <= u128::from(connected)));
        }
    }
}
