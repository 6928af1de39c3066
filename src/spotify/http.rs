//! One HTTP exchange, limited in time and size.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Request, Response};

use super::answer::{Answer, Body, MAX_BODY_BYTES};
use super::classify::common_refusal;
use super::error::Error;
use super::retry_after::retry_after;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Including the body.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// A client for Spotify: no redirects, so that tokens go nowhere else, and no retries, because each call
/// counts against the quota. Panics if `main` has not installed a rustls crypto provider.
pub fn http_client(user_agent: &str) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(user_agent)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(true)
        .build()
}

/// Sends `request` once. Statuses that mean the same everywhere (429, 408, 5xx, redirects) are returned as
/// errors; the caller classifies the others.
pub(super) async fn send(
    http: &reqwest::Client,
    request: Request,
    now: Timestamp,
) -> Result<Answer, Error> {
    let response = http.execute(request).await.map_err(|e| unreachable(&e))?;
    let answer = Answer {
        status: response.status(),
        retry_after: retry_after(response.headers(), now),
        html: is_html(&response),
        body: read(response).await,
    };
    common_refusal(&answer).map_or(Ok(answer), Err)
}

/// Reads decompressed chunks, so that a small gzip body cannot become a large allocation.
async fn read(mut response: Response) -> Body {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > MAX_BODY_BYTES => return Body::TooLarge,
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(bytes),
            Err(_) => return Body::Cut,
        }
    }
}

fn is_html(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// In the words of the innermost cause ("connection refused"): the outer ones hold the address.
pub(super) fn unreachable(error: &reqwest::Error) -> Error {
    if error.is_builder() {
        return Error::Malformed("the request could not be written".into());
    }
    if error.is_timeout() {
        return Error::Temporary("no response in time".into());
    }
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    Error::Temporary(cause.map_or_else(|| "the connection failed".into(), ToString::to_string))
}
