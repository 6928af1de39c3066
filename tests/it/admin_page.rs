//! The admin page, which only the operator can see.

use std::collections::BTreeMap;
use std::sync::Arc;

use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::domain::hint::SourceName;
use dropday::domain::user::EmailAddress;
use dropday::jobs::worker::{self, JobNotifier};
use dropday::store::{Tx, access_requests, job_runs};
use reqwest::{Method, StatusCode};
use rusqlite::Connection;
use scraper::{Html, Selector};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::binary::{Machine, eventually};
use crate::test_app::{Listener, Settings, TestApp};

const OPERATOR: &str = "operator@example.com";

/// A home that Martha keeps, who follows one artist.
async fn kept_by_martha(settings: Settings<'_>) -> (TestApp, String, Listener) {
    let mut app = TestApp::with(settings).await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    keep(&mut app, &martha).await;
    (app, artist, martha)
}

/// From now on this user keeps the instance.
async fn keep(app: &mut TestApp, listener: &Listener) {
    let id = app.world.user(listener.user).unwrap().id;
    app.config.web.instance.operators = vec![id];
    app.restart().await;
}

fn texts(html: &str, selector: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    let selector = Selector::parse(selector).unwrap();
    let text = |found: scraper::ElementRef<'_>| found.text().collect::<String>();
    let on_one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    page.select(&selector).map(text).map(on_one_line).collect()
}

/// The page's own numbers, by what they are called.
fn numbers(html: &str) -> BTreeMap<String, String> {
    texts(html, "dt").into_iter().zip(texts(html, "dd")).collect()
}

async fn page(listener: &Listener) -> String {
    let answer = listener.browser.get("/admin").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

/// How somebody stands, as their row says: permission and address.
fn row_of(html: &str, name: &str) -> (String, String) {
    let rows = texts(html, "#everybody tbody tr");
    let cells = texts(html, "#everybody tbody td");
    let at = rows.iter().position(|row| row.starts_with(name)).expect("a row");
    (cells[at * 6 + 1].clone(), cells[at * 6 + 2].clone())
}

fn alerts(html: &str) -> String {
    texts(html, "#alerts + ul li").join("\n")
}

fn refusal() -> Fault {
    let body = r#"{"error":"invalid_grant","error_description":"Refresh token revoked"}"#;
    Fault::Status(400, "application/json", body.into())
}

#[tokio::test]
async fn admin_page_is_not_found_for_others() {
    let (app, artist, martha) = kept_by_martha(&[]).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    let methods =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
    let signed_out = app.visitor();
    signed_out.set_cookie("dropday", "made-up");
    for browser in [&jonas.browser, &app.visitor(), &signed_out] {
        for method in methods.clone() {
            let ask = async |path| browser.ask(method.clone(), path, |request| request).await;
            let (here, nowhere) = (ask("/admin").await, ask("/no-such-page").await);
            assert_eq!((here.status, &here.body), (nowhere.status, &nowhere.body), "{method}");
            assert_eq!(here.status, StatusCode::NOT_FOUND);
            let names = |headers: &reqwest::header::HeaderMap| {
                let mut names: Vec<_> = headers.keys().map(|name| name.to_string()).collect();
                names.sort();
                names
            };
            assert_eq!(names(&here.headers), names(&nowhere.headers), "{method}");
        }
    }
    let jonas_page = jonas.browser.get("/preferences").await.body;
    assert!(!jonas_page.contains("/admin"), "nor a link to it");
    assert!(martha.browser.get("/preferences").await.body.contains("/admin"));
    let head = martha.browser.ask(Method::HEAD, "/admin", |request| request).await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    let posted = martha.browser.post("/admin", &[]).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(posted.headers["allow"], "GET,HEAD");
    app.finish().await;
}

#[tokio::test]
async fn admin_page_lists_users_without_addresses() {
    let (app, _, martha) = kept_by_martha(&[]).await;
    app.round().await;
    let html = page(&martha).await;
    assert_eq!(texts(&html, ".state"), ["Everything is working."]);
    assert_eq!(alerts(&html), "");
    let (permission, address) = row_of(&html, "Martha");
    assert_eq!((permission.as_str(), address.as_str()), ("until 23 May 2027", "confirmed"));
    assert!(!html.contains(&martha.address) && !html.contains("@example.com"));
    let numbers = numbers(&html);
    assert_eq!((numbers["All"].as_str(), numbers["Connected"].as_str()), ("1", "1"));
    assert_eq!(numbers["Artists’ albums, last 24 hours"], "1");
    assert_eq!((numbers["Left"].as_str(), numbers["Sent in total"].as_str()), ("79", "2"));
    app.finish().await;
}

/// Lets every job run once, as the daemon does.
async fn each_job_runs(app: &TestApp) {
    let (notifier, stop, tasks) =
        (Arc::new(JobNotifier::default()), CancellationToken::new(), TaskTracker::new());
    worker::start(&app.ctx, &notifier, &stop, &tasks);
    let began = app.now();
    eventually("each job has run", || async {
        let runs = app.ctx.db.read("test", job_runs::latest).await.unwrap();
        let newest = runs.chunk_by(|a, b| a.job == b.job).map(|runs| &runs[0]);
        (newest.filter(|run| run.ended_at >= began).count() == 4).then_some(())
    })
    .await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

#[tokio::test]
async fn invalid_app_raises_alert_and_shows_on_every_account() {
    let mut app = TestApp::with(&[("SPOTIFY__CLIENT_SECRET", "hush")]).await;
    app.world.set_client_secret("hush");
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    keep(&mut app, &martha).await;
    app.round().await;
    app.world.set_client_secret("another");
    app.world.expire_access_tokens();
    app.advance_hours(7);
    each_job_runs(&app).await;
    let alerts = alerts(&page(&martha).await);
    assert!(alerts.contains("The job follows failed"), "{alerts}");
    assert!(alerts.contains("Spotify does not accept this app"), "{alerts}");
    assert!(alerts.contains("dropday check"), "{alerts}");
    let state = texts(&jonas.browser.get("/account").await.body, ".state.bad");
    let refused = "Checks are on hold: Dropday isn’t set up correctly with Spotify.";
    assert_eq!(state, [refused]);

    app.world.set_client_secret("hush");
    app.advance_hours(1);
    each_job_runs(&app).await;
    assert_eq!(texts(&page(&martha).await, ".state"), ["Everything is working."]);
    assert_eq!(texts(&jonas.browser.get("/account").await.body, ".state.good").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn admin_page_shows_each_user_state() {
    let (app, artist, martha) = kept_by_martha(&[("MAIL__OPERATOR", OPERATOR)]).await;
    for name in ["Unlisted", "Withdrew", "Expired", "Bounces"] {
        app.listener(name, &[&artist]).await;
    }
    for (name, address) in [("Newcomer", None), ("Waits", Some("waits@example.com"))] {
        let (browser, user) = (app.visitor(), app.world.add_user(name));
        browser.sign_in(&app.world, user).await;
        if let Some(address) = address {
            browser.post("/account/address", &[("email", address)]).await;
        }
    }
    app.round().await;
    let someone = |name: &str| {
        let found = app.world.users().into_iter().find(|(_, user)| user.name == name);
        found.unwrap().0
    };
    app.world.change_user(someone("Unlisted"), |user| user.allow_listed = false);
    app.advance_hours(2);
    app.follows().await;
    app.world.revoke(someone("Withdrew"));
    app.advance_hours(2);
    app.follows().await;
    app.world.expire(someone("Expired"));
    app.advance_hours(2);
    app.follows().await;
    app.inbox.refuse("bounces@example.com", 550, "5.1.1 No such user here");
    for title in ["First", "Second", "Third"] {
        app.world.publish(&artist, NewAlbum::titled(title));
        app.round().await;
    }
    let html = page(&martha).await;
    let unlisted = row_of(&html, "Unlisted").0;
    assert!(unlisted.starts_with("rejected: "), "{unlisted}");
    let withdrew = row_of(&html, "Withdrew").0;
    assert_eq!(withdrew, "revoked; will be deleted on 27 November 2026");
    assert_eq!(row_of(&html, "Expired").0, "must reconnect");
    assert_eq!(row_of(&html, "Bounces").1, "bouncing since 23 November 2026");
    assert_eq!(row_of(&html, "Newcomer").1, "none");
    assert_eq!(row_of(&html, "Waits").1, "not confirmed yet");
    let everybody = texts(&html, "#everybody tbody tr");
    assert!(everybody.len() == 7 && everybody[4].starts_with("Martha"), "trouble first");
    let alerts = alerts(&html);
    for told in ["requests for 1 user", "User Management", "Emails to 1 user bounce"] {
        assert!(alerts.contains(told), "no {told} in {alerts}");
    }
    let told = texts(&html, "details td").join("\n");
    assert!(told.contains("not on the app’s list: Unlisted ("), "{told}");
    assert!(!html.contains("@example.com"));
    // Whether a consent has ended is certain after an hour: then its email leaves.
    app.advance_hours(2);
    app.finish().await;
}

#[tokio::test]
async fn only_operator_can_remove_access_request() {
    let (app, _, martha) = kept_by_martha(&[]).await;
    let jonas = app.listener("Jonas", &[]).await;
    let asks = |tx: &Tx<'_>| {
        access_requests::note(
            tx,
            [7; 32],
            "Aino",
            &EmailAddress::parse("aino@example.com").unwrap(),
        )
    };
    app.ctx.db.write("test", asks).await.unwrap();
    let page = page(&martha).await;
    assert!(page.contains("Aino") && page.contains("1 person tried to connect"), "{page}");
    let path = "/admin/access-requests/1/forget";
    for stranger in [&jonas.browser, &app.visitor()] {
        assert_eq!(stranger.post(path, &[]).await.status, 404);
    }
    assert_eq!(martha.browser.post_as_it_is(path, &[]).await.status, 403, "without the token");
    assert_eq!(app.status().await.access_requests.len(), 1);
    assert_eq!(martha.browser.post(path, &[]).await.status, 303);
    assert_eq!(app.status().await.access_requests.len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn mass_refusal_is_shown_with_its_alert() {
    let (app, artist, martha) = kept_by_martha(&[]).await;
    for number in 0..4 {
        app.listener(&format!("Person{number}"), &[&artist]).await;
    }
    app.round().await;
    app.advance_hours(2);
    app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(5));
    app.follows().await;
    let html = page(&martha).await;
    assert_eq!(numbers(&html)["Suspended (mass refusal)"], "5");
    assert_eq!(row_of(&html, "Person0").0, "suspended");
    assert!(alerts(&html).contains("5 users at once"), "{}", alerts(&html));
    assert!(!alerts(&html).contains("Spotify rejects some users"), "they are counted once");
    app.advance_hours(2);
    app.follows().await;
    assert_eq!(alerts(&page(&martha).await), "");
    app.finish().await;
}

#[tokio::test]
async fn queued_and_rejected_emails_are_listed_with_reasons() {
    let (app, artist, martha) = kept_by_martha(&[]).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    let daily = [("letters", "daily"), ("hour", "8"), ("zone", "UTC"), ("albums", "on")];
    jonas.browser.post("/preferences", &daily).await;
    app.round().await;
    app.inbox.refuse(&martha.address, 550, "5.7.1 <martha@example.com> looks like spam");
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.checks().await;
    app.emails_of(dropday::jobs::Scope::Due).await;
    app.inbox.accept(&martha.address);
    app.inbox.script(SmtpFault::RefuseMessage(451, "4.3.0 Try later".into()));
    app.world.publish(&artist, NewAlbum::titled("Second"));
    app.checks().await;
    app.emails_of(dropday::jobs::Scope::Due).await;
    let html = page(&martha).await;
    let refused = texts(&html, "#rejected tbody tr");
    assert!(refused.len() == 1 && refused[0].contains("looks like spam"), "{refused:?}");
    let pending = texts(&html, "#queued tbody tr").join("\n");
    assert!(pending.contains("scheduled for later") && pending.contains("451"), "{pending}");
    let numbers = numbers(&html);
    assert_eq!((&*numbers["Queued"], &*numbers["Rejected in the last two weeks"]), ("3", "1"));
    let alerts = alerts(&html);
    assert!(
        alerts.contains("could not be sent yet") && alerts.contains("rejected 1 notification"),
        "{alerts}"
    );
    assert!(!html.contains("martha@example.com"), "addresses are masked");
    app.advance_days(15);
    app.emails().await;
    assert_eq!(texts(&page(&martha).await, "#rejected tbody tr").len(), 0, "that is long ago");
    app.finish().await;
}

#[tokio::test]
async fn pauses_and_lockouts_are_shown_with_remedy() {
    let (app, artist, martha) = kept_by_martha(&[]).await;
    app.round().await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::QuotaExceeded { retry_after: Some(7200) }]);
    app.world.publish(&artist, NewAlbum::titled("New"));
    app.checks().await;
    let html = page(&martha).await;
    let pauses = texts(&html, "li").join("\n");
    assert!(pauses.contains("Paused until 23 November 2026, 14:00 (artist albums)"), "{pauses}");
    assert!(alerts(&html).contains("spotify.artist_albums_per_day"), "{}", alerts(&html));
    let numbers = numbers(&html);
    assert!(numbers["Last lockout"].starts_with("23 November 2026, 12:00, after"), "{numbers:?}");
    let allowed = &numbers["Allowed for artists’ albums"];
    assert!(allowed.ends_with("of the configured 80, because of a lockout"), "{allowed}");
    app.advance_hours(3);
    app.round().await;
    app.finish().await;
}

#[tokio::test]
async fn calls_of_two_weeks_are_charted_and_tabulated() {
    let (app, _, martha) = kept_by_martha(&[]).await;
    for _ in 0..20 {
        app.round().await;
        app.advance_days(1);
    }
    let html = page(&martha).await;
    let days = texts(&html, "#days tbody th");
    assert_eq!(
        (days.len(), days[0].as_str(), days[13].as_str()),
        (14, "13 December 2026", "30 November 2026")
    );
    let cells = texts(&html, "#days tbody td");
    assert_eq!(cells.len(), 14 * 4);
    let albums: Vec<&str> = cells.iter().step_by(4).map(String::as_str).collect();
    assert_eq!(albums[0], "0", "nothing yet today");
    assert!(albums[1..].iter().all(|n| *n == "1"), "{albums:?}");
    let charts = Html::parse_document(&html);
    let select = |what| charts.select(&Selector::parse(what).unwrap()).count();
    assert_eq!((select("svg[role=img][aria-label]"), select("svg line")), (4, 1));
    assert!(select("svg:first-of-type rect") >= 13 && select("[style], style") == 0);
    let following: u64 = cells.iter().skip(1).step_by(4).map(|n| n.parse::<u64>().unwrap()).sum();
    assert!(following >= 13, "{cells:?}");
    app.finish().await;
}

#[tokio::test]
async fn hostile_names_do_not_break_admin_page() {
    let odd = "</td></table><script>alert(1)</script>{{ name }} &amp; \u{202e}";
    let (app, artist, martha) = kept_by_martha(&[]).await;
    app.world.change_artist(&artist, |artist| artist.name = odd.into());
    app.world.change_user(martha.user, |user| user.name = format!("{odd}{}", "Æ".repeat(290)));
    martha.browser.sign_in(&app.world, martha.user).await;
    app.inbox.refuse(&martha.address, 550, "5.7.1 <script>alert(2)</script> refused");
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled(odd));
    app.round().await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::server_error()]);
    app.checks().await;
    let html = page(&martha).await;
    assert!(texts(&html, "script").is_empty() && !html.contains('\u{202e}'));
    let everybody = texts(&html, "#everybody tbody tr");
    assert!(everybody.len() == 1 && everybody[0].contains("<script>alert(1)"), "{everybody:?}");
    assert!(everybody[0].contains('…'), "and is cut short");
    let overdue = texts(&html, "#overdue li").join("\n");
    assert!(overdue.contains("<script>alert(1)") && overdue.contains("the last check failed"));
    let refused = texts(&html, "#rejected td").join("\n");
    assert!(refused.contains("alert(2)"), "{refused}");
    for query in [
        "?page=0",
        "?page=-1",
        "?page=99999999999999999999",
        "?page=4294967295",
        "?page=x",
        "?page=%FF",
        "?%00=<script>",
    ] {
        let answer = martha.browser.get(&format!("/admin{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        assert_eq!(texts(&answer.body, "#everybody tbody tr").len(), 1, "{query}");
    }
    app.finish().await;
}

#[tokio::test]
async fn hint_sources_are_shown_with_last_success_and_error() {
    let (app, _, martha) = kept_by_martha(&[("HINTS__ENABLED", "true")]).await;
    app.round().await;
    app.hints().await;
    app.advance_days(1);
    app.catalogues.script(SourceName::ListenBrainz, [Fault::Html]);
    app.hints().await;
    let html = page(&martha).await;
    let rows = texts(&html, "#sources tbody tr");
    let sources = app.status().await.hint_sources;
    assert!(!sources.is_empty() && rows.len() == sources.len(), "{rows:?}");
    for (row, health) in rows.iter().zip(&sources) {
        let (hints, calls) = (health.hints, health.calls);
        let counts = format!("{} {} {} {calls} ", hints.open, hints.confirmed, hints.dropped);
        let told = row.replace(health.source.as_str(), "");
        let plain: String = counts.split(' ').collect();
        assert!(told.starts_with(&plain) || told.starts_with(&counts), "{row}: {counts}");
    }
    let listenbrainz = rows.iter().find(|row| row.starts_with("listenbrainz")).unwrap();
    for told in ["24 November 2026", "(1 in a row; again at"] {
        assert!(listenbrainz.contains(told), "no {told} in {listenbrainz}");
    }
    assert!(!alerts(&html).contains("listenbrainz"), "once is no matter");
    app.finish().await;
}

/// 500 users with 100 artists each of 50,000, two weeks of calls, and emails of years.
const A_CROWD: &str = "
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO users (spotify_id, display_name, created_at, consent, follows_next_at, address, spotify_error)
    SELECT 'crowd' || i, 'Person number ' || i, 1795000000000, 'granted', 1, 'p' || i || '@example.com',
        iif(i = 499, 'Spotify refuses this one', NULL) FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
    INSERT INTO artists (id, name, folded, tracked_since, next_check_at, checked_at)
    SELECT printf('crowd%017d', i), 'Artist ' || i, 'artist ' || i, 1795000000000, 1, 1795000000000 FROM n;
    INSERT INTO follows (user_id, artist, since)
    SELECT id, printf('crowd%017d', (id % 500) * 100 + o.i), 1 FROM users, (SELECT value AS i FROM generate) o
    WHERE spotify_id LIKE 'crowd%';
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
    INSERT INTO api_calls (bucket, at) SELECT iif(i % 40 = 0, 'artist_albums', 'following'), 1795435200000 - i * 30000 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    INSERT INTO outbox (user_id, kind, subject, state, next_at, enqueued_at, finished_at, reason)
    SELECT 2 + i % 500, 'news', 's' || i, iif(i % 1000 = 0, 'rejected', 'sent'), 1, 1, 1795435000000, 'reason ' || i FROM n;";

#[tokio::test]
async fn five_hundred_users_are_paginated() {
    let (app, _, martha) = kept_by_martha(&[]).await;
    let database = Connection::open(&app.config.database).unwrap();
    let numbers = "CREATE TEMP TABLE generate AS
        WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 100) SELECT value FROM n;";
    database.execute_batch(&format!("{numbers}{A_CROWD}")).unwrap();
    let first = page(&martha).await;
    assert!(first.len() < 60_000, "{} bytes", first.len());
    assert_eq!(numbers_of_users(&first), 30);
    let rows = texts(&first, "#everybody tbody tr");
    assert!(rows[0].contains("Spotify refuses this one"), "{}", rows[0]);
    assert_eq!(texts(&first, "#rejected tbody tr").len(), 12);
    assert!(first.contains("88 more were rejected for other reasons"));
    let mut seen = Vec::new();
    for number in 1..=17 {
        let html = martha.browser.get(&format!("/admin?page={number}")).await.body;
        seen.extend(texts(&html, "#everybody tbody small"));
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((all, seen.len()), (501, 501), "everybody once");
    let beyond = martha.browser.get("/admin?page=999").await.body;
    assert_eq!(numbers_of_users(&beyond), 501 - 16 * 30);
    assert!(beyond.contains("Page 17 of 17"));
    app.finish_owing(0).await;
}

fn numbers_of_users(html: &str) -> usize {
    texts(html, "#everybody tbody tr").len()
}

#[tokio::test]
async fn status_json_matches_admin_page() {
    let machine = Machine::new().await;
    let artist = machine.world.add_artist("Röyksopp");
    let martha = machine.settle(&[("Martha", &[&artist]), ("Jonas", &[&artist])]).await.remove(0);
    let id = machine.world.user(martha.user).unwrap().id;
    let keep = format!("[web]\noperators = [\"{id}\"]\n");
    std::fs::write(machine.folder.path().join("dropday.toml"), keep).unwrap();
    let mut daemon = machine.serve().await;
    let (status, html) = eventually("a quiet moment", async || {
        let before = machine.status().await;
        let html = page(&martha).await;
        (machine.status().await == before).then_some((before, html))
    })
    .await;
    let numbers = numbers(&html);
    for (name, at) in [
        ("All", "/users/all"),
        ("Connected", "/users/connected"),
        ("Email confirmed", "/users/confirmed"),
        ("Bouncing", "/users/bouncing"),
        ("Artists’ albums, last 24 hours", "/calls/used/artist_albums"),
        ("Followed artists, last 24 hours", "/calls/used/following"),
        ("Allowed for artists’ albums", "/calls/artist_albums_allowed"),
        ("Left", "/calls/artist_albums_left"),
        ("Tracked", "/artists/tracked"),
        ("Checked in the last 24 hours", "/artists/checked_last_day"),
        ("Overdue", "/artists/overdue"),
        ("Queued", "/emails/queued"),
        ("Rejected in the last two weeks", "/emails/rejected_recently"),
        ("Sent in total", "/emails/sent"),
    ] {
        let told = status.pointer(at).unwrap_or_else(|| panic!("no {at}"));
        assert_eq!(numbers[name], told.to_string(), "{name}");
    }
    let users = status["users"]["list"].as_array().unwrap();
    assert_eq!(users.len(), texts(&html, "#everybody tbody tr").len());
    assert_eq!((&users[0]["name"], &users[0]["artists"]), (&"Martha".into(), &1.into()));
    let days = status["calls"]["by_day"]["following"].as_array().unwrap();
    let drawn: Vec<String> = days.iter().rev().map(|day| day["calls"].to_string()).collect();
    let table: Vec<String> = texts(&html, "#days td").into_iter().skip(1).step_by(4).collect();
    assert_eq!(drawn, table);
    assert_eq!(status["alerts"].as_array().unwrap().len(), texts(&html, "#alerts + ul li").len());
    let jobs: std::collections::BTreeSet<_> =
        texts(&html, "#runs td:first-child").into_iter().collect();
    assert_eq!(jobs, status["jobs"].as_object().unwrap().keys().cloned().collect());
    assert!(!status.to_string().contains("@example.com"));
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}
