//! Quoted-printable (RFC 2045 §6.7): a text in ASCII, in lines of at most 76 characters.
//!
//! Ours, since it is most of what composing an email costs: the crate that lettre uses goes character
//! by character, this one by runs.

/// The longest line, without the `=` that breaks it.
const MAX_LENGTH: usize = 75;
const HEX: [u8; 16] = *b"0123456789ABCDEF";

/// `text` with CRLF at the end of each of its lines.
pub(super) fn quoted_printable(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8 + 64);
    let mut rest = text;
    while let Some((line, more)) = rest.split_once('\n') {
        push_line(&mut out, line.strip_suffix('\r').unwrap_or(line).as_bytes());
        out.extend_from_slice(b"\r\n");
        rest = more;
    }
    push_line(&mut out, rest.as_bytes());
    // All of it is ASCII.
    String::from_utf8(out).unwrap_or_default()
}

fn push_line(out: &mut Vec<u8>, line: &[u8]) {
    let mut width = 0;
    let mut at = 0;
    while at < line.len() {
        let run = line[at..].iter().take_while(|byte| is_literal(**byte)).count();
        let run = if at + run == line.len() { run - trailing_space(&line[at..]) } else { run };
        push_run(out, &line[at..at + run], &mut width);
        at += run;
        if let Some(byte) = line.get(at) {
            push_escaped(out, *byte, &mut width);
            at += 1;
        }
    }
}

fn is_literal(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~') && byte != b'='
}

/// A space at the end of a line does not survive every server.
fn trailing_space(line: &[u8]) -> usize {
    usize::from(matches!(line.last(), Some(b' ' | b'\t')))
}

fn push_run(out: &mut Vec<u8>, mut run: &[u8], width: &mut usize) {
    while *width + run.len() > MAX_LENGTH {
        let (head, tail) = run.split_at(MAX_LENGTH - *width);
        out.extend_from_slice(head);
        out.extend_from_slice(b"=\r\n");
        (run, *width) = (tail, 0);
    }
    out.extend_from_slice(run);
    *width += run.len();
}

fn push_escaped(out: &mut Vec<u8>, byte: u8, width: &mut usize) {
    if *width + 3 > MAX_LENGTH {
        out.extend_from_slice(b"=\r\n");
        *width = 0;
    }
    let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
    out.extend_from_slice(&[b'=', high, low]);
    *width += 3;
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::decoders::quoted_printable::quoted_printable_decode;
    use proptest::prelude::*;

    #[test]
    fn texts_as_they_are_written() {
        for (text, quoted) in [
            ("", ""),
            ("Hello\n", "Hello\r\n"),
            ("1 + 1 = 2", "1 + 1 =3D 2"),
            ("Röyksopp\r\nout today \n\t\n", "R=C3=B6yksopp\r\nout today=20\r\n=09\r\n"),
            ("a\rb", "a=0Db"),
            ("two  ", "two =20"),
        ] {
            assert_eq!(quoted_printable(text), quoted, "{text:?}");
        }
        let long = quoted_printable(&"x".repeat(160));
        let lines: Vec<usize> = long.split("\r\n").map(str::len).collect();
        assert_eq!(lines, [76, 76, 10]);
    }

    proptest! {
        #[test]
        fn a_text_is_read_as_it_was_written(text in "([a-z=.\t é✨\u{0}-\u{1f}]|\n){0,300}") {
            let quoted = quoted_printable(&text);
            prop_assert!(quoted.is_ascii());
            for line in quoted.split("\r\n") {
                prop_assert!(line.len() <= 76 && !line.ends_with([' ', '\t']), "{:?}", line);
                prop_assert!(!line.contains(['\r', '\n']));
            }
            let read = quoted_printable_decode(quoted.as_bytes()).unwrap();
            let meant = text.replace("\r\n", "\n").replace('\n', "\r\n");
            prop_assert_eq!(String::from_utf8(read).unwrap(), meant);
        }
    }
}
