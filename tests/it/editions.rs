//! One album, told once, in whatever editions it comes.

use dropday::demo::world::NewAlbum;

use crate::home::{Home, Listener};

async fn listening() -> (Home, String, Listener) {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    home.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    (home, artist, martha)
}

fn subjects(home: &Home, listener: &Listener) -> Vec<String> {
    home.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

#[tokio::test]
async fn an_album_and_its_editions_of_the_same_day_are_one_line() {
    let (home, artist, martha) = listening().await;
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries (Deluxe)"));
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.round().await;
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "Röyksopp: Profound Mysteries");
    assert!(emails[0].text.contains("also as Deluxe"), "{}", emails[0].text);
    assert_eq!(emails.len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn a_later_edition_is_told_to_those_alone_who_want_it() {
    let (home, artist, martha) = listening().await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    jonas.browser.choose(&["editions"]).await;
    assert!(jonas.browser.get("/preferences").await.body.contains("name=\"editions\" checked"));
    home.round().await;
    home.world.publish(&artist, NewAlbum::titled("Melody A.M. (2026 Remaster)"));
    home.round().await;
    assert!(subjects(&home, &martha).is_empty());
    assert_eq!(subjects(&home, &jonas), ["Röyksopp: Melody A.M. (2026 Remaster)"]);
    jonas.browser.choose(&[]).await;
    assert!(!jonas.browser.get("/preferences").await.body.contains("name=\"editions\" checked"));
    home.finish().await;
}

#[tokio::test]
async fn an_album_delivered_again_under_a_new_id_is_not_told_again() {
    let (home, artist, martha) = listening().await;
    let album = home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.round().await;
    home.world.redeliver(&album);
    home.round().await;
    assert_eq!(subjects(&home, &martha).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn two_albums_of_one_name_in_different_years_stay_two() {
    let (home, artist, martha) = listening().await;
    home.world.publish(&artist, NewAlbum::titled("Röyksopp").on("2010-01-01"));
    home.round().await;
    home.world.publish(&artist, NewAlbum::titled("Röyksopp"));
    home.round().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Röyksopp"]);
    home.finish().await;
}
