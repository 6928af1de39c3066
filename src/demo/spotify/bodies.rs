//! JSON and error bodies as Development Mode sends them: fields that were taken away in 2026 are
//! absent.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::{Site, cut};
use crate::demo::world::{Album, Artist, FakeUser, Fault};

/// `{"error":{"status":…,"message":…}}`
pub(super) fn error(status: u16, message: &str) -> Response {
    answer(status, json!({ "error": { "status": status, "message": message } }))
}

/// An error of the token endpoint.
pub(super) fn oauth_error(code: &str, description: &str) -> Response {
    answer(400, json!({ "error": code, "error_description": description }))
}

/// 401, with the header that says more than the body.
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

/// 429 since the quota is spent.
pub(super) fn quota_exceeded(retry_after: Option<u64>) -> Response {
    let error =
        json!({ "status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED" });
    later(answer(429, json!({ "error": error })), retry_after)
}

/// The answer that a fault stands for.
pub(in crate::demo) async fn faulty(fault: Fault) -> Response {
    const PAGE: &str = "<!doctype html><title>Welcome</title><p>Please accept our terms.</p>";
    match fault {
        Fault::RateLimited { retry_after } => {
            later(error(429, "API rate limit exceeded"), retry_after)
        }
        Fault::QuotaExceeded { retry_after } => quota_exceeded(retry_after),
        Fault::Status(status, content_type, body) => typed(status, content_type, body.into()),
        Fault::Hang => std::future::pending().await,
        Fault::Html => typed(200, "text/html; charset=utf-8", PAGE.into()),
        Fault::Huge(bytes) => typed(200, "application/json", cut::huge(bytes)),
        Fault::Truncated => truncated(),
        Fault::Garbled => typed(200, "application/json", r#"{"items": [{"id": "#.into()),
        Fault::Unauthorized => unauthorized("The access token expired"),
    }
}

/// `GET /me`
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

/// An artist on its own or in the list of those followed.
pub(super) fn artist(site: &Site, artist: &Artist) -> Value {
    let mut body = credit(site, &artist.id, &artist.name);
    body["genres"] = json!([]);
    body["images"] = json!([]);
    body
}

/// An album in a list.
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

/// An album on its own.
pub(super) fn whole_album(site: &Site, whole: &Album) -> Value {
    let mut body = album(site, whole);
    let name = body["artists"][0]["name"].as_str().unwrap_or_default().to_owned();
    let year = whole.date.get(..4).unwrap_or_default();
    body["copyrights"] = json!([{ "text": format!("{year} {name}"), "type": "C" }]);
    body["external_ids"] = json!({ "upc": upc(&whole.id) });
    body["genres"] = json!([]);
    body["tracks"] = tracks(site, whole);
    body
}

fn tracks(site: &Site, album: &Album) -> Value {
    let href = format!("{}/v1/albums/{}/tracks?offset=0&limit=50", site.base, album.id);
    let track = |number: u32| {
        // The first 20 characters of the album's id and two digits: 22 again.
        let id = format!("{:.20}{:02}", album.id, number % 100);
        json!({
            "artists": credits(site, album),
            "disc_number": 1,
            "duration_ms": 150_000 + (number * 7_919) % 120_000,
            "explicit": false,
            "external_urls": { "spotify": format!("{}/album/{}", site.base, album.id) },
            "href": format!("{}/v1/tracks/{id}", site.base),
            "id": id,
            "is_local": false,
            "name": format!("Track {number}"),
            "track_number": number,
            "type": "track",
            "uri": format!("spotify:track:{id}"),
        })
    };
    json!({
        "href": href,
        "items": (1..=album.tracks.min(50)).map(track).collect::<Vec<_>>(),
        "limit": 50,
        "next": null,
        "offset": 0,
        "previous": null,
        "total": album.tracks,
    })
}

fn credits(site: &Site, album: &Album) -> Vec<Value> {
    // The id is the real one of "Various Artists": clients know it.
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

fn upc(id: &str) -> String {
    let number = id.bytes().fold(7_u64, |sum, b| sum.wrapping_mul(131).wrapping_add(u64::from(b)));
    format!("{:012}", number % 1_000_000_000_000)
}

fn answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap_or_default(), Json(body)).into_response()
}

fn typed(status: u16, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    if !content_type.is_empty() {
        let value = header::HeaderValue::from_static(content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

fn later(mut response: Response, retry_after: Option<u64>) -> Response {
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn truncated() -> Response {
    let mut response = typed(200, "application/json", cut::short());
    response.headers_mut().insert(header::CONTENT_LENGTH, 4096.into());
    response
}
