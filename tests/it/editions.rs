//! One album, told once, in whatever editions it comes.

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
async fn an_album_and_its_editions_of_the_same_day_are_one_line() {
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
async fn a_later_edition_is_told_to_those_alone_who_want_it() {
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
async fn an_album_delivered_again_under_a_new_id_is_not_told_again() {
    let (app, artist, martha) = listening().await;
    let album = app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    app.world.redeliver(&album);
    app.round().await;
    assert_eq!(subjects(&app, &martha).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn two_albums_of_one_name_in_different_years_stay_two() {
    let (app, artist, martha) = listening().await;
    app.world.publish(&artist, NewAlbum::titled("Röyksopp").on("2010-01-01"));
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Röyksopp"));
    app.round().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Röyksopp"]);
    app.finish().await;
}
