//! Singles and EPs: told to those who want them, and asked for in one call where one can do.

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::domain::release::ReleaseKind::Single;
use dropday::jobs::Scope;

use crate::test_app::{Listener, Settings, TestApp};

/// An artist with so many old albums and singles.
fn artist(app: &TestApp, albums: usize, singles: usize) -> String {
    let artist = app.world.add_artist("Röyksopp");
    for number in 0..albums {
        app.world.publish(&artist, NewAlbum::titled(format!("Album {number}")).on("2010-01-01"));
    }
    for number in 0..singles {
        let old = single(&format!("Old single {number}")).on(format!("2015-01-{:02}", number + 1));
        app.world.publish(&artist, old);
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
async fn listening(albums: usize, singles: usize) -> (TestApp, String, Listener) {
    listening_with(albums, singles, &[]).await
}

async fn listening_with(
    albums: usize,
    singles: usize,
    settings: Settings<'_>,
) -> (TestApp, String, Listener) {
    let app = TestApp::with(settings).await;
    let artist = artist(&app, albums, singles);
    let martha = app.listener("Martha", &[&artist]).await;
    wants_singles(&martha).await;
    app.round().await;
    app.world.forget_requests();
    (app, artist, martha)
}

/// Which lists were asked for, page by page, since the requests were last forgotten.
fn asked(app: &TestApp) -> Vec<String> {
    let requests = app.world.requests().into_iter();
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

fn subjects(app: &TestApp, listener: &Listener) -> Vec<String> {
    app.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

#[tokio::test]
async fn single_reaches_only_users_who_want_them() {
    let (app, artist, martha) = listening(2, 3).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    assert!(martha.browser.get("/preferences").await.body.contains("name=\"singles\" checked"));
    assert!(!jonas.browser.get("/preferences").await.body.contains("name=\"singles\" checked"));
    app.round().await;
    app.world.publish(&artist, single("Speed King"));
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "Röyksopp: Speed King");
    assert!(emails[0].text.contains("A new single for you"), "{}", emails[0].text);
    assert!(subjects(&app, &jonas).is_empty());
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    assert_eq!(subjects(&app, &jonas), ["Röyksopp: Profound Mysteries"]);
    assert_eq!(subjects(&app, &martha).len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn single_with_only_an_id_reaches_only_subscribers() {
    let (app, artist, martha) = listening(12, 3).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.round().await;
    let odd = r#"{"items":[{"id":"odd","album_type":[]}],"total":4}"#.to_owned();
    let odd = Fault::Status(200, "application/json", odd);
    app.world.script(Endpoint::ArtistAlbums, [no_albums(), odd]);
    app.round().await;
    assert_eq!((subjects(&app, &martha).len(), subjects(&app, &jonas).len()), (1, 0));
    app.finish().await;
}

#[tokio::test]
async fn new_albums_precede_singles_in_one_email() {
    let (app, artist, martha) = listening(2, 3).await;
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.world.publish(&artist, single("Speed King"));
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "2 new releases: Röyksopp");
    let at = |title| emails[0].text.find(title).unwrap();
    assert!(at("Profound Mysteries") < at("Speed King"), "{}", emails[0].text);
    assert_eq!(emails.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn enabling_singles_sends_no_old_singles() {
    let app = TestApp::new().await;
    let artist = artist(&app, 2, 25);
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, single("Some days ago"));
    app.advance_days(3);
    wants_singles(&martha).await;
    app.world.publish(&artist, single("Since today"));
    app.round().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Since today"]);
    app.advance_days(1);
    app.world.publish(&artist, single("Later"));
    app.round().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Since today", "Röyksopp: Later"]);
    app.finish().await;
}

#[tokio::test]
async fn later_subscriber_gets_no_earlier_singles() {
    let (app, artist, martha) = listening(2, 3).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, single("Before"));
    app.round().await;
    wants_singles(&jonas).await;
    app.round().await;
    assert!(subjects(&app, &jonas).is_empty());
    app.world.publish(&artist, single("After"));
    app.round().await;
    assert_eq!(subjects(&app, &jonas), ["Röyksopp: After"]);
    assert_eq!(subjects(&app, &martha).len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn artist_with_few_albums_costs_one_call() {
    let (app, artist, martha) = listening(7, 25).await;
    for round in 0..3 {
        app.advance_hours(7);
        app.round().await;
        assert_eq!(asked(&app).len(), round + 1, "one a round: {:?}", asked(&app));
    }
    assert_eq!(asked(&app), ["album+single"; 3]);
    app.world.publish(&artist, single("Speed King"));
    app.world.forget_requests();
    app.round().await;
    assert_eq!(asked(&app), ["album+single"]);
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Speed King"]);
    app.finish().await;
}

#[tokio::test]
async fn artist_with_many_albums_costs_two_calls() {
    let (app, artist, martha) = listening(8, 25).await;
    app.round().await;
    assert_eq!(asked(&app), ["album", "single"]);
    app.world.publish(&artist, single("Speed King"));
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    assert_eq!(asked(&app), ["album", "single", "album", "single"]);
    assert_eq!(subjects(&app, &martha), ["2 new releases: Röyksopp"]);
    app.finish().await;
}

#[tokio::test]
async fn artist_outgrowing_one_page_loses_no_release() {
    let (app, artist, martha) = listening(6, 25).await;
    for number in 0..4 {
        app.world.publish(&artist, NewAlbum::titled(format!("New {number}")));
        app.world.publish(&artist, single(&format!("Single {number}")));
        app.world.forget_requests();
        app.round().await;
        let batch_window = number < 2;
        let wanted: &[&str] = if batch_window { &["album+single"] } else { &["album", "single"] };
        assert_eq!(asked(&app), wanted, "{number}");
        assert_eq!(subjects(&app, &martha).len(), number + 1);
    }
    app.finish().await;
}

#[tokio::test]
async fn unwanted_singles_are_never_fetched() {
    let app = TestApp::new().await;
    let artist = artist(&app, 2, 3);
    let martha = app.listener("Martha", &[&artist]).await;
    let elsewhere = app.world.add_artist("Somebody else");
    let jonas = app.listener("Jonas", &[&elsewhere]).await;
    wants_singles(&jonas).await;
    for _ in 0..3 {
        app.world.publish(&artist, single("Speed King"));
        app.round().await;
        app.advance_days(1);
    }
    let of_artist = |app: &TestApp| {
        let requests = app.world.requests();
        let asked = requests.iter().filter(|request| request.path.contains(&artist));
        asked.map(|request| request.query.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of_artist(&app).len(), 3);
    assert!(of_artist(&app).iter().all(|query| !query.contains("single")));

    wants_singles(&martha).await;
    app.round().await;
    martha.browser.choose(&[]).await;
    app.world.forget_requests();
    app.round().await;
    assert_eq!(of_artist(&app).len(), 1);
    assert!(of_artist(&app).iter().all(|query| !query.contains("single")), "no more");
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn many_new_singles_are_all_found() {
    for albums in [0, 7, 12] {
        let (app, artist, martha) = listening(albums, 25).await;
        for number in 0..23 {
            app.world.publish(&artist, single(&format!("Number {number:02}.")));
        }
        app.round().await;
        let emails = app.emails_to(&martha.address);
        assert_eq!(emails[0].subject, "23 new singles: Röyksopp", "{albums} albums");
        for number in 0..23 {
            assert!(emails[0].text.contains(&format!("Number {number:02}.")), "{number}");
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn many_new_albums_hide_no_single() {
    for count in [3, 12] {
        let (app, artist, martha) = listening(7, 3).await;
        for number in 0..count {
            app.world.publish(&artist, NewAlbum::titled(format!("Number {number:02}.")));
        }
        app.world.publish(&artist, single("Behind them all"));
        // Nothing but the full page says that there is more: the total is as it was.
        app.world.change_artist(&artist, |artist| artist.claimed_total = Some(10));
        app.round().await;
        assert_eq!(subjects(&app, &martha), [format!("{} new releases: Röyksopp", count + 1)]);
        assert!(app.emails_to(&martha.address)[0].text.contains("Behind them all"));
        app.finish().await;
    }
}

#[tokio::test]
async fn wrong_total_or_null_loses_no_single() {
    for albums in [2, 12] {
        let (app, artist, martha) = listening(albums, 25).await;
        app.world.change_artist(&artist, |artist| artist.claimed_total = Some(682));
        app.world.change_artist(&artist, |artist| artist.null_album = true);
        app.world.publish(&artist, single("Real"));
        app.round().await;
        let calls = asked(&app).len();
        assert!(calls <= 8, "{calls} calls, {albums} albums");
        app.world.forget_requests();
        app.round().await;
        assert!(asked(&app).len() <= 2, "nothing grew: {:?}", asked(&app));
        assert_eq!(subjects(&app, &martha), ["Röyksopp: Real"]);
        app.finish().await;
    }
}

#[tokio::test]
async fn failed_singles_list_loses_no_album() {
    let (app, artist, martha) = listening(12, 25).await;
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.world.publish(&artist, single("Speed King"));
    app.world.script(Endpoint::ArtistAlbums, [no_albums(), Fault::bad_gateway()]);
    assert!(app.checks().await.has_failed());
    app.world.forget_requests();
    app.advance_hours(1);
    assert_eq!(app.checks_of(Scope::Due).await.news, 1);
    assert_eq!(asked(&app), ["single"], "the albums were read");
    app.advance_days(1);
    app.round().await;
    app.emails().await;
    let told = subjects(&app, &martha).join(" ");
    assert!(told.contains("2 new releases"), "{told}");
    app.finish().await;
}

#[tokio::test]
async fn failed_initial_scan_of_singles_is_retried_silently() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1000")]).await;
    let artist = artist(&app, 2, 25);
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.advance_days(1);
    app.world.publish(&artist, single("The day before"));
    app.advance_days(1);
    wants_singles(&martha).await;
    app.world.script(Endpoint::ArtistAlbums, [no_albums(), Fault::Html]);
    assert!(app.checks().await.has_failed());
    for fault in [Fault::Garbled, Fault::Truncated, Fault::server_error()] {
        app.advance_hours(2);
        app.world.script(Endpoint::ArtistAlbums, [fault]);
        assert_eq!(app.checks().await.failed, 1);
    }
    app.round().await;
    app.round().await;
    assert!(subjects(&app, &martha).is_empty());
    app.world.publish(&artist, single("Speed King"));
    app.round().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Speed King"]);
    app.finish().await;
}

#[tokio::test]
async fn single_free_calls_suffice_for_two_lists() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1")]).await;
    let artist = artist(&app, 12, 25);
    let martha = app.listener("Martha", &[&artist]).await;
    wants_singles(&martha).await;
    let mut news = 0;
    for day in 0..8 {
        if day == 4 {
            app.world.publish(&artist, single("Speed King"));
        }
        let outcome = {
            app.follows().await;
            app.checks_of(Scope::Due).await
        };
        assert!(!outcome.has_failed(), "{outcome}");
        news += outcome.news;
        app.advance_hours(25);
    }
    assert_eq!(news, 1);
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Speed King"]);
    app.finish().await;
}

#[tokio::test]
async fn disabling_singles_drops_pending_ones() {
    let (app, artist, martha) = listening(2, 3).await;
    app.world.publish(&artist, single("Speed King"));
    app.checks().await;
    martha.browser.choose(&[]).await;
    assert_eq!(app.emails().await.dropped, 1);
    wants_singles(&martha).await;
    app.world.publish(&artist, single("Another"));
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.checks().await;
    martha.browser.choose(&[]).await;
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Profound Mysteries"]);
    app.finish().await;
}

#[tokio::test]
async fn re_enabled_singles_start_with_silent_scan() {
    let (app, artist, martha) = listening(2, 3).await;
    martha.browser.choose(&[]).await;
    app.round().await;
    app.advance_days(10);
    app.world.publish(&artist, single("While nobody wanted it"));
    app.round().await;
    app.advance_days(10);
    wants_singles(&martha).await;
    app.round().await;
    assert!(subjects(&app, &martha).is_empty());
    app.world.publish(&artist, single("Speed King"));
    app.round().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Speed King"]);
    app.finish().await;
}

#[tokio::test]
async fn redelivered_single_is_announced_once_besides_its_album() {
    let (app, artist, martha) = listening(2, 3).await;
    let first = app.world.publish(&artist, single("Speed King"));
    app.round().await;
    app.world.redeliver(&first);
    app.round().await;
    assert_eq!(subjects(&app, &martha).len(), 1);
    app.world.publish(&artist, NewAlbum::titled("Speed King"));
    app.round().await;
    assert_eq!(subjects(&app, &martha).len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn singles_before_confirmation_reach_interested_users() {
    let app = TestApp::new().await;
    let artist = artist(&app, 2, 3);
    let mut browsers = Vec::new();
    for (name, choice) in [("Martha", &["singles"][..]), ("Jonas", &[])] {
        let user = app.world.add_user(name);
        app.world.follow(user, &artist);
        let browser = app.visitor();
        browser.sign_in(&app.world, user).await;
        let address = format!("{}@example.com", name.to_lowercase());
        browser.post("/account/address", &[("email", &address)]).await;
        browser.choose(choice).await;
        browsers.push((browser, address));
    }
    app.round().await;
    app.world.publish(&artist, single("Meanwhile"));
    app.round().await;
    for (browser, address) in &browsers {
        let link = app.emails_to(address)[0].link("/confirm/");
        browser.post(&link, &[]).await;
    }
    app.emails().await;
    let told = browsers.iter().map(|(_, address)| app.emails_to(address).len() - 1);
    assert_eq!(told.collect::<Vec<_>>(), [2, 1], "the welcome, and to her the single");
    app.finish().await;
}

#[tokio::test]
async fn single_hint_is_checked_only_if_wanted() {
    let hints = [("HINTS__ENABLED", "true"), ("HINTS__DEEZER", "true")];
    let (app, wanted, martha) = listening_with(2, 3, &hints).await;
    let unwanted = app.world.add_artist("Robyn");
    app.listener("Jonas", &[&unwanted]).await;
    app.round().await;
    app.advance_hours(1);
    app.skip_turns().await;
    for artist in [&wanted, &unwanted] {
        app.world.publish(artist, single("Fresh"));
    }
    assert_eq!(app.hints().await.given, 2, "two sources, of one artist");
    app.world.forget_requests();
    let outcome = app.checks_of(Scope::Due).await;
    assert_eq!((outcome.checked, outcome.news), (1, 1));
    assert_eq!(asked(&app), ["album+single"]);
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Fresh"]);
    app.finish().await;
}

#[tokio::test]
async fn deferred_singles_fetch_is_no_album_check() {
    let settings = [("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "1"), ("HINTS__ENABLED", "true")];
    let app = TestApp::with(&settings).await;
    let artist = artist(&app, 12, 25);
    let martha = app.listener("Martha", &[&artist]).await;
    wants_singles(&martha).await;
    app.follows().await;
    app.checks_of(Scope::Due).await;
    let albums_were_read = app.now();
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.advance_hours(25);
    app.hints().await;
    app.world.forget_requests();
    app.checks_of(Scope::Due).await;
    assert_eq!(asked(&app), ["single"]);
    assert_eq!(app.status().await.artists.last_check, Some(albums_were_read));
    app.advance_hours(25);
    assert_eq!(app.checks_of(Scope::Due).await.news, 1, "the hint is still open, and due");
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Profound Mysteries"]);
    app.finish().await;
}
