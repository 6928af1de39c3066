//! Private feed and calendar URLs: the page that creates them, and the feeds themselves.

mod atom;
mod calendar;
mod serve;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};

pub(super) use self::serve::{atom, calendar};
use super::page::{self, PageResult};
use super::session::{CsrfForm, CurrentUser, PageContext};
use super::time::DisplayTime;
use crate::accounts::feeds;
use crate::context::Ctx;
use crate::domain::feed::Form;
use crate::store::feeds::Feed;

#[derive(Template)]
#[template(path = "feeds.html")]
struct FeedsPage {
    frame: PageContext,
    feeds: Vec<FeedRow>,
}

struct FeedRow {
    form: Form,
    made: Option<DisplayTime>,
    read: Option<DisplayTime>,
    /// Its URL, shown only right after it was created: only a hash of it is stored.
    address: Option<String>,
}

impl FeedsPage {
    /// This page in the menu.
    const PATH: &str = "/feeds";
}

fn path(form: Form, token: &str) -> String {
    match form {
        Form::Atom => format!("/feed/{token}.atom"),
        Form::Calendar => format!("/calendar/{token}.ics"),
    }
}

pub(super) async fn show(State(ctx): State<Arc<Ctx>>, current_user: CurrentUser) -> PageResult {
    show_page(&ctx, current_user, None).await
}

async fn show_page(
    ctx: &Ctx,
    current_user: CurrentUser,
    new: Option<(Form, String)>,
) -> PageResult {
    let Some((made, zone)) = feeds::of(ctx, current_user.user).await? else {
        return Ok(Redirect::to("/").into_response());
    };
    let shown = |form| {
        let found: Option<&Feed> = made.iter().find(|made| made.form == form);
        let new = new.as_ref().filter(|(of, _)| *of == form);
        FeedRow {
            form,
            made: found.map(|made| DisplayTime::exact(made.made_at, &zone)),
            read: found.and_then(|made| made.read_at).map(|at| DisplayTime::exact(at, &zone)),
            address: new.map(|(_, token)| ctx.url(&path(form, token))),
        }
    };
    Ok(page::render(&FeedsPage { frame: current_user.frame, feeds: Form::ALL.map(shown).into() }))
}

/// Creates a new URL and shows it in this response. It is not shown again, and not put into a redirect, where
/// it would end up in logs.
pub(super) async fn make(
    State(ctx): State<Arc<Ctx>>,
    Path(form): Path<String>,
    CsrfForm { current_user, .. }: CsrfForm,
) -> PageResult {
    let Some(form) = Form::parse(&form) else { return Ok(page::not_found().await) };
    let token = feeds::make(&ctx, current_user.user, form).await?;
    show_page(&ctx, current_user, Some((form, token))).await
}

pub(super) async fn revoke(
    State(ctx): State<Arc<Ctx>>,
    Path(form): Path<String>,
    CsrfForm { current_user, .. }: CsrfForm,
) -> PageResult {
    let Some(form) = Form::parse(&form) else { return Ok(page::not_found().await) };
    feeds::revoke(&ctx, current_user.user, form).await?;
    Ok(Redirect::to("/feeds").into_response())
}
