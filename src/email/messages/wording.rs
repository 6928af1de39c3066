//! Names, dates and links as an email words them.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::domain::detection::is_too_far_ahead;
use crate::domain::release::ReleaseDate;
use crate::domain::text::one_line;
pub(super) use crate::domain::text::shortened;

/// Days after which an album that is new here must be old elsewhere.
const LONG_AGO: i32 = 180;

/// The first few of some names, and how many there are besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) shown: Vec<String>,
    pub(super) more: usize,
}

impl Names {
    /// As many whole names as fit into `room` characters, never fewer than one (cut, if it must).
    pub(super) fn fitting<'a>(names: impl IntoIterator<Item = &'a str>, room: usize) -> Self {
        let mut all: Vec<String> = Vec::new();
        for name in names.into_iter().map(one_line).filter(|n| !n.is_empty()) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let mut used = 0;
        let fit = all.iter().take_while(|name| {
            used += name.chars().count() + ", ".len();
            used <= room + ", ".len()
        });
        let shown = fit.count().max(1).min(all.len());
        let more = all.len() - shown;
        all.truncate(shown);
        if let [only] = all.as_mut_slice() {
            *only = shortened(only, room);
        }
        Self { shown: all, more }
    }

    /// Whether there is no name at all.
    pub(super) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// As [`Self`] prints itself, for the middle of a text: no name turns its neighbours around.
    pub(super) fn in_text(&self) -> String {
        let shown = self.shown.iter().map(|name| isolated(name)).collect();
        Self { shown, more: self.more }.to_string()
    }
}

/// `A, B and 2 more`.
impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown.join(", "))?;
        if self.more > 0 { write!(f, " and {} more", self.more) } else { Ok(()) }
    }
}

/// `name` between Unicode's marks of isolation, where it is written from right to left; HTML has
/// `<bdi>` for that.
pub(super) fn isolated(name: &str) -> String {
    if name.chars().any(is_right_to_left) {
        format!("\u{2068}{name}\u{2069}")
    } else {
        name.to_owned()
    }
}

/// The blocks of Unicode whose letters run from right to left, and the marks that say so
/// (<https://www.unicode.org/reports/tr9/#Bidirectional_Character_Types>).
fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// `Released today, 23 November 2026`, as precisely as the date is known; `None` if it is not, or
/// absurd.
pub(super) fn when(date: ReleaseDate, today: Date) -> Option<String> {
    if is_too_far_ahead(date, today) {
        return None;
    }
    let (first, last) = (date.first_day()?, date.last_day()?);
    let at = match date {
        ReleaseDate::Day(day) => format!("on {}", recent_day(day, today)),
        ReleaseDate::Month(day) => format!("in {}", day.strftime("%B %Y")),
        ReleaseDate::Year(day) => format!("in {}", day.strftime("%Y")),
        ReleaseDate::Unknown => return None,
    };
    Some(match date {
        ReleaseDate::Day(day) if day == today => format!("Released today, {}", long_day(day)),
        _ if first > today => format!("Comes out {at}"),
        _ if last < today.saturating_sub(LONG_AGO.days()) => {
            format!("Added to Spotify, first released {at}")
        }
        _ => format!("Released {at}"),
    })
}

/// `Friday, 20 November 2026`, without the weekday if that is more than a week away.
fn recent_day(day: Date, today: Date) -> String {
    let away = (today - day).get_days().abs();
    if away < 7 { day.strftime("%A, %-d %B %Y").to_string() } else { long_day(day) }
}

/// `23 November 2026`.
pub(super) fn long_day(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// A day of the past, after `since`: `today`, `yesterday`, `Friday`, `6 November`, `6 November 2025`.
pub(super) fn past_day(day: Date, today: Date) -> String {
    match (today - day).get_days() {
        i32::MIN..=0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        2..=6 => day.strftime("%A").to_string(),
        _ if day.year() == today.year() => day.strftime("%-d %B").to_string(),
        _ => long_day(day),
    }
}

/// `1 artist`, `312 artists`, `10,400 artists`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `10,400`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(String::from_utf8_lossy).collect::<Vec<_>>().join(",")
}

/// `raw` if it is an `http(s)` address, in the form in which it can stand in a text on one line.
pub(super) fn web_address(raw: &str) -> Option<String> {
    let address = url::Url::parse(raw).ok()?;
    matches!(address.scheme(), "http" | "https").then(|| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn date_is_shown_with_known_precision() {
        let today = date(2026, 11, 23);
        let told = |raw: &str| when(ReleaseDate::parse(raw, None), today).unwrap_or_default();
        assert_eq!(told("2026-11-23"), "Released today, 23 November 2026");
        assert_eq!(told("2026-11-20"), "Released on Friday, 20 November 2026");
        assert_eq!(told("2026-11-06"), "Released on 6 November 2026");
        assert_eq!(told("2026-11-28"), "Comes out on Saturday, 28 November 2026");
        assert_eq!(told("2026-11"), "Released in November 2026");
        assert_eq!(told("2026-10"), "Released in October 2026");
        assert_eq!(told("2027-01"), "Comes out in January 2027");
        assert_eq!(told("2026"), "Released in 2026");
        assert_eq!(told("banana"), "");
    }

    #[test]
    fn old_release_is_described_as_added() {
        let today = date(2026, 11, 23);
        let told = |raw: &str| when(ReleaseDate::parse(raw, None), today).unwrap_or_default();
        assert_eq!(told("1994"), "Added to Spotify, first released in 1994");
        assert_eq!(told("2025-03"), "Added to Spotify, first released in March 2025");
        assert_eq!(told("1981-12-15"), "Added to Spotify, first released on 15 December 1981");
    }

    #[test]
    fn past_day_is_described_relatively() {
        let told = |day| past_day(day, date(2026, 1, 8));
        assert_eq!(told(date(2026, 1, 8)), "today");
        assert_eq!(told(date(2026, 1, 7)), "yesterday");
        assert_eq!(told(date(2026, 1, 2)), "Friday");
        assert_eq!(told(date(2026, 1, 1)), "1 January");
        assert_eq!(told(date(2025, 12, 24)), "24 December 2025");
    }

    #[test]
    fn name_list_is_cut_between_names() {
        let told = |names: &[&str], room| Names::fitting(names.iter().copied(), room).to_string();
        assert_eq!(told(&["Air", "Moby", "Air"], 20), "Air, Moby");
        assert_eq!(told(&["Air", "Moby", "Kraftwerk"], 10), "Air, Moby and 1 more");
        assert_eq!(told(&["Godspeed You! Black Emperor", "Air"], 16), "Godspeed You!… and 1 more");
        assert_eq!(told(&[], 10), "");
    }

    #[test]
    fn right_to_left_name_does_not_affect_neighbours() {
        let names = Names::fitting(["Air", "אביב גפן"], 40);
        assert_eq!(names.in_text(), "Air, \u{2068}אביב גפן\u{2069}");
    }

    #[test]
    fn numbers_are_counted_and_grouped() {
        assert_eq!(counted(1, "artist", "artists"), "1 artist");
        assert_eq!(counted(0, "artist", "artists"), "0 artists");
        assert_eq!(counted(1_010_400, "artist", "artists"), "1,010,400 artists");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(web_address("javascript:alert(1)"), None);
        assert_eq!(web_address("no address"), None);
        let odd = web_address("https://open.spotify.com/album/a b\r\n\"x");
        assert_eq!(odd.as_deref(), Some("https://open.spotify.com/album/a%20b%22x"));
    }
}
