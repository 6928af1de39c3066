//! The pages: parse, call, page. Rendered here, without JavaScript. GETs change nothing but what a
//! trip to Spotify and back needs.

mod account;
mod confirm;
mod cookies;
mod front;
mod health;
mod letter_links;
pub mod metrics;
mod page;
mod preferences;
mod sign_in;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::ctx::Ctx;
use crate::worker::Bells;

/// No form of ours is longer.
const LONGEST_BODY: usize = 16 * 1024;

/// Signing in may wait for Spotify; nothing waits longer.
const LONGEST_ANSWER: Duration = Duration::from_secs(75);

/// Only what is ours, and covers.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: https:; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the handlers share.
#[derive(Clone)]
struct Shared {
    ctx: Arc<Ctx>,
    bells: Arc<Bells>,
}

impl FromRef<Shared> for Arc<Ctx> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.ctx)
    }
}

impl FromRef<Shared> for Arc<Bells> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.bells)
    }
}

/// The pages, ready to be served.
pub fn router(ctx: Arc<Ctx>, bells: Arc<Bells>) -> Router {
    let same_origin = same_origin(&ctx);
    let routes = Router::new()
        .route("/", get(front::show))
        .route("/login", get(sign_in::depart))
        .route("/callback", get(sign_in::arrive))
        .route("/account", get(account::show))
        .route("/account/address", post(account::change_address))
        .route("/preferences", get(preferences::show).post(preferences::change))
        .route("/account/sign-out", post(account::sign_out))
        .route("/account/leave", post(account::leave))
        .route("/confirm/{token}", get(confirm::show).post(confirm::confirm))
        .route(
            "/unsubscribe/{token}",
            get(letter_links::show_unsubscribe).post(letter_links::unsubscribe),
        )
        .route("/mute/{token}", get(letter_links::show_mute).post(letter_links::mute))
        .merge(health::routes(Arc::clone(&ctx)))
        .route("/style.css", get(page::style))
        .route("/zone.js", get(page::zone_script))
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::wrong_method)
        .with_state(Shared { ctx, bells });
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    routes
        .layer(same_origin)
        .layer(RequestBodyLimitLayer::new(LONGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST_ANSWER))
        .layer(CatchPanicLayer::new())
        .layer(set(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::CACHE_CONTROL, "no-store"))
}

/// Refuses forms that another site's page sends, by `Sec-Fetch-Site` and `Origin`. Our own origin
/// is named for proxies that change `Host`.
fn same_origin(ctx: &Ctx) -> CsrfLayer {
    let origin = ctx.public_url.origin().ascii_serialization();
    CsrfLayer::new().add_trusted_origin(origin).unwrap_or_default()
}
