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
    let body = "Invitations let nobody in for now. Please try again later, or ask whoever runs it. If you are \
                here already, sign in from the front page.";
    let title = "This Dropday takes nobody new at present";
    Message { title, body, action: None }.with_contact(ctx, StatusCode::FORBIDDEN)
}

fn void(ctx: &Ctx) -> Response {
    let body = "It was used already, is over, was withdrawn, or lost a part on its way here. If it was you who used \
                it, sign in from the front page: you need no invitation any more. Else ask for another one.";
    let title = "This invitation is not good any more";
    Message { title, body, action: None }.with_contact(ctx, StatusCode::GONE)
}
