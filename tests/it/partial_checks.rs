//! Calls that become free one at a time: artists with several pages are finished, and others still have
//! their turn.

use std::time::Duration;

use dropday::demo::hints::AnnouncedRelease;
use dropday::demo::world::{Endpoint, NewAlbum};
use dropday::jobs::Scope;

use crate::test_app::{Settings, TestApp};

/// A quota so small that no calls are reserved.
const FEW: Settings<'_> = &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "12")];

/// A home whose calls were made one after the other, so that they become free one at a time.
async fn app(settings: Settings<'_>, artists: usize) -> (TestApp, Vec<String>) {
    let app = TestApp::with(settings).await;
    let (artists, _) = app.listener_of("Martha", artists).await;
    app.follows().await;
    hours(&app, 48).await;
    (app, artists)
}

async fn hours(app: &TestApp, hours: usize) {
    for _ in 0..4 * hours {
        app.checks_of(Scope::Due).await;
        app.clock.advance(Duration::from_secs(900));
    }
}

fn publish(app: &TestApp, artist: &str, albums: usize) {
    let titled = |n| NewAlbum::titled(format!("Album {n:02}."));
    (0..albums).for_each(|n| drop(app.world.publish(artist, titled(n))));
}

fn asked_about(app: &TestApp, artist: &str) -> usize {
    let requests = app.world.requests().into_iter();
    let albums = requests.filter(|request| request.endpoint == Endpoint::ArtistAlbums);
    albums.filter(|request| request.path.contains(artist)).count()
}

/// Asserts that all albums of the artist are news, and that no other artist waited.
async fn assert_finished(app: TestApp, artist: &str, others: &[String], albums: usize) {
    app.emails().await;
    let emails = app.emails_to("martha@example.com");
    let text: String = emails.iter().map(|email| email.text.as_str()).collect();
    for n in 0..albums {
        assert!(text.contains(&format!("Album {n:02}.")), "{n}: {text}");
    }
    for other in others {
        assert!(asked_about(&app, other) >= 2, "{}", asked_about(&app, other));
    }
    let of_it = asked_about(&app, artist);
    assert!(of_it <= 16, "{of_it} calls for three pages, and its turns afterwards");
    app.finish().await;
}

#[tokio::test]
async fn three_pages_are_fetched_with_single_free_calls() {
    let (app, artists) = app(FEW, 20).await;
    app.world.forget_requests();
    publish(&app, &artists[0], 25);
    hours(&app, 24 * 6).await;
    assert_finished(app, &artists[0], &artists[1..], 25).await;
}

#[tokio::test]
async fn initial_scan_of_three_pages_ends_with_single_free_calls() {
    let (app, artists) = app(FEW, 20).await;
    let new = app.world.add_artist("New");
    let martha = app.world.users()[0].0;
    app.world.follow(martha, &new);
    app.follows().await;
    app.world.forget_requests();
    publish(&app, &new, 25);
    hours(&app, 24 * 6).await;
    assert_eq!(app.status().await.artists.never_checked, 0);
    assert_finished(app, &new, &artists, 25).await;
}

#[tokio::test]
async fn hinted_artist_of_three_pages_ends_with_single_free_calls() {
    let (app, artists) = app(&[FEW, &[("HINTS__ENABLED", "true")]].concat(), 20).await;
    app.world.forget_requests();
    publish(&app, &artists[0], 25);
    app.catalogues.announce_release(AnnouncedRelease {
        artist: Some(artists[0].clone()),
        name: "Someone Else".into(),
        title: "Vapourware".into(),
        date: "2026-11-25".into(),
    });
    app.hints().await;
    hours(&app, 24 * 6).await;
    assert_finished(app, &artists[0], &artists[1..], 25).await;
}

#[tokio::test]
async fn artist_with_too_many_pages_does_not_starve_others() {
    let (app, artists) = app(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")], 6).await;
    hours(&app, 24 * 3).await;
    app.world.forget_requests();
    publish(&app, &artists[0], 25);
    hours(&app, 24 * 14).await;
    for other in &artists[1..] {
        assert!(asked_about(&app, other) >= 2, "{}", asked_about(&app, other));
    }
    app.emails().await;
    app.finish().await;
}
