//! What is signed of an email: "relaxed" headers and body (RFC 6376 §3.4.2 and §3.4.4), which survive
//! a server that folds lines differently or drops trailing space.

/// A header as it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// What follows the colon, line breaks included.
    value: &'a str,
}

/// The headers of a head without the empty line that ends it, from the top.
pub(super) fn headers(head: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut rest = head;
    while !rest.is_empty() {
        let end = end_of_field(rest);
        if let Some((name, value)) = rest[..end].split_once(':') {
            fields.push(Field { name: name.trim_end(), value });
        }
        rest = rest[end..].strip_prefix("\r\n").unwrap_or_default();
    }
    fields
}

/// Where the first CRLF is that no space follows, which would continue the line.
fn end_of_field(text: &str) -> usize {
    let ends = text.match_indices("\r\n").map(|(at, _)| at);
    let continues = |at: usize| text[at + 2..].starts_with([' ', '\t']);
    ends.into_iter().find(|at| !continues(*at)).unwrap_or(text.len())
}

/// `name:value` without an end of line.
pub(super) fn header(field: &Field<'_>) -> String {
    let mut line = field.name.to_ascii_lowercase();
    line.push(':');
    let words = field.value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if at > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The body.
pub(super) fn body(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let mut empty_lines = 0;
    for line in text.split("\r\n") {
        let line = line.trim_end_matches([' ', '\t']);
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        out.extend(std::iter::repeat_n("\r\n", empty_lines));
        empty_lines = 0;
        push_squeezed(&mut out, line);
        out.push_str("\r\n");
    }
    out
}

/// With every run of spaces and tabs as one space.
fn push_squeezed(out: &mut String, line: &str) {
    if !line.contains("  ") && !line.contains('\t') {
        return out.push_str(line);
    }
    let mut after_space = false;
    for c in line.chars() {
        let is_space = matches!(c, ' ' | '\t');
        match (is_space, after_space) {
            (true, false) => out.push(' '),
            (true, true) => {}
            (false, _) => out.push(c),
        }
        after_space = is_space;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of RFC 6376 §3.4.5.
    #[test]
    fn rfc_example_is_canonicalised() {
        let fields = headers("A: X\r\nB : Y\t\r\n\tZ  ");
        let lines: Vec<String> = fields.iter().map(header).collect();
        assert_eq!(lines, ["a:X", "b:Y Z"]);
        assert_eq!(body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
    }

    #[test]
    fn canonical_body_is_empty_or_ends_in_crlf() {
        assert_eq!(body(""), "");
        assert_eq!(body("\r\n\r\n"), "");
        assert_eq!(body("a"), "a\r\n");
        assert_eq!(body("\r\n\r\na\r\n\r\nb\r\n\r\n"), "\r\n\r\na\r\n\r\nb\r\n");
    }

    proptest! {
        #[test]
        fn canonicalisation_is_idempotent(text in "([ \\ta-c]{0,4}\r\n){0,6}[ab ]{0,3}") {
            let once = body(&text);
            prop_assert_eq!(body(&once), once);
        }

        #[test]
        fn folded_headers_are_found(
            values in prop::collection::vec("[a-z:;=]{0,9}(\r\n[ \\t][a-z:]{1,9}){0,3}", 1..6),
        ) {
            let lines: Vec<String> = values.iter().map(|value| format!("X: {value}")).collect();
            let head = lines.join("\r\n");
            let fields = headers(&head);
            prop_assert_eq!(fields.len(), values.len());
            for (field, value) in fields.iter().zip(&values) {
                let squeezed = value.split_whitespace().collect::<Vec<_>>().join(" ");
                prop_assert_eq!(header(field), format!("x:{}", squeezed));
            }
        }
    }
}
