//! One HTTP exchange, bounded in time and size.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Request, Response, StatusCode};

use super::classify::common_refusal;
use super::error::Error;
use super::retry_after::retry_after;

/// The largest body that is read, unpacked. A page of 50 artists is about 60 KiB.
pub(super) const MAX_BODY_SIZE: usize = 1024 * 1024;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call may take in all, body included.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// A client for Spotify that calls itself `user_agent`: 10 s to connect, 30 s in all, no redirects
/// (a token must not wander), no retries (each call counts against the quota).
///
/// # Errors
/// Where `user_agent` cannot stand in a header.
///
/// # Panics
/// Where no rustls crypto provider was installed: that is for `main` to do, once.
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

/// What came back, as far as it did.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) html: bool,
    pub(super) body: Body,
}

/// A body, with the ways in which it can fail to be one.
pub(super) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// More than [`MAX_BODY_SIZE`].
    TooLarge,
    /// The connection ended before the body did.
    Cut,
}

/// Tells the size alone: bodies hold tokens.
impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::TooLarge => f.write_str("TooLarge"),
            Self::Cut => f.write_str("Cut"),
        }
    }
}

impl Answer {
    /// The body, where it arrived.
    pub(super) fn whole(&self) -> Result<&[u8], Error> {
        match &self.body {
            Body::Whole(bytes) => Ok(bytes),
            Body::TooLarge => Err(Error::Malformed("more than 1 MiB".into())),
            Body::Cut => Err(broken_off()),
        }
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<serde_json::Value, Error> {
        serde_json::from_slice(self.whole()?).map_err(|e| match e.is_eof() {
            _ if self.html => Error::Malformed("a web page instead of data".into()),
            true => broken_off(),
            false => Error::Malformed("not JSON".into()),
        })
    }
}

/// Sends `request` once and reads what comes back. Refusals that mean the same everywhere (429,
/// 408, 5xx, redirects) are errors already; any other status is the caller's to judge.
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

/// Chunk by chunk and unpacked, so that a small gzip cannot grow into a large allocation.
async fn read(mut response: Response) -> Body {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > MAX_BODY_SIZE => return Body::TooLarge,
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

fn broken_off() -> Error {
    Error::Temporary("the response was cut off".into())
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
