//! The new releases page: what followed artists released, and whether an email announced it.

use dropday::demo::world::{Group, NewAlbum};
use dropday::domain::release::ReleaseKind;
use reqwest::StatusCode;
use rusqlite::Connection;

use crate::test_app::{Listener, TestApp};
use crate::visitor::Visitor;

/// The texts of the elements at `selector`.
async fn shown(browser: &Visitor, path: &str, selector: &str) -> Vec<String> {
    let page = browser.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}");
    page.shown(selector)
}

async fn items(browser: &Visitor, path: &str) -> Vec<String> {
    shown(browser, path, "li.cover").await
}

async fn titles(browser: &Visitor, path: &str) -> Vec<String> {
    shown(browser, path, "li.cover a[href*='/album/'] bdi").await
}

async fn fan(app: &TestApp) -> (String, Listener) {
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (artist, martha)
}

async fn comes_out(app: &TestApp, artist: &str, album: NewAlbum) {
    app.world.publish(artist, album);
    app.round().await;
    app.advance_hours(7);
}

#[tokio::test]
async fn releases_are_listed_newest_first_with_cover_and_status() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    assert!(titles(&martha.browser, "/releases").await.is_empty(), "the first look is silent");
    comes_out(&app, &artist, NewAlbum::titled("First")).await;
    comes_out(&app, &artist, NewAlbum::titled("Second").on("2026-11-20")).await;
    assert_eq!(titles(&martha.browser, "/releases").await, ["Second", "First"]);
    let items = items(&martha.browser, "/releases").await;
    assert_eq!(
        items,
        [
            "Second Röyksopp Album · 20 November 2026 Emailed 23 November 2026, 19:00",
            "First Röyksopp Album · 23 November 2026 Emailed 23 November 2026, 12:00",
        ]
    );
    assert_eq!(shown(&martha.browser, "/releases", "h2").await, ["Found in November 2026"]);
    let cover = "li.cover img[loading=lazy][width='72'][height='72'][alt='']";
    assert_eq!(shown(&martha.browser, "/releases", cover).await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn releases_of_one_check_are_ordered_by_date() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    for (title, date) in
        [("Friday", "2026-11-20"), ("Monday", "2026-11-23"), ("Sunday", "2026-11-22")]
    {
        app.world.publish(&artist, NewAlbum::titled(title).on(date));
    }
    app.round().await;
    assert_eq!(titles(&martha.browser, "/releases").await, ["Monday", "Sunday", "Friday"]);
    app.finish().await;
}

#[tokio::test]
async fn releases_not_emailed_say_why() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let muted = app.world.add_artist("Robyn");
    app.world.follow(martha.user, &muted);
    app.round().await;
    comes_out(&app, &muted, NewAlbum::titled("Honey")).await;
    let email = app.emails_to(&martha.address).pop().unwrap();
    martha.browser.post(&email.link("/mute/"), &[]).await;
    comes_out(&app, &muted, NewAlbum::titled("Body Talk")).await;
    comes_out(&app, &artist, NewAlbum::titled("Live at Leeds")).await;
    app.inbox.refuse(&martha.address, 550, "5.1.1 No such user here");
    comes_out(&app, &artist, NewAlbum::titled("Refused")).await;
    app.inbox.accept(&martha.address);
    let daily = [("letters", "daily"), ("hour", "23"), ("zone", "UTC"), ("albums", "on")];
    martha.browser.post("/preferences", &daily).await;
    app.world.publish(&artist, NewAlbum::titled("Waiting"));
    app.checks().await;
    let all = items(&martha.browser, "/releases").await;
    for (title, why) in [
        ("Waiting", "Will be emailed on 24 November 2026, 23:00"),
        ("Refused", "5.1.1 No such user here"),
        ("Live at Leeds", "Not emailed: live albums are off in your settings"),
        ("Body Talk", "Not emailed: Robyn is muted"),
        ("Honey", "Emailed"),
    ] {
        let item = all.iter().find(|item| item.starts_with(title)).expect(title);
        assert!(item.contains(why), "{item}");
    }
    martha
        .browser
        .post("/preferences", &[("letters", "none"), ("hour", "8"), ("zone", "UTC")])
        .await;
    let waiting = items(&martha.browser, "/releases").await.remove(0);
    assert!(waiting.contains("Not emailed: emails were turned off"), "{waiting}");
    app.advance_days(2);
    app.finish().await;
}

#[tokio::test]
async fn releases_are_listed_before_address_is_confirmed() {
    let app = TestApp::new().await;
    let (artist, _) = fan(&app).await;
    comes_out(&app, &artist, NewAlbum::titled("Before she came")).await;
    let user = app.world.add_user("Aino");
    app.world.follow(user, &artist);
    let aino = app.visitor();
    aino.sign_in(&app.world, user).await;
    app.follows().await;
    app.clock.advance(std::time::Duration::from_secs(60));
    comes_out(&app, &artist, NewAlbum::titled("Since")).await;
    assert_eq!(titles(&aino, "/releases").await, ["Since"]);
    let item = items(&aino, "/releases").await.remove(0);
    assert!(item.contains("Not emailed: your address isn’t confirmed"), "{item}");
    aino.post(&format!("/artists/{artist}/mute"), &[]).await;
    let item = items(&aino, "/releases").await.remove(0);
    assert!(item.contains("Not emailed: Röyksopp is muted"), "{item}");
    app.finish().await;
}

#[tokio::test]
async fn partial_release_date_is_shown_as_precise_as_known() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let vague = NewAlbum::titled("Vague").on("2026-11");
    comes_out(&app, &artist, vague).await;
    let item = items(&martha.browser, "/releases").await.remove(0);
    assert!(item.contains("Album · November 2026 Emailed"), "{item}");
    assert_eq!(shown(&martha.browser, "/releases", "li time[datetime='2026-11']").await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn kind_filter_shows_one_kind_and_ignores_unknown() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    martha.browser.choose(&["singles", "compilations", "live", "remixes", "appearances"]).await;
    app.round().await;
    comes_out(&app, &artist, NewAlbum::titled("An album")).await;
    comes_out(&app, &artist, NewAlbum::titled("A single").as_a(ReleaseKind::Single)).await;
    comes_out(&app, &artist, NewAlbum::titled("Live at Leeds")).await;
    comes_out(&app, &artist, NewAlbum::titled("An album (Remixes)")).await;
    app.world.publish(&artist, NewAlbum::titled("Best of").as_a(ReleaseKind::Compilation));
    app.world.publish(&artist, NewAlbum::titled("Night Drive").listed_under(Group::AppearsOn));
    for _ in 0..4 {
        app.advance_days(8);
        app.round().await;
        martha.browser.get("/releases").await;
    }
    for (kind, title) in [
        ("albums", "An album"),
        ("singles", "A single"),
        ("live", "Live at Leeds"),
        ("remixes", "An album (Remixes)"),
        ("compilations", "Best of"),
        ("appearances", "Night Drive"),
    ] {
        let path = format!("/releases?kind={kind}");
        assert_eq!(titles(&martha.browser, &path).await, [title], "{kind}");
        assert_eq!(shown(&martha.browser, &path, "a[aria-current=true]").await.len(), 1);
    }
    for odd in ["", "?kind=", "?kind=LIVE", "?kind=%00", "?kind=albums'--", "?kind[]=live"] {
        assert_eq!(titles(&martha.browser, &format!("/releases{odd}")).await.len(), 6, "{odd}");
    }
    app.finish().await;
}

#[tokio::test]
async fn releases_are_paged_by_thirty_without_repeats() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    for number in 0..70 {
        app.world.publish(&artist, NewAlbum::titled(format!("Number {number:02}.")));
    }
    app.round().await;
    let mut seen = Vec::new();
    let mut path = "/releases?kind=albums".to_owned();
    for expected in [30, 30, 10] {
        let page = titles(&martha.browser, &path).await;
        assert_eq!(page.len(), expected, "{path}");
        seen.extend(page);
        let body = martha.browser.get(&path).await.body;
        let older = body
            .split_once("kind=albums&#38;before=")
            .or(body.split_once("kind=albums&amp;before="));
        let Some((_, rest)) = older else { break };
        path = format!("/releases?kind=albums&before={}", rest.split('"').next().unwrap());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 70);
    for odd in [
        "x",
        "-1",
        "0",
        "99999999999999999999",
        "1e9",
        "%F0%28",
        "1;drop",
        "'",
        "9223372036854775807",
    ] {
        assert_eq!(
            titles(&martha.browser, &format!("/releases?before={odd}")).await.len(),
            30,
            "{odd}"
        );
    }
    assert!(titles(&martha.browser, "/releases?before=1").await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn deleted_releases_do_not_end_the_list() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    for number in 0..70 {
        app.world.publish(&artist, NewAlbum::titled(format!("Number {number:02}.")));
    }
    app.round().await;
    let latest = "(SELECT subject FROM outbox WHERE kind = 'news' ORDER BY id DESC LIMIT 45)";
    let forget = format!(
        "DELETE FROM artist_releases WHERE release IN {latest}; DELETE FROM releases WHERE id IN {latest}"
    );
    Connection::open(&app.config.database).unwrap().execute_batch(&forget).unwrap();
    assert_eq!(titles(&martha.browser, "/releases").await.len(), 25);
    app.finish().await;
}

#[tokio::test]
async fn releases_page_never_shows_other_users_releases() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let jonas = app.listener("Jonas", &[]).await;
    comes_out(&app, &artist, NewAlbum::titled("Hers")).await;
    assert_eq!(titles(&martha.browser, "/releases").await, ["Hers"]);
    for path in ["/releases", "/releases?before=999999", "/releases?kind=albums"] {
        assert!(items(&jonas.browser, path).await.is_empty(), "{path}");
    }
    let stranger = app.visitor().get("/releases").await;
    assert_eq!(stranger.location.as_deref(), Some("/"));
    app.finish().await;
}

#[tokio::test]
async fn hostile_titles_are_escaped() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("<script>alert(1)</script>");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    comes_out(&app, &artist, NewAlbum::titled("\"><img src=x onerror=alert(1)>\u{202e}")).await;
    comes_out(&app, &artist, NewAlbum::titled("").without_cover()).await;
    assert!(
        shown(&martha.browser, "/releases", "main script, main img[src=x], main [onerror]")
            .await
            .is_empty()
    );
    let titles = titles(&martha.browser, "/releases").await;
    assert_eq!(titles[0], "(untitled)");
    assert!(titles[1].contains("onerror"), "{titles:?}");
    assert_eq!(shown(&martha.browser, "/releases", "li.cover .blank").await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn full_releases_page_is_small() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Ä".repeat(40));
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    for number in 0..40 {
        app.world.publish(&artist, NewAlbum::titled(format!("{number} {}", "long ".repeat(20))));
    }
    app.round().await;
    let size = martha.browser.get("/releases").await.body.len();
    assert!(size < 60_000, "{size}");
    app.finish().await;
}

#[tokio::test]
async fn releases_say_why_news_is_held_after_revocation() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let daily = [("letters", "daily"), ("hour", "23"), ("zone", "UTC"), ("albums", "on")];
    martha.browser.post("/preferences", &daily).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.follows().await;
    app.world.publish(&artist, NewAlbum::titled("Held back"));
    app.checks().await;
    app.world.revoke(martha.user);
    app.world.expire_access_tokens();
    app.advance_hours(2);
    app.follows().await;
    let item = items(&martha.browser, "/releases").await.remove(0);
    assert!(item.contains("Not emailed: you removed"), "{item}");
    assert_eq!(titles(&jonas.browser, "/releases").await, ["Held back"]);
    app.advance_days(5);
    app.consents().await;
    app.finish().await;
}
