//! Invalid input: names, dates, addresses, forms and the callback.

use dropday::demo::world::NewAlbum;
use mail_parser::MessageParser;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use scraper::{Html, Selector};

use crate::test_app::TestApp;

const ODD_NAMES: [&str; 9] = [
    "<script>alert(1)</script>",
    "AT&amp;T & <b>sons</b> \"quoted\" 'single'",
    "</bdi></td></mj-text>]]><!-- {{ name }} {% raw %}",
    "Eve\r\nBcc: victim@example.com\r\n\r\n<h1>Body</h1>",
    "Tab\tNul\0Bell\u{7}Next\u{85}Line\u{2028}Paragraph\u{2029}End",
    "\u{202e}desrever\u{2066}isolate\u{2069}",
    "אביב גפן \u{200f}ערבית العربية",
    "👩‍👩‍👧‍👦 🏳️‍🌈 e\u{301}\u{323} ﷽",
    ".\r\n.\r\n--=_dropday_=--",
];

/// What a reader sees at `selector`.
fn shown(html: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    let selector = Selector::parse(selector).unwrap();
    page.select(&selector).map(|found| found.text().collect()).collect()
}

/// How a name is told: on one line, and without what would turn the words around it.
fn on_one_line(name: &str) -> String {
    let is_mark = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let plain = name.chars().filter(|c| !is_mark(c)).map(|c| if is_break(c) { ' ' } else { c });
    plain.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn header_names(raw: &[u8]) -> Vec<String> {
    let email = MessageParser::default().parse(raw).unwrap();
    let mut names: Vec<_> = email.headers().iter().map(|h| h.name().to_lowercase()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn hostile_artist_and_album_names_are_only_shown() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1000")]).await;
    let artists = ODD_NAMES.map(|name| app.world.add_artist(name));
    let martha = app.listener("Martha", &artists.each_ref().map(String::as_str)).await;
    app.round().await;
    for (artist, name) in artists.iter().zip(ODD_NAMES) {
        app.inbox.empty();
        app.world.publish(artist, NewAlbum::titled(name));
        app.round().await;
        let name = on_one_line(name);
        let [email] = &app.emails_to(&martha.address)[..] else { panic!("one letter: {name}") };
        assert_eq!(email.subject, format!("{name}: {name}"));
        // A name from right to left stands between marks that keep it from its neighbours.
        let text = email.text.replace(['\u{2068}', '\u{2069}'], "");
        assert!(text.contains(&format!("\n{name}\r\n{name}\r\n")), "{text}");
        assert!(text.contains(&format!("You follow {name}\r\n")), "{text}");
        assert_eq!(shown(&email.html, ".title bdi"), [name.as_str()]);
        assert_eq!(shown(&email.html, ".because bdi"), [name.as_str()]);
        assert!(shown(&email.html, "script, b").is_empty());
        let raw = &app.inbox.emails()[0];
        assert_eq!(raw.to, [martha.address.as_str()]);
        assert_eq!(
            (raw.from.as_str(), email.from.as_str()),
            ("dropday@example.com", "dropday@example.com")
        );
        let expected = "auto-submitted content-type date from list-id list-unsubscribe message-id mime-version \
                        subject to";
        assert_eq!(header_names(&raw.raw).join(" "), expected);
    }
    app.finish().await;
}

#[tokio::test]
async fn hostile_user_names_are_only_shown() {
    let app = TestApp::new().await;
    for (number, name) in ODD_NAMES.into_iter().enumerate() {
        let (user, browser) = (app.world.add_user(name), app.visitor());
        browser.sign_in(&app.world, user).await;
        let address = format!("person{number}@example.com");
        browser.post("/account/address", &[("email", &address)]).await;
        app.emails().await;
        let name = on_one_line(name);
        let page = browser.get("/account").await.body;
        assert_eq!(shown(&page, "h1 bdi"), [name.as_str()]);
        assert!(shown(&page, "script, h1 b, main b").is_empty(), "{page}");
        let email = &app.emails_to(&address)[0];
        assert!(email.text.contains(&format!("\r\n{name}\r\n")), "{}", email.text);
        assert_eq!(shown(&email.html, "bdi"), [name.as_str()]);
        assert_eq!(header_names(&app.inbox.received_by(&address)[0].raw).len(), 9);
    }
    app.finish().await;
}

#[tokio::test]
async fn overlong_name_and_odd_title_still_make_an_email() {
    let app = TestApp::new().await;
    let endless = app.world.add_artist("Ä".repeat(10_000));
    let martha = app.listener("Martha", &[&endless]).await;
    app.world.change_user(martha.user, |user| user.name = "M".repeat(10_000));
    martha.browser.sign_in(&app.world, martha.user).await;
    assert!(martha.browser.get("/account").await.body.len() < 10_000);
    app.round().await;
    for title in ["", " \r\n\t", "\u{202e}\u{2066}", &"x ".repeat(5_000)] {
        app.world.publish(&endless, NewAlbum::titled(title));
        app.round().await;
        let email = app.emails_to(&martha.address).pop().unwrap();
        assert!(email.subject.chars().count() <= 120, "{}", email.subject);
        assert!(email.html.len() < 20_000);
        let is_nameless = title.len() < 10;
        assert_eq!(email.text.contains("(untitled)"), is_nameless, "{}", email.text);
        app.inbox.empty();
    }
    app.finish().await;
}

#[tokio::test]
async fn absurd_release_date_is_not_shown() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    for (number, (date, precision)) in [
        ("", "day"),
        ("banana", "day"),
        ("2026-02-30", "day"),
        ("2026-13-01", "month"),
        ("99999-01-01", "year"),
        ("9999-12-31", "day"),
        ("2026-11-23T00:00:00Z", "second"),
        ("-2026", ""),
    ]
    .into_iter()
    .enumerate()
    {
        app.inbox.empty();
        let title = format!("Undated {number}");
        let album = app.world.publish(&artist, NewAlbum::titled(&title).without_cover());
        app.world
            .change_album(&album, |album| (album.date, album.precision) = (date.into(), precision));
        app.round().await;
        let [email] = &app.emails_to(&martha.address)[..] else { panic!("one letter: {date}") };
        assert!(
            email.text.contains(&format!("{title}\r\nAlbum · 10 tracks\r\n")),
            "{}",
            email.text
        );
        assert!(!email.html.contains("<img"), "{date}");
    }
    app.finish().await;
}

#[tokio::test]
async fn invalid_address_is_rejected_and_kept_in_form() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let too_long = format!("{}@example.com", "x".repeat(250));
    for (typed, why) in [
        ("eve@example.com\r\nBcc: victim@example.com", "line break"),
        ("eve@example.com\nvictim@example.com", "line break"),
        ("eve\u{7f}@example.com", "invisible character"),
        ("eve\u{202e}moc.elpmaxe@example.com", "doesn’t look like"),
        ("eve\u{200b}@example.com", "doesn’t look like"),
        ("eve@exa\u{2028}mple.com", "doesn’t look like"),
        ("\"><script>alert(1)</script>", "doesn’t look like"),
        ("eve@example.com, victim@example.com", "doesn’t look like"),
        ("<eve@example.com>", "doesn’t look like"),
        (&too_long, "254"),
        ("   ", "Enter your email"),
    ] {
        let page = martha.browser.post("/account/address", &[("email", typed)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed:?}");
        let said = shown(&page.body, ".fault").concat();
        assert!(said.contains(why), "{typed:?}: {said}");
        let html = Html::parse_document(&page.body);
        let input = html.select(&Selector::parse("input[name=email]").unwrap()).next().unwrap();
        let kept = input.value().attr("value").unwrap();
        assert_eq!(kept.replace('\n', "\r\n"), typed.replace("\r\n", "\n").replace('\n', "\r\n"));
        assert!(shown(&page.body, "script").is_empty());
    }
    app.emails().await;
    assert!(app.inbox.emails().is_empty());
    assert_eq!(app.status().await.users.confirmed, 1);
    app.finish().await;
}

#[tokio::test]
async fn internationalized_address_receives_emails() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let user = app.world.add_user("Jörg");
    app.world.follow(user, &artist);
    let jorg = app.connect(user, "jörg@example.com").await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.round().await;
    assert_eq!(app.emails_to(&jorg.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn malformed_form_changes_nothing() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let form = "application/x-www-form-urlencoded";
    let long = format!("email={}", "x".repeat(20 * 1024));
    for (kind, body) in [
        ("application/json", "{\"email\": \"eve@example.com\"}"),
        ("multipart/form-data; boundary=x", "--x--"),
        ("text/plain", "email=eve@example.com"),
        ("", "email=eve@example.com"),
        (form, ""),
        (form, "e-mail=eve@example.com"),
        (form, "email=eve@example.com&email=eve@example.org"),
        (form, "email=%ff%fe%00"),
        (form, "%%%=%&&&=="),
        (form, &long),
    ] {
        let browser = &martha.browser;
        let request = browser.ask(Method::POST, "/account/address", |request| {
            request.header(CONTENT_TYPE, kind).body(body.to_owned())
        });
        let status = request.await.status;
        assert!(status.is_client_error(), "{kind} {body:.40}: {status}");
    }
    let too_long = martha.browser.post("/account/address", &[("email", &long)]).await;
    assert_eq!(too_long.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(app.inbox.emails().is_empty());
    assert_eq!(app.status().await.emails.queued, 0);
    app.finish().await;
}

#[tokio::test]
async fn form_without_session_changes_nothing() {
    let app = TestApp::new().await;
    app.listener("Martha", &[]).await;
    let stranger = app.visitor();
    for cookie in ["", "x", &"x".repeat(43), "../../etc/passwd"] {
        stranger.set_cookie("dropday", cookie);
        for path in ["/account/address", "/account/sign-out", "/account/leave"] {
            let answer = stranger.post(path, &[("email", "eve@example.com")]).await;
            assert_eq!(answer.location.as_deref(), Some("/"), "{path} with {cookie}");
        }
        assert_eq!(stranger.get("/account").await.location.as_deref(), Some("/"));
    }
    let status = app.status().await;
    assert_eq!((status.users.confirmed, status.emails.queued), (1, 0));
    app.finish().await;
}

#[tokio::test]
async fn malformed_callback_explains_what_to_do() {
    let app = TestApp::new().await;
    let browser = app.visitor();
    browser.to_spotify().await;
    let long = "x".repeat(7_000);
    for query in [
        "",
        "?",
        "?state=abc",
        "?code=abc",
        "?state=&code=",
        "?code=abc&state=abc",
        "?error=access_denied",
        "?error=access_denied&state=abc",
        &format!("?code={long}&state={long}"),
        "?code=%ff%fe&state=%ff",
        "?code=%00&state=%0d%0aSet-Cookie:%20x=y",
        "?code=%&state=%zz",
        "?code=a&code=b&state=a&state=b",
        "?state[]=a&code[]=b",
        "?&&&===",
    ] {
        let page = browser.get(&format!("/callback{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query:.60}");
        assert!(page.body.contains("Connect with Spotify"), "{query:.60}: {}", page.body);
        assert!(page.set_cookies.is_empty(), "{query:.60}");
    }
    assert_eq!(app.status().await.users.all, 0);
    app.finish().await;
}

#[tokio::test]
async fn callback_without_code_keeps_pending_sign_in() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    let browser = app.visitor();
    let back = app.world.consent(&browser.to_spotify().await, martha).unwrap();
    for query in ["", "?code=abc", "?code=abc&state=made-up"] {
        browser.get(&format!("/callback{query}")).await;
    }
    assert_eq!(browser.get(&back).await.location.as_deref(), Some("/account"));
    app.finish().await;
}

#[tokio::test]
async fn unknown_path_and_wrong_method_have_error_pages() {
    let app = TestApp::new().await;
    let browser = app.visitor();
    for path in ["/nothing", "/confirm", "/confirm/a/b", "/%2e%2e/etc/passwd", "/%ff", "//"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains("Page not found"), "{path}: {}", page.body);
    }
    for path in ["/account/leave", "/account/sign-out", "/account/address"] {
        assert_eq!(browser.get(path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    let posted = browser.post("/callback", &[("code", "a"), ("state", "b")]).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    app.finish().await;
}
