//! Text that other people wrote, made safe to show on one line.

/// The longest title or name that is kept, in characters.
const LONGEST: usize = 300;

/// `raw` as one line: control characters and line breaks become spaces, runs of space become one,
/// and the marks that re-order the text *around* them (bidi embeddings, overrides and isolates)
/// go. Everything else, emoji and right-to-left letters included, stays as it was written.
pub fn one_line(raw: &str) -> String {
    let mut line = String::with_capacity(raw.len().min(LONGEST * 4));
    for c in raw.chars().filter(|c| !reorders_its_surroundings(*c)) {
        let c = if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
        if !(c.is_whitespace() && (line.is_empty() || line.ends_with(char::is_whitespace))) {
            line.push(c);
        }
    }
    let kept: String = line.trim_end().chars().take(LONGEST).collect();
    kept
}

fn reorders_its_surroundings(c: char) -> bool {
    // https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings and the isolates;
    // U+FFFE and U+FFFF are no characters and no XML.
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_break_cannot_start_a_new_header() {
        assert_eq!(one_line("Hello\r\nBcc: a@b.c"), "Hello Bcc: a@b.c");
    }

    #[test]
    fn an_override_cannot_turn_the_rest_of_the_letter_around() {
        assert_eq!(one_line("abc\u{202e}def \u{5d0}\u{200f}"), "abcdef \u{5d0}\u{200f}");
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_line(raw in any::<String>()) {
            let line = one_line(&raw);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(line.chars().count() <= LONGEST);
            prop_assert_eq!(one_line(&line), line.trim_end());
        }
    }
}
