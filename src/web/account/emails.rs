//! How the account page describes recent emails.

use crate::store::outbox::{EmailKind, EmailState, RecentEmail};

pub(super) struct Line {
    pub(super) what: String,
    pub(super) delivery: EmailState,
}

impl Line {
    pub(super) fn new(email: RecentEmail) -> Self {
        Self { what: what(&email), delivery: email.delivery }
    }
}

fn what(email: &RecentEmail) -> String {
    let plain = match email.kind {
        EmailKind::News => return news(email),
        EmailKind::Confirm => "Confirm your address",
        EmailKind::Welcome => "Welcome",
        EmailKind::Sample => "Sample",
        EmailKind::SignInAgain => "Please sign in with Spotify again",
        EmailKind::ConsentEnds => "Your Spotify access ends soon",
        EmailKind::Goodbye => "Goodbye",
        EmailKind::Operator => "For the operator",
    };
    plain.to_owned()
}

/// `New: Moon Safari, Post and 3 more`.
fn news(email: &RecentEmail) -> String {
    let more = email.notified.saturating_sub(email.titles.len());
    let named = email.titles.join(", ");
    match (named.is_empty(), more) {
        (false, 0) => format!("New: {named}"),
        (false, more) => format!("New: {named} and {more} more"),
        (true, more) => format!("New: {more} releases"),
    }
}
