//! A clock that is wrong for a while does no lasting harm.

use dropday::demo::world::NewAlbum;
use dropday::jobs::Scope;

use crate::test_app::TestApp;

#[tokio::test]
async fn checks_go_on_after_the_clock_was_wrong() {
    let mut app = TestApp::new().await;
    let artist = app.world.add_artist("A");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    let right = app.now();
    app.advance_days(100);
    app.follows().await;
    app.checks().await;
    app.clock.set(right);
    app.restart().await;
    app.advance_days(1);
    app.world.publish(&artist, NewAlbum::titled("New"));
    app.follows_of(Scope::Due).await;
    app.checks_of(Scope::Due).await;
    app.emails_of(Scope::Due).await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn unset_clock_does_not_free_the_quota() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "3")]).await;
    app.listener_of("Martha", 5).await;
    app.follows().await;
    assert_eq!(app.checks().await.checked, 3);
    let right = app.now();
    app.clock.set("2000-01-01T00:00:00Z".parse().unwrap());
    app.follows_of(Scope::Due).await;
    app.clock.set(right);
    assert_eq!(app.checks().await.checked, 0, "the day's calls are spent all the same");
    app.finish().await;
}

#[tokio::test]
async fn dates_written_by_a_wrong_clock_are_corrected() {
    let app = TestApp::new().await;
    let right = app.now();
    app.advance_days(100);
    let artist = app.world.add_artist("A");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.clock.set(right);
    app.follows().await;
    assert_eq!(app.status().await.artists.last_check, Some(right));
    let page = martha.browser.get("/account").await.words();
    assert!(page.contains("Spotify access lasts until 23 May 2027."), "{page}");
    app.advance_days(22);
    assert_eq!(app.status().await.artists.overdue, 1);
    app.finish().await;
}

#[tokio::test]
async fn albums_are_announced_when_clock_was_set_back_after_following() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.follows().await;
    app.clock.set(app.now() - std::time::Duration::from_secs(3 * 3600));
    app.round().await;
    for title in ["First", "Second"] {
        app.world.publish(&artist, NewAlbum::titled(title));
        app.advance_hours(1);
        app.round().await;
    }
    let subjects: Vec<_> = app.emails_to(&martha.address).into_iter().map(|e| e.subject).collect();
    assert_eq!(subjects, ["Röyksopp: First", "Röyksopp: Second"]);
    app.finish().await;
}
