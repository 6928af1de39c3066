//! Times on pages: in the reader's zone, and for programs in a `<time>`.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::release::ReleaseDate;

/// A moment as a page shows it: `<time datetime="2026-11-23T12:00:00Z">23 November 2026, 13:00</time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    /// For programs.
    machine: String,
    /// For users.
    shown: String,
}

impl When {
    /// The day and the hour, in `zone`.
    pub(super) fn exact(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, zone, "%-d %B %Y, %H:%M")
    }

    /// The day of the week as well, in `zone`: when somebody's email leaves.
    pub(super) fn of_email(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, zone, "%A, %-d %B %Y, at %H:%M")
    }

    /// The day, in `zone`.
    pub(super) fn day(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, zone, "%-d %B %Y")
    }

    /// A day that is the same everywhere, such as that of a release.
    pub(super) fn date(date: Date) -> Self {
        Self::civil(date, "%Y-%m-%d", "%-d %B %Y")
    }

    /// The month of a day.
    pub(super) fn month(date: Date) -> Self {
        Self::civil(date, "%Y-%m", "%B %Y")
    }

    /// When something came out, no more precisely than that is known.
    pub(super) fn released(date: ReleaseDate) -> Option<Self> {
        match date {
            ReleaseDate::Day(date) => Some(Self::date(date)),
            ReleaseDate::Month(date) => Some(Self::month(date)),
            ReleaseDate::Year(date) => Some(Self::civil(date, "%Y", "%Y")),
            ReleaseDate::Unknown => None,
        }
    }

    fn civil(date: Date, machine: &str, shown: &str) -> Self {
        let write = |format: &str| date.strftime(format).to_string();
        Self { machine: write(machine), shown: write(shown) }
    }

    fn new(at: Timestamp, zone: &TimeZone, format: &str) -> Self {
        let shown = zone.to_datetime(at).strftime(format).to_string();
        Self { machine: format!("{at:.0}"), shown }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<time datetime="{}">{}</time>"#, self.machine, self.shown)
    }
}

// Digits, names of months and marks between them: nothing of it comes from anybody.
impl HtmlSafe for When {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_the_readers_zone_and_told_to_programs_in_utc() {
        let at: Timestamp = "2026-11-23T23:30:00.123Z".parse().unwrap();
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let exact = When::exact(at, &tokyo).to_string();
        assert_eq!(
            exact,
            r#"<time datetime="2026-11-23T23:30:00Z">24 November 2026, 08:30</time>"#
        );
        let day = When::day(at, &TimeZone::UTC).to_string();
        assert_eq!(day, r#"<time datetime="2026-11-23T23:30:00Z">23 November 2026</time>"#);
        let date = When::date(jiff::civil::date(2026, 1, 2)).to_string();
        assert_eq!(date, r#"<time datetime="2026-01-02">2 January 2026</time>"#);
    }

    #[test]
    fn a_year_is_shown_as_a_year_and_a_month_as_a_month() {
        let released =
            |raw| When::released(ReleaseDate::parse(raw, None)).map(|when| when.to_string());
        let expected = [
            ("2026-01-02", Some(r#"<time datetime="2026-01-02">2 January 2026</time>"#)),
            ("1981-12", Some(r#"<time datetime="1981-12">December 1981</time>"#)),
            ("1981", Some(r#"<time datetime="1981">1981</time>"#)),
            ("", None),
        ];
        for (raw, shown) in expected {
            assert_eq!(released(raw).as_deref(), shown, "{raw}");
        }
    }
}
