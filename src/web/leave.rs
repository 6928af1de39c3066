//! Leaving: what is stored about a user to take along, and the way out.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;

use super::cookies::{self, Purpose};
use super::page;
use super::visit::{Frame, SignedForm, Visit};
use crate::accounts::{export, leave as leaving};
use crate::context::Ctx;

/// Where a user sees the apps that they allow, and can take that back.
const APPS_AT_SPOTIFY: &str = "https://www.spotify.com/account/apps/";

#[derive(Template)]
#[template(path = "leave.html")]
struct Page {
    frame: Frame,
    is_unsure: bool,
}

impl Page {
    /// The place in the list of pages: it is in none.
    const PATH: &str = "/leave";
}

pub(super) async fn show(visit: Visit) -> Response {
    page::render(&Page { frame: visit.frame, is_unsure: false })
}

/// Deletes everything, if the box is ticked: one slip does not.
pub(super) async fn leave(
    State(ctx): State<Arc<Ctx>>,
    jar: CookieJar,
    SignedForm { visit, fields }: SignedForm,
) -> Response {
    if !fields.has("sure") {
        let page = page::render(&Page { frame: visit.frame, is_unsure: true });
        return (StatusCode::UNPROCESSABLE_ENTITY, page).into_response();
    }
    if let Err(error) = leaving::leave(&ctx, visit.user).await {
        return page::our_fault(&error);
    }
    let body = "Your sign-in, the artists you follow and everything owed to you are deleted from this \
                Dropday. If your address was confirmed, one last letter says so, and the address goes \
                with it. Spotify still lists the app among those you once allowed: \
                you can remove it at spotify.com/account/apps.";
    let gone = page::Message {
        title: "Everything about you is deleted",
        body,
        action: Some(("Remove the app at Spotify", APPS_AT_SPOTIFY)),
    };
    (cookies::clear(jar, &ctx, Purpose::Session), gone.with(StatusCode::OK)).into_response()
}

/// Everything that is stored about the user, as a file.
pub(super) async fn everything(State(ctx): State<Arc<Ctx>>, visit: Visit) -> Response {
    match export::everything(&ctx, visit.user).await {
        Ok(Some(json)) => {
            let kind = (header::CONTENT_TYPE, "application/json");
            let file = (header::CONTENT_DISPOSITION, "attachment; filename=\"dropday.json\"");
            ([kind, file], json).into_response()
        }
        Ok(None) => Redirect::to("/").into_response(),
        Err(error) => page::our_fault(&error),
    }
}
