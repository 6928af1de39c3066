//! Redacts a mail server's replies for logs: servers repeat addresses, and some repeat commands.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret;

use crate::domain::text::one_line;
use crate::domain::user::EmailAddress;
use crate::email::url::Login;

/// `reason` on one line, with every address masked, and also the recipient's local part alone: some servers
/// reply `User martha unknown`.
pub(super) fn without_addresses(reason: &str, recipient: &EmailAddress) -> String {
    let masked = replaced(&one_line(reason), recipient.as_str(), &recipient.to_string(), |_| true);
    let masked = words_masked(&masked);
    let local = recipient.as_str().rsplit_once('@').map_or("", |(local, _)| local);
    let initial: String = local.chars().take(1).chain(['…']).collect();
    if local.chars().count() < 3 {
        masked
    } else {
        replaced(&masked, local, &initial, stands_alone)
    }
}

/// `reason` on one line, with every address masked.
pub(super) fn without_any_address(reason: &str) -> String {
    words_masked(&one_line(reason))
}

/// `reason` without the login, neither in plain text nor as `AUTH` sends it.
pub(super) fn without_login(reason: &str, login: &Login) -> String {
    let (user, password) = (login.user.expose_secret(), login.password.expose_secret());
    let sent = [
        password.to_owned(),
        BASE64.encode(format!("\0{user}\0{password}")),
        BASE64.encode(password),
        BASE64.encode(user),
    ];
    let masked = sent
        .iter()
        .fold(reason.to_owned(), |text, secret| replaced(&text, secret, "…", |_| true));
    replaced(&masked, user, "…", stands_alone)
}

fn words_masked(text: &str) -> String {
    let ends = |c: char| c.is_whitespace() || "<>()[]\"',;:".contains(c);
    text.split_inclusive(ends)
        .map(|piece| {
            let word = piece.trim_end_matches(ends);
            let Some((local, domain)) = word.rsplit_once('@') else { return piece.to_owned() };
            let first = local.chars().next().unwrap_or('…');
            let dots = if first == '…' { "" } else { "…" };
            format!("{first}{dots}@{domain}{}", &piece[word.len()..])
        })
        .collect()
}

/// Whether the characters around a match delimit it as a word.
fn stands_alone((before, after): (Option<char>, Option<char>)) -> bool {
    ![before, after].iter().flatten().any(|c| c.is_alphanumeric() || *c == '@')
}

/// Replaces every `needle` whose neighbours `wanted` accepts, ignoring ASCII case.
fn replaced(
    text: &str,
    needle: &str,
    with: &str,
    wanted: impl Fn((Option<char>, Option<char>)) -> bool,
) -> String {
    if needle.is_empty() {
        return text.to_owned();
    }
    // ASCII case does not change lengths, so offsets are the same in both.
    let (haystack, needle) = (text.to_ascii_lowercase(), needle.to_ascii_lowercase());
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, found) in haystack.match_indices(&needle) {
        let end = at + found.len();
        if wanted((text[..at].chars().next_back(), text[end..].chars().next())) {
            out.push_str(&text[done..at]);
            out.push_str(with);
            done = end;
        }
    }
    out + &text[done..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(reason: &str, to: &str) -> String {
        without_addresses(reason, &EmailAddress::parse(to).unwrap())
    }

    #[test]
    fn recipient_is_masked_in_any_spelling() {
        let to = "martha@example.com";
        assert_eq!(
            told("550 5.1.1 <Martha@Example.com>: Recipient address rejected", to),
            "550 5.1.1 <m…@example.com>: Recipient address rejected"
        );
        assert_eq!(told("550 User MARTHA unknown", to), "550 User m… unknown");
        assert_eq!(told("see martha.k@inner.example\r\nnow", to), "see m…@inner.example now");
        assert_eq!(told("550 marthaville is full", to), "550 marthaville is full");
        assert_eq!(told("no <\"a b\"@example.com>", "\"a b\"@example.com"), "no <\"…@example.com>");
    }

    #[test]
    fn repeated_command_does_not_reveal_login() {
        let login = Login { user: "me".to_owned().into(), password: "hunter2".to_owned().into() };
        let sent = BASE64.encode("\0me\0hunter2");
        let told = without_login(&format!("502 no such message for me: AUTH PLAIN {sent}"), &login);
        assert_eq!(told, "502 no such message for …: AUTH PLAIN …");
    }

    proptest! {
        #[test]
        fn no_reason_contains_the_address(before in ".{0,20}", after in ".{0,20}") {
            let reason = told(&format!("{before}martha@example.com{after}"), "martha@example.com");
            prop_assert!(!reason.contains("martha@example.com"), "{}", reason);
        }
    }
}
