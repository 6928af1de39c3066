//! Names, dates and links as a letter words them.

use jiff::civil::Date;

use crate::domain::detection::is_absurd;
use crate::domain::release::{Release, ReleaseDate, ReleaseKind};
use crate::domain::text::one_line;

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
}

/// `A, B and 2 more`.
impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown.join(", "))?;
        if self.more > 0 { write!(f, " and {} more", self.more) } else { Ok(()) }
    }
}

/// `text` in at most `room` characters, cut between words where one can, with an ellipsis.
pub(super) fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    let between_words = kept.rfind(' ').filter(|at| *at > kept.len() / 2);
    // A joiner at the cut would pull the ellipsis into an emoji.
    let kept = kept[..between_words.unwrap_or(kept.len())].trim_end_matches([' ', '\u{200d}']);
    format!("{kept}…")
}

/// `out today, 23 November 2026`, as precisely as the date is known; `None` if it is not, or absurd.
pub(super) fn when(date: ReleaseDate, today: Date) -> Option<String> {
    if is_absurd(date, today) {
        return None;
    }
    let (first, last) = (date.first_day()?, date.last_day()?);
    let shown = match date {
        ReleaseDate::Day(d) => d.strftime("%-d %B %Y").to_string(),
        ReleaseDate::Month(d) => d.strftime("%B %Y").to_string(),
        ReleaseDate::Year(d) => d.strftime("%Y").to_string(),
        ReleaseDate::Unknown => return None,
    };
    Some(match date {
        ReleaseDate::Day(day) if day == today => format!("out today, {shown}"),
        ReleaseDate::Day(day) if day > today => format!("comes out on {shown}"),
        _ if last < today => format!("out since {shown}"),
        _ if first > today => format!("comes out in {shown}"),
        _ => format!("out in {shown}"),
    })
}

/// `23 November 2026`.
pub(super) fn long_day(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// `text` in lines of at most `width` characters, broken at spaces; a longer word has a line to
/// itself.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let (mut lines, mut used) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match used {
            0 => {}
            _ if used + 1 + length > width => {
                lines.push('\n');
                used = 0;
            }
            _ => {
                lines.push(' ');
                used += 1;
            }
        }
        lines.push_str(word);
        used += length;
    }
    lines
}

/// What a release is to a reader. Spotify lists EPs among the singles; one track makes no EP.
pub(super) fn kind(release: &Release) -> &'static str {
    match (release.kind, release.tracks) {
        (ReleaseKind::Album, _) => "album",
        (ReleaseKind::Single, Some(1)) => "single",
        (ReleaseKind::Single, _) => "single or EP",
        (ReleaseKind::Compilation, _) => "compilation",
    }
}

/// What several releases are to a reader.
pub(super) fn kinds<'a>(releases: impl Iterator<Item = &'a Release>) -> &'static str {
    let mut kinds: Vec<&str> = releases.map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    match kinds[..] {
        ["album"] => "albums",
        ["single"] => "singles",
        ["single or EP"] | ["single", "single or EP"] => "singles and EPs",
        _ => "releases",
    }
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
    fn a_date_is_told_no_more_precisely_than_it_is_known() {
        let today = date(2026, 11, 23);
        let told = |raw: &str| when(ReleaseDate::parse(raw, None), today);
        assert_eq!(told("2026-11-23").as_deref(), Some("out today, 23 November 2026"));
        assert_eq!(told("2026-11-06").as_deref(), Some("out since 6 November 2026"));
        assert_eq!(told("2026-11-28").as_deref(), Some("comes out on 28 November 2026"));
        assert_eq!(told("2026-11").as_deref(), Some("out in November 2026"));
        assert_eq!(told("2026-10").as_deref(), Some("out since October 2026"));
        assert_eq!(told("2027-01").as_deref(), Some("comes out in January 2027"));
        assert_eq!(told("2026").as_deref(), Some("out in 2026"));
        assert_eq!(told("2011").as_deref(), Some("out since 2011"));
        assert_eq!(told("banana"), None);
    }

    #[test]
    fn names_are_cut_between_names_and_never_to_nothing() {
        let told = |names: &[&str], room| Names::fitting(names.iter().copied(), room).to_string();
        assert_eq!(told(&["Air", "Moby", "Air"], 20), "Air, Moby");
        assert_eq!(told(&["Air", "Moby", "Kraftwerk"], 10), "Air, Moby and 1 more");
        assert_eq!(told(&["Godspeed You! Black Emperor", "Air"], 16), "Godspeed You!… and 1 more");
        assert_eq!(told(&[], 10), "");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("a bc  def\ng", 4), "a bc\ndef\ng");
        assert_eq!(wrapped("abcdef g", 3), "abcdef\ng");
        assert_eq!(wrapped("", 3), "");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(web_address("javascript:alert(1)"), None);
        assert_eq!(web_address("no address"), None);
        let odd = web_address("https://open.spotify.com/album/a b\r\n\"x");
        assert_eq!(odd.as_deref(), Some("https://open.spotify.com/album/a%20b%22x"));
    }
}
