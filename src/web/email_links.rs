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
    let action = Some(("To your preferences", "/preferences"));
    Ok(match email_links::act(&ctx, token).await? {
        Some(Link::Unsubscribe) => Message {
            title: "No more letters with news",
            body: "You get no letters about new releases from now on. Dropday goes on watching, and its \
                   page of new albums shows what comes out. In your preferences you can switch letters on \
                   again.",
            action,
        }
        .with(StatusCode::OK),
        Some(Link::Mute(artist)) => Message {
            title: "Muted",
            body: &format!(
                "You hear nothing more of {artist}. Whom you follow at Spotify stays as \
                 it is. In your preferences you can undo it."
            ),
            action,
        }
        .with(StatusCode::OK),
        None => void(),
    })
}

fn void() -> Response {
    Message {
        title: "This link does not work any more",
        body: "It was cut off on its way here, or the account or the artist that it is about is gone. \
               On your page you can change everything that letters do.",
        action: Some(("To your page", "/account")),
    }
    .with(StatusCode::GONE)
}
