//! Feeds and calendars: their content, and who can read them.

use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarProperty, ICalendarValue};
use dropday::demo::world::{Group, NewAlbum};
use feed_rs::model::Feed;
use reqwest::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Method, StatusCode};
use rusqlite::Connection;
use scraper::{Html, Selector};

use crate::test_app::{Listener, TestApp};
use crate::visitor::Answer;

/// Creates a URL on the page and returns it.
async fn make(listener: &Listener, form: &str) -> String {
    let page = listener.browser.post(&format!("/feeds/{form}/make"), &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    address(&page).expect("an address")
}

fn address(page: &Answer) -> Option<String> {
    let html = Html::parse_document(&page.body);
    let field = html.select(&Selector::parse("input[readonly]").unwrap()).next()?;
    field.attr("value").map(str::to_owned)
}

/// Sends a request as a program does: without cookies, with at most one header.
async fn ask(app: &TestApp, address: &str, header: Option<(HeaderName, &str)>) -> Answer {
    let ask = |request: reqwest::RequestBuilder| match header {
        Some((name, value)) => request.header(name, value),
        None => request,
    };
    app.visitor().ask(Method::GET, address, ask).await
}

fn said(answer: &Answer, name: HeaderName) -> String {
    answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn feed(app: &TestApp, address: &str) -> Feed {
    let answer = ask(app, address, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(said(&answer, CONTENT_TYPE), "application/atom+xml");
    feed_rs::parser::parse(answer.body.as_bytes()).unwrap()
}

fn titles(feed: &Feed) -> Vec<String> {
    feed.entries.iter().map(|entry| entry.title.clone().unwrap().content).collect()
}

/// The events of the calendar, parsed by another library.
async fn events(app: &TestApp, address: &str) -> Vec<ICalendarComponent> {
    let answer = ask(app, address, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(said(&answer, CONTENT_TYPE), "text/calendar; charset=utf-8");
    for line in answer.body.split("\r\n") {
        assert!(line.len() <= 75 && !line.contains(['\r', '\n']), "{line}");
    }
    let calendar = ICalendar::parse(&answer.body).unwrap();
    let events = calendar.components.into_iter().filter(|part| part.uid().is_some());
    events.collect()
}

fn text(event: &ICalendarComponent, property: &ICalendarProperty) -> String {
    match event.property(property).unwrap().values.first().unwrap() {
        ICalendarValue::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

fn day(event: &ICalendarComponent) -> (Option<u16>, Option<u8>, Option<u8>, Option<u8>) {
    match event.property(&ICalendarProperty::Dtstart).unwrap().values.first().unwrap() {
        ICalendarValue::PartialDateTime(at) => (at.year, at.month, at.day, at.hour),
        other => panic!("{other:?}"),
    }
}

async fn fan(app: &TestApp) -> (String, Listener) {
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (artist, martha)
}

#[tokio::test]
async fn feed_lists_releases_with_stable_ids() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let address = make(&martha, "atom").await;
    assert!(feed(&app, &address).await.entries.is_empty());
    let first = app.world.publish(&artist, NewAlbum::titled("First").on("2026-11-20"));
    app.round().await;
    app.advance_hours(8);
    app.world.publish(&artist, NewAlbum::titled("Second").on("2026-11"));
    app.round().await;
    let feed = feed(&app, &address).await;
    assert_eq!(titles(&feed), ["Röyksopp: Second", "Röyksopp: First"]);
    let entry = &feed.entries[1];
    assert_eq!(entry.id, format!("tag:example.com,2026:dropday/release/{first}"));
    assert_eq!(feed.id, "tag:example.com,2026:dropday/albums/1");
    assert!(entry.links[0].href.contains(&first), "{:?}", entry.links);
    assert_eq!(entry.published.unwrap().to_rfc3339(), "2026-11-23T12:00:00+00:00");
    assert_eq!(entry.authors[0].name.as_deref(), Some("Röyksopp"));
    let content = entry.content.as_ref().unwrap().body.as_ref().unwrap();
    assert!(content.contains("<img src=") && content.contains("Album, out on 20 November 2026."));
    let of_second = feed.entries[0].content.as_ref().unwrap().body.as_ref().unwrap();
    assert!(of_second.contains("out in November 2026."), "{of_second}");
    assert!(
        feed.links.iter().any(|link| link.href == address && link.rel.as_deref() == Some("self"))
    );
    app.finish().await;
}

#[tokio::test]
async fn calendar_has_all_day_events_for_exact_dates() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let first = app.world.publish(&artist, NewAlbum::titled("First").on("2026-11-20"));
    for (title, date) in [("A month", "2026-11"), ("A year", "2026")] {
        app.world.publish(&artist, NewAlbum::titled(title).on(date));
    }
    app.round().await;
    let (calendar, atom) = (make(&martha, "calendar").await, make(&martha, "atom").await);
    let events = events(&app, &calendar).await;
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event.uid(), Some(format!("release-{first}@example.com").as_str()));
    assert_eq!(text(event, &ICalendarProperty::Summary), "Röyksopp: First");
    assert_eq!(day(event), (Some(2026), Some(11), Some(20), None));
    assert_eq!(feed(&app, &atom).await.entries.len(), 3, "the feed has what has no day");
    let twice = [ask(&app, &calendar, None).await.body, ask(&app, &calendar, None).await.body];
    assert_eq!(twice[0], twice[1]);
    app.finish().await;
}

#[tokio::test]
async fn feed_follows_preferences() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let address = make(&martha, "atom").await;
    app.world.publish(&artist, NewAlbum::titled("Studio"));
    app.world.publish(&artist, NewAlbum::titled("Live at Leeds"));
    app.world.publish(&artist, NewAlbum::titled("Studio (Deluxe Edition)"));
    app.round().await;
    assert_eq!(titles(&feed(&app, &address).await), ["Röyksopp: Studio"]);
    martha.browser.choose(&["live"]).await;
    assert_eq!(feed(&app, &address).await.entries.len(), 2);
    martha.browser.post(&format!("/artists/{artist}/mute"), &[]).await;
    assert!(feed(&app, &address).await.entries.is_empty(), "who is muted is not told of");
    martha.browser.post(&format!("/artists/{artist}/unmute"), &[]).await;
    assert_eq!(feed(&app, &address).await.entries.len(), 2);
    app.world.unfollow(martha.user, &artist);
    app.round().await;
    assert_eq!(feed(&app, &address).await.entries.len(), 2, "what was told stays");
    app.finish().await;
}

#[tokio::test]
async fn feed_works_without_confirmed_address() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.world.add_user("Martha");
    app.world.follow(martha, &artist);
    let browser = app.visitor();
    browser.sign_in(&app.world, martha).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Heard of"));
    app.round().await;
    let listener = Listener { user: martha, address: String::new(), browser };
    let address = make(&listener, "atom").await;
    assert_eq!(titles(&feed(&app, &address).await), ["Röyksopp: Heard of"]);
    app.finish().await;
}

#[tokio::test]
async fn feed_has_newest_hundred_releases() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "500")]).await;
    let (artist, martha) = fan(&app).await;
    for n in 0..120 {
        app.world.publish(&artist, NewAlbum::titled(format!("Number {n:03}")));
        if n % 10 == 9 {
            app.clock.advance(std::time::Duration::from_secs(60));
            app.checks().await;
        }
    }
    let address = make(&martha, "atom").await;
    let feed = feed(&app, &address).await;
    assert_eq!(feed.entries.len(), 100);
    assert!(!titles(&feed).iter().any(|title| title < &"Röyksopp: Number 020".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn unchanged_feed_is_not_sent_again() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.world.publish(&artist, NewAlbum::titled("First").on("2026-11-20"));
    app.round().await;
    for form in ["atom", "calendar"] {
        let address = make(&martha, form).await;
        let whole = ask(&app, &address, None).await;
        let (tag, date) = (said(&whole, ETAG), said(&whole, LAST_MODIFIED));
        assert_eq!(said(&whole, CACHE_CONTROL), "private, no-cache");
        assert!(date.ends_with("Nov 2026 12:00:00 GMT") || form == "calendar", "{date}");
        app.clock.advance(std::time::Duration::from_secs(90 * 60));
        for (name, value) in [(IF_NONE_MATCH, &tag), (IF_MODIFIED_SINCE, &date)] {
            let known = ask(&app, &address, Some((name, value))).await;
            assert_eq!((known.status, known.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
            assert_eq!(
                (said(&known, ETAG), said(&known, LAST_MODIFIED)),
                (tag.clone(), date.clone())
            );
        }
        let head = app.visitor().ask(Method::HEAD, &address, |request| request).await;
        assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
        assert_eq!(said(&head, ETAG), tag);
        assert_eq!(said(&head, CONTENT_LENGTH), whole.body.len().to_string());
        // Everything that changes a feed: preferences, mutes, releases, titles.
        let mut tag = tag;
        let mut date = date;
        for change in 0..4 {
            app.advance_hours(7);
            match change {
                0 => martha.browser.choose(&["live"]).await,
                1 => drop(martha.browser.post(&format!("/artists/{artist}/mute"), &[]).await),
                2 => drop(martha.browser.post(&format!("/artists/{artist}/unmute"), &[]).await),
                _ => {
                    app.world.publish(&artist, NewAlbum::titled(format!("Beside {form}")));
                    app.round().await;
                }
            }
            for (name, value) in [(IF_NONE_MATCH, &tag), (IF_MODIFIED_SINCE, &date)] {
                let answer = ask(&app, &address, Some((name.clone(), value))).await;
                assert_eq!(answer.status, StatusCode::OK, "change {change} by {name}");
            }
            let now = ask(&app, &address, None).await;
            assert_ne!((said(&now, ETAG), said(&now, LAST_MODIFIED)), (tag.clone(), date.clone()));
            (tag, date) = (said(&now, ETAG), said(&now, LAST_MODIFIED));
        }
        martha.browser.choose(&[]).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn feed_changes_with_editions_and_follows() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.world.publish(&artist, NewAlbum::titled("First").on("2026-11-20"));
    app.round().await;
    let address = make(&martha, "atom").await;
    let mut tag = said(&ask(&app, &address, None).await, ETAG);
    let edition = "INSERT INTO editions (release, album) SELECT id, 'another' FROM releases";
    let since = "UPDATE follows SET since = since + 1";
    for change in [edition, since] {
        app.clock.advance(std::time::Duration::from_secs(60));
        let known = ask(&app, &address, Some((IF_NONE_MATCH, &tag))).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED, "before {change}");
        Connection::open(&app.config.database).unwrap().execute_batch(change).unwrap();
        let answer = ask(&app, &address, Some((IF_NONE_MATCH, &tag))).await;
        assert_eq!(answer.status, StatusCode::OK, "{change}");
        tag = said(&answer, ETAG);
    }
    app.finish().await;
}

#[tokio::test]
async fn renamed_album_keeps_its_entry_id() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.world.publish(&artist, NewAlbum::titled("Frist"));
    app.round().await;
    let address = make(&martha, "atom").await;
    let before = feed(&app, &address).await;
    app.advance_hours(7);
    app.world.change_artist(&artist, |artist| artist.name = "Röyksopp & Robyn".into());
    app.round().await;
    let after = feed(&app, &address).await;
    assert_eq!(titles(&after), ["Röyksopp & Robyn: Frist"]);
    assert_eq!(after.entries[0].id, before.entries[0].id);
    assert_eq!(after.entries[0].published, before.entries[0].published);
    assert!(after.entries[0].updated > before.entries[0].updated);
    app.finish().await;
}

#[tokio::test]
async fn feed_url_is_shown_once_and_dies_when_replaced() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let jonas = app.listener("Jonas", &[]).await;
    let first = make(&martha, "atom").await;
    let token = first.rsplit('/').next().unwrap().trim_end_matches(".atom").to_owned();
    assert_eq!(token.len(), 43, "256 bits");
    let page = martha.browser.get("/feeds").await;
    assert!(address(&page).is_none() && !page.body.contains(&token), "shown once");
    let db = Connection::open(&app.config.database).unwrap();
    let dump: String = db
        .query_row("SELECT group_concat(hex(token_hash)) FROM feeds", [], |row| row.get(0))
        .unwrap();
    assert_eq!(dump.len(), 64);
    let files = std::fs::read_dir(app.folder.path()).unwrap();
    for file in files.map(|file| std::fs::read(file.unwrap().path()).unwrap()) {
        assert!(!file.windows(43).any(|window| window == token.as_bytes()), "on disk");
    }
    let second = make(&martha, "atom").await;
    assert_ne!(first, second);
    assert_eq!(ask(&app, &first, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&app, &second, None).await.status, StatusCode::OK);
    // Another user's form revokes only their own URL.
    jonas.browser.post("/feeds/atom/revoke", &[]).await;
    let of_jonas = make(&jonas, "atom").await;
    assert_eq!(ask(&app, &second, None).await.status, StatusCode::OK);
    let done = martha.browser.post("/feeds/atom/revoke", &[]).await;
    assert_eq!(done.location.as_deref(), Some("/feeds"));
    assert_eq!(ask(&app, &second, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&app, &of_jonas, None).await.status, StatusCode::OK);
    app.finish().await;
}

#[tokio::test]
async fn invalid_feed_urls_get_identical_responses() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let (atom, calendar) = (make(&martha, "atom").await, make(&martha, "calendar").await);
    let base = app.ctx.public_url.as_str().trim_end_matches('/').to_owned();
    let token =
        |address: &str| address.rsplit('/').next().unwrap().rsplit_once('.').unwrap().0.to_owned();
    let (of_atom, of_calendar) = (token(&atom), token(&calendar));
    let made_up = "A".repeat(43);
    let mut bodies = Vec::new();
    for path in [
        format!("/feed/{made_up}.atom"),
        "/feed/.atom".to_owned(),
        "/feed/x".to_owned(),
        format!("/feed/{of_atom}"),
        format!("/feed/{of_atom}.ics"),
        format!("/feed/{}.atom", of_atom.to_lowercase()),
        format!("/feed/{of_calendar}.atom"),
        format!("/calendar/{of_atom}.ics"),
        format!("/calendar/{made_up}.ics"),
        format!("/calendar/{}.ics", "x".repeat(5_000)),
    ] {
        let answer = ask(&app, &format!("{base}{path}"), Some((IF_NONE_MATCH, "*"))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path:.80}");
        bodies.push(answer.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    for path in ["/feeds/rss/make", "/feeds/rss/revoke"] {
        assert_eq!(martha.browser.post(path, &[]).await.status, StatusCode::NOT_FOUND);
    }
    let get = martha.browser.get("/feeds/atom/make").await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    let post = app.visitor().post(&atom, &[]).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
    let elsewhere = martha.browser.post_from_elsewhere("/feeds/atom/make", &[]).await;
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
    assert_eq!(ask(&app, &atom, None).await.status, StatusCode::OK, "it is still the same");
    app.finish().await;
}

#[tokio::test]
async fn feed_ends_with_revocation_or_account_deletion() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    let (of_martha, of_jonas) = (make(&martha, "atom").await, make(&jonas, "calendar").await);
    app.world.revoke(martha.user);
    app.advance_hours(7);
    app.round().await;
    app.advance_hours(2);
    app.round().await;
    assert_eq!(ask(&app, &of_martha, None).await.status, StatusCode::NOT_FOUND);
    jonas.browser.post("/account/leave", &[("sure", "on")]).await;
    assert_eq!(ask(&app, &of_jonas, None).await.status, StatusCode::NOT_FOUND);
    martha.browser.sign_in(&app.world, martha.user).await;
    assert_eq!(ask(&app, &of_martha, None).await.status, StatusCode::OK, "until they are back");
    app.finish().await;
}

const ODD_NAMES: [&str; 6] = [
    "<script>alert(1)</script> & ]]> \"quoted\" 'single'",
    "Eve\r\nBEGIN:VEVENT\r\nSUMMARY:Injected",
    "Nul\0Bell\u{7}Escape\u{1b}Next\u{85}Line\u{2028}End\u{fffe}\u{ffff}",
    "semi;colon, comma \\ backslash \\n no break",
    "אביב גפן \u{200f}ערבית العربية 👩‍👩‍👧‍👦 e\u{301}",
    "a very long name that must be folded, 日本語のとても長い題名とても長い題名とても長い題名とても長い題名とても長い題名とても長い題名",
];

#[tokio::test]
async fn feeds_stay_well_formed_with_hostile_names() {
    let app = TestApp::new().await;
    let artists = ODD_NAMES.map(|name| app.world.add_artist(name));
    let martha = app.listener("Martha", &artists.each_ref().map(String::as_str)).await;
    app.round().await;
    for (artist, title) in artists.iter().zip(ODD_NAMES) {
        app.world.publish(artist, NewAlbum::titled(title).on("2026-11-20"));
    }
    app.round().await;
    let (atom, calendar) = (make(&martha, "atom").await, make(&martha, "calendar").await);
    let raw = ask(&app, &atom, None).await.body;
    assert!(!raw.chars().any(|c| c.is_control() && c != '\n'), "no XML");
    assert!(!raw.contains("<script"), "{raw}");
    let feed = feed(&app, &atom).await;
    let events = events(&app, &calendar).await;
    assert_eq!((feed.entries.len(), events.len()), (6, 6));
    for name in ODD_NAMES {
        let shown = dropday::domain::text::one_line(name);
        let title = format!("{shown}: {shown}");
        assert!(titles(&feed).contains(&title), "{title}: {:?}", titles(&feed));
        let summaries: Vec<_> =
            events.iter().map(|event| text(event, &ICalendarProperty::Summary)).collect();
        assert!(summaries.contains(&title), "{title}: {summaries:?}");
    }
    for entry in &feed.entries {
        let html = Html::parse_fragment(entry.content.as_ref().unwrap().body.as_ref().unwrap());
        assert!(html.select(&Selector::parse("script").unwrap()).next().is_none());
    }
    app.finish().await;
}

#[tokio::test]
async fn feed_labels_guest_appearances() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    martha.browser.choose(&["appearances"]).await;
    app.round().await;
    app.advance_days(9);
    app.world.publish(
        &artist,
        NewAlbum::titled("Somebody else's").listed_under(Group::AppearsOn).on("2026-12-01"),
    );
    app.round().await;
    let address = make(&martha, "atom").await;
    let feed = feed(&app, &address).await;
    let [entry] = &feed.entries[..] else { panic!("{:?}", titles(&feed)) };
    let content = entry.content.as_ref().unwrap().body.as_ref().unwrap();
    assert!(content.contains("Guest appearance, out on 1 December 2026."), "{content}");
    app.finish().await;
}
