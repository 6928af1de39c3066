//! The world as an HTTP server: the accounts service and the Web API on one address.

mod accounts;
mod api;
mod bodies;
mod cover;
mod cut;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::world::{Endpoint, FakeUserId, World};

pub(super) use bodies::faulty;

/// What every handler knows.
#[derive(Clone)]
struct Site {
    world: World,
    /// Without a slash at the end.
    base: Arc<str>,
}

/// Whose token a request carried; put on the answer for the journal.
#[derive(Clone, Copy)]
struct Asker(FakeUserId);

/// Everything that the stand-in serves, for an address that browsers reach as `base_url`.
pub fn router(world: World, base_url: &str) -> Router {
    let site = Site { world, base: base_url.trim_end_matches('/').into() };
    Router::new()
        .route("/authorize", get(accounts::consent_page))
        .route("/authorize/decision", post(accounts::decide))
        .route("/api/token", post(accounts::token))
        .route("/v1/me", get(api::me))
        .route("/v1/me/following", get(api::following))
        .route("/v1/artists/{id}", get(api::artist))
        .route("/v1/artists/{id}/albums", get(api::artist_albums))
        .route("/v1/albums/{id}", get(api::album))
        .route("/v1/search", get(api::search))
        .route("/", get(pages::control))
        .route("/put-out", post(pages::put_out))
        .route("/follow", post(pages::follow))
        .route("/artist/{id}", get(pages::artist))
        .route("/album/{id}", get(pages::album))
        .route("/covers/{file}", get(cover::serve))
        .route("/style.css", get(pages::style))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(from_fn_with_state(site.clone(), journalled))
        .with_state(site)
}

/// Enters the request in the journal, and answers it with the fault that is due, if any.
async fn journalled(State(site): State<Site>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let Some(endpoint) = Endpoint::of(request.method().as_str(), uri.path()) else {
        return next.run(request).await;
    };
    let place = site.world.begin(endpoint, uri.path(), uri.query().unwrap_or_default());
    let response = match site.world.next_fault(endpoint) {
        Some(fault) => bodies::faulty(fault).await,
        None => next.run(request).await,
    };
    let user = response.extensions().get::<Asker>().map(|asker| asker.0);
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
    site.world.finish(place, user, response.status().as_u16(), retry_after);
    response
}

async fn unknown(State(site): State<Site>, request: Request) -> Response {
    // Browsers ask for it of their own accord.
    if request.uri().path() != "/favicon.ico" {
        site.world.surprise(format!("there is no {} {}", request.method(), request.uri()));
    }
    bodies::error(404, "Service not found").into_response()
}

#[cfg(test)]
mod tests;
