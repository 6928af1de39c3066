//! Pages for users: the controls of the demo, and the pages that links in emails lead to.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::Site;
use crate::demo::catalogue;
use crate::demo::world::{Album, Artist, FakeUser, FakeUserId, Group, World, field};

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The demo’s Spotify</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css"></head>
<body><main>
<p class="stamp">This is not Spotify. It is part of Dropday’s demo.</p>
<h1>Release an album</h1>
<p>All artists, albums and people here are invented. Press a button to release an album. Dropday finds it
at its next check.</p>
{% for (artist, latest) in artists %}<form class="row" method="post" action="/put-out">
<input type="hidden" name="artist" value="{{ artist.id }}">
<span><b><a href="/artist/{{ artist.id }}"><bdi>{{ artist.name }}</bdi></a></b>
{% if let Some(latest) = latest %}<small>latest: <bdi>{{ latest.title }}</bdi>, {{ latest.date }}</small>{% endif %}</span>
<button>Release an album now</button></form>{% endfor %}
{% for (id, user) in users %}<h2>{{ user.name }} follows</h2>
{% for (artist, _) in artists %}<form class="row" method="post" action="/follow">
<input type="hidden" name="person" value="{{ id.0 }}">
<input type="hidden" name="artist" value="{{ artist.id }}">
<bdi>{{ artist.name }}</bdi>
{% if user.follows.contains(artist.id) %}<button class="quiet" name="follow" value="no">Unfollow</button>
{% else %}<button name="follow" value="yes">Follow</button>{% endif %}</form>{% endfor %}{% endfor %}
</main></body></html>"#
)]
struct ControlPage {
    artists: Vec<(Artist, Option<Album>)>,
    users: Vec<(FakeUserId, FakeUser)>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · the demo’s Spotify</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css"></head>
<body><main>
<p class="stamp">This is not Spotify. It is part of Dropday’s demo.</p>
{% if let Some(cover) = cover %}<img class="cover" src="/covers/{{ cover }}.svg?size=300" alt="" width="300" height="300">{% endif %}
<h1><bdi>{{ title }}</bdi></h1>
<p><bdi>{{ line }}</bdi></p>
<ul class="plain">{% for (href, text, note) in links %}<li><a href="{{ href }}"><bdi>{{ text }}</bdi></a> <small>{{ note }}</small></li>{% endfor %}</ul>
<p><a href="/">Back to the controls</a></p>
</main></body></html>"#
)]
struct ThingPage {
    title: String,
    line: String,
    cover: Option<String>,
    links: Vec<(String, String, String)>,
}

pub(super) async fn control(State(site): State<Site>) -> Response {
    let latest = |artist: &Artist| {
        let albums = site.world.albums_of(&artist.id, &[Group::Album]);
        albums.into_iter().next()
    };
    let artists = site.world.artists();
    let artists = artists.into_iter().map(|artist| (artist.clone(), latest(&artist))).collect();
    Html(rendered(&ControlPage { artists, users: site.world.users() })).into_response()
}

pub(super) async fn publish(State(site): State<Site>, form: String) -> Response {
    let artist = field(&form, "artist").and_then(|id| site.world.artist(&id));
    let Some(artist) = artist else { return StatusCode::NOT_FOUND.into_response() };
    site.world.publish(&artist.id, catalogue::next_album(&site.world, &artist));
    Redirect::to("/").into_response()
}

pub(super) async fn follow(State(site): State<Site>, form: String) -> Response {
    let user = field(&form, "person").and_then(|id| id.parse().ok()).map(FakeUserId);
    let (Some(user), Some(artist)) = (user, field(&form, "artist")) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match field(&form, "follow").as_deref() {
        Some("yes") => site.world.follow(user, &artist),
        _ => site.world.unfollow(user, &artist),
    }
    Redirect::to("/").into_response()
}

pub(super) async fn artist(State(site): State<Site>, Path(id): Path<String>) -> Response {
    let Some(artist) = site.world.artist(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let albums = site.world.albums_of(&id, &Group::ALL);
    let links = albums
        .into_iter()
        .map(|album| (format!("/album/{}", album.id), shown(album.title), album.date));
    let links = links.collect();
    let line = "An invented artist.".to_owned();
    Html(rendered(&ThingPage { title: artist.name, line, cover: None, links })).into_response()
}

pub(super) async fn album(State(site): State<Site>, Path(id): Path<String>) -> Response {
    let Some(album) = site.world.album(&id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let line = format!("{} · {} · {} tracks", album.kind.as_str(), album.date, album.tracks);
    let links = credited(&site.world, &album);
    let cover = album.cover.then_some(album.id);
    Html(rendered(&ThingPage { title: shown(album.title), line, cover, links })).into_response()
}

pub(super) async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../style.css")).into_response()
}

/// Renders a page. Rendering these templates cannot fail.
pub(super) fn rendered(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}

fn credited(world: &World, album: &Album) -> Vec<(String, String, String)> {
    let artists = album.credited.iter().filter_map(|id| world.artist(id));
    artists.map(|artist| (format!("/artist/{}", artist.id), artist.name, String::new())).collect()
}

fn shown(title: String) -> String {
    if title.is_empty() { "(untitled)".to_owned() } else { title }
}
