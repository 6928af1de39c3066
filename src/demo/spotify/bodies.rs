//! JSON and error bodies as Development Mode sends them, without the fields removed in 2026.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::Site;
use crate::demo::world::{Album, Artist, FakeUser};

/// `{"error":{"status":…,"message":…}}`
pub(super) fn error(status: u16, message: &str) -> Response {
    answer(status, json!({ "error": { "status": status, "message": message } }))
}

/// An error of the token endpoint.
pub(super) fn oauth_error(code: &str, description: &str) -> Response {
    answer(400, json!({ "error": code, "error_description": description }))
}

/// 401, with a `WWW-Authenticate` header.
pub(super) fn unauthorized(message: &str) -> Response {
    let challenge = match message {
        "No token provided" => r#"Bearer realm="spotify""#.to_owned(),
        message => {
            format!(
                r#"Bearer realm="spotify", error="invalid_token", error_description="{message}""#
            )
        }
    };
    ([(header::WWW_AUTHENTICATE, challenge)], error(401, message)).into_response()
}

/// 429 because the quota is used up.
pub(super) fn quota_exceeded(retry_after: Option<u64>) -> Response {
    let error =
        json!({ "status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED" });
    with_retry_after(answer(429, json!({ "error": error })), retry_after)
}

/// The response with a `Retry-After`, if there is one.
pub(super) fn with_retry_after(mut response: Response, retry_after: Option<u64>) -> Response {
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

pub(super) fn me(site: &Site, user: &FakeUser) -> Value {
    json!({
        "account_id": user.account_id,
        "display_name": user.name,
        "external_urls": { "spotify": format!("{}/user/{}", site.base, user.id) },
        "href": format!("{}/v1/users/{}", site.base, user.id),
        "id": user.id,
        "images": [],
        "type": "user",
        "uri": format!("spotify:user:{}", user.id),
    })
}

/// An artist in a list of followed artists.
pub(super) fn artist(site: &Site, artist: &Artist) -> Value {
    let mut body = credit(site, &artist.id, &artist.name);
    body["genres"] = json!([]);
    body["images"] = json!([]);
    body
}

pub(super) fn album(site: &Site, album: &Album) -> Value {
    json!({
        "album_type": album.kind.as_str(),
        "artists": credits(site, album),
        "external_urls": { "spotify": format!("{}/album/{}", site.base, album.id) },
        "href": format!("{}/v1/albums/{}", site.base, album.id),
        "id": album.id,
        "images": images(site, album),
        "name": album.title,
        "release_date": album.date,
        "release_date_precision": album.precision,
        "total_tracks": album.tracks,
        "type": "album",
        "uri": format!("spotify:album:{}", album.id),
    })
}

fn credits(site: &Site, album: &Album) -> Vec<Value> {
    // The real id of "Various Artists", which clients know.
    let various = || vec![credit(site, "0LyfQWJT6nXafLPZqxe9Of", "Various Artists")];
    let known = album.credited.iter().filter_map(|id| site.world.artist(id));
    let credits: Vec<Value> = known.map(|artist| credit(site, &artist.id, &artist.name)).collect();
    if credits.is_empty() { various() } else { credits }
}

fn credit(site: &Site, id: &str, name: &str) -> Value {
    json!({
        "external_urls": { "spotify": format!("{}/artist/{id}", site.base) },
        "href": format!("{}/v1/artists/{id}", site.base),
        "id": id,
        "name": name,
        "type": "artist",
        "uri": format!("spotify:artist:{id}"),
    })
}

fn images(site: &Site, album: &Album) -> Vec<Value> {
    let image = |size: u32| {
        let url = format!("{}/covers/{}.svg?size={size}", site.base, album.id);
        json!({ "height": size, "url": url, "width": size })
    };
    [640, 300, 64].into_iter().filter(|_| album.cover).map(image).collect()
}

fn answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap_or_default(), Json(body)).into_response()
}
