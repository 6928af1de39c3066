//! The emails on a page: a list that keeps itself fresh, and each email as a mail program
//! would show it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use jiff::tz::TimeZone;
use mail_parser::{Address, HeaderName, Message, MessageParser};

use super::{Inbox, Received};

/// The headers that are shown, in this order.
const SHOWN: [&str; 7] =
    ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"];

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3"><title>The demo’s inbox ({{ emails.len() }})</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/inbox/style.css"></head>
<body><main>
<p class="stamp">Nothing here was sent anywhere: the demo’s inbox</p>
<h1>Inbox</h1>
{% if emails.is_empty() %}<p>No letter has come yet. This page looks again every three seconds.</p>{% endif %}
{% for email in emails %}<p class="row"><span><b><a href="/inbox/{{ email.number }}"><bdi>{{ email.subject }}</bdi></a></b>
<small>to {{ email.to }}, {{ email.at }}</small></span></p>{% endfor %}
</main></body></html>"#
)]
struct ListPage {
    emails: Vec<Line>,
}

struct Line {
    number: usize,
    subject: String,
    to: String,
    at: String,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ subject }}</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/inbox/style.css"></head>
<body><main>
<p><a href="/inbox">All letters</a></p>
<h1><bdi>{{ subject }}</bdi></h1>
<dl>{% for (name, value) in headers %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
{% if has_html %}<iframe title="The letter" src="/inbox/{{ number }}/html"
sandbox="allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"></iframe>{% endif %}
<h2>As plain text</h2>
<pre>{{ text }}</pre>
</main></body></html>"#
)]
struct EmailPage {
    number: usize,
    subject: String,
    headers: Vec<(&'static str, String)>,
    has_html: bool,
    text: String,
}

/// `/inbox`, `/inbox/{n}` and `/inbox/{n}/html`; the first email that came is number 1.
pub fn router(inbox: Inbox) -> Router {
    Router::new()
        .route("/inbox", get(list))
        .route("/inbox/style.css", get(style))
        .route("/inbox/{number}", get(email))
        .route("/inbox/{number}/html", get(html))
        .with_state(inbox)
}

async fn list(State(inbox): State<Inbox>) -> Html<String> {
    let emails = inbox.emails();
    let lines = emails.iter().enumerate().rev().map(|(at, email)| line(at + 1, email));
    let page = ListPage { emails: lines.collect() };
    Html(page.render().unwrap_or_default())
}

async fn email(State(inbox): State<Inbox>, Path(number): Path<usize>) -> Response {
    let emails = inbox.emails();
    let received = number.checked_sub(1).and_then(|at| emails.get(at));
    let Some(message) = received.and_then(|received| MessageParser::default().parse(&received.raw))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = SHOWN.into_iter().filter_map(|name| Some((name, shown(&message, name)?)));
    let page = EmailPage {
        number,
        subject: subject(&message),
        headers: headers.collect(),
        has_html: message.html_body_count() > 0,
        text: message.body_text(0).unwrap_or_default().into_owned(),
    };
    Html(page.render().unwrap_or_default()).into_response()
}

/// The HTML part alone. Without scripts, and shut off from the pages around it, also for somebody
/// who opens it outside of its frame.
async fn html(State(inbox): State<Inbox>, Path(number): Path<usize>) -> Response {
    let emails = inbox.emails();
    let received = number.checked_sub(1).and_then(|at| emails.get(at));
    let message = received.and_then(|received| MessageParser::default().parse(&received.raw));
    let body = message.and_then(|message| message.body_html(0).map(|html| html.into_owned()));
    let Some(body) = body else { return StatusCode::NOT_FOUND.into_response() };
    let policy = "sandbox allow-popups allow-popups-to-escape-sandbox \
                  allow-top-navigation-by-user-activation; script-src 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(body)).into_response()
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../style.css")).into_response()
}

fn line(number: usize, email: &Received) -> Line {
    let message = MessageParser::default().parse(&email.raw);
    Line {
        number,
        subject: message.as_ref().map_or_else(|| "(unreadable)".to_owned(), subject),
        to: email.to.join(", "),
        at: TimeZone::UTC.to_datetime(email.at).strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    }
}

fn subject(message: &Message<'_>) -> String {
    message.subject().filter(|subject| !subject.is_empty()).unwrap_or("(no subject)").to_owned()
}

fn shown(message: &Message<'_>, name: &'static str) -> Option<String> {
    match name {
        "From" => message.from().map(addresses),
        "To" => message.to().map(addresses),
        "Subject" => message.subject().map(str::to_owned),
        other => message.header_raw(HeaderName::parse(other)?).map(|raw| raw.trim().to_owned()),
    }
}

fn addresses(list: &Address<'_>) -> String {
    let one = |address: &mail_parser::Addr<'_>| {
        let at = address.address().unwrap_or_default();
        address.name().map_or_else(|| at.to_owned(), |name| format!("{name} <{at}>"))
    };
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}
