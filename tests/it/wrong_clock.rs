//! A clock that is wrong for a while does no lasting harm.

use dropday::demo::world::NewAlbum;
use dropday::jobs::Scope;

use crate::home::Home;

#[tokio::test]
async fn checks_go_on_after_the_clock_was_wrong() {
    let mut home = Home::new().await;
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    let right = home.now();
    home.advance_days(100);
    home.follows().await;
    home.checks().await;
    home.clock.set(right);
    home.restart().await;
    home.advance_days(1);
    home.world.publish(&artist, NewAlbum::titled("New"));
    home.follows_of(Scope::Due).await;
    home.checks_of(Scope::Due).await;
    home.emails_of(Scope::Due).await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn unset_clock_does_not_free_the_quota() {
    let home = Home::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "3")]).await;
    home.listener_of("Martha", 5).await;
    home.follows().await;
    assert_eq!(home.checks().await.checked, 3);
    let right = home.now();
    home.clock.set("2000-01-01T00:00:00Z".parse().unwrap());
    home.follows_of(Scope::Due).await;
    home.clock.set(right);
    assert_eq!(home.checks().await.checked, 0, "the day's calls are spent all the same");
    home.finish().await;
}

#[tokio::test]
async fn dates_written_by_a_wrong_clock_are_corrected() {
    let home = Home::new().await;
    let right = home.now();
    home.advance_days(100);
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.clock.set(right);
    home.follows().await;
    assert_eq!(home.status().await.artists.last_check, Some(right));
    let page = martha.browser.get("/account").await.words();
    assert!(page.contains("Spotify access lasts until 23 May 2027."), "{page}");
    home.advance_days(22);
    assert_eq!(home.status().await.artists.overdue, 1);
    home.finish().await;
}

#[tokio::test]
async fn albums_are_announced_when_clock_was_set_back_after_following() {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.follows().await;
    home.clock.set(home.now() - std::time::Duration::from_secs(3 * 3600));
    home.round().await;
    for title in ["First", "Second"] {
        home.world.publish(&artist, NewAlbum::titled(title));
        home.advance_hours(1);
        home.round().await;
    }
    let subjects: Vec<_> = home.emails_to(&martha.address).into_iter().map(|e| e.subject).collect();
    assert_eq!(subjects, ["Röyksopp: First", "Röyksopp: Second"]);
    home.finish().await;
}
