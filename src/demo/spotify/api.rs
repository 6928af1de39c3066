//! The Web API, read-only, as Development Mode lets it be used.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::{Asker, Site, bodies};
use crate::demo::world::{Bearer, FakeUserId, Group, Scope, World, field};

const NOT_LISTED: &str =
    "Check settings on developer.spotify.com/dashboard, the user may not be registered.";
const NOT_PAID: &str = "Active premium subscription required for the owner of the app. \
     When the subscription status changes, it can take a few hours before requests are allowed again.";

type Answer = Result<Response, Refused>;

/// A refusal, boxed since it is so much bigger than what it stands in for.
pub(super) struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Who asks: a user, or the app for itself.
struct Caller(Option<(FakeUserId, Scope)>);

pub(super) async fn me(State(site): State<Site>, headers: HeaderMap) -> Answer {
    let caller = admit(&site, &headers)?;
    let id = caller.user()?;
    let user = site.world.user(id).ok_or_else(|| bodies::error(404, "No such user"))?;
    Ok(caller.answer(bodies::me(&site, &user)))
}

pub(super) async fn following(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = query.unwrap_or_default();
    let caller = admit(&site, &headers)?;
    let user = caller.user()?;
    caller.needs("user-follow-read")?;
    if field(&query, "type").as_deref() != Some("artist") {
        return Err(refuse(&site.world, 400, "Bad or missing type"));
    }
    if field(&query, "offset").is_some() {
        site.world.surprise("following: offset means nothing here");
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
    if let Some(total) = page.total {
        artists["total"] = json!(total);
    }
    if page.has_cursors {
        artists["cursors"] = json!({ "after": page.after });
    }
    Ok(caller.answer(json!({ "artists": artists })))
}

pub(super) async fn artist(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let caller = admit(&site, &headers)?;
    let artist = site.world.artist(&id).ok_or_else(|| bodies::error(404, "Resource not found"))?;
    Ok(caller.answer(bodies::artist(&site, &artist)))
}

pub(super) async fn artist_albums(
    State(site): State<Site>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = query.unwrap_or_default();
    let caller = admit(&site, &headers)?;
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
    Ok(caller.answer(json!({
        "href": at(offset),
        "items": nullable(&page.items, |album| bodies::album(&site, album)),
        "limit": limit,
        "next": page.has_next.then(|| at(offset + limit)),
        "offset": offset,
        "previous": (offset > 0).then(|| at(offset.saturating_sub(limit))),
        "total": page.total,
    })))
}

pub(super) async fn album(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let caller = admit(&site, &headers)?;
    let album = site.world.album(&id).ok_or_else(|| bodies::error(404, "Resource not found"))?;
    Ok(caller.answer(bodies::whole_album(&site, &album)))
}

/// Artists whose name contains the words that were asked for; other types are not searched.
pub(super) async fn search(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let query = query.unwrap_or_default();
    let caller = admit(&site, &headers)?;
    let limit = number(&site.world, &query, "limit", 5, 1..=10)?;
    let offset = number(&site.world, &query, "offset", 0, 0..=1000)?;
    let words = field(&query, "q").filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| refuse(&site.world, 400, "No search query"))?.to_lowercase();
    if field(&query, "type").as_deref() != Some("artist") {
        return Err(refuse(&site.world, 400, "Bad search type field"));
    }
    let mut found = site.world.artists();
    found.retain(|artist| artist.name.to_lowercase().contains(&words));
    let page = found.iter().skip(offset).take(limit);
    Ok(caller.answer(json!({ "artists": {
        "href": format!("{}/v1/search?{query}", site.base),
        "items": page.map(|artist| bodies::artist(&site, artist)).collect::<Vec<_>>(),
        "limit": limit,
        "next": null,
        "offset": offset,
        "previous": null,
        "total": found.len(),
    } })))
}

/// Lets a request in by its token, or says why not: the refusals come in Spotify's order.
fn admit(site: &Site, headers: &HeaderMap) -> Result<Caller, Refused> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| bodies::unauthorized("No token provided"))?;
    let caller = match site.world.bearer(token) {
        Bearer::App => Caller(None),
        Bearer::User(user, scope) => Caller(Some((user, scope))),
        Bearer::Expired => return Err(bodies::unauthorized("The access token expired").into()),
        Bearer::Unknown => return Err(bodies::unauthorized("Invalid access token").into()),
    };
    if !site.world.owner_pays() {
        let body = (axum::http::StatusCode::FORBIDDEN, NOT_PAID).into_response();
        return Err(caller.marked(body).into());
    }
    let user = caller.0.as_ref().and_then(|(id, _)| site.world.user(*id));
    if user.is_some_and(|user| !user.allow_listed) {
        return Err(caller.marked(bodies::error(403, NOT_LISTED)).into());
    }
    Ok(caller)
}

impl Caller {
    fn user(&self) -> Result<FakeUserId, Refused> {
        let user = self.0.as_ref().map(|(user, _)| *user);
        user.ok_or_else(|| bodies::error(401, "Valid user authentication required").into())
    }

    fn needs(&self, scope: &str) -> Result<(), Refused> {
        match &self.0 {
            Some((_, granted)) if granted.contains(scope) => Ok(()),
            _ => Err(self.marked(bodies::error(403, "Insufficient client scope")).into()),
        }
    }

    fn answer(&self, body: Value) -> Response {
        self.marked(Json(body).into_response())
    }

    fn marked(&self, mut response: Response) -> Response {
        if let Some((user, _)) = &self.0 {
            response.extensions_mut().insert(Asker(*user));
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
) -> Result<usize, Refused> {
    let Some(raw) = field(query, name) else { return Ok(default) };
    let number = raw.parse().ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| refuse(world, 400, &format!("Invalid {name}")))
}

fn groups(world: &World, query: &str) -> Result<Vec<Group>, Refused> {
    let Some(raw) = field(query, "include_groups") else { return Ok(Group::ALL.to_vec()) };
    let groups: Option<Vec<Group>> = raw.split(',').map(Group::parse).collect();
    groups.ok_or_else(|| refuse(world, 400, "Invalid include_groups"))
}

/// Refuses what no client should ask for.
fn refuse(world: &World, status: u16, message: &str) -> Refused {
    world.surprise(format!("Web API: {message}"));
    bodies::error(status, message).into()
}

fn nullable<T>(items: &[Option<T>], body: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(|item| item.as_ref().map_or(Value::Null, &body)).collect()
}
