//! The privacy page, which needs no sign-in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::page;
use crate::context::Ctx;
use crate::domain::instance::Contact;

#[derive(Template)]
#[template(path = "privacy.html")]
struct PrivacyPage {
    contact: Option<Contact>,
    has_hints: bool,
}

pub(super) async fn show(State(ctx): State<Arc<Ctx>>) -> Response {
    let (contact, has_hints) = (ctx.instance.contact.clone(), !ctx.hints.is_empty());
    page::render(&PrivacyPage { contact, has_hints })
}
