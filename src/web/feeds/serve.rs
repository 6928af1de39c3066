//! Serves feeds and calendars to programs, without a session. If nothing has changed the answer is a 304
//! without a body (RFC 9110, section 13).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

use super::super::page::{Message, PageResult};
use crate::accounts::feeds::{self, FeedState};
use crate::context::Ctx;
use crate::domain::feed::Form;

pub(in crate::web) async fn atom(
    state: State<Arc<Ctx>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> PageResult {
    answer(state, Form::Atom, file.strip_suffix(".atom"), &headers).await
}

pub(in crate::web) async fn calendar(
    state: State<Arc<Ctx>>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> PageResult {
    answer(state, Form::Calendar, file.strip_suffix(".ics"), &headers).await
}

async fn answer(
    State(ctx): State<Arc<Ctx>>,
    form: Form,
    token: Option<&str>,
    asked: &HeaderMap,
) -> PageResult {
    // A malformed token is hashed and looked up like any other.
    let token = token.unwrap_or_default();
    let Some(state) = feeds::look_up(&ctx, form, token).await? else {
        return Ok(nothing_here());
    };
    if is_known(asked, &state) {
        return Ok((StatusCode::NOT_MODIFIED, headers(&state)).into_response());
    }
    let entries = feeds::entries(&ctx, state.user).await?;
    let (kind, body) = match form {
        Form::Atom => {
            let own = ctx.url(&super::path(form, token));
            ("application/atom+xml", super::atom::write(&ctx, &state, &own, &entries))
        }
        Form::Calendar => ("text/calendar; charset=utf-8", super::calendar::write(&ctx, &entries)),
    };
    Ok(([(CONTENT_TYPE, kind)], headers(&state), body).into_response())
}

fn headers(state: &FeedState) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Always revalidated, so that a revoked URL stops working at once.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.extend(HeaderValue::from_str(&etag(state)).map(|value| (ETAG, value)));
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&state.changed_at);
    let date = date.ok().and_then(|date| HeaderValue::from_str(&date).ok());
    headers.extend(date.map(|date| (LAST_MODIFIED, date)));
    headers
}

fn etag(state: &FeedState) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(state.version))
}

/// Whether the client has this version already. ETags take precedence over dates.
fn is_known(asked: &HeaderMap, state: &FeedState) -> bool {
    let mut tags = asked.get_all(IF_NONE_MATCH).iter().peekable();
    if tags.peek().is_some() {
        let own = etag(state);
        let tags = tags.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        return tags.map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == own);
    }
    let since = asked.get(IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    since.and_then(read_date).is_some_and(|since| state.changed_at <= since)
}

fn read_date(date: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(date).ok()
}

fn nothing_here() -> Response {
    let body = "The link is incomplete or no longer works: its owner created a new one, turned it \
                off or deleted their account. If it was yours, create a new one under Feeds.";
    let action = Some(("Open Feeds", "/feeds"));
    Message { title: "Feed not found", body, action }.with(StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::user::UserId;

    fn state() -> FeedState {
        let changed_at = "2026-11-23T12:00:00Z".parse().unwrap();
        FeedState { user: UserId(1), version: [7; 32], changed_at }
    }

    fn asks(name: axum::http::HeaderName, value: &str) -> bool {
        let headers = [(name, value.parse().unwrap())].into_iter().collect();
        is_known(&headers, &state())
    }

    #[test]
    fn unchanged_feed_is_recognised_by_etag_or_date() {
        let own = etag(&state());
        for known in [own.clone(), format!("W/{own}"), format!("\"other\", {own}"), "*".to_owned()]
        {
            assert!(asks(IF_NONE_MATCH, &known), "{known}");
        }
        assert!(!asks(IF_NONE_MATCH, "\"other\"") && !asks(IF_NONE_MATCH, &own[1..]));
        assert!(asks(IF_MODIFIED_SINCE, "Mon, 23 Nov 2026 12:00:00 GMT"));
        assert!(!asks(IF_MODIFIED_SINCE, "Mon, 23 Nov 2026 11:59:59 GMT"));
        assert!(!asks(IF_MODIFIED_SINCE, "yesterday") && !is_known(&HeaderMap::new(), &state()));
    }
}
