//! Whether Dropday is alive: it can answer, and its database does.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::ctx::Ctx;
use crate::store::artists;

pub(super) async fn show(State(ctx): State<Arc<Ctx>>) -> Response {
    match ctx.db.read("health", artists::count_watched).await {
        Ok(_) => (StatusCode::OK, "ok\n").into_response(),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}
