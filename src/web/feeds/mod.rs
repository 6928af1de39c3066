//! Private addresses for feed readers and calendars: the page on which they are made, and the answers
//! that they give.

mod atom;
mod calendar;
mod serve;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

pub(super) use self::serve::{atom, calendar};
use super::page;
use super::visit::{Frame, SignedForm, Visit};
use super::when::When;
use crate::accounts::feeds;
use crate::context::Ctx;
use crate::domain::feed::Form;
use crate::store::feeds::Made;

#[derive(Template)]
#[template(path = "feeds.html")]
struct Page {
    frame: Frame,
    feeds: Vec<Shown>,
}

/// A feed as the page shows it.
struct Shown {
    form: Form,
    made: Option<When>,
    read: Option<When>,
    /// The address, where it was made just now: it is not kept.
    address: Option<String>,
}

impl Page {
    /// The place in the list of pages.
    const PATH: &str = "/feeds";
}

/// Where a feed of this form is answered.
fn path(form: Form, token: &str) -> String {
    match form {
        Form::Atom => format!("/feed/{token}.atom"),
        Form::Calendar => format!("/calendar/{token}.ics"),
    }
}

pub(super) async fn show(State(ctx): State<Arc<Ctx>>, visit: Visit) -> Response {
    show_page(&ctx, visit, None).await
}

async fn show_page(ctx: &Ctx, visit: Visit, new: Option<(Form, String)>) -> Response {
    let (made, zone) = match feeds::of(ctx, visit.user).await {
        Ok(Some(found)) => found,
        Ok(None) => return Redirect::to("/").into_response(),
        Err(error) => return page::our_fault(&error),
    };
    let shown = |form| {
        let found: Option<&Made> = made.iter().find(|made| made.form == form);
        let new = new.as_ref().filter(|(of, _)| *of == form);
        Shown {
            form,
            made: found.map(|made| When::exact(made.made_at, &zone)),
            read: found.and_then(|made| made.read_at).map(|at| When::exact(at, &zone)),
            address: new.map(|(_, token)| ctx.page(&path(form, token))),
        }
    };
    page::render(&Page { frame: visit.frame, feeds: Form::ALL.map(shown).into() })
}

/// Makes a new address, and answers with it: it is shown this once, and stored nowhere, a redirect's
/// address included.
pub(super) async fn make(
    State(ctx): State<Arc<Ctx>>,
    Path(form): Path<String>,
    SignedForm { visit, .. }: SignedForm,
) -> Response {
    let Some(form) = Form::parse(&form) else { return page::not_found().await };
    match feeds::make(&ctx, visit.user, form).await {
        Ok(token) => show_page(&ctx, visit, Some((form, token))).await,
        Err(error) => page::our_fault(&error),
    }
}

pub(super) async fn revoke(
    State(ctx): State<Arc<Ctx>>,
    Path(form): Path<String>,
    SignedForm { visit, .. }: SignedForm,
) -> Response {
    let Some(form) = Form::parse(&form) else { return page::not_found().await };
    match feeds::revoke(&ctx, visit.user, form).await {
        Ok(()) => Redirect::to("/feeds").into_response(),
        Err(error) => page::our_fault(&error),
    }
}
