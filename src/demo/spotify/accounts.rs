//! The accounts service: the consent page and the token endpoint.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Redirect, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::pages::rendered;
use super::{Site, bodies};
use crate::demo::world::{
    ACCESS_TOKEN_TTL, FakeUser, FakeUserId, Issued, OAuthError, World, field,
};

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>This is not Spotify</title><link rel="stylesheet" href="/style.css"></head>
<body><main>
<p class="stamp">This is not Spotify. It is part of Dropday’s demo.</p>
<h1>Dropday wants to see which artists you follow</h1>
<p>The real Spotify would ask you to log in and agree to this:</p>
<ul>{% for scope in scopes %}<li>{{ scope }}</li>{% endfor %}</ul>
<h2>Who would you like to be?</h2>
<form method="post" action="/authorize/decision?{{ query }}">
{% for (id, user) in users %}<p class="row"><span><b>{{ user.name }}</b>
<small>follows {{ user.follows.len() }} artists</small></span>
<button name="agree" value="{{ id.0 }}">Agree as {{ user.name }}</button></p>{% endfor %}
<p><button class="quiet" name="refuse" value="yes">Refuse</button></p>
</form>
<p><small>Your browser then returns to {{ host }}.</small></p>
</main></body></html>"#
)]
struct ConsentPage<'a> {
    scopes: Vec<&'a str>,
    users: Vec<(FakeUserId, FakeUser)>,
    query: &'a str,
    host: &'a str,
}

pub(super) async fn consent_page(State(site): State<Site>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let request = match site.world.parse_authorize(&query) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error).into_response(),
    };
    let host = request.redirect_uri.host_str().unwrap_or_default();
    let scopes = request.scope.iter().map(|scope| describe(scope)).collect();
    let page = ConsentPage { scopes, users: site.world.users(), query: &query, host };
    Html(rendered(&page)).into_response()
}

/// The form of the consent page: `agree=<number of a user>` agrees, anything else declines.
pub(super) async fn decide(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    form: String,
) -> Response {
    let request = match site.world.parse_authorize(&query.unwrap_or_default()) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error).into_response(),
    };
    let user = field(&form, "agree").and_then(|id| id.parse().ok()).map(FakeUserId);
    let back = match user.filter(|id| site.world.user(*id).is_some()) {
        Some(user) => site.world.agree(&request, user),
        None => request.back("error", "access_denied"),
    };
    Redirect::to(&back).into_response()
}

pub(super) async fn token(State(site): State<Site>, headers: HeaderMap, form: String) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_none_or(|kind| !kind.starts_with("application/x-www-form-urlencoded")) {
        site.world.record_unexpected("token: the body is not a form");
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    match grant(&site.world, &headers, &form) {
        Ok(issued) => tokens(&issued),
        Err(OAuthError(code, description)) => bodies::oauth_error(code, description),
    }
}

fn grant(world: &World, headers: &HeaderMap, form: &str) -> Result<Issued, OAuthError> {
    let has_secret = authenticate(world, headers, form)?;
    let need = |name: &'static str, missing: &'static str| {
        field(form, name).filter(|value| !value.is_empty()).ok_or_else(|| {
            world.record_unexpected(format!("token: {missing}"));
            OAuthError("invalid_request", missing)
        })
    };
    match field(form, "grant_type").as_deref() {
        Some("authorization_code") => {
            let code = need("code", "code must be supplied")?;
            let redirect_uri = need("redirect_uri", "redirect_uri must be supplied")?;
            world.exchange(&code, &redirect_uri, &need("code_verifier", "code_verifier required")?)
        }
        Some("refresh_token") => {
            world.refresh(&need("refresh_token", "refresh_token must be supplied")?)
        }
        Some("client_credentials") if has_secret => Ok(world.issue(None, false)),
        Some("client_credentials") => Err(OAuthError("invalid_client", "Invalid client secret")),
        _ => {
            world.record_unexpected("token: an unknown grant_type");
            Err(OAuthError("unsupported_grant_type", "grant_type is missing or not supported"))
        }
    }
}

/// Authenticates the client. Returns whether it sent its secret.
fn authenticate(world: &World, headers: &HeaderMap, form: &str) -> Result<bool, OAuthError> {
    let invalid = OAuthError("invalid_client", "Invalid client");
    if field(form, "client_secret").is_some() {
        world.record_unexpected("token: the secret belongs in the Authorization header");
    }
    let (id, secret) = match headers.get(header::AUTHORIZATION) {
        Some(value) => basic(value.as_bytes()).ok_or(invalid)?,
        None => match field(form, "client_id") {
            Some(id) => (id, None),
            None => {
                world.record_unexpected("token: neither client_id nor Authorization");
                return Err(invalid);
            }
        },
    };
    match world.knows_client(&id, secret.as_deref()) {
        true => Ok(secret.is_some()),
        false => Err(invalid),
    }
}

fn basic(header: &[u8]) -> Option<(String, Option<String>)> {
    let encoded = header.strip_prefix(b"Basic ")?;
    let pair = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((id.to_owned(), Some(secret.to_owned())))
}

fn tokens(issued: &Issued) -> Response {
    let scope: Vec<&str> = issued.scope.iter().map(String::as_str).collect();
    let mut body = json!({
        "access_token": issued.access,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_TTL.as_secs(),
    });
    if !scope.is_empty() {
        body["scope"] = json!(scope.join(" "));
    }
    if let Some(refresh) = &issued.refresh {
        body["refresh_token"] = json!(refresh);
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn describe(scope: &str) -> &str {
    match scope {
        "user-follow-read" => "See which artists you follow",
        "user-read-email" => "See your email address",
        other => other,
    }
}
