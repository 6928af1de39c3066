//! The text and the HTML say the same things: the same words in the same order, and the same links.

use scraper::node::Node;
use scraper::{ElementRef, Html, Selector};

use super::samples;
use crate::email::message::Email;

#[test]
fn text_and_html_have_same_words_in_order() {
    for (name, email) in samples::all() {
        assert_eq!(words(&email.text), words(&visible(&email.html)), "{name}");
    }
}

#[test]
fn text_and_html_have_same_links() {
    for (name, email) in samples::all() {
        let in_text: Vec<String> = urls(&email.text).map(str::to_owned).collect();
        assert_eq!(sorted(in_text), sorted(links(&email)), "{name}");
    }
}

#[test]
fn text_links_have_own_lines_and_lines_are_short() {
    for (name, email) in samples::all() {
        for line in email.text.lines() {
            let is_link = line.starts_with("https://") && !line.contains(' ');
            assert!(is_link || !line.contains("://"), "{name}: {line}");
            assert!(is_link || line.chars().count() <= 72, "{name}: {line}");
        }
        assert!(!email.text.contains("\n\n\n") && email.text.ends_with('\n'), "{name}");
    }
}

/// The words, without addresses and without the punctuation around them.
pub(super) fn words(text: &str) -> Vec<String> {
    let words = text
        .split_whitespace()
        .filter(|word| !word.contains("://"))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// What a user reads who opens the page: neither what is hidden nor the name at its head.
pub(super) fn visible(html: &str) -> String {
    let page = Html::parse_document(html);
    let body = Selector::parse("body").unwrap();
    let mut read = String::new();
    collect(page.select(&body).next().unwrap(), &mut read);
    read
}

fn collect(parent: ElementRef<'_>, read: &mut String) {
    for child in parent.children() {
        match (child.value(), ElementRef::wrap(child)) {
            (Node::Text(text), _) => read.push_str(text),
            (_, Some(element)) if !is_unseen(element) => {
                read.push(' ');
                collect(element, read);
                read.push(' ');
            }
            _ => {}
        }
    }
}

fn is_unseen(element: ElementRef<'_>) -> bool {
    let element = element.value();
    let is_hidden = element.attr("style").is_some_and(|style| style.contains("display:none"));
    is_hidden || element.name() == "style" || element.classes().any(|class| class == "brand")
}

fn links(email: &Email) -> Vec<String> {
    let page = Html::parse_document(&email.html);
    let anchors = Selector::parse("a").unwrap();
    page.select(&anchors).map(|a| a.value().attr("href").unwrap().to_owned()).collect()
}

fn urls(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with("https://"))
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort_unstable();
    all.dedup();
    all
}
