//! How long a consent lasts, when to speak of its end, and whether to believe that it has ended.
//!
//! Spotify ends every consent six months after it was given
//! (<https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration>), and says
//! `invalid_grant` then. It has said so of consents that were good, too, of nearly everybody's at
//! once (<https://github.com/metabrainz/listenbrainz-server/pull/1921>): hence the brake.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Calendar months that a consent lasts.
const LASTS_MONTHS: i32 = 6;

/// What is known of somebody who has taken their consent back is deleted this long after Spotify
/// first said so. Its Developer Terms allow five days (Appendix A, 5c:
/// <https://developer.spotify.com/terms>).
pub const DELETION_DELAY: SignedDuration = SignedDuration::from_hours(4 * 24);

/// Refusals within this time of one another are looked at together. An end that nobody has
/// believed for so long yet can be taken back.
pub const REVERSAL_WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Whoever is held by the brake is tried again after this long.
pub const RETRY_INTERVAL: SignedDuration = SignedDuration::from_hours(2);

/// Whoever is refused for this long is believed to be refused, brake or not.
const CONFIRMED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// So many users can lose their consents at once without looking odd: a couple who leave together.
const FEW: u64 = 2;

/// One in so many of all the users can, as well.
const SHARE: u64 = 5;

/// How a consent ended, in Spotify's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its time was over.
    Expired,
    /// The user took it back.
    Revoked,
    /// Spotify did not say. Counts as expired: nothing is deleted on a guess.
    Unknown,
}

impl Ending {
    /// Reads what the token endpoint said beside `invalid_grant`
    /// (<https://github.com/felix-hilden/tekore/issues/349>).
    pub fn read(description: &str) -> Self {
        match description.trim().trim_end_matches('.').to_ascii_lowercase().as_str() {
            "refresh token expired" => Self::Expired,
            "refresh token revoked" => Self::Revoked,
            _ => Self::Unknown,
        }
    }

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word in the database.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Expired, Self::Revoked, Self::Unknown].into_iter().find(|end| end.as_str() == raw)
    }
}

/// When a consent that was given at `authorized_at` is over, by the calendar in UTC.
pub fn ends_at(authorized_at: Timestamp) -> Timestamp {
    let later = TimeZone::UTC.to_datetime(authorized_at).checked_add(LASTS_MONTHS.months());
    let later = later.and_then(|later| TimeZone::UTC.to_timestamp(later));
    later.unwrap_or(Timestamp::MAX)
}

/// An email that says ahead of time that a consent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reminder {
    /// 30 days ahead.
    Month,
    /// 7 days ahead.
    Week,
    /// A day ahead.
    Day,
}

impl Reminder {
    /// Every reminder, in the order in which they come.
    pub const ALL: [Self; 3] = [Self::Month, Self::Week, Self::Day];

    /// How many days ahead.
    pub fn days(self) -> i64 {
        match self {
            Self::Month => 30,
            Self::Week => 7,
            Self::Day => 1,
        }
    }
}

/// Which reminder of a consent is due: only the nearest, however many were slept through.
pub fn reminder_due(authorized_at: Timestamp, now: Timestamp) -> Option<Reminder> {
    let left = ends_at(authorized_at).duration_since(now);
    if left <= SignedDuration::ZERO {
        return None;
    }
    let is_due = |reminder: &Reminder| left <= SignedDuration::from_hours(24 * reminder.days());
    Reminder::ALL.into_iter().rev().find(is_due)
}

/// A refusal: `invalid_grant` for somebody's refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// When the consent was given.
    pub authorized_at: Timestamp,
    /// When the first refusal came, where none was taken back since.
    pub since: Timestamp,
    /// Whether the brake holds the consent already.
    pub is_held: bool,
}

/// How many users are refused at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// Who was refused within the hour, or is held by the brake.
    pub refused: u64,
    /// Who is connected, or was until then.
    pub connected: u64,
}

impl Crowd {
    /// Whether so many are refused at once that Spotify is more likely wrong than they are.
    pub fn is_anomalous(self) -> bool {
        self.refused > FEW && self.refused.saturating_mul(SHARE) > self.connected
    }

    /// Whether this is the first refusal in a while. Refusals are met one by one, as tokens happen to be
    /// refreshed: everybody's must be tried for a crowd to be seen.
    pub fn is_the_first_of_many(self) -> bool {
        self.refused == 1 && self.connected > FEW
    }
}

/// What to make of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The consent has ended. That can be taken back for an hour.
    Ended,
    /// The consent has ended for good: its time is over, or it was refused for a day.
    EndedForGood,
    /// The brake holds it: nobody's consent ends now.
    Suspended,
}

/// What to make of a refusal, with the refused user counted in `crowd`.
pub fn evaluate(refusal: Refusal, crowd: Crowd, now: Timestamp) -> Verdict {
    let is_over = now >= ends_at(refusal.authorized_at);
    if is_over || now.duration_since(refusal.since) >= CONFIRMED_AFTER {
        Verdict::EndedForGood
    } else if refusal.is_held || crowd.is_anomalous() {
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
    fn six_months_are_those_of_the_calendar() {
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
    fn an_ending_is_what_spotify_says_and_no_guess() {
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
    fn reminders_come_a_month_a_week_and_a_day_ahead() {
        let given = at("2026-11-23T12:00:00Z");
        for (now, due) in [
            ("2026-11-23T12:00:00Z", None),
            ("2027-04-23T11:59:59Z", None),
            ("2027-04-23T12:00:00Z", Some(Reminder::Month)),
            ("2027-05-16T11:59:59Z", Some(Reminder::Month)),
            ("2027-05-16T12:00:00Z", Some(Reminder::Week)),
            ("2027-05-22T12:00:00Z", Some(Reminder::Day)),
            ("2027-05-23T11:59:59Z", Some(Reminder::Day)),
            ("2027-05-23T12:00:00Z", None),
        ] {
            assert_eq!(reminder_due(given, at(now)), due, "{now}");
        }
    }

    #[test]
    fn the_brake_trips_for_many_and_for_a_large_share_only() {
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
                Crowd { refused, connected }.is_anomalous(),
                odd,
                "{refused} of {connected}"
            );
        }
    }

    #[test]
    fn a_refusal_is_believed_at_once_held_or_believed_after_a_day() {
        let now = at("2026-11-25T12:00:00Z");
        let (alone, many) =
            (Crowd { refused: 1, connected: 5 }, Crowd { refused: 4, connected: 5 });
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

    /// What a user is told over a life of wake-ups at `times` (hours since the consent), each
    /// reminder once, as the outbox sees to it.
    fn told(given: Timestamp, times: &BTreeSet<i64>) -> Vec<(i64, Reminder)> {
        let mut told: Vec<(i64, Reminder)> = Vec::new();
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
        fn whatever_the_wake_ups_reminders_come_in_order_each_once_and_in_its_time(
            given in a_time(),
            times in proptest::collection::btree_set(0_i64..24 * 190, 0..60),
        ) {
            let told = told(given, &times);
            prop_assert!(told.windows(2).all(|pair| pair[0].1 < pair[1].1));
            prop_assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0), "one at a time");
            for (hours, reminder) in told {
                let left = ends_at(given)
                    .duration_since(given + SignedDuration::from_hours(hours))
                    .as_hours();
                prop_assert!((0..=24 * reminder.days()).contains(&left));
            }
        }

        #[test]
        fn who_wakes_up_every_day_misses_none(given in a_time(), first in 0_i64..24) {
            let times: BTreeSet<i64> = (0..190).map(|day| first + 24 * day).collect();
            let told: Vec<Reminder> = told(given, &times).into_iter().map(|(_, r)| r).collect();
            // The last day may fall between two wake-ups that are a whole day apart, never longer.
            prop_assert_eq!(told, Reminder::ALL);
        }

        #[test]
        fn signing_in_again_starts_anew(given in a_time(), days in 0_i64..151) {
            let now = given + SignedDuration::from_hours(24 * days);
            prop_assert_eq!(reminder_due(now, now), None);
        }

        #[test]
        fn few_or_a_small_share_never_trip_the_brake(refused in any::<u64>(), connected in any::<u64>()) {
            let odd = Crowd { refused, connected }.is_anomalous();
            prop_assert!(!(odd && refused <= FEW));
            prop_assert!(!(odd && u128::from(refused) * 5 <= u128::from(connected)));
        }
    }
}
