//! Compilations, and what artists appear on: told to those who want them, and asked for seldom.

use std::time::Duration;

use dropday::demo::world::{Endpoint, Fault, Group, NewAlbum};
use dropday::domain::release::ReleaseKind::Compilation;
use dropday::jobs::Scope;

use crate::test_app::{Email, Listener, Settings, TestApp};

fn compilation(title: &str) -> NewAlbum {
    NewAlbum::titled(title).as_a(Compilation)
}

/// Somebody else's release; without a name, that of various artists.
fn appearance(title: &str) -> NewAlbum {
    NewAlbum::titled(title).listed_under(Group::AppearsOn)
}

/// An artist with an album, so many old compilations, and so many old appearances.
fn artist(app: &TestApp, compilations: usize, appearances: usize) -> String {
    let artist = app.world.add_artist("Röyksopp");
    app.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    for number in 0..compilations {
        app.world.publish(&artist, compilation(&format!("Best of, part {number}")).on("2010"));
    }
    for number in 0..appearances {
        app.world.publish(&artist, appearance(&format!("Chill-out {number}")).on("2012-05-01"));
    }
    artist
}

/// Martha, who wants these kinds of such an artist, after the silent first looks.
async fn listening(kinds: &[&str], before: (usize, usize)) -> (TestApp, String, Listener) {
    listening_with(kinds, before, &[]).await
}

async fn listening_with(
    kinds: &[&str],
    (compilations, appearances): (usize, usize),
    settings: Settings<'_>,
) -> (TestApp, String, Listener) {
    let app = TestApp::with(settings).await;
    let artist = artist(&app, compilations, appearances);
    let martha = app.listener("Martha", &[&artist]).await;
    martha.browser.choose(kinds).await;
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

fn asked_for(app: &TestApp, group: &str) -> usize {
    asked(app).iter().filter(|asked| *asked == group).count()
}

fn subjects(app: &TestApp, listener: &Listener) -> Vec<String> {
    emails(app, listener).into_iter().map(|email| email.subject).collect()
}

fn emails(app: &TestApp, listener: &Listener) -> Vec<Email> {
    app.emails_to(&listener.address)
}

/// An answer as if a list were empty.
fn nothing() -> Fault {
    Fault::Status(200, "application/json", r#"{"items":[],"total":0}"#.to_owned())
}

async fn next_week(app: &TestApp) {
    app.advance_days(7);
    app.round().await;
}

#[tokio::test]
async fn compilation_reaches_only_users_who_want_them() {
    let (app, artist, martha) = listening(&["compilations"], (12, 0)).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.world.publish(&artist, compilation("The Inevitable End of It"));
    next_week(&app).await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: The Inevitable End of It"]);
    assert!(emails(&app, &martha)[0].text.to_lowercase().contains("compilation"));
    assert!(subjects(&app, &jonas).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn appearance_reaches_only_users_who_want_them() {
    let (app, artist, martha) = listening(&["appearances"], (0, 12)).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    let robyn = app.world.add_artist("Robyn");
    app.world.publish(&artist, appearance("Body Talk").with(&robyn));
    next_week(&app).await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp on Robyn: Body Talk"]);
    let text = &emails(&app, &martha)[0].text;
    assert!(text.contains("You follow Röyksopp, who appears on it"), "{text}");
    assert!(subjects(&app, &jonas).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn various_artists_album_is_news_only_as_appearance() {
    let (app, artist, martha) = listening(&["appearances", "compilations"], (0, 3)).await;
    app.world.publish(&artist, appearance("A Tribute to Somebody").as_a(Compilation));
    next_week(&app).await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp on Various Artists: A Tribute to Somebody"]);
    let various = r#"{"total":9,"items":[{"id":"various","name":"Hits","album_type":"compilation",
        "release_date":"2026-12-01","artists":[{"id":"0LyfQWJT6nXafLPZqxe9Of","name":"Various Artists"}]}]}"#;
    let various = Fault::Status(200, "application/json", various.to_owned());
    app.world.script(Endpoint::ArtistAlbums, [nothing(), various]);
    next_week(&app).await;
    assert_eq!(subjects(&app, &martha).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn unwanted_secondary_lists_are_never_fetched() {
    let (app, artist, martha) = listening(&["singles"], (3, 3)).await;
    let elsewhere = app.world.add_artist("Somebody else");
    let jonas = app.listener("Jonas", &[&elsewhere]).await;
    jonas.browser.choose(&["compilations", "appearances"]).await;
    for _ in 0..2 {
        app.world.publish(&artist, compilation("Best of"));
        app.world.publish(&artist, appearance("Chill-out"));
        next_week(&app).await;
    }
    let of_artist = |app: &TestApp| {
        let requests = app.world.requests();
        let asked = requests.iter().filter(|request| request.path.contains(&artist));
        asked.map(|request| request.query.clone()).collect::<Vec<_>>()
    };
    let aside = |queries: Vec<String>| {
        queries.iter().filter(|q| q.contains("compilation") || q.contains("appears_on")).count()
    };
    assert_eq!(aside(of_artist(&app)), 0);
    assert_eq!((asked_for(&app, "compilation"), asked_for(&app, "appears_on")), (2, 2));
    martha.browser.choose(&["compilations"]).await;
    app.world.forget_requests();
    app.round().await;
    assert_eq!(aside(of_artist(&app)), 1);
    martha.browser.choose(&[]).await;
    app.world.forget_requests();
    next_week(&app).await;
    assert_eq!(aside(of_artist(&app)), 0, "no more");
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn unwanted_secondary_lists_hide_no_releases() {
    let (app, artist, martha) = listening(&["compilations"], (0, 0)).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    for number in 0..75 {
        app.world.publish(&artist, compilation(&format!("The best of year {number}")));
        if number % 25 == 24 {
            next_week(&app).await;
        }
    }
    let hers = martha.browser.get("/releases").await;
    let his = jonas.browser.get("/releases").await;
    let (before, _) = hers.body.split_once("\">Older").expect("more than a page");
    let older = martha.browser.get(before.rsplit("href=\"").next().unwrap()).await;
    let is_hers = [&hers, &older].iter().any(|page| page.body.contains("The best of year 74"));
    assert!(is_hers && !his.body.contains("The best of"));
    assert!(his.body.contains("Profound Mysteries"), "{}", his.body);
    app.finish().await;
}

#[tokio::test]
async fn muted_artists_lists_are_not_fetched() {
    let (app, artist, martha) = listening(&["compilations", "appearances"], (2, 2)).await;
    let album = app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    let link = emails(&app, &martha)[0].link("/mute/");
    martha.browser.post(&link, &[]).await;
    app.world.forget_requests();
    for number in 0..3 {
        app.world.publish(&artist, compilation(&format!("Muted {number}")));
        app.world.publish(&artist, appearance(&format!("Muted elsewhere {number}")));
        next_week(&app).await;
    }
    assert_eq!(asked(&app), ["album"; 3], "{album}");
    app.advance_days(1);
    let unmute = [("letters", "at_once"), ("hour", "8"), ("zone", "UTC"), ("unmute", &artist)];
    let kinds = [("albums", "on"), ("compilations", "on"), ("appearances", "on")];
    martha.browser.post("/preferences", &[&unmute[..], &kinds[..]].concat()).await;
    app.round().await;
    assert_eq!(asked(&app)[3..], ["album", "compilation", "appears_on"]);
    assert_eq!(subjects(&app, &martha).len(), 1, "{:?}", subjects(&app, &martha));
    app.world.publish(&artist, compilation("Heard again"));
    next_week(&app).await;
    assert_eq!(subjects(&app, &martha)[1..], ["Röyksopp: Heard again"]);
    app.finish().await;
}

#[tokio::test]
async fn enabling_secondary_lists_sends_no_old_releases() {
    let app = TestApp::new().await;
    let artist = artist(&app, 25, 300);
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, compilation("Some days ago"));
    app.world.publish(&artist, appearance("Some days ago, elsewhere"));
    app.advance_days(3);
    martha.browser.choose(&["compilations", "appearances"]).await;
    app.world.publish(&artist, compilation("Since today"));
    app.world.forget_requests();
    app.round().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Since today"]);
    let calls = asked(&app).len();
    assert!(calls <= 9, "{calls} calls for {:?}", asked(&app));
    next_week(&app).await;
    assert_eq!(subjects(&app, &martha).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn secondary_list_costs_one_call_a_week() {
    let (app, _, _martha) = listening(&["compilations", "appearances"], (3, 300)).await;
    for _ in 0..14 {
        app.advance_hours(24);
        app.round().await;
    }
    assert_eq!(asked_for(&app, "album"), 14);
    assert_eq!((asked_for(&app, "compilation"), asked_for(&app, "appears_on")), (2, 2));
    let at = |group| asked(&app).iter().position(|asked| asked == group).unwrap();
    assert!(at("album") < at("compilation") && at("compilation") < at("appears_on"));
    app.finish().await;
}

#[tokio::test]
async fn grown_unordered_list_is_searched_on_few_pages() {
    let (app, artist, martha) = listening(&["appearances"], (0, 30)).await;
    for number in 0..4 {
        app.world.publish(&artist, appearance(&format!("Number {number}")));
    }
    next_week(&app).await;
    app.world.forget_requests();
    next_week(&app).await;
    assert_eq!(asked_for(&app, "appears_on"), 1, "it has not grown again");
    let told = emails(&app, &martha);
    assert_eq!(told.len(), 1);
    for number in 0..4 {
        assert!(told[0].text.contains(&format!("Number {number}")), "{}", told[0].text);
    }
    app.finish().await;
}

#[tokio::test]
async fn wrong_secondary_total_causes_no_endless_fetching() {
    let (app, artist, martha) = listening(&["compilations", "appearances"], (12, 60)).await;
    app.world.change_artist(&artist, |artist| artist.claimed_total = Some(1_335));
    app.world.change_artist(&artist, |artist| artist.null_album = true);
    app.world.publish(&artist, compilation("Real"));
    next_week(&app).await;
    let calls = asked(&app).len();
    assert!(calls <= 12, "{calls} calls");
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Real"]);
    app.world.forget_requests();
    next_week(&app).await;
    assert_eq!(asked(&app), ["album", "compilation", "appears_on"], "nothing grew");
    app.finish().await;
}

#[tokio::test]
async fn re_enabled_list_starts_with_silent_scan() {
    for kind in ["compilations", "appearances"] {
        let (app, artist, martha) = listening(&[kind], (2, 2)).await;
        martha.browser.choose(&[]).await;
        for number in 0..2 {
            app.world.publish(&artist, compilation(&format!("Unwanted {number}")));
            app.world.publish(&artist, appearance(&format!("Unwanted elsewhere {number}")));
            next_week(&app).await;
        }
        app.advance_days(1);
        martha.browser.choose(&[kind]).await;
        app.round().await;
        assert!(subjects(&app, &martha).is_empty(), "{:?}", subjects(&app, &martha));
        app.world.publish(&artist, compilation("Wanted"));
        app.world.publish(&artist, appearance("Wanted elsewhere"));
        next_week(&app).await;
        assert_eq!(subjects(&app, &martha).len(), 1, "{kind}");
        app.finish().await;
    }
}

#[tokio::test]
async fn later_subscriber_gets_no_earlier_secondary_releases() {
    let (app, artist, martha) = listening(&["compilations", "appearances"], (2, 2)).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.world.publish(&artist, compilation("Before"));
    app.world.publish(&artist, appearance("Before, elsewhere"));
    next_week(&app).await;
    jonas.browser.choose(&["compilations", "appearances"]).await;
    next_week(&app).await;
    assert!(subjects(&app, &jonas).is_empty());
    app.world.publish(&artist, compilation("After"));
    next_week(&app).await;
    assert_eq!(subjects(&app, &jonas), ["Röyksopp: After"]);
    assert_eq!(subjects(&app, &martha).len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn secondary_releases_before_confirmation_reach_interested_users() {
    let app = TestApp::new().await;
    let artist = artist(&app, 2, 2);
    let mut browsers = Vec::new();
    for (name, choice) in [("Martha", &["compilations", "appearances"][..]), ("Jonas", &[])] {
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
    app.world.publish(&artist, compilation("Meanwhile"));
    app.world.publish(&artist, appearance("Meanwhile, elsewhere"));
    next_week(&app).await;
    // Jonas wants them too, but not what was seen before.
    app.advance_hours(1);
    browsers[1].0.choose(&["compilations", "appearances"]).await;
    for (browser, address) in &browsers {
        browser.post("/account/address", &[("email", address)]).await;
        app.emails().await;
        let link = app.emails_to(address).last().unwrap().link("/confirm/");
        browser.post(&link, &[]).await;
    }
    app.emails().await;
    let told = browsers.iter().map(|(_, address)| {
        let emails = app.emails_to(address).into_iter();
        let news = emails.filter(|email| !email.subject.starts_with("Welcome"));
        news.filter(|email| email.text.contains("Meanwhile, elsewhere")).count()
    });
    assert_eq!(told.collect::<Vec<_>>(), [1, 0]);
    app.finish().await;
}

#[tokio::test]
async fn failed_secondary_list_loses_no_album() {
    let (app, artist, martha) = listening(&["compilations"], (2, 0)).await;
    app.world.publish(&artist, compilation("Best of"));
    app.advance_days(7);
    for (day, fault) in [Fault::bad_gateway(), Fault::Garbled].into_iter().enumerate() {
        app.world.script(Endpoint::ArtistAlbums, [nothing(), fault]);
        let outcome = app.checks().await;
        assert!(!outcome.has_failed() && outcome.checked == 1, "{outcome}");
        app.world.forget_requests();
        app.checks().await;
        assert_eq!(asked(&app), ["album"], "no second try at once");
        app.advance_days(1 + day as u64);
    }
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    assert_eq!(subjects(&app, &martha), ["2 new releases: Röyksopp"]);
    app.finish().await;
}

#[tokio::test]
async fn failed_initial_scan_is_retried_silently() {
    let app = TestApp::new().await;
    let artist = artist(&app, 25, 25);
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, compilation("The day before"));
    app.advance_days(1);
    martha.browser.choose(&["compilations", "appearances"]).await;
    app.world.script(Endpoint::ArtistAlbums, [nothing(), Fault::Html, Fault::server_error()]);
    app.round().await;
    next_week(&app).await;
    assert!(subjects(&app, &martha).is_empty(), "{:?}", subjects(&app, &martha));
    app.world.publish(&artist, compilation("Later"));
    next_week(&app).await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Later"]);
    app.finish().await;
}

#[tokio::test]
async fn exhausted_quota_defers_secondary_lists_without_failure() {
    let settings = [("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")];
    let app = TestApp::with(&settings).await;
    let artist = artist(&app, 2, 2);
    let martha = app.listener("Martha", &[&artist]).await;
    martha.browser.choose(&["compilations", "appearances"]).await;
    app.follows().await;
    let mut lists: Vec<Vec<String>> = Vec::new();
    for _ in 0..3 {
        let outcome = app.checks_of(Scope::Due).await;
        assert!(!outcome.has_failed() && outcome.checked == 1, "{outcome}");
        lists.push(asked(&app).split_off(lists.concat().len()));
        app.advance_hours(25);
    }
    assert_eq!(lists, [vec!["album", "compilation"], vec!["album", "appears_on"], vec!["album"]]);
    app.emails().await;
    assert!(subjects(&app, &martha).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn secondary_lists_leave_calls_reserved_for_hints() {
    let settings = [
        ("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "40"),
        ("HINTS__ENABLED", "true"),
        ("HINTS__MUSICBRAINZ", "false"),
    ];
    let app = TestApp::with(&settings).await;
    let (_, martha) = app.listener_of("Martha", 18).await;
    martha.browser.choose(&["compilations", "appearances"]).await;
    app.follows().await;
    let outcome = app.checks_of(Scope::All).await;
    assert_eq!(outcome.checked, 18, "{outcome}");
    let aside = asked(&app).len() - asked_for(&app, "album");
    assert_eq!(aside, 20, "40, less 2 for hints, less one for each artist");
    app.finish().await;
}

#[tokio::test]
async fn secondary_lists_get_a_tenth_when_calls_are_scarce() {
    let app = TestApp::with(&[("SCHEDULE__ZONE", "UTC")]).await;
    let (artists, martha) = app.listener_of("Martha", 100).await;
    martha.browser.choose(&["appearances"]).await;
    app.follows().await;
    // A quarter of an hour after midnight the day's calls are spent.
    app.clock.advance(Duration::from_secs(12 * 3600 + 20 * 60));
    let mut aside = Vec::new();
    for _ in 0..14 {
        app.world.forget_requests();
        assert!(!app.checks_of(Scope::Due).await.has_failed());
        let requests = app.world.requests();
        let today = requests.iter().filter(|request| request.query.contains("appears_on"));
        let today: Vec<_> = today.map(|request| request.path.clone()).collect();
        assert!(today.len() <= 8, "a tenth of 79, and not {}", today.len());
        assert!(asked_for(&app, "album") >= 71, "{}", asked_for(&app, "album"));
        aside.extend(today);
        app.advance_hours(24);
    }
    aside.truncate(artists.len());
    aside.sort();
    aside.dedup();
    assert_eq!(aside.len(), artists.len(), "nobody twice before everybody once");
    app.finish().await;
}

#[tokio::test]
async fn appearance_becoming_own_album_is_announced_once() {
    let (app, artist, martha) = listening(&["appearances"], (0, 2)).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    let robyn = app.world.add_artist("Robyn");
    let album = app.world.publish(&artist, appearance("Do It Again").with(&robyn));
    next_week(&app).await;
    assert_eq!((subjects(&app, &martha).len(), subjects(&app, &jonas).len()), (1, 0));
    app.world.relist(&album, &artist, Group::Album);
    next_week(&app).await;
    assert_eq!(subjects(&app, &jonas), ["Robyn: Do It Again"]);
    assert!(!emails(&app, &jonas)[0].text.contains("appears on"));
    app.world.relist(&album, &artist, Group::AppearsOn);
    next_week(&app).await;
    assert_eq!((subjects(&app, &martha).len(), subjects(&app, &jonas).len()), (1, 1));
    app.finish().await;
}

#[tokio::test]
async fn appearance_is_no_edition_and_is_announced_once() {
    let (app, artist, martha) = listening(&["appearances"], (0, 2)).await;
    let robyn = app.world.add_artist("Robyn");
    app.world.publish(&artist, NewAlbum::titled("Do It Again").with(&robyn));
    app.round().await;
    let with = |title: &str| appearance(title).with(&artist).with(&robyn);
    app.world.publish(&artist, with("Do It Again"));
    app.world.publish(&artist, with("Do It Again (Deluxe Edition)"));
    next_week(&app).await;
    let told = emails(&app, &martha);
    assert_eq!(told.len(), 2, "{:?}", subjects(&app, &martha));
    assert_eq!(told[1].subject, "Röyksopp on Röyksopp, Robyn: Do It Again");
    app.finish().await;
}

#[tokio::test]
async fn appearance_confirms_no_album_hint() {
    let hints = [("HINTS__ENABLED", "true"), ("HINTS__MUSICBRAINZ", "false")];
    let (app, artist, martha) = listening_with(&["appearances"], (0, 2), &hints).await;
    app.advance_days(7);
    app.world.publish(&artist, appearance("The same day"));
    let album = app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    assert_eq!(app.hints().await.given, 1);
    app.world.script(Endpoint::ArtistAlbums, [nothing()]);
    let outcome = app.checks_of(Scope::Due).await;
    assert_eq!((outcome.checked, outcome.news), (1, 1), "{album}");
    app.skip_turns().await;
    app.advance_hours(10);
    assert_eq!(app.checks_of(Scope::Due).await.news, 1, "the hint asks again");
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["2 new releases: Various Artists, Röyksopp"]);
    app.finish().await;
}
