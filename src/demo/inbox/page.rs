//! Pages that show the inbox: a list that refreshes itself, and each email as a mail client shows it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use jiff::tz::TimeZone;
use mail_parser::MessageParser;

use super::{Email, Inbox, Received};

/// The headers that are shown as they are, in this order.
const RAW_HEADERS: [&str; 4] = ["Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"];

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3"><title>The demo’s inbox ({{ emails.len() }})</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css"></head>
<body><main>
<p class="stamp">This inbox is part of Dropday’s demo. No email leaves this machine.</p>
<h1>Inbox</h1>
{% if emails.is_empty() %}<p>No emails yet. This page refreshes every three seconds.</p>{% endif %}
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
<link rel="stylesheet" href="/style.css"></head>
<body><main>
<p><a href="/inbox">All emails</a></p>
<h1><bdi>{{ subject }}</bdi></h1>
<dl>{% for (name, value) in headers %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>
{% if has_html %}<iframe title="The email" src="/inbox/{{ number }}/html"
sandbox="allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"></iframe>{% endif %}
<h2>Plain text</h2>
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

/// `/inbox`, `/inbox/{n}` and `/inbox/{n}/html`. The oldest email is number 1. The fake Spotify serves `/style.css`.
pub fn router(inbox: Inbox) -> Router {
    Router::new()
        .route("/inbox", get(list))
        .route("/inbox/{number}", get(email))
        .route("/inbox/{number}/html", get(html))
        .with_state(inbox)
}

async fn list(State(inbox): State<Inbox>) -> Html<String> {
    let emails = inbox.emails();
    let lines = emails.iter().enumerate().rev().map(|(at, email)| line(at + 1, email));
    Html(ListPage { emails: lines.collect() }.render().unwrap_or_default())
}

async fn email(State(inbox): State<Inbox>, Path(number): Path<usize>) -> Response {
    let Some(received) = find(&inbox, number) else { return StatusCode::NOT_FOUND.into_response() };
    let email = Email::parse(&received.raw);
    let page = EmailPage {
        number,
        subject: subject(&email),
        headers: headers(&received),
        has_html: !email.html.is_empty(),
        text: email.text,
    };
    Html(page.render().unwrap_or_default()).into_response()
}

/// The HTML part alone, sandboxed also if it is opened outside its frame.
async fn html(State(inbox): State<Inbox>, Path(number): Path<usize>) -> Response {
    let Some(received) = find(&inbox, number) else { return StatusCode::NOT_FOUND.into_response() };
    let policy = "sandbox allow-popups allow-popups-to-escape-sandbox \
                  allow-top-navigation-by-user-activation; script-src 'none'";
    let body = Html(Email::parse(&received.raw).html);
    ([(header::CONTENT_SECURITY_POLICY, policy)], body).into_response()
}

fn find(inbox: &Inbox, number: usize) -> Option<Received> {
    inbox.emails().into_iter().nth(number.checked_sub(1)?)
}

fn line(number: usize, email: &Received) -> Line {
    Line {
        number,
        subject: subject(&Email::parse(&email.raw)),
        to: email.to.join(", "),
        at: TimeZone::UTC.to_datetime(email.at).strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    }
}

fn subject(email: &Email) -> String {
    if email.subject.is_empty() { "(no subject)".to_owned() } else { email.subject.clone() }
}

fn headers(received: &Received) -> Vec<(&'static str, String)> {
    let Some(message) = MessageParser::default().parse(&received.raw) else { return Vec::new() };
    let from = message.from().and_then(|from| from.first());
    let from = from.map(|from| match (from.name(), from.address().unwrap_or_default()) {
        (Some(name), address) => format!("{name} <{address}>"),
        (None, address) => address.to_owned(),
    });
    let raw = RAW_HEADERS
        .into_iter()
        .filter_map(|name| Some((name, message.header_raw(name)?.trim().to_owned())));
    from.map(|from| ("From", from))
        .into_iter()
        .chain([("To", received.to.join(", "))])
        .chain(raw)
        .collect()
}
