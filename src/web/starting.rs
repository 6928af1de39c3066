//! What is answered while Dropday starts and has no pages yet: to bring a large database up to date can take
//! minutes, and neither a user nor an orchestrator should take that for the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use url::Url;

use super::page::{self, Message};
use super::{Settings, add_headers, headers};

/// In seconds.
const COME_AGAIN: &str = "30";

/// A start that is under way.
#[derive(Debug)]
pub struct Start {
    /// What it does, such as `opening the database`.
    pub doing: &'static str,
    /// Whether it does not move any more.
    pub is_lost: AtomicBool,
    /// Answers that were given since somebody looked last.
    pub answers: AtomicU32,
}

impl Start {
    /// One that moves.
    pub fn new(doing: &'static str) -> Self {
        Self { doing, is_lost: AtomicBool::new(false), answers: AtomicU32::new(0) }
    }
}

/// Alive (`/healthz`) for as long as the start moves, ready (`/readyz`) not yet, and a page for users.
pub fn router(start: Arc<Start>, public_url: &Url, settings: &Settings) -> Router {
    let headers = Arc::new(headers(public_url, &settings.covers));
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/style.css", get(page::style))
        .fallback(show)
        .layer(from_fn_with_state(Arc::clone(&start), count))
        .with_state(start)
        .layer(from_fn_with_state(headers, add_headers))
}

async fn count(State(start): State<Arc<Start>>, request: Request, next: Next) -> Response {
    start.answers.fetch_add(1, Ordering::Relaxed);
    next.run(request).await
}

async fn alive(State(start): State<Arc<Start>>) -> Response {
    match start.is_lost.load(Ordering::Relaxed) {
        false => format!("starting: {}\n", start.doing).into_response(),
        true => {
            let why = format!("the start does not move any more ({})\n", start.doing);
            (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
        }
    }
}

async fn ready(State(start): State<Arc<Start>>) -> Response {
    let why = format!("starting: {}", start.doing);
    let said = Json(json!({ "ready": false, "why": why }));
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, COME_AGAIN)], said).into_response()
}

async fn show() -> Response {
    let body = "Its database is being opened, which can take some minutes after an update. Nothing of \
                yours is lost. Please try again in a moment.";
    let action = Some(("To the front page", "/"));
    let page = Message { title: "Dropday is starting", body, action };
    ([(header::RETRY_AFTER, COME_AGAIN)], page.with(StatusCode::SERVICE_UNAVAILABLE))
        .into_response()
}
