//! How the plain-text part is set.

/// Characters in a line: what a terminal shows, and a reply still quotes without breaking it
/// (RFC 3676, 4.2, recommends 78 at most).
const LINE: usize = 72;

/// An email's text as it is sent: long lines broken between words, links left whole, never two empty
/// lines in a row, one line break at the end.
pub(in crate::email) fn set_text(raw: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in raw.lines() {
        match line.trim_end() {
            "" if lines.last().is_none_or(String::is_empty) => {}
            // The space belongs to the mark: RFC 3676, 4.3.
            "--" if line == "-- " => lines.push(line.to_owned()),
            line if is_link(line) => lines.push(line.to_owned()),
            line => lines.push(wrapped(line, LINE)),
        }
    }
    format!("{}\n", lines.join("\n").trim_end())
}

fn is_link(line: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| line.starts_with(scheme)) && !line.contains(' ')
}

/// `text` in lines of at most `width` characters, broken at spaces; a longer word has a line to
/// itself.
fn wrapped(text: &str, width: usize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("a bc  def\ng", 4), "a bc\ndef\ng");
        assert_eq!(wrapped("abcdef g", 3), "abcdef\ng");
        assert_eq!(wrapped("", 3), "");
    }

    #[test]
    fn links_are_not_wrapped_and_signature_space_stays() {
        let link = format!("https://dropday.example/{}", "x".repeat(100));
        let raw = format!("\n\nHello\n\n\n\n{link}\n-- \nDropday\n\n");
        assert_eq!(set_text(&raw), format!("Hello\n\n{link}\n-- \nDropday\n"));
    }

    proptest! {
        #[test]
        fn wrapping_loses_no_word_and_fills_lines(raw in "([a-zä漢 ]{0,30}\n?){0,20}") {
            let set = set_text(&raw);
            prop_assert_eq!(
                set.split_whitespace().collect::<Vec<_>>(),
                raw.split_whitespace().collect::<Vec<_>>()
            );
            for line in set.lines() {
                prop_assert!(line.chars().count() <= LINE || !line.contains(' '), "{}", line);
            }
        }
    }
}
