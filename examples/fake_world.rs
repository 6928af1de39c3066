//! The fake Spotify and inbox, for tests that drive the real binary from outside.
//!
//! `cargo run --example fake_world -- --listen 127.0.0.1:9100` serves the accounts service at
//! `/authorize` and `/api/token`, the Web API at `/v1`, and these controls:
//!
//! - `POST /_world/put-out?artist=ID&title=T&date=YYYY-MM-DD` releases an album.
//! - `POST /_world/expire-access-tokens`, `POST /_world/revoke?user=N`
//! - `POST /_world/allow?user=N&listed=true|false` puts a user on the app's allow-list or removes them.
//! - `GET /_world/users`, `GET /_world/artists`, `GET /_world/unexpected`
//! - `GET /_world/inbox` returns the SMTP address as `HOST:PORT`, `GET /_world/emails` the emails.
//!
//! Options: `--client-secret S`; `--inbox-password P` requires authentication as `dropday`; `--base-url URL`
//! is the start of links in answers, for use behind a proxy; `--users N --artists M` generates a world in
//! which each of N users follows their own share of M artists, who have one to twenty albums each.

use std::sync::Arc;

use anyhow::Context;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use dropday::clock::{Clock, SystemClock, SystemRng};
use dropday::demo::inbox::{Inbox, InboxSettings};
use dropday::demo::world::{FakeUserId, NewAlbum, World};
use dropday::demo::{catalogue, spotify};
use dropday::domain::day_of;
use dropday::terminal::print_out;
use serde::Deserialize;
use serde_json::{Value, json};

/// A page has ten albums: half of the generated artists have a second page.
const MAX_ALBUMS: usize = 20;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listen = argument("--listen").unwrap_or_else(|| "127.0.0.1:9100".to_owned());
    let listener = tokio::net::TcpListener::bind(&listen).await.context("cannot listen")?;
    let base = argument("--base-url").unwrap_or(format!("http://{}", listener.local_addr()?));
    let world = World::new(Arc::new(SystemClock), Arc::new(SystemRng));
    if let Some(secret) = argument("--client-secret") {
        world.set_client_secret(&secret);
    }
    match (number("--users")?, number("--artists")?) {
        (Some(users), Some(artists)) => crowd(&world, users, artists),
        _ => drop(catalogue::populate(&world, day_of(SystemClock.now()))),
    }
    let login = argument("--inbox-password").map(|password| ("dropday".to_owned(), password));
    let settings = InboxSettings { login };
    let inbox =
        Inbox::start(Arc::new(SystemClock), settings).await.context("cannot start the inbox")?;
    let inbox_controls = Router::new()
        .route("/_world/inbox", get(inbox_address))
        .route("/_world/emails", get(emails))
        .with_state(inbox);
    let controls = Router::new()
        .route("/_world/put-out", post(publish))
        .route("/_world/users", get(users))
        .route("/_world/artists", get(artists))
        .route("/_world/unexpected", get(unexpected))
        .route("/_world/expire-access-tokens", post(expire_access_tokens))
        .route("/_world/revoke", post(revoke))
        .route("/_world/allow", post(allow))
        .with_state(world.clone());
    print_out(&format!("the fake world is at http://{}", listener.local_addr()?));
    axum::serve(listener, spotify::router(world, &base).merge(controls).merge(inbox_controls))
        .await?;
    Ok(())
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn number(name: &str) -> anyhow::Result<Option<usize>> {
    argument(name)
        .map(|n| n.parse().with_context(|| format!("{name} {n} is not a number")))
        .transpose()
}

fn crowd(world: &World, users: usize, artists: usize) {
    let users: Vec<_> = (1..=users).map(|n| world.add_user(format!("Person {n}"))).collect();
    for n in 0..artists {
        let artist = world.add_artist(format!("Artist {n}"));
        for year in 0..=n % MAX_ALBUMS {
            let (title, date) = (format!("Album {year} of {n}"), format!("{}-03-14", 2005 + year));
            world.publish(&artist, NewAlbum::titled(title).on(date));
        }
        if let Some(user) = users.get(n * users.len() / artists) {
            world.follow(*user, &artist);
        }
    }
}

#[derive(Deserialize)]
struct Album {
    artist: String,
    title: String,
    date: String,
}

async fn publish(State(world): State<World>, Query(album): Query<Album>) -> String {
    world.publish(&album.artist, NewAlbum::titled(&album.title).on(&album.date))
}

async fn users(State(world): State<World>) -> Json<Vec<Value>> {
    let users = world.users().into_iter();
    Json(
        users
            .map(|(id, p)| json!({ "number": id.0, "name": p.name, "follows": p.follows }))
            .collect(),
    )
}

async fn artists(State(world): State<World>) -> Json<Vec<Value>> {
    let artists = world.artists().into_iter();
    Json(artists.map(|artist| json!({ "id": artist.id, "name": artist.name })).collect())
}

async fn unexpected(State(world): State<World>) -> Json<Vec<String>> {
    Json(world.unexpected())
}

async fn inbox_address(State(inbox): State<Inbox>) -> String {
    inbox.address().to_string()
}

async fn emails(State(inbox): State<Inbox>) -> Json<Vec<Value>> {
    let emails = inbox.emails().into_iter();
    Json(emails.map(|l| json!({ "to": l.to, "raw": String::from_utf8_lossy(&l.raw) })).collect())
}

async fn expire_access_tokens(State(world): State<World>) {
    world.expire_access_tokens();
}

#[derive(Deserialize)]
struct ByUser {
    user: usize,
}

async fn revoke(State(world): State<World>, Query(ByUser { user }): Query<ByUser>) {
    world.revoke(FakeUserId(user));
}

#[derive(Deserialize)]
struct Listing {
    user: usize,
    listed: bool,
}

async fn allow(State(world): State<World>, Query(Listing { user, listed }): Query<Listing>) {
    world.change_user(FakeUserId(user), |user| user.allow_listed = listed);
}
