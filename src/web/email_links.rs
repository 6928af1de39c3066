//! The pages behind links in emails, which need no sign-in: unsubscribe, and mute an artist. Opening one
//! changes nothing; its button does, or an email client's one-click POST (RFC 8058), which comes without
//! cookies.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{self, Message, PageResult};
use crate::accounts::email_links::{self, Link, Token};
use crate::context::Ctx;

#[derive(Template)]
#[template(path = "email_link.html")]
struct EmailLinkPage {
    /// The artist to mute; `None` to unsubscribe.
    artist: Option<String>,
}

pub(super) async fn show_unsubscribe(state: State<Arc<Ctx>>, token: Path<String>) -> PageResult {
    show(state, Token::unsubscribe(&token)).await
}

pub(super) async fn unsubscribe(state: State<Arc<Ctx>>, token: Path<String>) -> PageResult {
    act(state, Token::unsubscribe(&token)).await
}

pub(super) async fn show_mute(state: State<Arc<Ctx>>, token: Path<String>) -> PageResult {
    show(state, Token::mute(&token)).await
}

pub(super) async fn mute(state: State<Arc<Ctx>>, token: Path<String>) -> PageResult {
    act(state, Token::mute(&token)).await
}

async fn show(State(ctx): State<Arc<Ctx>>, token: Option<Token>) -> PageResult {
    let Some(token) = token else { return Ok(void()) };
    Ok(match email_links::look_up(&ctx, token).await? {
        Some(Link::Unsubscribe) => page::render(&EmailLinkPage { artist: None }),
        Some(Link::Mute(artist)) => page::render(&EmailLinkPage { artist: Some(artist) }),
        None => void(),
    })
}

async fn act(State(ctx): State<Arc<Ctx>>, token: Option<Token>) -> PageResult {
    let Some(token) = token else { return Ok(void()) };
    let action = Some(("Open Settings", "/preferences"));
    Ok(match email_links::act(&ctx, token).await? {
        Some(Link::Unsubscribe) => Message {
            title: "You’re unsubscribed",
            body: "You won’t get any more emails about new releases. Dropday keeps tracking your \
                   artists, and New releases shows what’s new. You can turn emails on again in \
                   Settings.",
            action,
        }
        .with(StatusCode::OK),
        Some(Link::Mute(artist)) => Message {
            title: "Muted",
            body: &format!(
                "You won’t get any more emails about {artist}. You still follow them on Spotify. \
                 You can undo this in Settings."
            ),
            action,
        }
        .with(StatusCode::OK),
        None => void(),
    })
}

fn void() -> Response {
    Message {
        title: "This link no longer works",
        body: "It’s incomplete, or the account or artist it belongs to is gone. You can change \
               what you get by email after signing in.",
        action: Some(("Go to Home", "/account")),
    }
    .with(StatusCode::GONE)
}
