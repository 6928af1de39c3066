//! When a user's emails are sent: at once, or as a digest.
//!
//! A digest is named after its day in the user's time zone, and each name is used once. So neither a restart
//! nor a clock change nor daylight saving time can send it twice. Pending news goes out with the next digest,
//! whatever its name, so none is lost.

use std::fmt;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// The longest wait for a digest: a week, a day for a clock that was ahead, and the difference between time
/// zones.
pub const MAX_WAIT: SignedDuration = SignedDuration::from_hours(10 * 24);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestFrequency {
    AtOnce,
    Daily,
    Weekly(Weekday),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestSchedule {
    pub frequency: DigestFrequency,
    /// 0 to 23.
    pub hour: i8,
    pub zone: TimeZone,
}

impl DigestFrequency {
    pub fn is_digest(self) -> bool {
        self != Self::AtOnce
    }

    fn has(self, day: Date) -> bool {
        match self {
            Self::AtOnce => false,
            Self::Daily => true,
            Self::Weekly(weekday) => day.weekday() == weekday,
        }
    }
}

/// The name of one digest: `daily:2026-11-27`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    frequency: DigestFrequency,
    day: Date,
}

impl Key {
    /// Parses the output of `Display`.
    pub fn parse(raw: &str) -> Option<Self> {
        let (frequency, day) = raw.split_once(':')?;
        let day: Date = day.parse().ok()?;
        match frequency {
            "daily" => Some(Self { frequency: DigestFrequency::Daily, day }),
            "weekly" => Some(Self { frequency: DigestFrequency::Weekly(day.weekday()), day }),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.frequency {
            DigestFrequency::Weekly(_) => write!(f, "weekly:{}", self.day),
            DigestFrequency::Daily | DigestFrequency::AtOnce => write!(f, "daily:{}", self.day),
        }
    }
}

impl DigestSchedule {
    /// When news that is pending at `now` is sent; `last` is the digest that was sent last.
    pub fn next_send_time(&self, now: Timestamp, last: Option<Key>) -> Timestamp {
        if !self.frequency.is_digest() {
            return now;
        }
        let today = self.day_of(now);
        let last = self.believed(last, today);
        let days = std::iter::successors(today.yesterday().ok(), |day| day.tomorrow().ok());
        days.take(14)
            .filter(|day| self.frequency.has(*day) && last.is_none_or(|last| *day > last))
            .filter_map(|day| self.slot(day))
            .find(|at| *at > now)
            .unwrap_or(now + MAX_WAIT)
    }

    /// The digest that is due: the latest one whose time has come, unless it or a later one was sent. `None`
    /// if the user wants news at once.
    pub fn due(&self, now: Timestamp, last: Option<Key>) -> Option<Key> {
        let today = self.day_of(now);
        let days = std::iter::successors(today.tomorrow().ok(), |day| day.yesterday().ok());
        let came =
            |day: &Date| self.frequency.has(*day) && self.slot(*day).is_some_and(|at| at <= now);
        let day = days.take(14).find(came)?;
        let last = self.believed(last, today);
        last.is_none_or(|last| day > last).then_some(Key { frequency: self.frequency, day })
    }

    pub fn day_of(&self, now: Timestamp) -> Date {
        self.zone.to_datetime(now).date()
    }

    /// An hour skipped by daylight saving time falls right after the gap; of a repeated hour the first one
    /// counts.
    fn slot(&self, day: Date) -> Option<Timestamp> {
        self.zone.to_timestamp(day.at(self.hour, 0, 0, 0)).ok()
    }

    /// The day of the last digest, unless it is further ahead than time zones differ: then a wrong clock
    /// named it, and it must not block the user's digests.
    fn believed(&self, last: Option<Key>, today: Date) -> Option<Date> {
        last.map(|key| key.day).filter(|day| *day <= today.saturating_add(1.day()))
    }
}

#[cfg(test)]
mod tests;
