//! Singles and EPs: told to those who want them, and asked for in one call where one can do.

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::domain::release::ReleaseKind::Single;
use dropday::jobs::Scope;

use crate::home::{Home, Listener, Settings};

/// An artist with so many old albums and singles.
fn artist(home: &Home, albums: usize, singles: usize) -> String {
    let artist = home.world.add_artist("Röyksopp");
    for number in 0..albums {
        home.world.publish(&artist, NewAlbum::titled(format!("Album {number}")).on("2010-01-01"));
    }
    for number in 0..singles {
        let old = single(&format!("Old single {number}")).on(format!("2015-01-{:02}", number + 1));
        home.world.publish(&artist, old);
    }
    artist
}

fn single(title: &str) -> NewAlbum {
    NewAlbum { tracks: 1, ..NewAlbum::titled(title).as_a(Single) }
}

async fn wants_singles(listener: &Listener) {
    listener.browser.choose(&["singles"]).await;
}

/// Martha, who wants singles of such an artist, after the silent first looks.
async fn listening(albums: usize, singles: usize) -> (Home, String, Listener) {
    listening_with(albums, singles, &[]).await
}

async fn listening_with(
    albums: usize,
    singles: usize,
    settings: Settings<'_>,
) -> (Home, String, Listener) {
    let home = Home::with(settings).await;
    let artist = artist(&home, albums, singles);
    let martha = home.listener("Martha", &[&artist]).await;
    wants_singles(&martha).await;
    home.round().await;
    home.world.forget_requests();
    (home, artist, martha)
}

/// Which lists were asked for, page by page, since the requests were last forgotten.
fn asked(home: &Home) -> Vec<String> {
    let requests = home.world.requests().into_iter();
    let albums = requests.filter(|request| request.endpoint == Endpoint::ArtistAlbums);
    let groups = albums.map(|request| {
        let field = request.query.split('&').find_map(|f| f.strip_prefix("include_groups="));
        field.unwrap_or_default().replace("%2C", "+")
    });
    groups.collect()
}

/// An answer as if the artist had no albums.
fn no_albums() -> Fault {
    Fault::Status(200, "application/json", r#"{"items":[],"total":0}"#.to_owned())
}

fn subjects(home: &Home, listener: &Listener) -> Vec<String> {
    home.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

#[tokio::test]
async fn a_single_reaches_who_wants_singles_and_nobody_else() {
    let (home, artist, martha) = listening(2, 3).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    assert!(martha.browser.get("/preferences").await.body.contains("name=\"singles\" checked"));
    assert!(!jonas.browser.get("/preferences").await.body.contains("name=\"singles\" checked"));
    home.round().await;
    home.world.publish(&artist, single("Speed King"));
    home.round().await;
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "Röyksopp: Speed King");
    assert!(emails[0].text.contains("A new single for you"), "{}", emails[0].text);
    assert!(subjects(&home, &jonas).is_empty());
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.round().await;
    assert_eq!(subjects(&home, &jonas), ["Röyksopp: Profound Mysteries"]);
    assert_eq!(subjects(&home, &martha).len(), 2);
    home.finish().await;
}

#[tokio::test]
async fn a_single_of_which_nothing_but_the_id_can_be_read_reaches_nobody_else_either() {
    let (home, artist, martha) = listening(12, 3).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    home.round().await;
    let odd = r#"{"items":[{"id":"odd","album_type":[]}],"total":4}"#.to_owned();
    let odd = Fault::Status(200, "application/json", odd);
    home.world.script(Endpoint::ArtistAlbums, [no_albums(), odd]);
    home.round().await;
    assert_eq!((subjects(&home, &martha).len(), subjects(&home, &jonas).len()), (1, 0));
    home.finish().await;
}

#[tokio::test]
async fn albums_and_singles_that_are_new_together_go_in_one_email_albums_first() {
    let (home, artist, martha) = listening(2, 3).await;
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.world.publish(&artist, single("Speed King"));
    home.round().await;
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "2 new releases: Röyksopp");
    let at = |title| emails[0].text.find(title).unwrap();
    assert!(at("Profound Mysteries") < at("Speed King"), "{}", emails[0].text);
    assert_eq!(emails.len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn switching_singles_on_floods_nobody_with_old_ones() {
    let home = Home::new().await;
    let artist = artist(&home, 2, 25);
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.publish(&artist, single("Some days ago"));
    home.advance_days(3);
    wants_singles(&martha).await;
    home.world.publish(&artist, single("Since today"));
    home.round().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Since today"]);
    home.advance_days(1);
    home.world.publish(&artist, single("Later"));
    home.round().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Since today", "Röyksopp: Later"]);
    home.finish().await;
}

#[tokio::test]
async fn who_wants_singles_after_others_did_is_not_told_what_came_before() {
    let (home, artist, martha) = listening(2, 3).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    home.round().await;
    home.world.publish(&artist, single("Before"));
    home.round().await;
    wants_singles(&jonas).await;
    home.round().await;
    assert!(subjects(&home, &jonas).is_empty());
    home.world.publish(&artist, single("After"));
    home.round().await;
    assert_eq!(subjects(&home, &jonas), ["Röyksopp: After"]);
    assert_eq!(subjects(&home, &martha).len(), 2);
    home.finish().await;
}

#[tokio::test]
async fn an_artist_with_few_albums_costs_one_call_though_singles_are_wanted() {
    let (home, artist, martha) = listening(7, 25).await;
    for round in 0..3 {
        home.advance_hours(7);
        home.round().await;
        assert_eq!(asked(&home).len(), round + 1, "one a round: {:?}", asked(&home));
    }
    assert_eq!(asked(&home), ["album+single"; 3]);
    home.world.publish(&artist, single("Speed King"));
    home.world.forget_requests();
    home.round().await;
    assert_eq!(asked(&home), ["album+single"]);
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Speed King"]);
    home.finish().await;
}

#[tokio::test]
async fn an_artist_with_many_albums_costs_two_calls() {
    let (home, artist, martha) = listening(8, 25).await;
    home.round().await;
    assert_eq!(asked(&home), ["album", "single"]);
    home.world.publish(&artist, single("Speed King"));
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.round().await;
    assert_eq!(asked(&home), ["album", "single", "album", "single"]);
    assert_eq!(subjects(&home, &martha), ["2 new releases: Röyksopp"]);
    home.finish().await;
}

#[tokio::test]
async fn an_artist_who_outgrows_the_page_is_asked_about_apart_and_nothing_is_lost() {
    let (home, artist, martha) = listening(6, 25).await;
    for number in 0..4 {
        home.world.publish(&artist, NewAlbum::titled(format!("New {number}")));
        home.world.publish(&artist, single(&format!("Single {number}")));
        home.world.forget_requests();
        home.round().await;
        let batch_window = number < 2;
        let wanted: &[&str] = if batch_window { &["album+single"] } else { &["album", "single"] };
        assert_eq!(asked(&home), wanted, "{number}");
        assert_eq!(subjects(&home, &martha).len(), number + 1);
    }
    home.finish().await;
}

#[tokio::test]
async fn while_nobody_wants_singles_no_call_for_them_is_ever_made() {
    let home = Home::new().await;
    let artist = artist(&home, 2, 3);
    let martha = home.listener("Martha", &[&artist]).await;
    let elsewhere = home.world.add_artist("Somebody else");
    let jonas = home.listener("Jonas", &[&elsewhere]).await;
    wants_singles(&jonas).await;
    for _ in 0..3 {
        home.world.publish(&artist, single("Speed King"));
        home.round().await;
        home.advance_days(1);
    }
    let of_artist = |home: &Home| {
        let requests = home.world.requests();
        let asked = requests.iter().filter(|request| request.path.contains(&artist));
        asked.map(|request| request.query.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of_artist(&home).len(), 3);
    assert!(of_artist(&home).iter().all(|query| !query.contains("single")));

    wants_singles(&martha).await;
    home.round().await;
    martha.browser.choose(&[]).await;
    home.world.forget_requests();
    home.round().await;
    assert_eq!(of_artist(&home).len(), 1);
    assert!(of_artist(&home).iter().all(|query| !query.contains("single")), "no more");
    assert!(home.inbox.emails().is_empty());
    home.finish().await;
}

#[tokio::test]
async fn many_new_singles_at_once_are_all_found() {
    for albums in [0, 7, 12] {
        let (home, artist, martha) = listening(albums, 25).await;
        for number in 0..23 {
            home.world.publish(&artist, single(&format!("Number {number:02}.")));
        }
        home.round().await;
        let emails = home.emails_to(&martha.address);
        assert_eq!(emails[0].subject, "23 new singles: Röyksopp", "{albums} albums");
        for number in 0..23 {
            assert!(emails[0].text.contains(&format!("Number {number:02}.")), "{number}");
        }
        home.finish().await;
    }
}

#[tokio::test]
async fn many_new_albums_at_once_hide_no_single() {
    for count in [3, 12] {
        let (home, artist, martha) = listening(7, 3).await;
        for number in 0..count {
            home.world.publish(&artist, NewAlbum::titled(format!("Number {number:02}.")));
        }
        home.world.publish(&artist, single("Behind them all"));
        // Nothing but the full page says that there is more: the total is as it was.
        home.world.change_artist(&artist, |artist| artist.claimed_total = Some(10));
        home.round().await;
        assert_eq!(subjects(&home, &martha), [format!("{} new releases: Röyksopp", count + 1)]);
        assert!(home.emails_to(&martha.address)[0].text.contains("Behind them all"));
        home.finish().await;
    }
}

#[tokio::test]
async fn a_lying_total_or_a_null_costs_no_endless_walk_and_no_single() {
    for albums in [2, 12] {
        let (home, artist, martha) = listening(albums, 25).await;
        home.world.change_artist(&artist, |artist| artist.claimed_total = Some(682));
        home.world.change_artist(&artist, |artist| artist.null_album = true);
        home.world.publish(&artist, single("Real"));
        home.round().await;
        let calls = asked(&home).len();
        assert!(calls <= 8, "{calls} calls, {albums} albums");
        home.world.forget_requests();
        home.round().await;
        assert!(asked(&home).len() <= 2, "nothing grew: {:?}", asked(&home));
        assert_eq!(subjects(&home, &martha), ["Röyksopp: Real"]);
        home.finish().await;
    }
}

#[tokio::test]
async fn singles_that_cannot_be_read_cost_no_album_and_are_read_later() {
    let (home, artist, martha) = listening(12, 25).await;
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.world.publish(&artist, single("Speed King"));
    home.world.script(Endpoint::ArtistAlbums, [no_albums(), Fault::bad_gateway()]);
    assert!(home.checks().await.has_failed());
    home.world.forget_requests();
    home.advance_hours(1);
    assert_eq!(home.checks_of(Scope::Due).await.news, 1);
    assert_eq!(asked(&home), ["single"], "the albums were read");
    home.advance_days(1);
    home.round().await;
    home.emails().await;
    let told = subjects(&home, &martha).join(" ");
    assert!(told.contains("2 new releases"), "{told}");
    home.finish().await;
}

#[tokio::test]
async fn a_initial_scan_at_singles_that_fails_is_made_again_and_stays_silent() {
    let home = Home::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1000")]).await;
    let artist = artist(&home, 2, 25);
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.advance_days(1);
    home.world.publish(&artist, single("The day before"));
    home.advance_days(1);
    wants_singles(&martha).await;
    home.world.script(Endpoint::ArtistAlbums, [no_albums(), Fault::Html]);
    assert!(home.checks().await.has_failed());
    for fault in [Fault::Garbled, Fault::Truncated, Fault::server_error()] {
        home.advance_hours(2);
        home.world.script(Endpoint::ArtistAlbums, [fault]);
        assert_eq!(home.checks().await.failed, 1);
    }
    home.round().await;
    home.round().await;
    assert!(subjects(&home, &martha).is_empty());
    home.world.publish(&artist, single("Speed King"));
    home.round().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Speed King"]);
    home.finish().await;
}

#[tokio::test]
async fn calls_that_become_free_one_at_a_time_are_enough_for_two_looks() {
    let home = Home::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1")]).await;
    let artist = artist(&home, 12, 25);
    let martha = home.listener("Martha", &[&artist]).await;
    wants_singles(&martha).await;
    let mut news = 0;
    for day in 0..8 {
        if day == 4 {
            home.world.publish(&artist, single("Speed King"));
        }
        let outcome = {
            home.follows().await;
            home.checks_of(Scope::Due).await
        };
        assert!(!outcome.has_failed(), "{outcome}");
        news += outcome.news;
        home.advance_hours(25);
    }
    assert_eq!(news, 1);
    home.emails().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Speed King"]);
    home.finish().await;
}

#[tokio::test]
async fn who_switches_singles_off_is_not_told_of_those_that_were_pending() {
    let (home, artist, martha) = listening(2, 3).await;
    home.world.publish(&artist, single("Speed King"));
    home.checks().await;
    martha.browser.choose(&[]).await;
    assert_eq!(home.emails().await.dropped, 1);
    wants_singles(&martha).await;
    home.world.publish(&artist, single("Another"));
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.checks().await;
    martha.browser.choose(&[]).await;
    home.emails().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Profound Mysteries"]);
    home.finish().await;
}

#[tokio::test]
async fn singles_wanted_again_much_later_begin_with_a_silent_look() {
    let (home, artist, martha) = listening(2, 3).await;
    martha.browser.choose(&[]).await;
    home.round().await;
    home.advance_days(10);
    home.world.publish(&artist, single("While nobody wanted it"));
    home.round().await;
    home.advance_days(10);
    wants_singles(&martha).await;
    home.round().await;
    assert!(subjects(&home, &martha).is_empty());
    home.world.publish(&artist, single("Speed King"));
    home.round().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Speed King"]);
    home.finish().await;
}

#[tokio::test]
async fn a_single_delivered_again_is_told_once_and_the_album_of_its_name_is_told_too() {
    let (home, artist, martha) = listening(2, 3).await;
    let first = home.world.publish(&artist, single("Speed King"));
    home.round().await;
    home.world.redeliver(&first);
    home.round().await;
    assert_eq!(subjects(&home, &martha).len(), 1);
    home.world.publish(&artist, NewAlbum::titled("Speed King"));
    home.round().await;
    assert_eq!(subjects(&home, &martha).len(), 2);
    home.finish().await;
}

#[tokio::test]
async fn singles_between_signing_in_and_confirming_are_told_to_those_who_want_them() {
    let home = Home::new().await;
    let artist = artist(&home, 2, 3);
    let mut browsers = Vec::new();
    for (name, choice) in [("Martha", &["singles"][..]), ("Jonas", &[])] {
        let user = home.world.add_user(name);
        home.world.follow(user, &artist);
        let browser = home.visitor();
        browser.sign_in(&home.world, user).await;
        let address = format!("{}@example.com", name.to_lowercase());
        browser.post("/account/address", &[("email", &address)]).await;
        browser.choose(choice).await;
        browsers.push((browser, address));
    }
    home.round().await;
    home.world.publish(&artist, single("Meanwhile"));
    home.round().await;
    for (browser, address) in &browsers {
        let link = home.emails_to(address)[0].link("/confirm/");
        browser.post(&link, &[]).await;
    }
    home.emails().await;
    let told = browsers.iter().map(|(_, address)| home.emails_to(address).len() - 1);
    assert_eq!(told.collect::<Vec<_>>(), [2, 1], "the welcome, and to her the single");
    home.finish().await;
}

#[tokio::test]
async fn a_hint_of_a_single_is_worth_a_call_only_where_somebody_wants_it() {
    let hints = [("HINTS__ENABLED", "true"), ("HINTS__DEEZER", "true")];
    let (home, wanted, martha) = listening_with(2, 3, &hints).await;
    let unwanted = home.world.add_artist("Robyn");
    home.listener("Jonas", &[&unwanted]).await;
    home.round().await;
    home.advance_hours(1);
    home.skip_turns().await;
    for artist in [&wanted, &unwanted] {
        home.world.publish(artist, single("Fresh"));
    }
    assert_eq!(home.hints().await.given, 2, "two sources, of one artist");
    home.world.forget_requests();
    let outcome = home.checks_of(Scope::Due).await;
    assert_eq!((outcome.checked, outcome.news), (1, 1));
    assert_eq!(asked(&home), ["album+single"]);
    home.emails().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Fresh"]);
    home.finish().await;
}

#[tokio::test]
async fn a_look_at_the_singles_that_were_left_is_no_check_of_the_albums() {
    let settings = [("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1"), ("HINTS__ENABLED", "true")];
    let home = Home::with(&settings).await;
    let artist = artist(&home, 12, 25);
    let martha = home.listener("Martha", &[&artist]).await;
    wants_singles(&martha).await;
    home.follows().await;
    home.checks_of(Scope::Due).await;
    let albums_were_read = home.now();
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.advance_hours(25);
    home.hints().await;
    home.world.forget_requests();
    home.checks_of(Scope::Due).await;
    assert_eq!(asked(&home), ["single"]);
    assert_eq!(home.status().await.artists.last_check, Some(albums_were_read));
    home.advance_hours(25);
    assert_eq!(home.checks_of(Scope::Due).await.news, 1, "the hint is still open, and due");
    home.emails().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Profound Mysteries"]);
    home.finish().await;
}
