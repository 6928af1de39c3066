//! Times on pages: in the reader's zone, and for programs in a `<time>`.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A moment as a page shows it: `<time datetime="2026-11-23T12:00:00Z">23 November 2026, 13:00</time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    /// For programs.
    machine: String,
    /// For people.
    shown: String,
}

impl When {
    /// The day and the hour, in `zone`.
    pub(super) fn exact(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, zone, "%-d %B %Y, %H:%M")
    }

    /// The day, in `zone`.
    pub(super) fn day(at: Timestamp, zone: &TimeZone) -> Self {
        Self::new(at, zone, "%-d %B %Y")
    }

    /// A day that is the same everywhere, such as that of a release.
    pub(super) fn date(date: Date) -> Self {
        let (machine, shown) = (date.to_string(), date.strftime("%-d %B %Y").to_string());
        Self { machine, shown }
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
}
