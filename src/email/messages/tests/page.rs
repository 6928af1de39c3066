//! What the HTML of every email must contain, for any mail program.

use scraper::{Html, Selector};

use super::samples;
use crate::email::message::Email;

fn every_page() -> impl Iterator<Item = (&'static str, Email, Html)> {
    samples::all().into_iter().map(|(name, email)| {
        let page = Html::parse_document(&email.html);
        (name, email, page)
    })
}

fn selector(raw: &str) -> Selector {
    Selector::parse(raw).unwrap()
}

#[test]
fn every_email_is_well_formed() {
    for (name, _, page) in every_page() {
        assert!(page.errors.is_empty(), "{name}: {:?}", page.errors);
    }
}

#[test]
fn every_email_has_language_and_title() {
    for (name, email, page) in every_page() {
        assert_eq!(page.root_element().value().attr("lang"), Some("en"), "{name}");
        let title = page.select(&selector("title")).next().unwrap();
        assert_eq!(title.text().collect::<String>(), email.subject, "{name}");
        assert_eq!(page.select(&selector("h1")).count(), 1, "{name}");
    }
}

/// What an inbox shows beside the subject: a sentence, and then nothing of what follows.
#[test]
fn every_email_starts_with_isolated_preheader() {
    for (name, email, page) in every_page() {
        let first = page.select(&selector(".preheader")).next().unwrap();
        let message: String = first.text().collect();
        let (message, padding) = message.split_at(message.find('\u{34f}').expect(name));
        assert!((20..=400).contains(&message.len()), "{name}: {message}");
        assert!(padding.chars().filter(|c| *c == '\u{a0}').count() >= 90, "{name}");
        assert_ne!(message, email.subject, "{name}");
        let (ahead, head) = (email.html.find("preheader\""), email.html.find("<h1"));
        assert!(ahead.is_some() && ahead < head, "{name}");
        assert!(first.value().attr("style").unwrap().contains("display:none"), "{name}");
    }
}

#[test]
fn every_image_is_unmodified_spotify_cover_with_alt() {
    let mut pictures = 0;
    for (name, _, page) in every_page() {
        for img in page.select(&selector("img")) {
            pictures += 1;
            let img = img.value();
            assert!(img.attr("alt").unwrap().starts_with("Cover of "), "{name}");
            assert!(img.attr("src").unwrap().starts_with("https://i.scdn.co/image/"), "{name}");
            // The shape is the file's own: a width, and no height to bend it.
            assert!(img.attr("width").is_some() && img.attr("height").is_none(), "{name}");
            assert!(img.attr("style").unwrap().contains("height:auto"), "{name}");
        }
    }
    assert!(pictures > 50, "{pictures}");
}

/// Gmail cuts an email off above 102 KB.
#[test]
fn no_email_exceeds_clipping_size() {
    for (name, email, _) in every_page() {
        assert!(email.html.len() < 100_000, "{name}: {} bytes", email.html.len());
    }
}

/// A table that lays out is no table to a screen reader.
#[test]
fn every_table_has_presentation_role() {
    for (name, _, page) in every_page() {
        for table in page.select(&selector("table")) {
            assert_eq!(table.value().attr("role"), Some("presentation"), "{name}");
        }
    }
}

#[test]
fn emails_load_only_covers_and_contain_no_tracking() {
    for (name, email, page) in every_page() {
        assert_eq!(page.select(&selector("link, script, iframe, form, video, object")).count(), 0);
        for fetched in ["@import", "url(", "background=", "fonts.g"] {
            assert!(!email.html.contains(fetched), "{name}: {fetched}");
        }
    }
}
