//! Makes text from outside safe to show on one line.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

/// The maximum length of a title or name, in characters.
const MAX_LENGTH: usize = 300;

/// Returns `raw` as one line. Control characters and line breaks become spaces, runs of spaces become one,
/// and bidi controls, which reorder the text *around* them, are removed. Everything else stays, emoji and
/// right-to-left text included.
pub fn one_line(raw: &str) -> String {
    let mut line = String::with_capacity(raw.len().min(MAX_LENGTH * 4));
    for c in raw.chars().filter(|c| !is_bidi_control(*c)) {
        let c = if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
        if !(c.is_whitespace() && (line.is_empty() || line.ends_with(char::is_whitespace))) {
            line.push(c);
        }
    }
    line.trim_end().chars().take(MAX_LENGTH).collect()
}

/// Normalizes `raw` for comparison: NFKC, full case folding, single spaces
/// (<https://www.unicode.org/reports/tr15/>, <https://www.unicode.org/reports/tr44/#NFKC_Casefold>).
pub fn folded(raw: &str) -> String {
    let compatible = ComposingNormalizer::new_nfkc();
    let once = CaseMapper::new().fold_string(&compatible.normalize(raw)).into_owned();
    // Folding can denormalize a text, and the other way round.
    let twice = CaseMapper::new().fold_string(&compatible.normalize(&once)).into_owned();
    let words: Vec<&str> = twice.split_whitespace().collect();
    compatible.normalize(&words.join(" ")).into_owned()
}

/// Cuts `text` to at most `room` characters, between words where possible, and ends it with an ellipsis.
pub fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    let between_words = kept.rfind(' ').filter(|at| *at > kept.len() / 2);
    // A joiner at the cut would pull the ellipsis into an emoji.
    let kept = kept[..between_words.unwrap_or(kept.len())].trim_end_matches([' ', '\u{200d}']);
    format!("{kept}…")
}

fn is_bidi_control(c: char) -> bool {
    // https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings and the isolates;
    // U+FFFE and U+FFFF are no characters and no XML.
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn line_break_cannot_start_a_header() {
        assert_eq!(one_line("Hello\r\nBcc: a@b.c"), "Hello Bcc: a@b.c");
    }

    #[test]
    fn bidi_override_does_not_affect_following_text() {
        assert_eq!(one_line("abc\u{202e}def \u{5d0}\u{200f}"), "abcdef \u{5d0}\u{200f}");
    }

    #[test]
    fn folding_unifies_spellings_of_one_name_only() {
        for (one, other) in [
            ("Röyksopp", "RO\u{308}YKSOPP"),
            ("STRASSE", "Straße"),
            ("ＡＢＢＡ", "abba"),
            ("ΣΊΣΥΦΟΣ", "Σίσυφος"),
            (" Sigur  Rós", "sigur rós"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        for (one, other) in [("Röyksopp", "Royksopp"), ("The Beatles", "Beatles"), ("Ø", "O")] {
            assert_ne!(folded(one), folded(other));
        }
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(raw in any::<String>()) {
            let once = folded(&raw);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn any_text_becomes_one_line(raw in any::<String>()) {
            let line = one_line(&raw);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(line.chars().count() <= MAX_LENGTH);
            prop_assert_eq!(one_line(&line), line.trim_end());
        }
    }
}
