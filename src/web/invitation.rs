//! The page behind an invitation's link. Opening it does not use the invitation.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::page::{self, Message, PageResult};
use super::time::DisplayTime;
use crate::accounts::invitations;
use crate::context::Ctx;
use crate::domain::{instance::Contact, signup_policy::SignUpPolicy};

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    token: String,
    until: DisplayTime,
    contact: Option<Contact>,
}

pub(super) async fn show(State(ctx): State<Arc<Ctx>>, Path(token): Path<String>) -> PageResult {
    let found = invitations::look_up(&ctx, &token).await?;
    Ok(match found.filter(|invitation| invitation.is_good(ctx.clock.now())) {
        _ if ctx.instance.sign_up == SignUpPolicy::Closed => closed(&ctx),
        Some(invitation) => {
            let until = DisplayTime::exact(invitation.expires_at, &ctx.zone);
            page::render(&InvitationPage { token, until, contact: ctx.instance.contact.clone() })
        }
        None => void(&ctx),
    })
}

fn closed(ctx: &Ctx) -> Response {
    let body = "Invitations don’t work at the moment. Please try again later, or ask the operator. \
                If you already have an account, sign in from the start page.";
    let title = "This Dropday isn’t accepting new people right now";
    Message { title, body, action: None }.with_contact(ctx, StatusCode::FORBIDDEN)
}

fn void(ctx: &Ctx) -> Response {
    let body = "It has been used, has expired or was withdrawn, or the link is incomplete. If you \
                used it yourself, you already have an account: sign in from the start page. \
                Otherwise, ask for a new one.";
    let title = "This invitation is no longer valid";
    Message { title, body, action: None }.with_contact(ctx, StatusCode::GONE)
}
