//! The HTTP server. Handlers parse the request, call `accounts`, and render a page, which works without
//! JavaScript. GET requests change nothing except what a sign-in needs.

mod access_request;
mod account;
mod admin;
mod artists;
mod cached;
mod confirm;
mod cookies;
mod email_links;
mod feeds;
mod front;
mod health;
mod invitation;
mod leave;
pub mod metrics;
mod page;
mod preferences;
mod privacy;
mod rate_limit;
mod releases;
pub mod server;
mod session;
mod sign_in;
mod time;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use url::Url;

use self::rate_limit::ClientRateLimiter;

use crate::context::Ctx;
use crate::jobs::worker::JobNotifier;

/// In bytes; no form is longer.
const MAX_BODY_SIZE: usize = 16 * 1024;

/// Per request. Signing in may have to wait for Spotify.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(75);

/// Between two parts of a request body.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Two years, as preload lists require (<https://hstspreload.org/>). Without `includeSubDomains`, since other
/// hosts of the domain may not be ours.
const HTTPS_ONLY: &str = "max-age=63072000";

#[derive(Debug, Clone)]
pub struct Settings {
    /// The header in which a trusted proxy sends the client address.
    pub client_address_header: Option<HeaderName>,
    /// The origin of cover images.
    pub covers: String,
    /// Forms and sign-ins per client address and minute.
    pub forms_per_minute: u32,
}

/// The state of handlers.
#[derive(Clone)]
struct Shared {
    ctx: Arc<Ctx>,
    notifier: Arc<JobNotifier>,
}

impl FromRef<Shared> for Arc<Ctx> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.ctx)
    }
}

impl FromRef<Shared> for Arc<JobNotifier> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.notifier)
    }
}

pub fn router(ctx: Arc<Ctx>, notifier: Arc<JobNotifier>, settings: &Settings) -> Router {
    let header = settings.client_address_header.clone();
    let clock = Arc::clone(&ctx.clock);
    let rate_limit = Arc::new(ClientRateLimiter::new(clock, header, settings.forms_per_minute));
    let (same_origin, headers) = (same_origin(&ctx), headers(&ctx.public_url, &settings.covers));
    let tracked = health::routes(Arc::clone(&ctx));
    let shared = Shared { ctx, notifier };
    routes()
        .merge(tracked)
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::method_not_allowed)
        .with_state(shared)
        .layer(from_fn_with_state(rate_limit, rate_limit::limit))
        .layer(same_origin)
        .layer(RequestBodyLimitLayer::new(MAX_BODY_SIZE))
        .layer(RequestBodyTimeoutLayer::new(MAX_PAUSE))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(Arc::new(headers), add_headers))
}

fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(front::show))
        .route("/privacy", get(privacy::show))
        .route("/invitation/{token}", get(invitation::show))
        .route("/access-requests", post(access_request::ask))
        .route("/asked", get(access_request::asked))
        .route("/login", get(sign_in::begin_sign_in))
        .route("/callback", get(sign_in::complete_sign_in))
        .route("/account", get(account::show))
        .route("/account/address", post(account::change_address))
        .route("/account/sample", post(account::send_sample))
        .route("/account/sign-out", post(account::sign_out))
        .route("/account/sign-out-everywhere", post(account::sign_out_everywhere))
        .route("/account/leave", post(leave::leave))
        .route("/leave", get(leave::show))
        .route("/leave/everything.json", get(leave::everything))
        .route("/releases", get(releases::show))
        .route("/artists", get(artists::show))
        .route("/artists/sync", post(artists::request_sync))
        .route("/artists/{id}/mute", post(artists::mute))
        .route("/artists/{id}/unmute", post(artists::unmute))
        .route("/feeds", get(feeds::show))
        .route("/feeds/{form}/make", post(feeds::make))
        .route("/feeds/{form}/revoke", post(feeds::revoke))
        .route("/feed/{file}", get(feeds::atom))
        .route("/calendar/{file}", get(feeds::calendar))
        .route("/preferences", get(preferences::show).post(preferences::change))
        .route("/preferences/next", get(preferences::show_next))
        .route("/confirm/{token}", get(confirm::show).post(confirm::confirm))
        .route(
            "/unsubscribe/{token}",
            get(email_links::show_unsubscribe).post(email_links::unsubscribe),
        )
        .route("/mute/{token}", get(email_links::show_mute).post(email_links::mute))
        .route("/admin", any(admin::show))
        .route("/admin/access-requests/{number}/forget", post(admin::delete_access_request))
        .route("/style.css", get(page::style))
        .route("/preferences.js", get(page::preferences_script))
}

/// Default headers of every response.
fn headers(public_url: &Url, covers: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let policy = content_policy(covers);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.extend(HeaderValue::from_str(value).map(|value| (name, value)));
    }
    if public_url.scheme() == "https" {
        let value = HeaderValue::from_static(HTTPS_ONLY);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    headers
}

/// Allows our own resources and cover images only.
fn content_policy(covers: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: {covers}; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

async fn add_headers(
    State(headers): State<Arc<HeaderMap>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in headers.iter() {
        response.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
    response
}

/// Rejects forms from other sites by `Sec-Fetch-Site` and `Origin`. Our own origin is listed for proxies that
/// change `Host`.
fn same_origin(ctx: &Ctx) -> CsrfLayer {
    let origin = ctx.public_url.origin().ascii_serialization();
    CsrfLayer::new().add_trusted_origin(origin).unwrap_or_default()
}
