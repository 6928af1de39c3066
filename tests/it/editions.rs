//! Other editions of an album cause no second notification.

use dropday::demo::world::NewAlbum;

use crate::test_app::{Listener, TestApp};

async fn listening() -> (TestApp, String, Listener) {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (app, artist, martha)
}

fn subjects(app: &TestApp, listener: &Listener) -> Vec<String> {
    app.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

#[tokio::test]
async fn editions_of_same_day_share_one_entry() {
    let (app, artist, martha) = listening().await;
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries (Deluxe)"));
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "Röyksopp: Profound Mysteries");
    assert!(emails[0].text.contains("also as Deluxe"), "{}", emails[0].text);
    assert_eq!(emails.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn later_edition_reaches_only_users_who_want_editions() {
    let (app, artist, martha) = listening().await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    jonas.browser.choose(&["editions"]).await;
    assert!(jonas.browser.get("/preferences").await.body.contains("name=\"editions\" checked"));
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Melody A.M. (2026 Remaster)"));
    app.round().await;
    assert!(subjects(&app, &martha).is_empty());
    assert_eq!(subjects(&app, &jonas), ["Röyksopp: Melody A.M. (2026 Remaster)"]);
    jonas.browser.choose(&[]).await;
    assert!(!jonas.browser.get("/preferences").await.body.contains("name=\"editions\" checked"));
    app.finish().await;
}

#[tokio::test]
async fn album_with_new_id_is_not_announced_again() {
    let (app, artist, martha) = listening().await;
    let album = app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    app.world.redeliver(&album);
    app.round().await;
    assert_eq!(subjects(&app, &martha).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn same_title_in_different_years_stays_separate() {
    let (app, artist, martha) = listening().await;
    app.world.publish(&artist, NewAlbum::titled("Röyksopp").on("2010-01-01"));
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Röyksopp"));
    app.round().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Röyksopp"]);
    app.finish().await;
}
