//! Serves the world over HTTP: the accounts service and the Web API on one address.

mod accounts;
mod api;
mod bodies;
mod broken_bodies;
mod cover;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::world::{Endpoint, FakeUserId, World};

pub(super) use broken_bodies::faulty;

#[derive(Clone)]
struct Site {
    world: World,
    /// Without a slash at the end.
    base: Arc<str>,
}

/// An extension of answers, for the request log: the user whose token the request carried.
#[derive(Clone, Copy)]
struct TokenOwner(FakeUserId);

/// The routes of the fake Spotify. `base_url` is the address at which browsers reach them.
pub fn router(world: World, base_url: &str) -> Router {
    let site = Site { world, base: base_url.trim_end_matches('/').into() };
    Router::new()
        .route("/authorize", get(accounts::consent_page))
        .route("/authorize/decision", post(accounts::decide))
        .route("/api/token", post(accounts::token))
        .route("/v1/me", get(api::me))
        .route("/v1/me/following", get(api::following))
        .route("/v1/artists/{id}/albums", get(api::artist_albums))
        .route("/", get(pages::control))
        .route("/put-out", post(pages::publish))
        .route("/follow", post(pages::follow))
        .route("/artist/{id}", get(pages::artist))
        .route("/album/{id}", get(pages::album))
        .route("/covers/{file}", get(cover::serve))
        .route("/style.css", get(pages::style))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(from_fn_with_state(site.clone(), log_request))
        .with_state(site)
}

/// Logs the request, and answers it with the next scripted fault, if any.
async fn log_request(State(site): State<Site>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let Some(endpoint) = Endpoint::from_request(request.method().as_str(), uri.path()) else {
        return next.run(request).await;
    };
    let index = site.world.record_request(endpoint, uri.path(), uri.query().unwrap_or_default());
    let response = match site.world.next_fault(endpoint) {
        Some(fault) => faulty(fault).await,
        None => next.run(request).await,
    };
    let user = response.extensions().get::<TokenOwner>().map(|owner| owner.0);
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    site.world.record_answer(index, user, response.status().as_u16(), retry_after);
    response
}

async fn unknown(State(site): State<Site>, request: Request) -> Response {
    // Browsers request it by themselves.
    if request.uri().path() != "/favicon.ico" {
        site.world.record_unexpected(format!("there is no {} {}", request.method(), request.uri()));
    }
    bodies::error(404, "Service not found").into_response()
}

#[cfg(test)]
mod tests;
