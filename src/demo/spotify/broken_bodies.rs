//! The answers to requests that a test wants to fail.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};

use super::bodies::{error, quota_exceeded, unauthorized, with_retry_after};
use crate::demo::world::Fault;

pub(in crate::demo) async fn faulty(fault: Fault) -> Response {
    const PAGE: &str = "<!doctype html><title>Welcome</title><p>Please accept our terms.</p>";
    match fault {
        Fault::RateLimited { retry_after } => {
            with_retry_after(error(429, "API rate limit exceeded"), retry_after)
        }
        Fault::QuotaExceeded { retry_after } => quota_exceeded(retry_after),
        Fault::Status(status, content_type, body) => typed(status, content_type, body.into()),
        Fault::Hang => std::future::pending().await,
        Fault::Html => typed(200, "text/html; charset=utf-8", PAGE.into()),
        Fault::Huge(bytes) => typed(200, "application/json", huge(bytes)),
        Fault::Truncated => truncated(),
        Fault::Garbled => typed(200, "application/json", r#"{"items": [{"id": "#.into()),
        Fault::Unauthorized => unauthorized("The access token expired"),
    }
}

fn typed(status: u16, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    if !content_type.is_empty() {
        let value = header::HeaderValue::from_static(content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

/// A JSON object of about that many bytes, sent in chunks without `Content-Length`.
fn huge(bytes: usize) -> Body {
    const CHUNK: &[u8] = &[b'x'; 16 << 10];
    let padding = std::iter::repeat_n(CHUNK, bytes.div_ceil(CHUNK.len()));
    let chunks = std::iter::once(&br#"{"padding":""#[..]).chain(padding).chain([&br#""}"#[..]]);
    Body::from_stream(stream::iter(chunks.map(|chunk| Ok::<_, io::Error>(Bytes::from(chunk)))))
}

/// The start of a JSON object, after which the connection closes.
fn truncated() -> Response {
    let start = stream::iter([Ok(Bytes::from(r#"{"items":[{"id":"#))]);
    let end = stream::once(async {
        // hyper flushes what it has while it waits for the body, and drops it if the body fails.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let mut response = typed(200, "application/json", Body::from_stream(start.chain(end)));
    response.headers_mut().insert(header::CONTENT_LENGTH, 4096.into());
    response
}
