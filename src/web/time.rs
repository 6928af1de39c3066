//! Times on pages, in the user's time zone, as `<time>` elements.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::release::ReleaseDate;

/// `<time datetime="2026-11-23T12:00:00Z">23 November 2026, 13:00</time>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DisplayTime {
    machine: String,
    shown: String,
}

impl DisplayTime {
    /// Day and time, in `zone`.
    pub(super) fn exact(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, zone, "%-d %B %Y, %H:%M")
    }

    /// Weekday, day and time, in `zone`.
    pub(super) fn of_email(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, zone, "%A, %-d %B %Y, at %H:%M")
    }

    pub(super) fn day(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, zone, "%-d %B %Y")
    }

    /// A day without a time zone, such as a release date.
    pub(super) fn date(date: Date) -> Self {
        Self::civil(date, "%Y-%m-%d", "%-d %B %Y")
    }

    pub(super) fn month(date: Date) -> Self {
        Self::civil(date, "%Y-%m", "%B %Y")
    }

    /// A release date, as precise as it is known.
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

impl fmt::Display for DisplayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<time datetime="{}">{}</time>"#, self.machine, self.shown)
    }
}

// It consists of digits, month names and punctuation only.
impl HtmlSafe for DisplayTime {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shown_in_user_zone_and_marked_up_in_utc() {
        let at: Timestamp = "2026-11-23T23:30:00.123Z".parse().unwrap();
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let exact = DisplayTime::exact(at, &tokyo).to_string();
        assert_eq!(
            exact,
            r#"<time datetime="2026-11-23T23:30:00Z">24 November 2026, 08:30</time>"#
        );
        let day = DisplayTime::day(at, &TimeZone::UTC).to_string();
        assert_eq!(day, r#"<time datetime="2026-11-23T23:30:00Z">23 November 2026</time>"#);
        let date = DisplayTime::date(jiff::civil::date(2026, 1, 2)).to_string();
        assert_eq!(date, r#"<time datetime="2026-01-02">2 January 2026</time>"#);
    }

    #[test]
    fn partial_dates_are_shown_as_precise_as_known() {
        let released =
            |raw| DisplayTime::released(ReleaseDate::parse(raw, None)).map(|when| when.to_string());
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
