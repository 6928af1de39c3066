//! Time measured in releases: most of a week's releases come out on its Friday.

use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The share of a week's releases per day, Monday first. Friday had 78 % of 1,600 albums by 324 artists since
/// 2016, the other days 1 to 6 % each (own sample, November 2026).
const SHARES: [f64; 7] = [0.03, 0.03, 0.05, 0.05, 0.78, 0.03, 0.03];

/// The share of a day's releases that is available when the day begins. Labels deliver the rest late.
const AT_MIDNIGHT: f64 = 0.85;

/// How long after midnight a market's releases are complete.
pub const SETTLES_IN: SignedDuration = SignedDuration::from_mins(15);

/// A Monday, from which weeks are counted.
const EPOCH: Date = date(2000, 1, 3);

/// Where the release day begins. Spotify shows a release market by market, at local midnight
/// (<https://github.com/jakubito/spotify-release-list/issues/6>), and no longer says which market a user is
/// in.
#[derive(Debug, Clone)]
pub enum Market {
    /// Any market: a day begins over the course of 26 hours, first at UTC+14.
    Unknown,
    In(TimeZone),
}

impl Market {
    /// The weeks of releases between two times: 1.0 for any seven days.
    pub fn exposure(&self, from: Timestamp, to: Timestamp) -> f64 {
        (self.weeks(to) - self.weeks(from)).max(0.0)
    }

    /// When the current release day began; `None` if the market is unknown.
    pub fn day_began(&self, now: Timestamp) -> Option<Timestamp> {
        let Self::In(zone) = self else { return None };
        let day = zone.to_datetime(now - SETTLES_IN).date();
        Some(zone.to_timestamp(midnight(day)).ok()? + SETTLES_IN)
    }

    /// Whether the next release day is a Friday.
    pub fn is_friday_next(&self, now: Timestamp) -> bool {
        match self {
            Self::Unknown => false,
            Self::In(zone) => zone.to_datetime(now - SETTLES_IN).weekday() == Weekday::Thursday,
        }
    }

    /// Weeks of releases since [`EPOCH`].
    fn weeks(&self, at: Timestamp) -> f64 {
        match self {
            Self::In(zone) => {
                let local = zone.to_datetime(at - SETTLES_IN);
                let gone = hours(local) / 24.0;
                before(local.date())
                    + share(local.date()) * (AT_MIDNIGHT + (1.0 - AT_MIDNIGHT) * gone)
            }
            Self::Unknown => {
                let utc = TimeZone::UTC.to_datetime(at);
                let (day, hour) = (utc.date(), hours(utc));
                let tomorrow = day.tomorrow().unwrap_or(day);
                let continued = |since: f64| (since / 26.0).clamp(0.0, 1.0);
                before(day)
                    + share(day) * continued(hour + 14.0)
                    + share(tomorrow) * continued(hour - 10.0)
            }
        }
    }
}

fn midnight(day: Date) -> DateTime {
    day.to_datetime(jiff::civil::Time::midnight())
}

fn hours(at: DateTime) -> f64 {
    f64::from(at.hour()) + f64::from(at.minute()) / 60.0 + f64::from(at.second()) / 3600.0
}

/// Weeks of releases before `day`.
fn before(day: Date) -> f64 {
    let days = day.duration_since(EPOCH).as_hours().div_euclid(24);
    let in_week = usize::try_from(days.rem_euclid(7)).unwrap_or(0);
    days.div_euclid(7) as f64 + SHARES[..in_week].iter().sum::<f64>()
}

fn share(day: Date) -> f64 {
    SHARES[usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn berlin() -> Market {
        Market::In(TimeZone::get("Europe/Berlin").unwrap())
    }

    #[test]
    fn friday_outweighs_rest_of_week() {
        let thursday_to_friday =
            berlin().exposure(at("2026-11-26T12:00:00Z"), at("2026-11-27T12:00:00Z"));
        let saturday_to_thursday =
            berlin().exposure(at("2026-11-28T12:00:00Z"), at("2026-12-03T12:00:00Z"));
        assert!(thursday_to_friday > 0.7, "{thursday_to_friday}");
        assert!(saturday_to_thursday < 0.3, "{saturday_to_thursday}");
    }

    #[test]
    fn release_day_starts_at_market_midnight_or_utc_plus_14() {
        let before = at("2026-11-26T22:59:00Z");
        assert!(berlin().exposure(before, at("2026-11-26T23:16:00Z")) > 0.6);
        assert!(berlin().exposure(before, at("2026-11-26T23:14:00Z")) < 0.01);
        let thursday = at("2026-11-26T09:59:00Z");
        assert!(Market::Unknown.exposure(thursday, at("2026-11-26T11:00:00Z")) > 0.02);
        assert!(Market::Unknown.exposure(thursday, at("2026-11-27T12:00:00Z")) > 0.78);
    }

    #[test]
    fn market_days_respect_daylight_saving_time() {
        let now = at("2026-11-26T23:15:00Z");
        assert_eq!(berlin().day_began(now), Some(now));
        assert!(
            berlin().is_friday_next(at("2026-11-26T12:00:00Z")) && !berlin().is_friday_next(now)
        );
        let spring = at("2026-03-28T23:15:00Z");
        assert_eq!(
            berlin().day_began(at("2026-03-29T22:15:00Z")),
            Some(at("2026-03-29T22:15:00Z"))
        );
        assert_eq!(berlin().day_began(at("2026-03-29T22:14:00Z")), Some(spring));
        assert_eq!(Market::Unknown.day_began(now), None);
    }

    proptest! {
        #[test]
        fn exposure_never_decreases(start in 0i64..2_000_000_000, step in 0i64..2_000_000) {
            let from = Timestamp::from_second(start).unwrap();
            let zone = TimeZone::get("America/New_York").unwrap();
            for market in [Market::Unknown, Market::In(zone)] {
                let later = from + SignedDuration::from_secs(step);
                // The hour repeated in autumn counts twice.
                prop_assert!(market.weeks(later) + 0.01 >= market.weeks(from));
                prop_assert!(market.exposure(from, later) >= 0.0);
            }
        }

        #[test]
        fn week_has_same_exposure_whenever_it_starts(start in 0i64..2_000_000_000) {
            let from = Timestamp::from_second(start).unwrap();
            for market in [Market::Unknown, Market::In(TimeZone::UTC)] {
                let week = market.exposure(from, from + SignedDuration::from_hours(7 * 24));
                prop_assert!((week - 1.0).abs() < 1e-9, "{week}");
            }
        }
    }
}
