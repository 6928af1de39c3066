use jiff::civil::Date;

use super::artist::{Artist, is_catalogue_id};

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReleaseId(String);

impl ReleaseId {
    /// `None` if `raw` is not safe in a URL path.
    pub fn parse(raw: &str) -> Option<Self> {
        is_catalogue_id(raw).then(|| Self(raw.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Spotify's `album_type`. EPs are singles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseKind {
    Album,
    Single,
    Compilation,
}

impl ReleaseKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Album => "album",
            Self::Single => "single",
            Self::Compilation => "compilation",
        }
    }

    /// Unknown values count as albums, since those are requested.
    pub fn parse(raw: &str) -> Self {
        match raw.to_ascii_lowercase().as_str() {
            "single" => Self::Single,
            "compilation" => Self::Compilation,
            _ => Self::Album,
        }
    }
}

/// A release date with the precision that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseDate {
    Day(Date),
    /// Stored as the first day of the month.
    Month(Date),
    /// Stored as the first day of the year.
    Year(Date),
    /// Missing or invalid.
    Unknown,
}

impl ReleaseDate {
    /// Parses `1981`, `1981-12` or `1981-12-15`, at most as precisely as `precision` (`year`, `month`,
    /// `day`). Invalid dates are [`Self::Unknown`].
    pub fn parse(raw: &str, precision: Option<&str>) -> Self {
        let mut parts = raw.trim().splitn(3, '-');
        let Some(year) = parts.next().filter(|y| y.len() == 4).and_then(|y| y.parse().ok()) else {
            return Self::Unknown;
        };
        let month = parts.next().map(str::parse::<i8>);
        let day = parts.next().map(str::parse::<i8>);
        let (month, day) = match (month, day) {
            (Some(Err(_)), _) | (_, Some(Err(_))) => return Self::Unknown,
            (month, day) => (month.and_then(Result::ok), day.and_then(Result::ok)),
        };
        let Ok(date) = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)) else {
            return Self::Unknown;
        };
        match (month, day, precision) {
            (None, ..) | (.., Some("year")) => date.with().month(1).day(1).build().map(Self::Year),
            (_, None, _) | (.., Some("month")) => date.with().day(1).build().map(Self::Month),
            _ => Ok(Self::Day(date)),
        }
        .unwrap_or(Self::Unknown)
    }

    pub fn first_day(self) -> Option<Date> {
        match self {
            Self::Day(date) | Self::Month(date) | Self::Year(date) => Some(date),
            Self::Unknown => None,
        }
    }

    pub fn last_day(self) -> Option<Date> {
        match self {
            Self::Day(date) => Some(date),
            Self::Month(date) => Some(date.last_of_month()),
            Self::Year(date) => Some(date.last_of_year()),
            Self::Unknown => None,
        }
    }
}

/// In Spotify's format: `1981`, `1981-12`, `1981-12-15`, or empty.
impl std::fmt::Display for ReleaseDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(d) => write!(f, "{d}"),
            Self::Month(d) => write!(f, "{:04}-{:02}", d.year(), d.month()),
            Self::Year(d) => write!(f, "{:04}", d.year()),
            Self::Unknown => Ok(()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub id: ReleaseId,
    /// On one line, otherwise as supplied; empty after some take-downs.
    pub title: String,
    pub kind: ReleaseKind,
    /// In Spotify's order.
    pub artists: Vec<Artist>,
    pub date: ReleaseDate,
    pub tracks: Option<u32>,
    /// The URL of the cover, 300 px wide or the next larger one.
    pub cover: Option<String>,
    /// The URL of the release at Spotify.
    pub link: String,
}

impl Release {
    pub fn shown_title(&self) -> &str {
        if self.title.is_empty() { "(untitled)" } else { &self.title }
    }

    /// `Röyksopp, Robyn`.
    pub fn artist_line(&self) -> String {
        let names: Vec<&str> = self.artists.iter().map(|a| a.name.as_str()).collect();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn year_precision_never_becomes_a_day() {
        assert_eq!(ReleaseDate::parse("2011", Some("year")).to_string(), "2011");
        assert_eq!(ReleaseDate::parse("2011-01-01", Some("year")).to_string(), "2011");
        assert_eq!(ReleaseDate::parse("2011", Some("day")).to_string(), "2011");
        assert_eq!(
            ReleaseDate::parse("2011-02", None).last_day().unwrap().to_string(),
            "2011-02-28"
        );
    }

    #[test]
    fn absurd_date_is_unknown() {
        for raw in ["", "banana", "2026-13-01", "2026-02-30", "20260101", "99999", "2026-xx-01"] {
            assert_eq!(ReleaseDate::parse(raw, Some("day")), ReleaseDate::Unknown, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn date_round_trips_through_text(raw in "[0-9]{4}(-[01][0-9](-[0-3][0-9])?)?") {
            let date = ReleaseDate::parse(&raw, None);
            prop_assert_eq!(ReleaseDate::parse(&date.to_string(), None), date);
        }

        #[test]
        fn any_date_is_parsed_without_panic(raw in any::<String>(), precision in any::<Option<String>>()) {
            let date = ReleaseDate::parse(&raw, precision.as_deref());
            prop_assert!(date.first_day() <= date.last_day());
        }
    }
}
