//! Tells live albums and remix albums by their titles, since Spotify does not mark them.
//!
//! A wrong "live" hides an album from users who want no live albums; a wrong "other" is one line too many. So
//! only clear words count: *Long Live*, *Live Through This* and *Live in the Moment* are normal albums.

use super::text::folded;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    Live,
    Remixes,
    Other,
}

/// Mean "live" anywhere in a title.
const LIVE_ANYWHERE: &str = include_str!("data/live_phrases.txt");

/// After "live in" or "live on" at the beginning of a title, these do not name a place.
const NO_PLACE: &[&str] = &[
    "a", "an", "and", "color", "colour", "dreams", "fear", "harmony", "hope", "it", "joy", "life",
    "living", "love", "me", "memory", "mind", "my", "now", "our", "peace", "sin", "someone",
    "that", "the", "these", "this", "time", "you", "your",
];

const STAGE_IN_BRACKETS: &[&str] = &["live", "ライブ", "ライヴ", "라이브", "konzert", "concert"];
const REMIXES: &[&str] = &["remix", "remixes", "remixed", "remixe", "remixé", "rmx", "rmxs"];

/// In brackets with these words, the rest says what an edition has besides the album.
const BESIDES: &[&str] = &[
    "+",
    "&",
    "and",
    "bonus",
    "deluxe",
    "expanded",
    "extended",
    "plus",
    "remaster",
    "remastered",
    "tracks",
    "with",
];

pub fn of(title: &str) -> Recording {
    let title = folded(title);
    let (name, asides) = parted(&title);
    let name: Vec<&str> = words(&name).collect();
    let asides: Vec<Vec<&str>> = asides.iter().map(|aside| words(aside).collect()).collect();
    let is_plain = |aside: &Vec<&str>| !aside.iter().any(|word| BESIDES.contains(word));
    let plain: Vec<_> = asides.into_iter().filter(is_plain).collect();
    let is_remix = |aside: &Vec<&str>| ends_with_one_of(aside, REMIXES);
    let is_stage = |aside: &Vec<&str>| ends_with_one_of(aside, STAGE_IN_BRACKETS) || is_live(aside);
    if plain.iter().any(is_remix) || is_of_remixes(&name) {
        Recording::Remixes
    } else if plain.iter().any(is_stage) || is_live(&name) {
        Recording::Live
    } else {
        Recording::Other
    }
}

/// Splits a title into its name and the parts in brackets or after a dash.
fn parted(title: &str) -> (String, Vec<String>) {
    let (mut name, mut asides, mut aside, mut depth) =
        (String::new(), vec![], String::new(), 0_u32);
    for c in title.chars() {
        match c {
            '(' | '[' | '【' | '「' | '<' | '{' => depth += 1,
            ')' | ']' | '】' | '」' | '>' | '}' if depth > 0 => {
                depth -= 1;
                asides.push(std::mem::take(&mut aside));
            }
            '/' | ';' if depth > 0 => asides.push(std::mem::take(&mut aside)),
            _ if depth > 0 => aside.push(c),
            _ => name.push(c),
        }
    }
    asides.push(aside);
    let mut parts = name.split(" - ").map(str::to_owned);
    let first = parts.next().unwrap_or_default();
    asides.extend(parts);
    (first, asides)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '+' | '&' | '\'' | '’');
    text.split(move |c| !is_word(c)).filter(|word| !word.is_empty())
}

/// Whether the first or the last word is one of `these`: *Live Version*, *Acoustic Live*.
fn ends_with_one_of(text: &[&str], these: &[&str]) -> bool {
    [text.first(), text.last()].into_iter().flatten().any(|word| these.contains(word))
}

fn is_of_remixes(name: &[&str]) -> bool {
    let name = match name {
        [rest @ .., "ep" | "album" | "lp"] => rest,
        whole => whole,
    };
    name.last().is_some_and(|word| REMIXES.contains(word))
}

fn is_live(name: &[&str]) -> bool {
    let text = format!(" {} ", name.join(" "));
    let says_so = LIVE_ANYWHERE.lines().any(|phrase| text.contains(&format!(" {phrase} ")));
    says_so
        || match name {
            ["live"] => true,
            ["live", "in" | "on" | "@", next, ..] => !NO_PLACE.contains(next),
            [.., "in", "concert"] => true,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn explicit_title_words_classify_the_album() {
        for title in [
            "Live at Leeds",
            "Live",
            "LIVE!",
            "Live in Paris",
            "Live in Tokyo 2019",
            "From Here to Now (Live)",
            "Alchemy: Dire Straits Live (Live at Hammersmith Odeon, 1983)",
            "S&M2 (Live)",
            "Nothing Hurts [Live Session]",
            "Homecoming: The Live Album (Live)",
            "Unplugged in New York",
            "MTV Unplugged",
            "Ao Vivo em São Paulo",
            "Roberto Carlos Ao Vivo",
            "Canciones (En Vivo)",
            "Somewhere - Live",
            "Made in Japan (Live / Remastered 2014)",
            "Sigur Rós in Concert",
            "夜に駆ける【ライブ】",
        ] {
            assert_eq!(of(title), Recording::Live, "{title}");
        }
        for title in [
            "Oxygène (Remixes)",
            "Kelly Watch the Stars (Moog Cookbook Remix)",
            "Remixed",
            "Dawn FM Remixes",
            "The Remix Album",
            "Blue Lines - The Remixes",
            "Reanimation Remix EP",
        ] {
            assert_eq!(of(title), Recording::Remixes, "{title}");
        }
    }

    #[test]
    fn similar_words_do_not_classify_the_album() {
        for title in [
            "",
            "Long Live",
            "Live Through This",
            "Live in the Moment",
            "Live in Love",
            "Live on Your Own",
            "Alive",
            "Born to Live",
            "Live and Let Die",
            "Olive",
            "Concert of Nothing",
            "Moon Safari (Deluxe with Live Tracks)",
            "Discovery (Deluxe + Remixes)",
            "Let It Be (2021 Mix)",
            "Kid A Mnesia (Remixed & Remastered)",
            "Premix",
            "The Mix",
        ] {
            assert_eq!(of(title), Recording::Other, "{title}");
        }
    }

    proptest! {
        #[test]
        fn any_title_is_parsed_without_panic(title in any::<String>()) {
            of(&title);
        }

        #[test]
        fn live_in_brackets_marks_a_live_album(title in "[a-z][a-z ]{0,12}") {
            prop_assume!(of(&title) == Recording::Other);
            prop_assert_eq!(of(&format!("{title} (Live)")), Recording::Live);
            prop_assert_eq!(of(&format!("{title} [Live in Berlin]")), Recording::Live);
            prop_assert_eq!(of(&format!("{title} (The Remixes)")), Recording::Remixes);
        }
    }
}
