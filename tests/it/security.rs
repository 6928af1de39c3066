//! Attacks on the pages: other users' sessions and forms, redirects, header injection, malformed requests,
//! and connections that never end.

use std::net::SocketAddr;

use dropday::config::Config;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::binary::Machine;
use crate::test_app::TestApp;
use crate::visitor::{Answer, Visitor};

/// Every form of a signed-in user.
const FORMS: [&str; 12] = [
    "/account/address",
    "/account/sample",
    "/artists/sync",
    "/artists/4Z8W4fKeB5YxbusRsdQVPb/mute",
    "/artists/4Z8W4fKeB5YxbusRsdQVPb/unmute",
    "/feeds/atom/make",
    "/feeds/atom/revoke",
    "/feeds/calendar/make",
    "/account/sign-out",
    "/account/sign-out-everywhere",
    "/account/leave",
    "/preferences",
];

/// The fields of those forms.
const FORM: [(&str, &str); 6] = [
    ("sure", "on"),
    ("email", "eve@example.com"),
    ("letters", "none"),
    ("hour", "3"),
    ("zone", "UTC"),
    ("singles", "on"),
];

fn address(config: &Config) -> SocketAddr {
    config.web.listen
}

/// Sends `request` on its own connection and reads until the server closes it.
async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may respond and close before the whole request is written.
    stream.write_all(request).await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status_of(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").or_else(|| answer.strip_prefix("HTTP/1.0 "));
    status.and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn assert_guarded(what: &str, answer: &Answer) {
    for (name, words) in [
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("content-security-policy", "base-uri 'none'"),
        ("content-security-policy", "form-action 'self'"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        let value = answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        assert!(value.contains(words), "{what}: {name} is {value:?}");
    }
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(!policy.contains("unsafe"), "{what}: {policy}");
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let long = "x".repeat(20 * 1024);
    let browser = &martha.browser;
    let mut answers = Vec::new();
    for path in ["/", "/account", "/preferences", "/login", "/callback", "/healthz", "/style.css"] {
        answers.push((path, browser.get(path).await));
        answers.push((path, browser.ask(Method::HEAD, path, |request| request).await));
    }
    for path in ["/no-such-page", "/admin", "/confirm/made-up", "/mute/x", "/unsubscribe/x"] {
        answers.push((path, browser.get(path).await));
    }
    for method in [Method::DELETE, Method::OPTIONS, Method::TRACE, Method::PUT, Method::PATCH] {
        answers.push(("/account", browser.ask(method, "/account", |request| request).await));
    }
    answers.push(("413", browser.post("/account/address", &[("email", &long)]).await));
    answers.push(("422", browser.post("/account/address", &[("email", "none")]).await));
    answers.push(("cross-site", browser.post_from_elsewhere("/account/leave", &FORM).await));
    answers.push(("no token", browser.post_as_it_is("/account/leave", &FORM).await));
    for (what, answer) in &answers {
        assert_guarded(what, answer);
        assert!(!answer.status.is_server_error(), "{what}: {}", answer.status);
    }
    let statuses: Vec<_> = answers.iter().map(|(_, answer)| answer.status.as_u16()).collect();
    for expected in [200, 303, 400, 403, 404, 405, 413, 422] {
        assert!(statuses.contains(&expected), "no {expected} among {statuses:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn https_uses_host_cookies_and_hsts() {
    let app = TestApp::with(&[("WEB__PUBLIC_URL", "https://dropday.example")]).await;
    let browser = Visitor::new(&format!("http://{}", address(&app.config)));
    let martha = app.world.add_user("Martha");
    let departed = browser.get("/login").await;
    let back = app.world.consent(departed.location.as_deref().unwrap(), martha).unwrap();
    let path = back.strip_prefix("https://dropday.example").expect("back to the public address");
    let arrived = browser.get(path).await;
    assert_eq!(arrived.location.as_deref(), Some("/account"), "{}", arrived.body);
    let cookies: Vec<_> = departed.set_cookies.iter().chain(&arrived.set_cookies).collect();
    assert!(cookies.iter().any(|cookie| cookie.starts_with("__Host-dropday=")), "{cookies:?}");
    for cookie in cookies {
        let parts: Vec<&str> = cookie.split("; ").collect();
        assert!(cookie.starts_with("__Host-"), "{cookie}");
        for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(parts.contains(&flag), "{cookie} lacks {flag}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let secure = departed.headers["strict-transport-security"].to_str().unwrap();
    assert!(secure.starts_with("max-age="), "{secure}");
    // A cookie without the `__Host-` prefix, which other hosts of the domain could set, is ignored.
    let session = browser.cookie("__Host-dropday").unwrap();
    let other = Visitor::new(&format!("http://{}", address(&app.config)));
    other.set_cookie("dropday", &session);
    assert_eq!(other.get("/account").await.location.as_deref(), Some("/"));
    app.finish().await;
}

#[tokio::test]
async fn forms_without_valid_token_are_rejected() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let jonas = app.listener("Jonas", &[]).await;
    let martha_again = app.visitor();
    martha_again.sign_in(&app.world, martha.user).await;
    let of_jonas = jonas.browser.form_token().await.unwrap();
    let of_another_browser = martha_again.form_token().await.unwrap();
    let (browser, stranger) = (&martha.browser, app.visitor());
    let own = browser.form_token().await.unwrap();
    for path in FORMS {
        // More in one burst would hit the rate limit.
        app.advance_hours(1);
        let with = |token: &str| {
            FORM.iter()
                .copied()
                .chain([("form", token)])
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect::<Vec<_>>()
        };
        for token in ["", "x", &of_jonas, &of_another_browser, &own[1..], &format!("{own}x")] {
            let form = with(token);
            let form: Vec<_> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let answer = browser.post_as_it_is(path, &form).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} with {token}");
        }
        let form = with(&own);
        for (name, value) in [
            ("Origin", "https://evil.example"),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
        ] {
            let ask =
                browser.ask(Method::POST, path, |request| request.form(&form).header(name, value));
            assert_eq!(ask.await.status, StatusCode::FORBIDDEN, "{path} with {name}: {value}");
        }
        let answer = stranger.ask(Method::POST, path, |request| request.form(&form)).await;
        assert_eq!(answer.location.as_deref(), Some("/"), "{path} by nobody");
        let by_address = browser.get(&format!("{path}?form={own}&email=eve@example.com")).await;
        assert_ne!(by_address.status, StatusCode::SEE_OTHER, "{path}: GETs change nothing");
    }
    app.emails().await;
    assert!(app.inbox.emails().is_empty());
    let users = app.status().await.users;
    assert_eq!((users.all, users.confirmed), (2, 2));
    assert!(!browser.get("/preferences").await.body.contains(r#"value="none" checked"#));
    app.finish().await;
}

#[tokio::test]
async fn sign_out_everywhere_ends_all_sessions() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let stolen = app.visitor();
    stolen.set_cookie("dropday", &martha.browser.cookie("dropday").unwrap());
    let token = stolen.form_token().await.unwrap();
    let done = martha.browser.post("/account/sign-out-everywhere", &[]).await;
    assert_eq!(done.location.as_deref(), Some("/"));
    for path in [
        "/account",
        "/releases",
        "/artists",
        "/preferences",
        "/feeds",
        "/leave",
        "/leave/everything.json",
    ] {
        assert_eq!(stolen.get(path).await.location.as_deref(), Some("/"), "{path}");
    }
    for path in FORMS {
        let form: Vec<_> = FORM.into_iter().chain([("form", token.as_str())]).collect();
        let answer = stolen.post_as_it_is(path, &form).await;
        assert_eq!(answer.location.as_deref(), Some("/"), "{path}");
    }
    assert_eq!(app.status().await.users.confirmed, 1);
    app.emails().await;
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn no_open_redirects() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let spotify = app.visitor().to_spotify().await;
    let spotify = spotify.split("/authorize").next().unwrap().to_owned();
    for path in [
        "/login?next=https://evil.example",
        "/login?redirect_uri=https://evil.example&return=//evil.example",
        "/callback?next=//evil.example&error=access_denied",
        "//evil.example",
        "//evil.example/account",
        "/\\evil.example",
        "/%2f%2fevil.example/",
        "/account?next=https://evil.example",
        "/account/..//evil.example",
        "/preferences?saved=//evil.example",
    ] {
        for browser in [&martha.browser, &app.visitor()] {
            let Some(location) = browser.get(path).await.location else { continue };
            let is_ours = location.starts_with('/') && !location.starts_with("//");
            let is_spotifys = location.starts_with(&spotify)
                && !location
                    .split("redirect_uri=")
                    .nth(1)
                    .unwrap_or("")
                    .starts_with("https%3A%2F%2Fevil");
            assert!(is_ours || is_spotifys, "{path} leads to {location}");
            assert!(!location.contains("evil.example"), "{path} leads to {location}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn requests_inject_no_headers_or_markup() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let injected = "%0d%0aX-Evil:%20yes%0d%0a%0d%0a<script>alert(1)</script>";
    for path in [
        format!("/{injected}"),
        format!("/login?x={injected}"),
        format!("/callback?error={injected}&state={injected}"),
        format!("/confirm/{injected}"),
        format!("/mute/{injected}"),
        format!("/unsubscribe/{injected}"),
        format!("/preferences?{injected}={injected}"),
    ] {
        let answer = martha.browser.get(&path).await;
        assert!(!answer.headers.contains_key("x-evil"), "{path}");
        assert!(!answer.body.contains("<script>alert"), "{path}");
    }
    let typed = "{{ 7 * 7 }}{% raw %}${7*7}\r\nX-Evil: yes\"><script>alert(1)</script>";
    for name in ["email", "zone", "hour", "letters"] {
        for path in ["/account/address", "/preferences"] {
            let answer = martha.browser.post(path, &[(name, typed)]).await;
            assert!(!answer.headers.contains_key("x-evil"), "{path}");
            assert!(!answer.body.contains("<script>alert"), "{path}, {name}");
            assert!(!answer.body.contains("49"), "{path}, {name}: no template");
            assert!(!answer.status.is_server_error(), "{path}, {name}");
        }
    }
    app.emails().await;
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn malformed_requests_do_not_disturb_others() {
    let app = TestApp::new().await;
    let address = address(&app.config);
    let end = "Host: x\r\nConnection: close\r\n\r\n";
    let long = "x".repeat(40_000);
    let many: String = (0..500).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let asked: [(Vec<u8>, &[u16]); 16] = [
        (format!("GET /{long} HTTP/1.1\r\n{end}").into(), &[414, 431, 404]),
        (format!("GET /?{long} HTTP/1.1\r\n{end}").into(), &[414, 431, 200]),
        (format!("GET / HTTP/1.1\r\nX: {long}\r\n{end}").into(), &[431]),
        (format!("GET / HTTP/1.1\r\nCookie: {long}\r\n{end}").into(), &[431]),
        (format!("GET / HTTP/1.1\r\n{many}{end}").into(), &[431]),
        ([b"GET /\xff\xfe HTTP/1.1\r\n".as_slice(), end.as_bytes()].concat(), &[400, 404]),
        ([b"GET /?\xc3\x28 HTTP/1.1\r\n".as_slice(), end.as_bytes()].concat(), &[400, 200]),
        (
            [b"GET / HTTP/1.1\r\nCookie: dropday=\xff\xff\r\n".as_slice(), end.as_bytes()].concat(),
            &[200],
        ),
        (format!("GET /a\0b HTTP/1.1\r\n{end}").into(), &[400]),
        (format!("GET / HTTP/9.9\r\n{end}").into(), &[400, 505]),
        (format!("G\0T / HTTP/1.1\r\n{end}").into(), &[400]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), &[400]),
        (format!("GET https://evil.example/account HTTP/1.1\r\n{end}").into(), &[303]),
        (format!("CONNECT evil.example:443 HTTP/1.1\r\n{end}").into(), &[400, 404, 405]),
        (
            format!(
                "POST /preferences HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n{end}hello"
            )
            .into(),
            &[400],
        ),
        (
            format!("POST /preferences HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{end}zz\r\n")
                .into(),
            &[303, 400],
        ),
    ];
    for (request, expected) in asked {
        let shown = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        let answer = raw(address, &request).await;
        assert!(expected.contains(&status_of(&answer)), "{shown}: {answer:.200}");
        assert!(!answer.to_lowercase().contains("location: https://evil"), "{shown}");
        assert_eq!(app.visitor().get("/healthz").await.status, StatusCode::OK, "after {shown}");
    }
    // Request smuggling: the second request is not part of the first.
    let smuggled = "POST /preferences HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\
                    Connection: close\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = raw(address, smuggled.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    app.finish().await;
}

#[tokio::test]
async fn slow_clients_are_disconnected() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let address: SocketAddr = machine.address.parse().unwrap();
    let mut slow = Vec::new();
    // More than the connection limit: incomplete headers, incomplete bodies, and silence.
    for number in 0..600 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let started = match number % 3 {
            0 => "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            1 => "POST /preferences HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na=",
            _ => "",
        };
        stream.write_all(started.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(machine.visitor().get("/healthz").await.status, StatusCode::OK);
    for stream in &mut slow {
        // Closed with or without a response.
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
    }
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    assert!(!daemon.said().contains("panicked"), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn thousand_concurrent_requests_are_served() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let address: SocketAddr = machine.address.parse().unwrap();
    let asked = (0..1_000).map(|_| {
        tokio::spawn(async move {
            let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            status_of(&raw(address, request).await)
        })
    });
    let mut answered = Vec::new();
    for answer in asked.collect::<Vec<_>>() {
        answered.push(answer.await.unwrap());
    }
    assert_eq!(answered, vec![200; 1_000]);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}
