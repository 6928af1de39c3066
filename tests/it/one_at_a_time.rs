//! Calls that become free one at a time: artists with several pages are finished, and others still have
//! their turn.

use std::time::Duration;

use dropday::demo::hints::Rumour;
use dropday::demo::world::{Endpoint, NewAlbum};
use dropday::jobs::Scope;

use crate::home::{Home, Settings};

/// A quota so small that no calls are reserved.
const FEW: Settings<'_> = &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "12")];

/// A home whose calls were made one after the other, so that they become free one at a time.
async fn home(settings: Settings<'_>, artists: usize) -> (Home, Vec<String>) {
    let home = Home::with(settings).await;
    let (artists, _) = home.listener_of("Martha", artists).await;
    home.follows().await;
    hours(&home, 48).await;
    (home, artists)
}

async fn hours(home: &Home, hours: usize) {
    for _ in 0..4 * hours {
        home.checks_of(Scope::Due).await;
        home.clock.advance(Duration::from_secs(900));
    }
}

fn publish(home: &Home, artist: &str, albums: usize) {
    let titled = |n| NewAlbum::titled(format!("Album {n:02}."));
    (0..albums).for_each(|n| drop(home.world.publish(artist, titled(n))));
}

fn asked_about(home: &Home, artist: &str) -> usize {
    let requests = home.world.requests().into_iter();
    let albums = requests.filter(|request| request.endpoint == Endpoint::ArtistAlbums);
    albums.filter(|request| request.path.contains(artist)).count()
}

/// Asserts that all albums of the artist are news, and that no other artist waited.
async fn assert_finished(home: Home, artist: &str, others: &[String], albums: usize) {
    home.emails().await;
    let emails = home.emails_to("martha@example.com");
    let text: String = emails.iter().map(|email| email.text.as_str()).collect();
    for n in 0..albums {
        assert!(text.contains(&format!("Album {n:02}.")), "{n}: {text}");
    }
    for other in others {
        assert!(asked_about(&home, other) >= 2, "{}", asked_about(&home, other));
    }
    let of_it = asked_about(&home, artist);
    assert!(of_it <= 16, "{of_it} calls for three pages, and its turns afterwards");
    home.finish().await;
}

#[tokio::test]
async fn three_pages_are_fetched_with_single_free_calls() {
    let (home, artists) = home(FEW, 20).await;
    home.world.forget_requests();
    publish(&home, &artists[0], 25);
    hours(&home, 24 * 6).await;
    assert_finished(home, &artists[0], &artists[1..], 25).await;
}

#[tokio::test]
async fn initial_scan_of_three_pages_ends_with_single_free_calls() {
    let (home, artists) = home(FEW, 20).await;
    let new = home.world.add_artist("New");
    let martha = home.world.users()[0].0;
    home.world.follow(martha, &new);
    home.follows().await;
    home.world.forget_requests();
    publish(&home, &new, 25);
    hours(&home, 24 * 6).await;
    assert_eq!(home.status().await.artists.never_asked, 0);
    assert_finished(home, &new, &artists, 25).await;
}

#[tokio::test]
async fn hinted_artist_of_three_pages_ends_with_single_free_calls() {
    let (home, artists) = home(&[FEW, &[("HINTS__ENABLED", "true")]].concat(), 20).await;
    home.world.forget_requests();
    publish(&home, &artists[0], 25);
    home.catalogues.add_rumour(Rumour {
        artist: Some(artists[0].clone()),
        name: "Whoever".into(),
        title: "Vapourware".into(),
        date: "2026-11-25".into(),
    });
    home.hints().await;
    hours(&home, 24 * 6).await;
    assert_finished(home, &artists[0], &artists[1..], 25).await;
}

#[tokio::test]
async fn artist_with_too_many_pages_does_not_starve_others() {
    let (home, artists) = home(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")], 6).await;
    hours(&home, 24 * 3).await;
    home.world.forget_requests();
    publish(&home, &artists[0], 25);
    hours(&home, 24 * 14).await;
    for other in &artists[1..] {
        assert!(asked_about(&home, other) >= 2, "{}", asked_about(&home, other));
    }
    home.emails().await;
    home.finish().await;
}
