//! The words that mark an edition, and those that mark another recording.
//!
//! A phrase counts only if *every* word in it is known. Anything else (*Taylor's Version*, *Live in Tokyo*,
//! *Vol. 2*) makes an album of its own: an email too many is a smaller harm than a missed album.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The relation of an edition to the first release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The same at the same time: explicit, clean, standard.
    Twin,
    /// The same and more, soon or late: deluxe, bonus tracks, a market's own.
    Grown,
    /// The same, years later: remaster, anniversary, reissue.
    Restored,
}

/// What one word adds to a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Sufficient alone: `Deluxe`.
    Mark(Class),
    /// Sufficient with a noun: `Special` (Edition).
    Trait(Class),
    /// `Version`, `Package`: insufficient alone.
    Noun,
    /// Used only for editions, so it vouches for unknown words.
    Edition,
    /// A noun in brackets; otherwise part of a compilation's name.
    Collection,
    /// With a year (*2019 Mix*) it is the old album, mixed again by its label.
    Mix,
    /// `Anniversary`, with or without a number.
    Anniversary,
    /// `years`, after a number.
    Years,
    /// 2011, 25, 25th.
    Number(i16),
    /// `the`, `with`, `super`, `digital`.
    Filler,
}

/// `role: words` a line, in lower case and without Latin accents, as [`super::fold::bare`] leaves them. A
/// line holds a language or a family of languages; a number is the role of its ordinals.
const WORDS: &str = include_str!("../data/edition_words.txt");

/// Words that mark another recording, whatever the other words: *(Live Edition)*.
const OTHER_RECORDINGS: &str = include_str!("../data/other_recordings.txt");

/// Endings of an ordinal in digits: 25th, 3rd, 20e, 10ème, 25º.
const ORDINAL_ENDINGS: &[&str] =
    &["th", "st", "nd", "rd", "e", "er", "eme", "ieme", "o", "a", "os", "as", "ste", "de"];

pub(super) fn is_never(word: &str) -> bool {
    OTHER_RECORDINGS.split_whitespace().any(|never| never == word)
}

/// The roles of one word: several in scripts without spaces (`20周年記念盤`), `None` if a part is unknown.
pub(super) fn roles(word: &str) -> Option<Vec<Role>> {
    if let Some(role) = KNOWN.get(word).copied().or_else(|| number(word)) {
        return Some(vec![role]);
    }
    if word.is_ascii() {
        return None;
    }
    let mut rest = word;
    let mut roles = Vec::new();
    while !rest.is_empty() {
        let (role, len) = longest_prefix(rest)?;
        roles.push(role);
        rest = &rest[len..];
    }
    Some(roles)
}

static KNOWN: LazyLock<HashMap<&str, Role>> = LazyLock::new(|| {
    let lines = WORDS.lines().filter_map(|line| line.split_once(": "));
    let roles = lines.filter_map(|(name, words)| Some((role_named(name)?, words)));
    roles.flat_map(|(role, words)| words.split_whitespace().map(move |w| (w, role))).collect()
});

fn role_named(name: &str) -> Option<Role> {
    Some(match name {
        "mark same" => Role::Mark(Class::Twin),
        "mark expanded" => Role::Mark(Class::Grown),
        "mark remastered" => Role::Mark(Class::Restored),
        "trait same" => Role::Trait(Class::Twin),
        "trait expanded" => Role::Trait(Class::Grown),
        "trait remastered" => Role::Trait(Class::Restored),
        "anniversary" => Role::Anniversary,
        "years" => Role::Years,
        "edition" => Role::Edition,
        "noun" => Role::Noun,
        "collection" => Role::Collection,
        "mix" => Role::Mix,
        "filler" => Role::Filler,
        number => Role::Number(number.parse().ok()?),
    })
}

fn number(word: &str) -> Option<Role> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, ending) = word.split_at(digits);
    let is_number = ending.is_empty() || ORDINAL_ENDINGS.contains(&ending);
    // Five digits or more are a name.
    is_number.then(|| digits.parse().ok().map(Role::Number)).flatten().filter(|_| digits.len() <= 4)
}

/// The longest word without Latin letters, or run of digits, that `text` begins with.
fn longest_prefix(text: &str) -> Option<(Role, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        return number(&text[..digits]).map(|role| (role, digits));
    }
    KNOWN
        .iter()
        .filter(|(word, _)| !word.is_ascii() && text.starts_with(**word))
        .map(|(word, role)| (*role, word.len()))
        .max_by_key(|(_, len)| *len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_word_list_has_a_known_role() {
        for line in WORDS.lines() {
            let role = line.split_once(": ").and_then(|(name, _)| role_named(name));
            assert!(role.is_some(), "{line}");
        }
    }
}
