use jiff::civil::date;

use super::confirm::Confirm;
use super::consent_ends::ConsentEnds;
use super::operator::{ToOperator, Trouble};
use super::sign_in_again::SignInAgain;
use super::withdrawn::Withdrawn;
use crate::domain::quota::Bucket;

fn confirm(account: &str) -> Confirm<'_> {
    Confirm {
        link: "https://dropday.example/confirm?code=abc&for=1",
        account,
        instance_url: "https://dropday.example/",
        expires_in: "24 hours",
    }
}

#[test]
fn confirm_your_address() {
    let letter = confirm("Martha <3").letter().unwrap();
    insta::assert_snapshot!("confirm_subject", letter.subject);
    insta::assert_snapshot!("confirm_text", letter.text);
    insta::assert_snapshot!("confirm_html", letter.html);
}

#[test]
fn an_account_without_a_name_is_somebody() {
    let letter = confirm("\r\n").letter().unwrap();
    assert!(letter.text.contains("Somebody asked Dropday to write to this address\nwhen"));
    assert!(letter.html.contains("Somebody asked Dropday"));
}

#[test]
fn please_sign_in_again() {
    let letter = SignInAgain { link: "https://dropday.example/sign-in" }.letter().unwrap();
    insta::assert_snapshot!("sign_in_again_subject", letter.subject);
    insta::assert_snapshot!("sign_in_again_text", letter.text);
    insta::assert_snapshot!("sign_in_again_html", letter.html);
}

#[test]
fn the_permission_ends_on() {
    let link = "https://dropday.example/login";
    let letter = ConsentEnds { link, ends_on: date(2027, 5, 23) }.letter().unwrap();
    insta::assert_snapshot!("consent_ends_subject", letter.subject);
    insta::assert_snapshot!("consent_ends_text", letter.text);
    insta::assert_snapshot!("consent_ends_html", letter.html);
}

#[test]
fn the_permission_was_withdrawn() {
    let letter = Withdrawn {
        link: "https://dropday.example/login",
        account_url: "https://dropday.example/account",
        deleted_on: date(2026, 11, 27),
    };
    let letter = letter.letter().unwrap();
    insta::assert_snapshot!("withdrawn_subject", letter.subject);
    insta::assert_snapshot!("withdrawn_text", letter.text);
    insta::assert_snapshot!("withdrawn_html", letter.html);
}

#[test]
fn the_operator_reads_what_happened_and_what_to_do() {
    let troubles = [
        Trouble::MassRefusal { people: 5 },
        Trouble::NoPremium,
        Trouble::NotOnAllowList { name: "Martha <3\r\nBcc: x", spotify_id: "martha42" },
        Trouble::EndpointRemoved { calls: Bucket::Following },
        Trouble::QuotaSpent {
            until: "2026-11-24T12:30:00Z".parse().unwrap(),
            per_day: 80,
            lower: 48,
        },
    ];
    let letters = troubles.map(|trouble| {
        ToOperator { trouble, instance_url: "https://dropday.example/" }.letter().unwrap()
    });
    let all: Vec<String> = letters.iter().map(|l| format!("{}\n\n{}", l.subject, l.text)).collect();
    insta::assert_snapshot!("operator_texts", all.join("\n=====\n"));
    insta::assert_snapshot!("operator_html", letters[2].html);
    assert!(letters.iter().all(|letter| letter.subject.lines().count() == 1));
}

/// WCAG 2.2, 1.4.3: 4.5 for text (<https://www.w3.org/TR/WCAG22/#contrast-minimum>).
#[test]
fn every_text_can_be_read_on_its_ground() {
    let base = include_str!("../templates/base.mjml");
    for (text, ground) in [
        ("#1c1e21", "#ffffff"),
        ("#5a5f66", "#ffffff"),
        ("#0b57a4", "#ffffff"),
        ("#ffffff", "#176b33"),
        ("#e8eaed", "#16181c"),
        ("#8ab8ff", "#16181c"),
        ("#a9afb8", "#16181c"),
    ] {
        assert!(base.contains(text) && base.contains(ground), "{text} on {ground} is not used");
        let (a, b) = (luminance(text), luminance(ground));
        assert!((a.max(b) + 0.05) / (a.min(b) + 0.05) >= 4.5, "{text} on {ground}");
    }
}

fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let c = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[test]
fn a_letter_fetches_nothing_and_tells_a_debug_log_nothing() {
    let letter = confirm("Martha").letter().unwrap();
    assert!(!letter.html.contains("fonts.googleapis.com"));
    assert!(!letter.html.contains("<img"));
    assert!(!format!("{letter:?}").contains("code=abc"));
}
