//! Whatever somebody else has written, wherever it appears: it is shown, and does nothing.

use proptest::prelude::*;
use scraper::Html;

use super::same_things::{visible, words};
use super::skeleton;
use crate::domain::operator_alert::{AlertDetails, OperatorAlert};
use crate::domain::release_filter::Category;
use crate::domain::text::one_line;
use crate::domain::user::UserId;
use crate::email::message::Email;
use crate::email::messages::item::{MuteLink, NewsItem};
use crate::email::messages::samples;
use crate::email::messages::test_email::TestEmail;
use crate::email::messages::welcome::Welcome;

/// Every email that shows what others wrote, with `raw` in each of the places.
fn emails(raw: &str) -> Vec<(&'static str, Email)> {
    let items = [Category::Album, Category::Appearance].map(|category| item(category, raw));
    let server =
        TestEmail { instance_url: samples::INSTANCE, server: raw, sent_at: Default::default() };
    let alert = |alert: OperatorAlert, users: &[(&str, &str)]| {
        let users = users.iter().map(|(name, id)| ((*name).into(), (*id).into())).collect();
        let details = AlertDetails { count: 1, reason: raw.into(), users, ..Default::default() };
        samples::to_operator(&alert, &details).email()
    };
    let emails = [
        ("confirm", samples::confirm(raw).email()),
        ("news of one", samples::news(&items[..1]).email()),
        ("guest", samples::news(&items[1..]).email()),
        ("news", samples::news(&items).email()),
        ("welcome", Welcome { when: raw, ..samples::welcome(&items) }.email()),
        ("allow-list", alert(OperatorAlert::NotOnAllowList(UserId(7)), &[(raw, raw)])),
        (
            "access requests",
            alert(
                OperatorAlert::AccessRequests,
                &[(raw, "a@example.com"), ("Jonas", "b@c.example")],
            ),
        ),
        ("access request", alert(OperatorAlert::AccessRequests, &[(raw, "a@example.com")])),
        ("mail rejected", alert(OperatorAlert::MailRejected, &[])),
        ("test", server.email()),
    ];
    emails.map(|(name, email)| (name, email.unwrap())).into()
}

fn item(category: Category, raw: &str) -> NewsItem {
    let mut item = samples::item(category, &[raw, "Robyn"], raw, raw, 3);
    item.also_as = vec![raw.to_owned()];
    item.release.link = format!("https://open.spotify.com/album/{raw}");
    item.release.cover = Some(format!("https://i.scdn.co/image/{raw}"));
    item.mute[0] =
        MuteLink { artist: raw.to_owned(), url: format!("https://dropday.example/{raw}") };
    item
}

/// Shown as it is, with nothing added to the page, the text or the header.
fn is_shown_and_does_nothing(raw: &str) -> Result<(), TestCaseError> {
    for ((name, email), (_, plain)) in emails(raw).iter().zip(emails("xyz")) {
        prop_assert_eq!(skeleton(email), skeleton(&plain), "{}", name);
        prop_assert!(Html::parse_document(&email.html).errors.is_empty(), "{}", name);
        prop_assert_eq!(words(&email.text), words(&visible(&email.html)), "{}", name);
        prop_assert!(!email.subject.chars().any(char::is_control), "{}", name);
        let mut controls = email.text.chars().filter(|c| c.is_control() && *c != '\n');
        prop_assert_eq!(controls.next(), None, "{}", name);
        prop_assert!(is_isolated(&email.text) && is_isolated(&email.html), "{}", name);
    }
    let shown = words(&one_line(raw));
    let (_, confirm) = &emails(raw)[0];
    prop_assert!(shown.iter().all(|word| words(&confirm.text).contains(word)));
    Ok(())
}

/// No mark turns its surroundings around, and every isolation that begins ends on its line.
fn is_isolated(text: &str) -> bool {
    let overrides =
        text.contains(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}' | '\u{2067}'));
    let open = text.matches('\u{2068}').count();
    !overrides && open == text.matches('\u{2069}').count()
}

#[test]
fn markup_templates_and_bidi_marks_are_only_text() {
    for raw in [
        "x</bdi></td><script>alert('x')</script>{{ 7*7 }} & <mj-raw> \" <!--",
        "x\u{202e}gnp.exe\u{2066} אביב\u{200f} גפן\r\nBcc: a@b.c",
        "x ]]> --> </title></style><![endif]--> &amp;&#x3c;",
        "x <mj-include path=\"/etc/passwd\" /> {% raw %} {#",
    ] {
        is_shown_and_does_nothing(raw).unwrap();
    }
}

#[test]
fn unsafe_or_invalid_link_is_omitted() {
    let mut item = samples::album("Air", "Moon Safari");
    item.release.link = "javascript:alert(1)".into();
    item.release.cover = Some("data:text/html,x".into());
    item.mute[0].url = "x".into();
    let email = samples::news(&[item]).email().unwrap();
    for part in [&email.html, &email.text] {
        assert!(!part.contains("javascript:") && !part.contains("data:") && !part.contains("Mute"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_unicode_is_isolated(raw in any::<String>()) {
        is_shown_and_does_nothing(&format!("x{raw}"))?;
    }

    #[test]
    fn any_markup_is_escaped(raw in "[<>&\"'{}%#!/a-z\\[\\]א -]{0,60}") {
        is_shown_and_does_nothing(&format!("x{raw}"))?;
    }
}
