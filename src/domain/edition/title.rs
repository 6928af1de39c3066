//! A title, split into the album's name and its edition suffixes.

use super::fold::{fold, plain};
use super::phrase::{GROWN, Phrase, Place, is_edition_word, read, read_named};
use super::words::Class;

/// The brackets that titles use, after NFKC made the wide ones narrow.
const BRACKETS: &[(char, char)] = &[
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('<', '>'),
    ('「', '」'),
    ('『', '』'),
    ('【', '】'),
    ('〈', '〉'),
    ('《', '》'),
    ('〔', '〕'),
];

/// Separate a name from its suffix, or two parts in one bracket.
const SEPARATORS: &[&str] = &[" - ", " -", ": ", ":", " / ", " | ", " ~ ", " ~", " • ", "; "];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Title {
    /// Folded; the whole title if nothing else would be left.
    pub(super) name: String,
    /// In order, as written.
    pub(super) suffixes: Vec<(String, Phrase)>,
}

impl Title {
    /// Splits off one suffix after the other from the end.
    pub(super) fn part(raw: &str) -> Self {
        let mut rest = tidy(&plain(raw)).to_owned();
        let mut suffixes = Vec::new();
        while let Some((name, suffix, phrase)) = peel(&rest) {
            suffixes.push((suffix, phrase));
            rest = name;
        }
        suffixes.reverse();
        Self { name: name(&rest, raw), suffixes }
    }

    pub(super) fn class(&self) -> Option<Class> {
        self.suffixes.iter().map(|(_, phrase)| phrase.class).max()
    }

    /// Whether any suffix promises additional content.
    pub(super) fn is_grown(&self) -> bool {
        self.suffixes.iter().any(|(_, phrase)| phrase.is_grown)
    }

    pub(super) fn anniversary(&self) -> Option<i16> {
        self.suffixes.iter().find_map(|(_, phrase)| phrase.anniversary)
    }
}

type Suffix = (String, String, Phrase);

fn peel(text: &str) -> Option<Suffix> {
    let ways = [bracket, pair, plus, tail, words, named];
    let (name, suffix, phrase) = ways.iter().find_map(|way| way(text))?;
    let name = tidy(&name).to_owned();
    (!name.is_empty()).then(|| (name, suffix.trim().to_owned(), phrase))
}

/// `Name (Deluxe)`, and `Name (Live / Remastered)`, which becomes `Name (Live)`.
fn bracket(text: &str) -> Option<Suffix> {
    let (open, close) = BRACKETS.iter().find(|(_, close)| text.ends_with(*close))?;
    let start = opening(text, *open, *close)?;
    let (name, inner) =
        (&text[..start], &text[start + open.len_utf8()..text.len() - close.len_utf8()]);
    if name.trim().is_empty() {
        return None;
    }
    if let Some(phrase) = read(inner, Place::Bracket) {
        return Some((name.to_owned(), inner.to_owned(), phrase));
    }
    let cut = |rest: &str, gone: &str, phrase| {
        (format!("{name}{open}{}{close}", rest.trim()), gone.to_owned(), phrase)
    };
    let divided = inner.char_indices().filter(|(_, c)| matches!(c, '/' | ';' | ',' | '|' | '•'));
    for (at, divider) in divided {
        let (first, last) = (&inner[..at], &inner[at + divider.len_utf8()..]);
        if first.trim().is_empty() || last.trim().is_empty() {
            continue;
        }
        if let Some(phrase) = read(last, Place::Bracket) {
            return Some(cut(first, last, phrase));
        }
        if let Some(phrase) = read(first, Place::Bracket) {
            return Some(cut(last, first, phrase));
        }
    }
    None
}

/// The position of the bracket that matches the one at the end.
fn opening(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().rev() {
        if c == close {
            depth += 1;
        } else if c == open {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// `Name ~Deluxe Edition~` and `Name -Deluxe Edition-`, as in Japan and Korea.
fn pair(text: &str) -> Option<Suffix> {
    let mark = text.chars().next_back().filter(|c| matches!(c, '~' | '-'))?;
    let start = text[..text.len() - 1].rfind(mark)?;
    let (name, inner) = (&text[..start], &text[start + 1..text.len() - 1]);
    let phrase = read(inner, Place::Tail).filter(|_| name.ends_with(' '))?;
    Some((name.to_owned(), inner.to_owned(), phrase))
}

/// `MOTOMAMI +`
fn plus(text: &str) -> Option<Suffix> {
    text.strip_suffix(" +").map(|name| (name.to_owned(), "+".to_owned(), GROWN))
}

/// `SOS Deluxe: LANA` and `Eternal Atake (Deluxe) - LUV vs. The World 2`.
fn named(text: &str) -> Option<Suffix> {
    let lower = text.to_ascii_lowercase();
    let marks = [" deluxe: ", " (deluxe): ", " [deluxe]: ", " (deluxe) - ", " [deluxe] - "];
    let at = marks.iter().find_map(|mark| lower.find(mark))?;
    let (name, suffix) = (&text[..at], &text[at + 1..]);
    if name.split(' ').all(is_edition_word) {
        return None;
    }
    read_named(suffix).map(|phrase| (name.to_owned(), suffix.to_owned(), phrase))
}

/// `Name - Deluxe` and `Name: Deluxe`. The last possible separator, so that nothing of the name is lost.
fn tail(text: &str) -> Option<Suffix> {
    let ends = |separator: &&str| text.rfind(separator).map(|at| (at, at + separator.len()));
    let mut found: Vec<(usize, usize)> = SEPARATORS.iter().filter_map(ends).collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().find_map(|(start, end)| {
        let phrase = read(&text[end..], Place::Tail).filter(|_| start > 0)?;
        Some((text[..start].to_owned(), text[end..].to_owned(), phrase))
    })
}

/// `Name Deluxe Edition`: the longest such suffix that leaves a name.
fn words(text: &str) -> Option<Suffix> {
    text.match_indices(' ').find_map(|(at, _)| {
        let (name, suffix) = (&text[..at], &text[at + 1..]);
        if name.split(' ').all(is_edition_word) {
            return None;
        }
        let phrase = read(suffix, Place::Bare)?;
        Some((name.to_owned(), suffix.to_owned(), phrase))
    })
}

/// Trims the separators that a suffix leaves behind, unless nothing else is left.
fn tidy(text: &str) -> &str {
    let mut kept = text.trim();
    loop {
        let cut = kept.trim_end_matches([':', ',', ';']);
        let cut = [" -", " /", " |", " ~", " •"]
            .iter()
            .fold(cut, |cut, end| cut.strip_suffix(end).unwrap_or(cut));
        let cut = cut.trim_end();
        if cut.is_empty() || cut.len() == kept.len() {
            return kept;
        }
        kept = cut;
    }
}

fn name(rest: &str, raw: &str) -> String {
    let folded = fold(rest).replace(" & ", " and ").replace(" - ", "-");
    // "( )" and "()" are one title.
    let folded = BRACKETS.iter().fold(folded, |text, (open, close)| {
        text.replace(&format!("{open} "), &open.to_string())
            .replace(&format!(" {close}"), &close.to_string())
    });
    if folded.is_empty() { raw.to_owned() } else { folded }
}
