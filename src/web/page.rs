//! Rendering, and the pages that only show a message.

use askama::Template;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};

use crate::context::Ctx;
use crate::domain::instance::Contact;
use crate::domain::user::EmailAddress;
use crate::store::StoreError;

/// A page that says what happened and what to do next.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message<'a> {
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    /// A button: its label and its target.
    pub(super) action: Option<(&'a str, &'a str)>,
}

impl Message<'_> {
    /// Links to the operator's contact, if one is configured.
    pub(super) fn with_contact(self, ctx: &Ctx, status: StatusCode) -> Response {
        let to = ctx.instance.contact.as_ref().map(Contact::link);
        let front = Some(("Go to the start page", "/"));
        let action = to.as_deref().map(|to| ("Ask the operator", to)).or(front);
        Message { title: self.title, body: self.body, action }.with(status)
    }

    pub(super) fn with(self, status: StatusCode) -> Response {
        (status, render(&self)).into_response()
    }
}

/// Renders a template. A template that fails is a bug.
pub(super) fn render(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "failed to render template; this is a bug");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(super) async fn style() -> Response {
    let kind = (header::CONTENT_TYPE, "text/css; charset=utf-8");
    let cache = (header::CACHE_CONTROL, "public, max-age=3600");
    ([kind, cache], include_str!("templates/style.css")).into_response()
}

pub(super) async fn preferences_script() -> Response {
    let kind = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    let cache = (header::CACHE_CONTROL, "public, max-age=3600");
    ([kind, cache], include_str!("templates/preferences.js")).into_response()
}

pub(super) async fn not_found() -> Response {
    let body = "The link may be incomplete, or the page no longer exists.";
    let action = Some(("Go to the start page", "/"));
    Message { title: "Page not found", body, action }.with(StatusCode::NOT_FOUND)
}

pub(super) async fn method_not_allowed(request: Request) -> Response {
    tracing::debug!(method = %request.method(), "method not allowed");
    let body = "This address can’t handle that request. Please go back to the start page.";
    let action = Some(("Go to the start page", "/"));
    Message { title: "That doesn’t work here", body, action }.with(StatusCode::METHOD_NOT_ALLOWED)
}

/// For a form that is too long or cannot be parsed.
pub(super) fn unreadable(status: StatusCode) -> Response {
    let (title, body) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ("That was too much", "The form was larger than we accept. Nothing was changed.")
        }
        _ => (
            "We couldn’t read that form",
            "It arrived incomplete, or it didn’t come from a page of this Dropday. Nothing was \
             changed. Please reload the page and try again.",
        ),
    };
    Message { title, body, action: Some(("Go to the start page", "/")) }.with(status)
}

/// The result of a handler: `?` answers database errors with [`internal_error`].
pub(super) type PageResult = Result<Response, InternalError>;

#[derive(Debug)]
pub(super) struct InternalError(StoreError);

impl From<StoreError> for InternalError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl IntoResponse for InternalError {
    fn into_response(self) -> Response {
        internal_error(&self.0)
    }
}

pub(super) fn internal_error(error: &StoreError) -> Response {
    tracing::error!(%error, "failed to render page");
    let body = "Dropday can’t reach its database. None of your data is lost. Please try again in a \
                minute. If it keeps happening, contact the operator.";
    let action = Some(("Go to the start page", "/"));
    Message { title: "Something went wrong on our side", body, action }
        .with(StatusCode::SERVICE_UNAVAILABLE)
}

/// How long a page confirms what the user just did.
const JUST_NOW: SignedDuration = SignedDuration::from_mins(2);

/// Whether `at` is recent enough for a page to say that something was just done.
pub(super) fn is_just_now(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.duration_since(at) <= JUST_NOW
}

/// The whole address, for its owner's page: `EmailAddress` prints itself redacted.
pub(super) fn shown(address: Option<&EmailAddress>) -> String {
    address.map(|address| address.as_str().to_owned()).unwrap_or_default()
}
