//! HTTP requests to a source, with limits on time and size.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::error::Error;

/// The maximum size of an answer, decompressed. Two weeks of fresh releases are about 3 MiB.
const MAX_ANSWER: usize = 32 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client for sources. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http(reqwest::Client);

impl Http {
    /// A client that follows redirects only within the same origin, and does not retry.
    pub(super) fn new(user_agent: &str, timeout: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(user_agent)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .redirect(Policy::custom(same_origin))
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true)
            .build()?;
        Ok(Self(http))
    }

    pub(super) async fn json(&self, url: Url) -> Result<Value, Error> {
        let body = self.body(url).await?;
        serde_json::from_slice(&body).map_err(|_| Error::Unreadable("not JSON".into()))
    }

    pub(super) async fn body(&self, url: Url) -> Result<Vec<u8>, Error> {
        let mut response = self.get(url).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Error::Unreadable(format!("more than {} MiB", MAX_ANSWER >> 20)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn get(&self, url: Url) -> Result<Response, Error> {
        let request = self.0.get(url).header(ACCEPT, "application/json");
        let response = request.send().await.map_err(|e| unreachable(&e))?;
        match response.status() {
            StatusCode::OK if is_html(response.headers()) => {
                Err(Error::Unreadable("a web page instead of data".into()))
            }
            StatusCode::OK => Ok(response),
            StatusCode::NOT_FOUND => Err(Error::NotFound),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Err(Error::Busy { retry_after: retry_after(response.headers()) })
            }
            status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Err(Error::Unreachable(format!("status {}", status.as_u16())))
            }
            status => Err(Error::Unreadable(format!("status {}", status.as_u16()))),
        }
    }
}

/// Follows up to three redirects within the same origin.
fn same_origin(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let from = attempt.previous().first().map(Url::origin);
    let stays = from.is_some_and(|origin| origin == attempt.url().origin());
    if stays && attempt.previous().len() <= 3 { attempt.follow() } else { attempt.stop() }
}

/// `Retry-After` in seconds, or the header of ListenBrainz
/// (<https://listenbrainz.readthedocs.io/en/latest/users/api/index.html#rate-limiting>).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER).or_else(|| headers.get("x-ratelimit-reset-in"))?;
    seconds.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// Uses the text of the innermost cause: the outer ones contain the URL.
fn unreachable(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::Unreachable("no response in time".into());
    }
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    Error::Unreachable(cause.map_or_else(|| "the connection failed".into(), ToString::to_string))
}

/// Appends `path` to `base`, whether or not `base` ends in a slash.
pub(super) fn join(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_keeps_the_path_of_the_base() {
        let at = |base: &str| join(&base.parse().unwrap(), &["1", "x", ""]).to_string();
        assert_eq!(at("https://a.b"), "https://a.b/1/x/");
        assert_eq!(at("https://a.b/c/"), "https://a.b/c/1/x/");
    }

    #[test]
    fn retry_after_accepts_whole_seconds() {
        for (name, value, wait) in [
            ("retry-after", "30", Some(30)),
            ("x-ratelimit-reset-in", " 7 ", Some(7)),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(retry_after(&headers), wait.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
