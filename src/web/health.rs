//! For whoever watches the daemon: `/healthz`, whether it is alive, and `/readyz`, whether it can do its
//! work.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::Mutex;

use crate::ctx::Ctx;
use crate::store::StoreError;

/// Who asks more often is told the same again: anybody may ask.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Whoever watches gives up soon too.
const PATIENCE: Duration = Duration::from_secs(2);

const SILENT: &str = "the database does not answer within 2 s: another program may hold it, or its disk \
     is very slow";

/// What was found out last, and when.
struct Probe {
    ctx: Arc<Ctx>,
    last: Mutex<Option<(Timestamp, Result<(), String>)>>,
}

/// The two addresses, on the same listener as the pages.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(ctx: Arc<Ctx>) -> Router<S> {
    let probe = Arc::new(Probe { ctx, last: Mutex::default() });
    Router::new().route("/healthz", get("ok\n")).route("/readyz", get(ready)).with_state(probe)
}

/// A pause that Spotify asked for is no lack of readiness: to wait is the daemon's work then.
async fn ready(State(probe): State<Arc<Probe>>) -> Response {
    match probe.look().await {
        Ok(()) => Json(json!({ "ready": true })).into_response(),
        Err(why) => {
            let said = Json(json!({ "ready": false, "why": why }));
            (StatusCode::SERVICE_UNAVAILABLE, said).into_response()
        }
    }
}

impl Probe {
    /// One at a time: those who ask meanwhile wait for the same answer.
    async fn look(&self) -> Result<(), String> {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = &*last
            && self.ctx.clock.now().duration_since(*at).abs() < TOLD_AGAIN
        {
            return found.clone();
        }
        let was_ready = last.as_ref().is_none_or(|(_, found)| found.is_ok());
        let found = match tokio::time::timeout(PATIENCE, self.ctx.db.can_write()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                if was_ready {
                    tracing::error!(%error, "not ready: the database cannot be written");
                }
                Err(in_words(&error))
            }
            Err(_) => {
                if was_ready {
                    tracing::error!("not ready: the database does not answer");
                }
                Err(SILENT.to_owned())
            }
        };
        if found.is_ok() && !was_ready {
            tracing::info!("ready again");
        }
        *last = Some((self.ctx.clock.now(), found.clone()));
        found
    }
}

/// For anybody to read: what only the machine's owner should know stays in the log.
fn in_words(error: &StoreError) -> String {
    match error {
        StoreError::Corrupt(_) => "the database is damaged; the log says how".to_owned(),
        StoreError::CannotOpen { .. } | StoreError::NotOurs(_) | StoreError::Sqlite(_) => {
            "the database cannot be written; the log says why".to_owned()
        }
        plain => plain.to_string(),
    }
}
