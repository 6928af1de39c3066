//! The letters to a person in words.

use crate::store::outbox::{EmailKind, Fate, Lately};

/// A letter on its reader's page.
pub(super) struct Line {
    /// What it is.
    pub(super) what: String,
    /// What became of it.
    pub(super) fate: Fate,
}

impl Line {
    pub(super) fn new(letter: Lately) -> Self {
        Self { what: what(&letter), fate: letter.fate }
    }
}

fn what(letter: &Lately) -> String {
    let plain = match letter.kind {
        EmailKind::News => return news(letter),
        EmailKind::Confirm => "Please confirm your address",
        EmailKind::Welcome => "Welcome",
        EmailKind::Sample => "A sample",
        EmailKind::SignInAgain => "Please sign in with Spotify again",
        EmailKind::ConsentEnds => "Your Spotify permission ends soon",
        EmailKind::GoodBye => "Good-bye",
        EmailKind::Operator => "For whoever runs this Dropday",
    };
    plain.to_owned()
}

/// `New: Moon Safari, Post and 3 more`.
fn news(letter: &Lately) -> String {
    let more = letter.told.saturating_sub(letter.titles.len());
    let named = letter.titles.join(", ");
    match (named.is_empty(), more) {
        (false, 0) => format!("New: {named}"),
        (false, more) => format!("New: {named} and {more} more"),
        (true, more) => format!("New: {more} releases"),
    }
}
