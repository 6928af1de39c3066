//! The parts of the Web API that Dropday uses, as they behave in Development Mode.

#![expect(clippy::result_large_err, reason = "axum's error responses are large")]

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{ErrorResponse, IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::{Site, TokenOwner, bodies};
use crate::demo::world::{Bearer, FakeUserId, Group, Scope, World, field};

const NOT_ALLOW_LISTED: &str =
    "Check settings on developer.spotify.com/dashboard, the user may not be registered.";
const PREMIUM_REQUIRED: &str = "Active premium subscription required for the owner of the app. \
     When the subscription status changes, it can take a few hours before requests are allowed again.";

type Answer = axum::response::Result<Response>;

/// The owner of the token: a user, or the app itself.
struct AccessRequest(Option<(FakeUserId, Scope)>);

pub(super) async fn me(State(site): State<Site>, headers: HeaderMap) -> Answer {
    let access_request = authenticate(&site, &headers)?;
    let id = access_request.user()?;
    let user = site.world.user(id).ok_or_else(|| bodies::error(404, "No such user"))?;
    Ok(access_request.answer(bodies::me(&site, &user)))
}

pub(super) async fn following(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = query.unwrap_or_default();
    let access_request = authenticate(&site, &headers)?;
    let user = access_request.user()?;
    access_request.require_scope("user-follow-read")?;
    if field(&query, "type").as_deref() != Some("artist") {
        return Err(bad_request(&site.world, "Bad or missing type"));
    }
    if field(&query, "offset").is_some() {
        site.world.record_unexpected("following: offset is not a parameter");
    }
    let limit = number(&site.world, &query, "limit", 20, 1..=50)?;
    let after = field(&query, "after");
    let page = site.world.following_page(user, after.as_deref(), limit);
    let page = page.ok_or_else(|| bodies::error(404, "No such user"))?;
    let href = format!("{}/v1/me/following?type=artist&limit={limit}", site.base);
    let items: Vec<Value> = nullable(&page.items, |artist| bodies::artist(&site, artist));
    let mut artists = json!({
        "href": href,
        "items": items,
        "limit": limit,
        "next": page.after.as_ref().map(|after| format!("{href}&after={after}")),
    });
    if page.has_cursors {
        artists["total"] = json!(page.total);
        artists["cursors"] = json!({ "after": page.after });
    }
    Ok(access_request.answer(json!({ "artists": artists })))
}

pub(super) async fn artist_albums(
    State(site): State<Site>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = query.unwrap_or_default();
    let access_request = authenticate(&site, &headers)?;
    let limit = number(&site.world, &query, "limit", 5, 1..=10)?;
    let offset = number(&site.world, &query, "offset", 0, 0..=10_000)?;
    let groups = groups(&site.world, &query)?;
    site.world.spend_quota().map_err(|wait| bodies::quota_exceeded(Some(wait)))?;
    let page = site.world.album_page(&id, &groups, offset, limit);
    let page = page.ok_or_else(|| bodies::error(404, "Resource not found"))?;
    let names: Vec<&str> = groups.iter().map(|group| group.as_str()).collect();
    let at = |offset: usize| {
        let groups = names.join(",");
        let list = format!("{}/v1/artists/{id}/albums", site.base);
        format!("{list}?offset={offset}&limit={limit}&include_groups={groups}")
    };
    Ok(access_request.answer(json!({
        "href": at(offset),
        "items": nullable(&page.items, |album| bodies::album(&site, album)),
        "limit": limit,
        "next": page.has_next.then(|| at(offset + limit)),
        "offset": offset,
        "previous": (offset > 0).then(|| at(offset.saturating_sub(limit))),
        "total": page.total,
    })))
}

/// Authenticates a request. The errors come in Spotify's order.
fn authenticate(site: &Site, headers: &HeaderMap) -> Result<AccessRequest, ErrorResponse> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| bodies::unauthorized("No token provided"))?;
    let access_request = match site.world.bearer(token) {
        Bearer::App => AccessRequest(None),
        Bearer::User(user, scope) => AccessRequest(Some((user, scope))),
        Bearer::Expired => return Err(bodies::unauthorized("The access token expired").into()),
        Bearer::Unknown => return Err(bodies::unauthorized("Invalid access token").into()),
    };
    if !site.world.owner_has_premium() {
        let body = (axum::http::StatusCode::FORBIDDEN, PREMIUM_REQUIRED).into_response();
        return Err(access_request.with_owner(body).into());
    }
    let user = access_request.0.as_ref().and_then(|(id, _)| site.world.user(*id));
    if user.is_some_and(|user| !user.allow_listed) {
        return Err(access_request.with_owner(bodies::error(403, NOT_ALLOW_LISTED)).into());
    }
    Ok(access_request)
}

impl AccessRequest {
    fn user(&self) -> Result<FakeUserId, ErrorResponse> {
        let user = self.0.as_ref().map(|(user, _)| *user);
        user.ok_or_else(|| bodies::error(401, "Valid user authentication required").into())
    }

    fn require_scope(&self, scope: &str) -> Result<(), ErrorResponse> {
        match &self.0 {
            Some((_, granted)) if granted.contains(scope) => Ok(()),
            _ => Err(self.with_owner(bodies::error(403, "Insufficient client scope")).into()),
        }
    }

    fn answer(&self, body: Value) -> Response {
        self.with_owner(Json(body).into_response())
    }

    fn with_owner(&self, mut response: Response) -> Response {
        if let Some((user, _)) = &self.0 {
            response.extensions_mut().insert(TokenOwner(*user));
        }
        response
    }
}

fn number(
    world: &World,
    query: &str,
    name: &str,
    default: usize,
    allowed: std::ops::RangeInclusive<usize>,
) -> Result<usize, ErrorResponse> {
    let Some(raw) = field(query, name) else { return Ok(default) };
    let number = raw.parse().ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| bad_request(world, &format!("Invalid {name}")))
}

fn groups(world: &World, query: &str) -> Result<Vec<Group>, ErrorResponse> {
    let Some(raw) = field(query, "include_groups") else { return Ok(Group::ALL.to_vec()) };
    let groups: Option<Vec<Group>> = raw.split(',').map(Group::parse).collect();
    groups.ok_or_else(|| bad_request(world, "Invalid include_groups"))
}

/// 400 for a request that no client should send.
fn bad_request(world: &World, message: &str) -> ErrorResponse {
    world.record_unexpected(format!("Web API: {message}"));
    bodies::error(400, message).into()
}

fn nullable<T>(items: &[Option<T>], body: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(|item| item.as_ref().map_or(Value::Null, &body)).collect()
}
