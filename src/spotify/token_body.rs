//! Converts bodies of the token endpoint to the form that `oauth2` requires.
//!
//! It requires a `token_type`, integers and strings, and its errors contain the body. So only the fields that
//! we use are passed on, and invalid bodies are rejected first.

use std::time::Duration;

use jiff::Timestamp;
use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{RequestTokenError, TokenResponse};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::classify::{forbidden, unexpected};
use super::error::Error;
use super::wire::count;
use crate::domain::consent::Ending;
use crate::domain::token::{AccessToken, Grant, RefreshToken};

pub(super) type Failure = RequestTokenError<Error, BasicErrorResponse>;

/// The lifetime of access tokens if the response has none, in seconds
/// (<https://developer.spotify.com/documentation/web-api/tutorials/refreshing-tokens>).
const DEFAULT_LIFETIME_S: u64 = 3600;

/// Longer lifetimes of access tokens are cut to this, in seconds.
const MAX_LIFETIME_S: u64 = 24 * 60 * 60;

/// The body for `oauth2`, if the status is 200, 400 or 401.
pub(super) fn readable(answer: &Answer) -> Result<Vec<u8>, Error> {
    let body = match answer.status {
        StatusCode::OK => token(&answer.json()?)?,
        StatusCode::BAD_REQUEST => refusal(answer)?,
        StatusCode::UNAUTHORIZED => unauthorized(refusal(answer)?)?,
        StatusCode::FORBIDDEN => return Err(forbidden_token(answer)),
        status => return Err(unexpected(status)),
    };
    Ok(body.to_string().into_bytes())
}

pub(super) fn grant(response: &BasicTokenResponse, now: Timestamp) -> Grant {
    let life = response.expires_in().unwrap_or(Duration::from_secs(DEFAULT_LIFETIME_S));
    Grant {
        access: AccessToken(response.access_token().secret().as_str().into()),
        expires_at: now.checked_add(life).unwrap_or(now),
        refresh: response.refresh_token().map(|t| RefreshToken(t.secret().as_str().into())),
    }
}

/// The error contains no part of the body.
pub(super) fn refused(failure: Failure) -> Error {
    match failure {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(refusal) => by_code(&refusal),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Error::Malformed("an invalid response of the token endpoint".into())
        }
    }
}

/// The codes are those of <https://www.rfc-editor.org/rfc/rfc6749#section-5.2>. A wrong redirect URI is also
/// reported as `invalid_grant`, and must not end anyone's consent.
fn by_code(refusal: &BasicErrorResponse) -> Error {
    let described = refusal.error_description().map(String::as_str).unwrap_or_default();
    let message = described.to_ascii_lowercase();
    match refusal.error() {
        BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient => {
            Error::InvalidClient
        }
        _ if message.contains("redirect") => Error::InvalidClient,
        BasicErrorResponseType::InvalidGrant => Error::InvalidGrant(Ending::read(described)),
        BasicErrorResponseType::Extension(_) => {
            Error::Malformed("an unknown error of the token endpoint".into())
        }
        known => Error::Malformed(format!("{} at the token endpoint", known.as_ref())),
    }
}

fn token(body: &Value) -> Result<Value, Error> {
    let Some(access) = body.get("access_token").and_then(word) else {
        return Err(Error::Malformed("no access token".into()));
    };
    let life = body
        .get("expires_in")
        .and_then(count)
        .unwrap_or(DEFAULT_LIFETIME_S)
        .clamp(1, MAX_LIFETIME_S);
    // Not validated: a rotated token that is discarded would be lost.
    let refresh =
        body.get("refresh_token").and_then(Value::as_str).filter(|t| !t.trim().is_empty());
    Ok(json!({
        "access_token": access,
        "token_type": "bearer",
        "expires_in": life,
        "refresh_token": refresh,
    }))
}

/// The parts of an error response that `oauth2` needs. An invalid one ends no consent.
fn refusal(answer: &Answer) -> Result<Value, Error> {
    let body: Value = serde_json::from_slice(answer.whole()?).unwrap_or_default();
    let Some(code) = body.get("error").and_then(Value::as_str) else {
        return Err(Error::Malformed(
            "an error response of the token endpoint without a code".into(),
        ));
    };
    let message = body.get("error_description").and_then(Value::as_str);
    let mut kept = Map::from_iter([("error".to_owned(), json!(code))]);
    kept.extend(message.map(|message| ("error_description".to_owned(), json!(message))));
    Ok(Value::Object(kept))
}

/// Only a 400 can end a consent: a 401 concerns the app, whatever its body says.
fn unauthorized(refusal: Value) -> Result<Value, Error> {
    match refusal.get("error").and_then(Value::as_str) {
        Some("invalid_grant") => Err(unexpected(StatusCode::UNAUTHORIZED)),
        _ => Ok(refusal),
    }
}

fn forbidden_token(answer: &Answer) -> Error {
    match forbidden(answer) {
        Error::EndpointRemoved | Error::MissingScope => unexpected(answer.status),
        message => message,
    }
}

/// An access token: printable ASCII, as required in a header.
fn word(value: &Value) -> Option<&str> {
    value.as_str().filter(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{any_json, whole};
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn read(status: u16, body: &str) -> Result<Grant, Error> {
        let readable = readable(&whole(status, body.as_bytes()))?;
        if status == 200 {
            return Ok(grant(&serde_json::from_slice(&readable).unwrap(), NOW));
        }
        Err(by_code(&serde_json::from_slice(&readable).unwrap()))
    }

    fn life(expires_in: &str) -> i64 {
        let body = format!(r#"{{"access_token":"a"{expires_in}}}"#);
        read(200, &body).unwrap().expires_at.duration_since(NOW).as_secs()
    }

    #[test]
    fn grant_has_rotated_refresh_token_if_present() {
        let first = include_str!("../../tests/data/spotify-samples/AuthorizationCode.json");
        let refresh = read(200, first).unwrap().refresh.unwrap();
        assert!(refresh.0.expose_secret().starts_with("b0KuPuLw"));

        let later = include_str!("../../tests/data/spotify-samples/AuthorizationCodeRefresh.json");
        assert!(read(200, later).unwrap().refresh.is_none());
        for odd in [r#""""#, r#"" ""#, "null", "7"] {
            let body = format!(r#"{{"access_token":"a","refresh_token":{odd}}}"#);
            assert!(read(200, &body).unwrap().refresh.is_none(), "{odd}");
        }
    }

    #[test]
    fn token_lifetime_is_clamped() {
        assert_eq!(life(r#","expires_in":3599"#), 3599);
        assert_eq!(life(r#","expires_in":"60""#), 60);
        assert_eq!(life(r#","expires_in":60.0"#), 60);
        assert_eq!(life(r#","expires_in":0"#), 1);
        assert_eq!(life(r#","expires_in":99999999999"#), 86_400);
        for odd in ["", r#","expires_in":null"#, r#","expires_in":-5"#, r#","expires_in":"soon""#] {
            assert_eq!(life(odd), 3600, "{odd}");
        }
    }

    #[test]
    fn no_access_token_is_no_grant() {
        for body in [
            "{}",
            "[]",
            "null",
            r#"{"access_token":""}"#,
            r#"{"access_token":null}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"error":"invalid_grant"}"#,
            "<html>",
        ] {
            assert!(matches!(read(200, body), Err(Error::Malformed(_))), "{body}");
        }
        assert!(matches!(read(200, r#"{"access_token":"a"#), Err(Error::Temporary(_))));
    }

    #[test]
    fn only_invalid_grant_with_a_400_ends_a_consent() {
        let expired = r#"{"error":"invalid_grant","error_description":"Refresh token expired"}"#;
        assert_eq!(read(400, expired).unwrap_err(), Error::InvalidGrant(Ending::Expired));
        let revoked = r#"{"error":"invalid_grant","error_description":"Refresh token revoked"}"#;
        assert_eq!(read(400, revoked).unwrap_err(), Error::InvalidGrant(Ending::Revoked));
        for unsaid in [
            r#"{"error":"invalid_grant"}"#,
            r#"{"error":"invalid_grant","error_description":5}"#,
            r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#,
        ] {
            assert_eq!(read(400, unsaid).unwrap_err(), Error::InvalidGrant(Ending::Unknown));
        }
        for (status, body) in [
            (401, expired),
            (403, expired),
            (404, expired),
            (400, ""),
            (400, "invalid_grant"),
            (400, r#"{"error":"invalid_grant""#),
            (400, r#"{"error":{"message":"invalid_grant"}}"#),
            (400, r#"{"error":"invalid_request"}"#),
            (400, r#"{"error":"invalid_scope"}"#),
            (400, r#"{"error":"invalid_grant_"}"#),
        ] {
            let error = read(status, body).unwrap_err();
            assert!(matches!(error, Error::Malformed(_)), "{status} {body}: {error:?}");
        }
    }

    #[test]
    fn configuration_errors_are_bad_client() {
        let sample = include_str!("../../tests/data/spotify-samples/auth-invalid-client.json");
        for body in [
            sample,
            r#"{"error":"invalid_client"}"#,
            r#"{"error":"unauthorized_client"}"#,
            r#"{"error":"invalid_grant","error_description":"Invalid redirect URI"}"#,
        ] {
            assert_eq!(read(400, body).unwrap_err(), Error::InvalidClient, "{body}");
        }
        assert_eq!(read(401, sample).unwrap_err(), Error::InvalidClient);
    }

    proptest! {
        #[test]
        fn any_json_is_classified_without_panic(body in any_json(), status in 200u16..500) {
            let _ = read(status, &body.to_string());
        }

        #[test]
        fn any_bytes_are_classified_without_panic(bytes in any::<Vec<u8>>(), status in 200u16..500) {
            let _ = readable(&whole(status, &bytes));
        }
    }
}
