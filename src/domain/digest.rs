//! When a user's emails leave: at once, or on days and at an hour of their own.
//!
//! A digest is named after the day that it is for, in the user's zone. Since there is one of each
//! name at most, neither a restart nor a clock that is set back nor daylight saving can double it;
//! and since what is owed leaves with the next one, whatever its name, none can drop anything.

use std::fmt;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// No digest is further away: a week, and a day that a clock was ahead, and the hours by which zones differ.
pub const MAX_WAIT: SignedDuration = SignedDuration::from_hours(10 * 24);

/// How often a user wants emails with news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestFrequency {
    /// As soon as there is something.
    AtOnce,
    /// Once a day.
    Daily,
    /// Once a week, on this day.
    Weekly(Weekday),
}

/// When emails with news leave, in a user's own time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestSchedule {
    /// How often.
    pub frequency: DigestFrequency,
    /// The hour of a digest, 0 to 23.
    pub hour: i8,
    /// Where the user is.
    pub zone: TimeZone,
}

impl DigestFrequency {
    /// Whether news is gathered for a day of its own.
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
    /// Reads what `Display` wrote.
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
    /// When news that is owed at `now` leaves, where `last` names the digest that was sent last.
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

    /// The digest that is due at `now`: the one of the last day and hour that came, unless it or a
    /// later one was sent. `None` for those who want news at once.
    pub fn due(&self, now: Timestamp, last: Option<Key>) -> Option<Key> {
        let today = self.day_of(now);
        let days = std::iter::successors(today.tomorrow().ok(), |day| day.yesterday().ok());
        let came =
            |day: &Date| self.frequency.has(*day) && self.slot(*day).is_some_and(|at| at <= now);
        let day = days.take(14).find(came)?;
        let last = self.believed(last, today);
        last.is_none_or(|last| day > last).then_some(Key { frequency: self.frequency, day })
    }

    /// The day that it is where the user is.
    pub fn day_of(&self, now: Timestamp) -> Date {
        self.zone.to_datetime(now).date()
    }

    /// An hour that a spring skips comes right after the gap; one that an autumn repeats counts when
    /// it first comes.
    fn slot(&self, day: Date) -> Option<Timestamp> {
        self.zone.to_timestamp(day.at(self.hour, 0, 0, 0)).ok()
    }

    /// The day of the digest sent last. One that lies ahead by more than zones differ was named by a
    /// wrong clock, and must not silence a user until then.
    fn believed(&self, last: Option<Key>, today: Date) -> Option<Date> {
        last.map(|key| key.day).filter(|day| *day <= today.saturating_add(1.day()))
    }
}

#[cfg(test)]
mod tests;
