//! One HTTP exchange with a source, bounded in time and size. Large answers are parsed as they come.

use std::io::{BufReader, Read};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc;
use url::Url;

use super::error::Error;

/// The largest answer that is read whole. A hundred artists with their relations are 150 KiB.
const MAX_SMALL_BODY_SIZE: usize = 4 << 20;

/// The largest answer that is read at all, unpacked. Two weeks of releases are some 3 MiB.
pub(super) const MAX_BODY_SIZE: usize = 64 << 20;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Chunks that may wait for the parser.
const WAITING_CHUNKS: usize = 8;

/// A client for sources. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http(reqwest::Client);

impl Http {
    /// A client that calls itself `user_agent`: redirects lead nowhere but back to the same origin,
    /// and nothing is tried twice.
    pub(super) fn new(user_agent: &str, timeout: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(user_agent)
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .redirect(Policy::custom(stay))
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true)
            .build()?;
        Ok(Self(http))
    }

    /// A small answer as JSON.
    pub(super) async fn json(&self, url: Url) -> Result<Value, Error> {
        let mut response = self.get(url).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
            if bytes.len() + chunk.len() > MAX_SMALL_BODY_SIZE {
                return Err(too_long(MAX_SMALL_BODY_SIZE));
            }
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|_| Error::Unreadable("not JSON".into()))
    }

    /// A large answer, handed to `parse` as it comes, on a thread that may block. What `parse` made
    /// of an answer that broke off is thrown away.
    pub(super) async fn parse<T: Send + 'static>(
        &self,
        url: Url,
        parse: impl FnOnce(&mut dyn Read) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let mut response = self.get(url).await?;
        let (chunks, waiting) = mpsc::channel(WAITING_CHUNKS);
        let parsing = tokio::task::spawn_blocking(move || {
            parse(&mut BufReader::new(Chunks { waiting, chunk: None, read: 0 }))
        });
        let mut size = 0;
        while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(&e))? {
            size += chunk.len();
            if size > MAX_BODY_SIZE {
                return Err(too_long(MAX_BODY_SIZE));
            }
            // The parser has seen enough, for better or for worse.
            if chunks.send(chunk).await.is_err() {
                break;
            }
        }
        drop(chunks);
        parsing.await.map_err(|_| Error::Unreadable("the parser gave up".into()))?
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

/// Chunks as a reader that blocks until the next one comes.
struct Chunks<B> {
    waiting: mpsc::Receiver<B>,
    chunk: Option<B>,
    read: usize,
}

impl<B: AsRef<[u8]>> Read for Chunks<B> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let left = self.chunk.as_ref().map_or(&[][..], |chunk| &chunk.as_ref()[self.read..]);
            if !left.is_empty() || buffer.is_empty() {
                let length = left.len().min(buffer.len());
                buffer[..length].copy_from_slice(&left[..length]);
                self.read += length;
                return Ok(length);
            }
            self.chunk = self.waiting.blocking_recv();
            self.read = 0;
            if self.chunk.is_none() {
                return Ok(0);
            }
        }
    }
}

/// Follows a few redirects, within the origin that was asked: a source may mend an address, and not
/// send us elsewhere.
fn stay(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let from = attempt.previous().first().map(Url::origin);
    let stays = from.is_some_and(|origin| origin == attempt.url().origin());
    if stays && attempt.previous().len() <= 3 { attempt.follow() } else { attempt.stop() }
}

/// In whole seconds: `Retry-After`, or what ListenBrainz says
/// (<https://listenbrainz.readthedocs.io/en/latest/users/api/index.html#rate-limiting>).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let told = headers.get(RETRY_AFTER).or_else(|| headers.get("x-ratelimit-reset-in"))?;
    told.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

fn too_long(largest: usize) -> Error {
    Error::Unreadable(format!("more than {} MiB", largest >> 20))
}

/// In the words of the innermost cause: the outer ones hold the address.
fn unreachable(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::Unreachable("no answer in time".into());
    }
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    Error::Unreachable(cause.map_or_else(|| "the connection failed".into(), ToString::to_string))
}

/// `base` with `path` behind it, whether or not `base` ends in a slash.
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
    fn chunks_are_read_in_order_whatever_their_size() {
        let (chunks, waiting) = mpsc::channel(9);
        for chunk in ["", "a", "", "bcd", "efghij", ""] {
            chunks.try_send(chunk).unwrap();
        }
        drop(chunks);
        let mut reader = Chunks { waiting, chunk: None, read: 0 };
        let (mut text, mut buffer) = (String::new(), [0; 2]);
        while let n @ 1.. = reader.read(&mut buffer).unwrap() {
            text.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
        }
        assert_eq!(text, "abcdefghij");
    }

    #[test]
    fn an_address_keeps_its_path_and_gets_ours() {
        let at = |base: &str| join(&base.parse().unwrap(), &["1", "x", ""]).to_string();
        assert_eq!(at("https://a.b"), "https://a.b/1/x/");
        assert_eq!(at("https://a.b/c/"), "https://a.b/c/1/x/");
    }

    #[test]
    fn a_wait_is_whole_seconds_or_nothing() {
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
