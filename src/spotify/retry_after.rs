//! `Retry-After`

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Longer waits are cut to this: more than ever observed (a day), but short enough that a mistake of
/// Spotify's does not stop everything forever.
const MAX_WAIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Parses `Retry-After`: whole seconds or a date
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>). `None` if it is missing or invalid.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let raw = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    seconds(raw).or_else(|| until(raw, now)).map(|wait| wait.min(MAX_WAIT))
}

fn seconds(raw: &str) -> Option<Duration> {
    let digits = !raw.is_empty() && raw.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| raw.parse().map_or(MAX_WAIT, Duration::from_secs))
}

fn until(raw: &str, now: Timestamp) -> Option<Duration> {
    let then = DateTimeParser::new().parse_timestamp(raw).ok()?;
    Some(then.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    fn read(raw: &[u8]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_bytes(raw).ok()?);
        retry_after(&headers, "2026-11-23T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(read(b"86207"), Some(Duration::from_secs(86_207)));
        assert_eq!(read(b" 0 "), Some(Duration::ZERO));
        assert_eq!(read(b"Mon, 23 Nov 2026 12:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(read(b"Sun, 22 Nov 2026 12:00:00 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn wait_is_capped_at_30_days() {
        for raw in [&b"99999999"[..], b"99999999999999999999999", b"Fri, 01 Jan 2100 00:00:00 GMT"]
        {
            assert_eq!(read(raw), Some(MAX_WAIT));
        }
    }

    #[test]
    fn invalid_retry_after_is_ignored() {
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
        for raw in [&b""[..], b"-1", b"soon", b"1e9", b"+5", b"\xff"] {
            assert_eq!(read(raw), None, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_parsed_without_panic(raw in any::<Vec<u8>>()) {
            prop_assert!(read(&raw).is_none_or(|wait| wait <= MAX_WAIT));
        }
    }
}
