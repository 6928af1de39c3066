//! `/healthz`: the daemon runs. `/readyz`: it can do its work, that is, write to the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::SignedDuration;
use serde_json::json;

use super::cached::{Cached, Unavailable};
use crate::context::Ctx;
use crate::store::StoreError;

/// Anybody may ask, at no cost to the database.
const CACHE_TTL: SignedDuration = SignedDuration::from_secs(1);

/// Monitors give up soon too.
const TIMEOUT: Duration = Duration::from_secs(2);

const NO_ANSWER: &str = "the database did not respond within 2 s: another program may have locked \
                         it, or the disk is very slow";

struct Readiness {
    ctx: Arc<Ctx>,
    written: Cached<Result<(), Arc<StoreError>>>,
    /// The last state, to log changes only.
    is_ready: AtomicBool,
}

/// Served on the same listener as the pages.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(ctx: Arc<Ctx>) -> Router<S> {
    let written = Cached::new(Arc::clone(&ctx.clock), CACHE_TTL, TIMEOUT);
    let readiness = Arc::new(Readiness { ctx, written, is_ready: AtomicBool::new(true) });
    Router::new().route("/healthz", get("ok\n")).route("/readyz", get(ready)).with_state(readiness)
}

/// A pause that Spotify requested does not count: waiting is the daemon's work then.
async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    match readiness.check().await {
        Ok(()) => Json(json!({ "ready": true })).into_response(),
        Err(why) => {
            let body = Json(json!({ "ready": false, "why": why }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

impl Readiness {
    /// Whether the database can be written, or why not, for anybody to read.
    async fn check(&self) -> Result<(), String> {
        let db = self.ctx.db.clone();
        let written = self.written.get(|| async move { db.can_write().await.map_err(Arc::new) });
        let (why, detail) = match written.await {
            Ok(Ok(())) => {
                if !self.is_ready.swap(true, Ordering::Relaxed) {
                    tracing::info!("ready again");
                }
                return Ok(());
            }
            Ok(Err(error)) => (public_reason(&error), error.to_string()),
            Err(Unavailable::TimedOut) => (NO_ANSWER.to_owned(), NO_ANSWER.to_owned()),
            Err(Unavailable::Panicked) => ("the log says why".to_owned(), "panicked".to_owned()),
        };
        if self.is_ready.swap(false, Ordering::Relaxed) {
            tracing::error!(error = detail, "not ready: cannot write to the database");
        }
        Err(why)
    }
}

/// Details that concern only the administrator stay in the log.
fn public_reason(error: &StoreError) -> String {
    match error {
        StoreError::Corrupt(_) => "the database is damaged; the log says how".to_owned(),
        StoreError::CannotOpen { .. } | StoreError::NotOurs(_) | StoreError::Sqlite(_) => {
            "the database cannot be written; the log says why".to_owned()
        }
        plain => plain.to_string(),
    }
}
