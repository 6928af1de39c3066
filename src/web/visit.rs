//! Who asks: a browser that is signed in, and forms that it sends.
//!
//! A form carries a token made of its session's, so that no other site's page can send it
//! (<https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html>),
//! beside the check of its origin that holds for every form.

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

/// A browser that is signed in. Who is not is sent to the front page.
pub(super) struct Visit {
    /// Who it is.
    pub(super) user: UserId,
    /// What their pages have in common.
    pub(super) frame: Frame,
    /// The session's token.
    pub(super) session: String,
}

/// What the pages of somebody who is signed in have in common.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// To go into every form, as `form`.
    pub(super) form_token: String,
    /// Whether they keep the instance.
    pub(super) is_operator: bool,
}

impl FromRequestParts<Shared> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        let ctx = Arc::<Ctx>::from_ref(shared);
        let jar = CookieJar::from_headers(&parts.headers);
        let front = || Redirect::to("/").into_response();
        let token = cookies::read(&jar, &ctx, Purpose::Session).ok_or_else(front)?;
        match session::whose(&ctx, &token).await {
            Ok(Some(known)) => {
                let form_token = session::form_token(&token);
                let frame = Frame { form_token, is_operator: known.is_operator };
                Ok(Self { user: known.user, frame, session: token })
            }
            Ok(None) => Err(front()),
            Err(error) => Err(page::our_fault(&error)),
        }
    }
}

/// A form of somebody who is signed in, sent from a page of ours.
pub(super) struct SignedForm {
    /// Who sent it.
    pub(super) visit: Visit,
    /// What they typed and chose.
    pub(super) fields: Fields,
}

impl FromRequest<Shared> for SignedForm {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, shared).await?;
        let fields = Fields::from_request(Request::from_parts(parts, body), shared).await?;
        if session::is_form_token(&visit.session, fields.value("form")) {
            Ok(Self { visit, fields })
        } else {
            Err(stale_form())
        }
    }
}

fn stale_form() -> Response {
    let body = "It was opened before you last signed in, or it did not come from a page of this Dropday. \
                Nothing was changed. Please open the page again, and send it from there.";
    let action = Some(("To your page", "/account"));
    Message { title: "This form cannot be taken", body, action }.with(StatusCode::FORBIDDEN)
}

/// What a form brought, in its order.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// What the query of an address brings.
    pub(super) fn of_query(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Every value of that name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of that name; empty where there is none.
    pub(super) fn value(&self, name: &str) -> &str {
        self.values(name).next().unwrap_or_default()
    }

    /// Whether there is a value of that name, such as of a box that is ticked.
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
