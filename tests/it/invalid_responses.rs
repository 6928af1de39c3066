//! Invalid answers of Spotify change nothing, and the next run works.

use dropday::demo::world::{Endpoint, Fault, FollowListFault, NewAlbum};
use reqwest::StatusCode;

use crate::test_app::TestApp;

/// Invalid answers, with a name for each.
fn nonsense() -> Vec<(String, Fault)> {
    let mut all = vec![
        ("a page".to_owned(), Fault::Html),
        ("2 MB".to_owned(), Fault::Huge(2 << 20)),
        ("half an answer".to_owned(), Fault::Truncated),
        ("no JSON".to_owned(), Fault::Garbled),
        ("502".to_owned(), Fault::bad_gateway()),
        ("500".to_owned(), Fault::server_error()),
        ("418".to_owned(), Fault::Status(418, "text/plain", "I'm a teapot".to_owned())),
        ("204".to_owned(), Fault::Status(204, "", String::new())),
        ("302".to_owned(), Fault::Status(302, "text/html", "<a href=/>moved</a>".to_owned())),
    ];
    let bodies = [
        "",
        "null",
        "[]",
        "{}",
        "\"items\"",
        "{\"items\": null}",
        "{\"items\": {}}",
        "{\"artists\": null}",
        "{\"artists\": {\"items\": \"many\"}}",
        "{\"error\": {\"status\": 200}}",
        "\u{feff}{}",
        "{\"items\": [}",
        "{\"id\": \"\"}",
        "{\"access_token\": null}",
    ];
    let as_fault = |body: &str| Fault::Status(200, "application/json", body.to_owned());
    all.extend(bodies.map(|body| (body.to_owned(), as_fault(body))));
    all.push(("nested".to_owned(), as_fault(&"[".repeat(100_000))));
    all
}

#[tokio::test]
async fn invalid_follow_list_changes_nothing() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.listener("Martha", &[&artist]).await;
    app.round().await;
    for (name, fault) in nonsense() {
        app.world.script(Endpoint::Following, [fault]);
        let outcome = app.follows().await;
        assert_eq!((outcome.failed, outcome.applied, outcome.refused), (1, 0, 0), "{name}");
        assert_eq!((outcome.change.added, outcome.change.removed), (0, 0), "{name}");
        let status = app.status().await;
        assert_eq!((status.artists.tracked, status.users.connected), (1, 1), "{name}");
    }
    assert_eq!(app.follows().await.applied, 1);
    app.finish().await;
}

#[tokio::test]
async fn invalid_artist_answer_advances_nothing() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1000")]).await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("New"));
    let checked = app.status().await.artists.last_check;
    for (name, fault) in nonsense() {
        app.advance_hours(1);
        app.world.script(Endpoint::ArtistAlbums, [fault]);
        let outcome = app.checks().await;
        assert_eq!((outcome.checked, outcome.failed, outcome.news), (0, 1, 0), "{name}");
        let status = app.status().await;
        assert_eq!((status.artists.last_check, status.artists.failing), (checked, 1), "{name}");
        assert_eq!(status.users.connected, 1, "{name}");
    }
    app.round().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    assert_eq!(app.status().await.artists.failing, 0);
    app.finish().await;
}

#[tokio::test]
async fn failed_initial_scan_is_repeated_without_news() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1000")]).await;
    let artist = app.world.add_artist("Röyksopp");
    app.world.publish(&artist, NewAlbum::titled("Old").on("2026-11-01"));
    app.listener("Martha", &[&artist]).await;
    app.follows().await;
    for (name, fault) in nonsense() {
        app.world.script(Endpoint::ArtistAlbums, [fault]);
        app.checks().await;
        assert_eq!(app.status().await.artists.never_checked, 1, "{name}");
    }
    app.round().await;
    assert_eq!(app.status().await.artists.never_checked, 0);
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn invalid_refresh_answer_ends_no_consent() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.advance_hours(2);
    for (name, fault) in nonsense() {
        app.world.script(Endpoint::Token, [fault]);
        let outcome = app.follows().await;
        assert_eq!((outcome.failed, outcome.refused), (1, 0), "{name}");
        let users = app.status().await.users;
        assert_eq!((users.connected, users.must_sign_in_again), (1, 0), "{name}");
    }
    assert_eq!(app.follows().await.applied, 1);
    app.emails().await;
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn sign_in_with_invalid_answers_saves_nothing() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    let browser = app.visitor();
    for endpoint in [Endpoint::Token, Endpoint::Me] {
        for (name, fault) in nonsense() {
            let back = app.world.consent(&browser.to_spotify().await, martha).unwrap();
            app.world.script(endpoint, [fault]);
            let page = browser.get(&back).await;
            assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{endpoint:?}: {name}");
            assert!(page.body.contains("Spotify didn’t respond as expected"), "{}", page.body);
            assert_eq!(browser.cookie("dropday"), None, "{endpoint:?}: {name}");
        }
    }
    assert_eq!(app.status().await.users.all, 0);
    browser.sign_in(&app.world, martha).await;
    app.finish().await;
}

#[tokio::test]
async fn null_album_does_not_affect_others() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.change_artist(&artist, |artist| artist.null_album = true);
    for number in 0..25 {
        app.world.publish(&artist, NewAlbum::titled(format!("Number {number:02}.")));
    }
    app.round().await;
    let emails = app.emails_to(&martha.address);
    for number in 0..25 {
        assert!(emails[0].text.contains(&format!("Number {number:02}.")), "{number}");
    }
    app.finish().await;
}

#[tokio::test]
async fn album_with_only_an_id_is_news() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    let body = r#"{"items": [null, 7, "x", [], {}, {"id": null}, {"id": "../../me"},
        {"id": "", "name": "No id"}, {"id": "odd", "name": 7, "album_type": [], "artists": [null],
         "release_date": {}, "images": [null, {"url": "file:///etc/passwd"}],
         "external_urls": {"spotify": "javascript:alert(1)"}, "total_tracks": -3}],
        "total": "many", "next": 7}"#;
    let odd = Fault::Status(200, "application/json", body.to_owned());
    app.world.script(Endpoint::ArtistAlbums, [odd]);
    app.round().await;
    let [email] = &app.emails_to(&martha.address)[..] else { panic!("one letter") };
    assert!(email.text.contains("(untitled)"), "{}", email.text);
    assert!(email.text.contains("https://open.spotify.com/album/odd"), "{}", email.text);
    assert!(!email.html.contains("javascript:") && !email.html.contains("<img"));
    app.finish().await;
}

#[tokio::test]
async fn null_among_follows_removes_no_artist() {
    let app = TestApp::new().await;
    let artists = ["A", "B", "C"].map(|name| app.world.add_artist(name));
    let martha = app.listener("Martha", &artists.each_ref().map(String::as_str)).await;
    app.round().await;
    app.world.unfollow(martha.user, &artists[1]);
    app.world.change_user(martha.user, |user| {
        user.follow_list_fault = Some(FollowListFault::NullItem(1))
    });
    let outcome = app.follows().await;
    assert_eq!((outcome.change.removed, outcome.suspect_lists), (0, 1), "{outcome}");
    app.world.publish(&artists[1], NewAlbum::titled("New"));
    app.round().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.world.change_user(martha.user, |user| user.follow_list_fault = None);
    app.world.follow(martha.user, &artists[1]);
    assert_eq!(app.follows().await.applied, 1);
    app.finish().await;
}

#[tokio::test]
async fn lasting_null_among_follows_allows_unfollow() {
    let app = TestApp::new().await;
    let artists = ["A", "B", "C"].map(|name| app.world.add_artist(name));
    let martha = app.listener("Martha", &artists.each_ref().map(String::as_str)).await;
    app.round().await;
    app.world.change_user(martha.user, |user| {
        user.follow_list_fault = Some(FollowListFault::NullItem(0))
    });
    app.world.unfollow(martha.user, &artists[1]);
    for _ in 0..5 {
        app.follows().await;
        app.advance_hours(6);
    }
    assert_eq!(app.status().await.artists.tracked, 2);
    app.finish().await;
}

#[tokio::test]
async fn huge_total_does_not_fail_the_check() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("A");
    app.listener("Martha", &[&artist]).await;
    app.follows().await;
    let page = r#"{"items":[],"total":18446744073709551615,"limit":10,"offset":0,"next":null}"#;
    app.world.script(Endpoint::ArtistAlbums, [Fault::Status(200, "application/json", page.into())]);
    assert_eq!(app.checks().await.checked, 1);
    app.finish().await;
}
