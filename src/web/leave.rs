//! Deleting the account, and the export of everything stored about a user.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;

use super::cookies::{self, Purpose};
use super::page::{self, PageResult};
use super::session::{CsrfForm, CurrentUser, PageContext};
use crate::accounts::{delete_account as leaving, export};
use crate::context::Ctx;

/// Where users see the apps they allowed, and can remove them.
const APPS_AT_SPOTIFY: &str = "https://www.spotify.com/account/apps/";

#[derive(Template)]
#[template(path = "leave.html")]
struct LeavePage {
    frame: PageContext,
    is_unsure: bool,
}

impl LeavePage {
    /// The place in the list of pages: it is in none.
    const PATH: &str = "/leave";
}

pub(super) async fn show(current_user: CurrentUser) -> Response {
    page::render(&LeavePage { frame: current_user.frame, is_unsure: false })
}

/// Deletes the account if the box is ticked, so that one stray click does not.
pub(super) async fn leave(
    State(ctx): State<Arc<Ctx>>,
    jar: CookieJar,
    CsrfForm { current_user, fields }: CsrfForm,
) -> PageResult {
    if !fields.has("sure") {
        let page = page::render(&LeavePage { frame: current_user.frame, is_unsure: true });
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    leaving::delete_account(&ctx, current_user.user).await?;
    let body = "Your Spotify access, followed artists, settings and unsent emails have been \
                deleted. If your address was confirmed, we’ll send one last email and then delete \
                the address, too. Spotify may still list Dropday among your connected apps; you \
                can remove it at spotify.com/account/apps.";
    let gone = page::Message {
        title: "Your account has been deleted",
        body,
        action: Some(("Remove Dropday at Spotify", APPS_AT_SPOTIFY)),
    };
    Ok((cookies::clear(jar, &ctx, Purpose::Session), gone.with(StatusCode::OK)).into_response())
}

/// Everything stored about the user, as a file.
pub(super) async fn everything(
    State(ctx): State<Arc<Ctx>>,
    current_user: CurrentUser,
) -> PageResult {
    let Some(json) = export::everything(&ctx, current_user.user).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    let kind = (header::CONTENT_TYPE, "application/json");
    let file = (header::CONTENT_DISPOSITION, "attachment; filename=\"dropday.json\"");
    Ok(([kind, file], json).into_response())
}
