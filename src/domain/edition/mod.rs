//! Which releases are one album: explicit and clean versions, copies per market, deluxe editions, remasters,
//! and re-deliveries under a new ID.
//!
//! Two releases are one album if their titles agree without edition words, the first artist and the kind
//! agree, and their dates allow it. A wrong *same* hides an album from everyone, a wrong *different* is one
//! line too many; when in doubt they are different.
//!
//! Never one album: another recording (live, acoustic, re-recorded, another language, instrumental), a mix by
//! a named person, a volume or a part, a score and a soundtrack, an EP and an album of one name.

mod fold;
mod pair;
mod phrase;
mod title;
mod various_artists;
mod words;

#[cfg(test)]
mod tests;

use self::pair::Pair;
use self::title::Title;
use super::release::Release;

pub use self::fold::fold;
pub use self::various_artists::is_various_artists;

/// Titles that artists use for more than one album.
const USED_AGAIN: &str = include_str!("../data/reused_titles.txt");

/// Whether `a` and `b` are one album.
///
/// Symmetric, but not transitive: a deluxe edition with a year alone may fit two albums of one
/// name that do not fit each other. Compare with what was recorded first.
pub fn same_album(a: &Release, b: &Release) -> bool {
    let (title_a, title_b) = (Title::part(&a.title), Title::part(&b.title));
    let is_nameless = a.title.is_empty() || b.title.is_empty();
    if is_nameless || a.kind != b.kind || !shares_first_artist(a, b) {
        return false;
    }
    if title_a.name != title_b.name {
        return is_numbered_anniversary(a, b) || is_numbered_anniversary(b, a);
    }
    let is_reused = is_used_again(&title_a.name, a) || is_used_again(&title_b.name, b);
    let pair = Pair::in_order((a, &title_a), (b, &title_b), is_reused);
    !pair.is_ep_with_its_song() && pair.dates_allow()
}

/// The `known` album that a release is an edition of; if there are several, the nearest by date.
pub fn album_of<'a>(release: &Release, known: &'a [Release]) -> Option<&'a Release> {
    let others = known.iter().filter(|other| other.id != release.id && same_album(other, release));
    others.min_by_key(|other| match (other.date.first_day(), release.date.first_day()) {
        (Some(a), Some(b)) => a.duration_since(b).abs(),
        _ => jiff::SignedDuration::MAX,
    })
}

/// The edition in a title as written there (`Deluxe Edition, 2011 Remaster`). `None` for *Explicit* and
/// *Clean* too: they are the same album.
pub fn edition_words(release: &Release) -> Option<String> {
    let title = Title::part(&release.title);
    let told = title.suffixes.iter().filter(|(_, phrase)| phrase.is_news());
    let words: Vec<&str> = told.map(|(suffix, _)| suffix.as_str()).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// *Thriller 25*, *Wish You Were Here 50*: the number is the years between both.
fn is_numbered_anniversary(album: &Release, edition: &Release) -> bool {
    let (name, edition_name) = (Title::part(&album.title).name, Title::part(&edition.title).name);
    let number = edition_name.strip_prefix(&name).and_then(|rest| rest.strip_prefix(' '));
    // "Exodus 40 - The Movement Continues"
    let number = number.and_then(|rest| rest.split(['-', ':']).next()?.trim().parse::<i16>().ok());
    let year = |release: &Release| release.date.first_day().map(|day| day.year());
    match (number, year(album), year(edition)) {
        (Some(n), Some(from), Some(to)) => {
            (10..=150).contains(&n) && n % 5 == 0 && (to - from - n).abs() <= 1
        }
        _ => false,
    }
}

/// Joint albums credit the same artists in either order.
fn shares_first_artist(a: &Release, b: &Release) -> bool {
    let (Some(first_a), Some(first_b)) = (a.artists.first(), b.artists.first()) else {
        return false;
    };
    let credits = |release: &Release, id| release.artists.iter().any(|artist| artist.id == id);
    credits(b, first_a.id.clone()) && credits(a, first_b.id.clone())
}

/// Whether the title is the artist's name, or one of [`USED_AGAIN`], or both.
fn is_used_again(name: &str, release: &Release) -> bool {
    release.artists.iter().map(|artist| fold(&artist.name)).any(|artist| {
        let artist = artist.trim_start_matches("the ");
        let rest = name.trim_start_matches("the ");
        let rest = rest.strip_prefix(artist).or_else(|| rest.strip_suffix(artist)).unwrap_or(name);
        let rest = rest.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | ':' | ','));
        rest.is_empty() || USED_AGAIN.lines().any(|title| title == rest)
    })
}
