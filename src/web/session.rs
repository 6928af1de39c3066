//! Extractors for the signed-in user and their forms.
//!
//! A form carries a CSRF token derived from the session token
//! (<https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html>),
//! in addition to the origin check that applies to every form.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Form, FromRef, FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use url::form_urlencoded;

use super::Shared;
use super::cookies::{self, Purpose};
use super::page::{self, Message};
use crate::accounts::session;
use crate::context::Ctx;
use crate::domain::user::UserId;

/// The signed-in user. Others are redirected to the front page.
pub(super) struct CurrentUser {
    pub(super) user: UserId,
    pub(super) frame: PageContext,
    /// The session token.
    pub(super) session: String,
}

/// What all pages of a signed-in user need.
#[derive(Debug, Clone)]
pub(super) struct PageContext {
    /// The CSRF token, which every form sends as `form`.
    pub(super) form_token: String,
    /// Whether the menu shows the admin page.
    pub(super) is_operator: bool,
}

impl FromRequestParts<Shared> for CurrentUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        let ctx = Arc::<Ctx>::from_ref(shared);
        let jar = CookieJar::from_headers(&parts.headers);
        let front = || Redirect::to("/").into_response();
        let token = cookies::read(&jar, &ctx, Purpose::Session).ok_or_else(front)?;
        match session::authenticate(&ctx, &token).await {
            Ok(Some(known)) => {
                let form_token = session::form_token(&token);
                let frame = PageContext { form_token, is_operator: known.is_operator };
                Ok(Self { user: known.user, frame, session: token })
            }
            Ok(None) => Err(front()),
            Err(error) => Err(page::internal_error(&error)),
        }
    }
}

/// A form that a signed-in user sent from one of our pages.
pub(super) struct CsrfForm {
    pub(super) current_user: CurrentUser,
    pub(super) fields: Fields,
}

impl FromRequest<Shared> for CsrfForm {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let current_user = CurrentUser::from_request_parts(&mut parts, shared).await?;
        let fields = Fields::from_request(Request::from_parts(parts, body), shared).await?;
        if session::is_form_token(&current_user.session, fields.value("form")) {
            Ok(Self { current_user, fields })
        } else {
            Err(stale_form())
        }
    }
}

fn stale_form() -> Response {
    let body = "You’ve signed in again since you opened it, or it didn’t come from a page of this \
                Dropday. Nothing was changed. Please reload the page and try again.";
    let action = Some(("Go to Home", "/account"));
    Message { title: "This form has expired", body, action }.with(StatusCode::FORBIDDEN)
}

/// The fields of a form or a query string, in order.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of that name, or an empty string.
    pub(super) fn value(&self, name: &str) -> &str {
        self.values(name).next().unwrap_or_default()
    }

    /// As [`Fields::value`], but `None` if the field is missing or empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(self.value(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Whether the field is there, such as a ticked checkbox.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let form = Form::<Vec<(String, String)>>::from_request(request, state).await;
        form.map(|Form(fields)| Self(fields)).map_err(|why| page::unreadable(why.status()))
    }
}

/// The query string of a URL. Pages ignore what they cannot parse, so this never fails.
pub(super) struct UrlQuery(pub(super) Fields);

impl<S: Send + Sync> FromRequestParts<S> for UrlQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default())))
    }
}
