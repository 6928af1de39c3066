//! Which artist is checked next, and how overdue artists are shown.

use std::time::Duration;

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::domain::artist::ArtistId;
use dropday::jobs::Scope;
use dropday::store::artists;
use dropday::store::status::Status;

use crate::test_app::TestApp;

/// The artists that were checked so far, in order.
fn asked(app: &TestApp) -> Vec<String> {
    let requests = app.world.requests().into_iter();
    let asked = requests.filter(|request| request.endpoint == Endpoint::ArtistAlbums);
    asked.map(|request| request.path.split('/').nth(3).unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn active_artists_are_checked_more_often_than_silent_ones() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")]).await;
    let (artists, _) = app.listener_of("Martha", 12).await;
    for (n, artist) in artists.iter().enumerate() {
        let years = if n < 6 { 2016..2026 } else { 1986..1996 };
        for year in years {
            app.world
                .publish(artist, NewAlbum::titled(format!("{year}")).on(format!("{year}-05-06")));
        }
    }
    app.follows().await;
    for _ in 0..12 * 60 {
        app.checks_of(Scope::Due).await;
        app.advance_hours(2);
    }
    let asked = asked(&app);
    let of = |some: &[String]| asked.iter().filter(|id| some.contains(id)).count();
    let (busy, silent) = (of(&artists[..6]), of(&artists[6..]));
    assert!(busy > 3 * silent / 2, "{busy} against {silent}");
    assert!(silent >= 6 * 3, "nobody waits longer than 21 days: {silent}");
    app.finish().await;
}

#[tokio::test]
async fn friday_calls_are_spent_at_midnight_of_the_zone() {
    let settings = [("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "6"), ("SCHEDULE__ZONE", "Europe/Berlin")];
    let app = TestApp::with(&settings).await;
    let (artists, martha) = app.listener_of("Martha", 6).await;
    app.follows().await;
    // From Monday noon to late Thursday evening in Berlin.
    for _ in 0..82 {
        app.checks_of(Scope::Due).await;
        app.advance_hours(1);
    }
    app.clock.set("2026-11-26T23:00:00Z".parse().unwrap());
    artists
        .iter()
        .for_each(|id| drop(app.world.publish(id, NewAlbum::titled("Friday").on("2026-11-27"))));
    assert_eq!(app.checks_of(Scope::Due).await.checked, 0, "markets take some minutes");
    app.clock.advance(Duration::from_secs(15 * 60));
    let outcome = app.checks_of(Scope::Due).await;
    assert_eq!((outcome.checked, outcome.news), (6, 6), "{outcome}");
    app.emails().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn quota_lockout_lowers_the_learned_quota_for_a_while() {
    let mut app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "40")]).await;
    app.listener_of("Martha", 60).await;
    app.follows().await;
    app.world.set_artist_albums_quota(Some(20));
    app.checks().await;
    assert_eq!(asked(&app).len(), 21, "the last of them was refused");
    app.advance_hours(25);
    app.restart().await;
    app.world.forget_requests();
    assert_eq!(
        app.status().await.calls.artist_albums_allowed,
        18,
        "nine in ten of those that went through"
    );
    app.checks().await;
    assert_eq!(asked(&app).len(), 18, "and no lock-out this time");
    app.advance_days(40);
    assert_eq!(app.status().await.calls.artist_albums_allowed, 40);
    app.finish().await;
}

#[tokio::test]
async fn status_and_page_show_checked_and_overdue_artists() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "3")]).await;
    let (_, martha) = app.listener_of("Martha", 5).await;
    app.follows().await;
    app.checks().await;
    let artists = app.status().await.artists;
    assert_eq!((artists.checked_last_day, artists.checked_last_week, artists.overdue), (3, 3, 0));
    let page = martha.browser.get("/account").await.body;
    assert!(page.contains("3 of 5 were checked in the last 24 hours"), "{page}");

    app.advance_days(22);
    let status = app.status().await;
    assert_eq!((status.artists.checked_last_week, status.artists.overdue), (0, 5));
    assert!(
        status.overdue[0].why.to_string().contains("5 artists share 3 calls a day"),
        "{:?}",
        status.overdue
    );

    app.world.script(Endpoint::ArtistAlbums, [Fault::QuotaExceeded { retry_after: Some(7200) }]);
    app.checks().await;
    let status = app.status().await;
    assert!(status.overdue[0].why.to_string().contains("daily quota"), "{:?}", status.overdue);
    app.advance_hours(25);
    app.world.script(Endpoint::ArtistAlbums, [Fault::server_error()]);
    app.checks().await;
    let page = martha.browser.get("/account").await.body;
    assert!(
        page.contains("overdue for a check") && page.contains("the last check failed"),
        "{page}"
    );
    app.finish().await;
}

#[tokio::test]
async fn new_follow_is_scanned_from_reserved_calls() {
    let settings = [("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "50"), ("SCHEDULE__ZONE", "Europe/Berlin")];
    let app = TestApp::with(&settings).await;
    let (_, martha) = app.listener_of("Martha", 60).await;
    app.follows().await;
    assert_eq!(app.checks_of(Scope::Due).await.baselines, 50);
    app.advance_hours(25);
    let outcome = app.checks_of(Scope::Due).await;
    assert_eq!((outcome.baselines, outcome.checked), (10, 49), "one is kept");
    let new = app.world.add_artist("New");
    app.world.follow(martha.user, &new);
    app.follows().await;
    app.world.forget_requests();
    assert_eq!(app.checks_of(Scope::Due).await.baselines, 1);
    assert_eq!(asked(&app), [new]);
    app.finish().await;
}

#[tokio::test]
async fn overdue_artists_show_outage_or_missing_token() {
    let app = TestApp::new().await;
    let (_, martha) = app.listener_of("Martha", 4).await;
    app.round().await;
    app.advance_days(22);
    let faults = std::iter::repeat_with(Fault::server_error).take(3);
    app.world.script(Endpoint::ArtistAlbums, faults);
    app.checks_of(Scope::Due).await;
    let why = |status: Status| {
        let mut reasons = status.overdue.iter().map(|overdue| overdue.why.to_string());
        reasons.find(|why| !why.starts_with("the last check failed")).unwrap()
    };
    let down = why(app.status().await);
    assert!(down.contains("failed several times in a row"), "{down}");
    let ended = r#"{"error":"invalid_grant","error_description":"Refresh token expired"}"#;
    app.world.script(Endpoint::Token, [Fault::Status(400, "application/json", ended.into())]);
    app.advance_hours(2);
    app.follows().await;
    let alone = why(app.status().await);
    assert!(alone.contains("nobody is connected to Spotify"), "{alone}");
    let page = martha.browser.get("/account").await.body;
    assert!(page.contains("nobody is connected to Spotify"), "{page}");
    app.advance_hours(2);
    app.finish().await;
}

#[tokio::test]
async fn artist_checked_by_another_process_is_not_checked_again() {
    let app = TestApp::new().await;
    let (artists, _) = app.listener_of("Martha", 1).await;
    app.follows().await;
    let listed_at = app.now();
    app.clock.advance(Duration::from_secs(60));
    app.checks().await;
    let id = ArtistId::parse(&artists[0]).unwrap();
    let claim = |listed_at| {
        let id = id.clone();
        app.ctx.db.write("test", move |tx| artists::claim(tx, &id, listed_at))
    };
    assert!(claim(listed_at).await.unwrap().is_none());
    assert!(claim(app.now()).await.unwrap().is_some());
    app.finish().await;
}

#[tokio::test]
async fn clock_stepping_back_does_not_defer_checks() {
    let app = TestApp::new().await;
    app.listener_of("Martha", 3).await;
    app.round().await;
    app.clock.set(app.now() - Duration::from_secs(3600));
    assert_eq!(app.checks().await.checked, 3);
    app.finish().await;
}

#[tokio::test]
async fn failed_artist_is_checked_again_among_many() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "4")]).await;
    let (ids, _) = app.listener_of("Martha", 10).await;
    app.follows().await;
    for day in 0..15 {
        if day == 2 {
            app.world.script(Endpoint::ArtistAlbums, [Fault::bad_gateway()]);
        }
        // Artists with a second page delay the others.
        for id in &ids[..6] {
            (0..6)
                .for_each(|n| drop(app.world.publish(id, NewAlbum::titled(format!("{day}-{n}")))));
        }
        for _ in 0..4 {
            app.checks_of(Scope::Due).await;
            app.advance_hours(6);
        }
    }
    assert_eq!(app.status().await.artists.failing, 0);
    app.emails().await;
    app.finish().await;
}
