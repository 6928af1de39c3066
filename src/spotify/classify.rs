//! Classifies error responses.
//!
//! Spotify's error bodies are JSON, plain text, HTML or empty, and only words distinguish the three kinds of
//! 403, so this searches for words in whatever arrived.

use reqwest::StatusCode;

use super::answer::{Answer, Body};
use super::error::Error;

/// Errors that mean the same at every endpoint.
pub(super) fn common_refusal(answer: &Answer) -> Option<Error> {
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => Some(too_many(answer)),
        StatusCode::REQUEST_TIMEOUT => Some(temporary(answer.status)),
        status if status.is_server_error() => Some(temporary(status)),
        status if status.is_redirection() => Some(unexpected(status)),
        _ => None,
    }
}

pub(super) fn api_refusal(answer: &Answer) -> Error {
    match answer.status {
        StatusCode::UNAUTHORIZED => Error::Unauthorized,
        StatusCode::FORBIDDEN => forbidden(answer),
        StatusCode::NOT_FOUND => Error::NotFound,
        status => unexpected(status),
    }
}

/// Classifies a 403 by its words:
/// <https://developer.spotify.com/documentation/web-api/concepts/quota-modes> for the users of an
/// app, <https://github.com/zmb3/spotify/issues/301> for the owner's subscription,
/// <https://github.com/spotipy-dev/spotipy/issues/830> for a scope.
pub(super) fn forbidden(answer: &Answer) -> Error {
    if let Body::Cut = answer.body {
        return Error::Temporary("the response was cut off".into());
    }
    let words = words(answer);
    if words.contains("not be registered") || words.contains("not registered") {
        Error::NotOnAllowList
    } else if words.contains("premium") {
        Error::OwnerNeedsPremium
    } else if words.contains("client scope") {
        Error::MissingScope
    } else {
        Error::EndpointRemoved
    }
}

pub(super) fn unexpected(status: StatusCode) -> Error {
    Error::Malformed(format!("status {}", status.as_u16()))
}

/// The signal is `reason` (<https://developer.spotify.com/documentation/web-api/references/changes/july-2026>),
/// anywhere in the body.
fn too_many(answer: &Answer) -> Error {
    let retry_after = answer.retry_after;
    match words(answer).contains("quota_exceeded") {
        true => Error::QuotaExceeded { retry_after },
        false => Error::RateLimited { retry_after },
    }
}

fn temporary(status: StatusCode) -> Error {
    Error::Temporary(format!("status {}", status.as_u16()))
}

fn words(answer: &Answer) -> String {
    match &answer.body {
        Body::Whole(bytes) => String::from_utf8_lossy(bytes).to_lowercase(),
        Body::TooLarge | Body::Cut => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{any_json, whole};
    use super::*;
    use proptest::prelude::*;

    const REGISTERED: &str =
        "Check settings on developer.spotify.com/dashboard, the user may not be registered.";
    const PREMIUM: &str = "Active premium subscription required for the owner of the app. When \
        the subscription status changes, it can take a few hours before requests are allowed again.";

    fn classify(status: u16, body: &str) -> Error {
        let answer = whole(status, body.as_bytes());
        common_refusal(&answer).unwrap_or_else(|| api_refusal(&answer))
    }

    fn json(status: u16, message: &str) -> String {
        serde_json::json!({"error": {"status": status, "message": message}}).to_string()
    }

    #[test]
    fn three_kinds_of_403_differ_in_json_and_text() {
        assert_eq!(classify(403, &json(403, REGISTERED)), Error::NotOnAllowList);
        assert_eq!(classify(403, REGISTERED), Error::NotOnAllowList);
        assert_eq!(classify(403, PREMIUM), Error::OwnerNeedsPremium);
        assert_eq!(classify(403, &json(403, PREMIUM)), Error::OwnerNeedsPremium);
        assert_eq!(classify(403, &json(403, "Forbidden")), Error::EndpointRemoved);
        assert_eq!(classify(403, "Forbidden"), Error::EndpointRemoved);
        assert_eq!(classify(403, ""), Error::EndpointRemoved);
    }

    #[test]
    fn missing_scope_differs_from_removed_endpoint() {
        let body = json(403, "Insufficient client scope");
        assert_eq!(classify(403, &body), Error::MissingScope);
        assert!(Error::MissingScope.is_about_the_user());
        assert!(!Error::EndpointRemoved.is_about_the_user());
    }

    #[test]
    fn truncated_403_is_temporary() {
        let mut answer = whole(403, b"");
        answer.body = Body::Cut;
        assert!(matches!(api_refusal(&answer), Error::Temporary(_)));
    }

    #[test]
    fn quota_differs_from_rate_limit() {
        let spent =
            r#"{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}"#;
        assert_eq!(classify(429, spent), Error::QuotaExceeded { retry_after: None });
        for body in [&json(429, "API rate limit exceeded"), "Too many requests", ""] {
            assert_eq!(classify(429, body), Error::RateLimited { retry_after: None }, "{body}");
        }
    }

    #[test]
    fn other_errors_are_classified() {
        assert_eq!(classify(401, &json(401, "The access token expired")), Error::Unauthorized);
        assert_eq!(classify(401, ""), Error::Unauthorized);
        assert_eq!(classify(404, &json(404, "Resource not found")), Error::NotFound);
        for (status, body) in [(500, ""), (502, "<html>"), (503, r#"{"error":"invalid_grant"}"#)] {
            assert!(matches!(classify(status, body), Error::Temporary(_)), "{status}");
        }
        for status in [204, 301, 302, 304, 400, 405, 410, 418] {
            assert_eq!(
                classify(status, "Invalid limit"),
                Error::Malformed(format!("status {status}"))
            );
        }
    }

    proptest! {
        #[test]
        fn any_body_is_classified_without_panic(
            body in prop_oneof![
                any_json().prop_map(|body| body.to_string().into_bytes()),
                any::<Vec<u8>>(),
            ],
            status in 100u16..=999,
        ) {
            let answer = whole(status, &body);
            let _ = common_refusal(&answer).unwrap_or_else(|| api_refusal(&answer));
        }
    }
}
