//! The front page.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum_extra::extract::CookieJar;

use super::cookies::{self, Purpose};
use super::page;
use crate::accounts::session;
use crate::context::Ctx;
use crate::domain::{instance::Contact, signup_policy::SignUpPolicy};

#[derive(Template)]
#[template(path = "front.html")]
struct FrontPage {
    is_signed_in: bool,
    sign_up: SignUpPolicy,
    contact: Option<Contact>,
}

pub(super) async fn show(State(ctx): State<Arc<Ctx>>, jar: CookieJar) -> Response {
    let token = cookies::read(&jar, &ctx, Purpose::Session);
    let is_signed_in = match token {
        Some(token) => session::authenticate(&ctx, &token).await.is_ok_and(|user| user.is_some()),
        None => false,
    };
    let (sign_up, contact) = (ctx.instance.sign_up, ctx.instance.contact.clone());
    page::render(&FrontPage { is_signed_in, sign_up, contact })
}
