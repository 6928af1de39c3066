//! Compilations, and what artists appear on: told to those who want them, and asked for seldom.

use std::time::Duration;

use dropday::demo::world::{Endpoint, Fault, Group, NewAlbum};
use dropday::domain::release::ReleaseKind::Compilation;
use dropday::jobs::Scope;

use crate::home::{Email, Home, Listener, Settings};

fn compilation(title: &str) -> NewAlbum {
    NewAlbum::titled(title).as_a(Compilation)
}

/// Somebody else's release; without a name, that of various artists.
fn appearance(title: &str) -> NewAlbum {
    NewAlbum::titled(title).listed_under(Group::AppearsOn)
}

/// An artist with an album, so many old compilations, and so many old appearances.
fn artist(home: &Home, compilations: usize, appearances: usize) -> String {
    let artist = home.world.add_artist("Röyksopp");
    home.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    for number in 0..compilations {
        home.world.publish(&artist, compilation(&format!("Best of, part {number}")).on("2010"));
    }
    for number in 0..appearances {
        home.world.publish(&artist, appearance(&format!("Chill-out {number}")).on("2012-05-01"));
    }
    artist
}

/// Martha, who wants these kinds of such an artist, after the silent first looks.
async fn listening(kinds: &[&str], before: (usize, usize)) -> (Home, String, Listener) {
    listening_with(kinds, before, &[]).await
}

async fn listening_with(
    kinds: &[&str],
    (compilations, appearances): (usize, usize),
    settings: Settings<'_>,
) -> (Home, String, Listener) {
    let home = Home::with(settings).await;
    let artist = artist(&home, compilations, appearances);
    let martha = home.listener("Martha", &[&artist]).await;
    martha.browser.choose(kinds).await;
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

fn asked_for(home: &Home, group: &str) -> usize {
    asked(home).iter().filter(|asked| *asked == group).count()
}

fn subjects(home: &Home, listener: &Listener) -> Vec<String> {
    emails(home, listener).into_iter().map(|email| email.subject).collect()
}

fn emails(home: &Home, listener: &Listener) -> Vec<Email> {
    home.emails_to(&listener.address)
}

/// An answer as if a list were empty.
fn nothing() -> Fault {
    Fault::Status(200, "application/json", r#"{"items":[],"total":0}"#.to_owned())
}

async fn next_week(home: &Home) {
    home.advance_days(7);
    home.round().await;
}

#[tokio::test]
async fn a_compilation_reaches_who_wants_compilations_and_nobody_else() {
    let (home, artist, martha) = listening(&["compilations"], (12, 0)).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    home.world.publish(&artist, compilation("The Inevitable End of It"));
    next_week(&home).await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: The Inevitable End of It"]);
    assert!(emails(&home, &martha)[0].text.to_lowercase().contains("compilation"));
    assert!(subjects(&home, &jonas).is_empty());
    home.finish().await;
}

#[tokio::test]
async fn what_an_artist_appears_on_reaches_who_wants_that_and_nobody_else() {
    let (home, artist, martha) = listening(&["appearances"], (0, 12)).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    let robyn = home.world.add_artist("Robyn");
    home.world.publish(&artist, appearance("Body Talk").with(&robyn));
    next_week(&home).await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp on Robyn: Body Talk"]);
    let text = &emails(&home, &martha)[0].text;
    assert!(text.contains("You follow Röyksopp, who appears on it"), "{text}");
    assert!(subjects(&home, &jonas).is_empty());
    home.finish().await;
}

#[tokio::test]
async fn various_artists_are_news_where_the_artist_appears_and_nowhere_else() {
    let (home, artist, martha) = listening(&["appearances", "compilations"], (0, 3)).await;
    home.world.publish(&artist, appearance("A Tribute to Somebody").as_a(Compilation));
    next_week(&home).await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp on Various Artists: A Tribute to Somebody"]);
    let various = r#"{"total":9,"items":[{"id":"various","name":"Hits","album_type":"compilation",
        "release_date":"2026-12-01","artists":[{"id":"0LyfQWJT6nXafLPZqxe9Of","name":"Various Artists"}]}]}"#;
    let various = Fault::Status(200, "application/json", various.to_owned());
    home.world.script(Endpoint::ArtistAlbums, [nothing(), various]);
    next_week(&home).await;
    assert_eq!(subjects(&home, &martha).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn while_nobody_wants_them_no_call_for_them_is_ever_made() {
    let (home, artist, martha) = listening(&["singles"], (3, 3)).await;
    let elsewhere = home.world.add_artist("Somebody else");
    let jonas = home.listener("Jonas", &[&elsewhere]).await;
    jonas.browser.choose(&["compilations", "appearances"]).await;
    for _ in 0..2 {
        home.world.publish(&artist, compilation("Best of"));
        home.world.publish(&artist, appearance("Chill-out"));
        next_week(&home).await;
    }
    let of_artist = |home: &Home| {
        let requests = home.world.requests();
        let asked = requests.iter().filter(|request| request.path.contains(&artist));
        asked.map(|request| request.query.clone()).collect::<Vec<_>>()
    };
    let aside = |queries: Vec<String>| {
        queries.iter().filter(|q| q.contains("compilation") || q.contains("appears_on")).count()
    };
    assert_eq!(aside(of_artist(&home)), 0);
    assert_eq!((asked_for(&home, "compilation"), asked_for(&home, "appears_on")), (2, 2));
    martha.browser.choose(&["compilations"]).await;
    home.world.forget_requests();
    home.round().await;
    assert_eq!(aside(of_artist(&home)), 1);
    martha.browser.choose(&[]).await;
    home.world.forget_requests();
    next_week(&home).await;
    assert_eq!(aside(of_artist(&home)), 0, "no more");
    assert!(home.inbox.emails().is_empty());
    home.finish().await;
}

#[tokio::test]
async fn what_others_want_hides_nothing_on_the_page_of_who_does_not() {
    let (home, artist, martha) = listening(&["compilations"], (0, 0)).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.round().await;
    for number in 0..75 {
        home.world.publish(&artist, compilation(&format!("The best of year {number}")));
        if number % 25 == 24 {
            next_week(&home).await;
        }
    }
    let hers = martha.browser.get("/releases").await;
    let his = jonas.browser.get("/releases").await;
    let (before, _) = hers.body.split_once("\">Older").expect("more than a page");
    let older = martha.browser.get(before.rsplit("href=\"").next().unwrap()).await;
    let is_hers = [&hers, &older].iter().any(|page| page.body.contains("The best of year 74"));
    assert!(is_hers && !his.body.contains("The best of"));
    assert!(his.body.contains("Profound Mysteries"), "{}", his.body);
    home.finish().await;
}

#[tokio::test]
async fn a_muted_artists_lists_are_not_asked_for_and_unmuting_brings_no_flood() {
    let (home, artist, martha) = listening(&["compilations", "appearances"], (2, 2)).await;
    let album = home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.round().await;
    let link = emails(&home, &martha)[0].link("/mute/");
    martha.browser.post(&link, &[]).await;
    home.world.forget_requests();
    for number in 0..3 {
        home.world.publish(&artist, compilation(&format!("Muted {number}")));
        home.world.publish(&artist, appearance(&format!("Muted elsewhere {number}")));
        next_week(&home).await;
    }
    assert_eq!(asked(&home), ["album"; 3], "{album}");
    home.advance_days(1);
    let unmute = [("letters", "at_once"), ("hour", "8"), ("zone", "UTC"), ("unmute", &artist)];
    let kinds = [("albums", "on"), ("compilations", "on"), ("appearances", "on")];
    martha.browser.post("/preferences", &[&unmute[..], &kinds[..]].concat()).await;
    home.round().await;
    assert_eq!(asked(&home)[3..], ["album", "compilation", "appears_on"]);
    assert_eq!(subjects(&home, &martha).len(), 1, "{:?}", subjects(&home, &martha));
    home.world.publish(&artist, compilation("Heard again"));
    next_week(&home).await;
    assert_eq!(subjects(&home, &martha)[1..], ["Röyksopp: Heard again"]);
    home.finish().await;
}

#[tokio::test]
async fn switching_them_on_floods_nobody_with_old_ones() {
    let home = Home::new().await;
    let artist = artist(&home, 25, 300);
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.publish(&artist, compilation("Some days ago"));
    home.world.publish(&artist, appearance("Some days ago, elsewhere"));
    home.advance_days(3);
    martha.browser.choose(&["compilations", "appearances"]).await;
    home.world.publish(&artist, compilation("Since today"));
    home.world.forget_requests();
    home.round().await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Since today"]);
    let calls = asked(&home).len();
    assert!(calls <= 9, "{calls} calls for {:?}", asked(&home));
    next_week(&home).await;
    assert_eq!(subjects(&home, &martha).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn each_list_costs_one_call_a_week_and_that_after_the_albums() {
    let (home, _, _martha) = listening(&["compilations", "appearances"], (3, 300)).await;
    for _ in 0..14 {
        home.advance_hours(24);
        home.round().await;
    }
    assert_eq!(asked_for(&home, "album"), 14);
    assert_eq!((asked_for(&home, "compilation"), asked_for(&home, "appears_on")), (2, 2));
    let at = |group| asked(&home).iter().position(|asked| asked == group).unwrap();
    assert!(at("album") < at("compilation") && at("compilation") < at("appears_on"));
    home.finish().await;
}

#[tokio::test]
async fn a_list_in_no_order_is_searched_on_some_pages_where_it_grew() {
    let (home, artist, martha) = listening(&["appearances"], (0, 30)).await;
    for number in 0..4 {
        home.world.publish(&artist, appearance(&format!("Number {number}")));
    }
    next_week(&home).await;
    home.world.forget_requests();
    next_week(&home).await;
    assert_eq!(asked_for(&home, "appears_on"), 1, "it has not grown again");
    let told = emails(&home, &martha);
    assert_eq!(told.len(), 1);
    for number in 0..4 {
        assert!(told[0].text.contains(&format!("Number {number}")), "{}", told[0].text);
    }
    home.finish().await;
}

#[tokio::test]
async fn a_lying_total_costs_no_endless_walk() {
    let (home, artist, martha) = listening(&["compilations", "appearances"], (12, 60)).await;
    home.world.change_artist(&artist, |artist| artist.claimed_total = Some(1_335));
    home.world.change_artist(&artist, |artist| artist.null_album = true);
    home.world.publish(&artist, compilation("Real"));
    next_week(&home).await;
    let calls = asked(&home).len();
    assert!(calls <= 12, "{calls} calls");
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Real"]);
    home.world.forget_requests();
    next_week(&home).await;
    assert_eq!(asked(&home), ["album", "compilation", "appears_on"], "nothing grew");
    home.finish().await;
}

#[tokio::test]
async fn switched_off_and_on_again_begins_with_a_silent_look() {
    for kind in ["compilations", "appearances"] {
        let (home, artist, martha) = listening(&[kind], (2, 2)).await;
        martha.browser.choose(&[]).await;
        for number in 0..2 {
            home.world.publish(&artist, compilation(&format!("Unwanted {number}")));
            home.world.publish(&artist, appearance(&format!("Unwanted elsewhere {number}")));
            next_week(&home).await;
        }
        home.advance_days(1);
        martha.browser.choose(&[kind]).await;
        home.round().await;
        assert!(subjects(&home, &martha).is_empty(), "{:?}", subjects(&home, &martha));
        home.world.publish(&artist, compilation("Wanted"));
        home.world.publish(&artist, appearance("Wanted elsewhere"));
        next_week(&home).await;
        assert_eq!(subjects(&home, &martha).len(), 1, "{kind}");
        home.finish().await;
    }
}

#[tokio::test]
async fn who_wants_them_after_others_did_is_not_told_what_came_before() {
    let (home, artist, martha) = listening(&["compilations", "appearances"], (2, 2)).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    home.world.publish(&artist, compilation("Before"));
    home.world.publish(&artist, appearance("Before, elsewhere"));
    next_week(&home).await;
    jonas.browser.choose(&["compilations", "appearances"]).await;
    next_week(&home).await;
    assert!(subjects(&home, &jonas).is_empty());
    home.world.publish(&artist, compilation("After"));
    next_week(&home).await;
    assert_eq!(subjects(&home, &jonas), ["Röyksopp: After"]);
    assert_eq!(subjects(&home, &martha).len(), 2);
    home.finish().await;
}

#[tokio::test]
async fn between_signing_in_and_confirming_they_are_told_to_those_who_want_them() {
    let home = Home::new().await;
    let artist = artist(&home, 2, 2);
    let mut browsers = Vec::new();
    for (name, choice) in [("Martha", &["compilations", "appearances"][..]), ("Jonas", &[])] {
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
    home.world.publish(&artist, compilation("Meanwhile"));
    home.world.publish(&artist, appearance("Meanwhile, elsewhere"));
    next_week(&home).await;
    // Jonas wants them too, but not what was seen before.
    home.advance_hours(1);
    browsers[1].0.choose(&["compilations", "appearances"]).await;
    for (browser, address) in &browsers {
        browser.post("/account/address", &[("email", address)]).await;
        home.emails().await;
        let link = home.emails_to(address).last().unwrap().link("/confirm/");
        browser.post(&link, &[]).await;
    }
    home.emails().await;
    let told = browsers.iter().map(|(_, address)| {
        let emails = home.emails_to(address).into_iter();
        let news = emails.filter(|email| !email.subject.starts_with("Welcome"));
        news.filter(|email| email.text.contains("Meanwhile, elsewhere")).count()
    });
    assert_eq!(told.collect::<Vec<_>>(), [1, 0]);
    home.finish().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_costs_no_album_and_is_read_later() {
    let (home, artist, martha) = listening(&["compilations"], (2, 0)).await;
    home.world.publish(&artist, compilation("Best of"));
    home.advance_days(7);
    for (day, fault) in [Fault::bad_gateway(), Fault::Garbled].into_iter().enumerate() {
        home.world.script(Endpoint::ArtistAlbums, [nothing(), fault]);
        let outcome = home.checks().await;
        assert!(!outcome.has_failed() && outcome.checked == 1, "{outcome}");
        home.world.forget_requests();
        home.checks().await;
        assert_eq!(asked(&home), ["album"], "no second try at once");
        home.advance_days(1 + day as u64);
    }
    home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    home.round().await;
    assert_eq!(subjects(&home, &martha), ["2 new releases: Röyksopp"]);
    home.finish().await;
}

#[tokio::test]
async fn failed_initial_scan_is_retried_silently() {
    let home = Home::new().await;
    let artist = artist(&home, 25, 25);
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.publish(&artist, compilation("The day before"));
    home.advance_days(1);
    martha.browser.choose(&["compilations", "appearances"]).await;
    home.world.script(Endpoint::ArtistAlbums, [nothing(), Fault::Html, Fault::server_error()]);
    home.round().await;
    next_week(&home).await;
    assert!(subjects(&home, &martha).is_empty(), "{:?}", subjects(&home, &martha));
    home.world.publish(&artist, compilation("Later"));
    next_week(&home).await;
    assert_eq!(subjects(&home, &martha), ["Röyksopp: Later"]);
    home.finish().await;
}

#[tokio::test]
async fn a_day_that_is_spent_leaves_them_for_later_and_fails_no_check() {
    let settings = [("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")];
    let home = Home::with(&settings).await;
    let artist = artist(&home, 2, 2);
    let martha = home.listener("Martha", &[&artist]).await;
    martha.browser.choose(&["compilations", "appearances"]).await;
    home.follows().await;
    let mut lists: Vec<Vec<String>> = Vec::new();
    for _ in 0..3 {
        let outcome = home.checks_of(Scope::Due).await;
        assert!(!outcome.has_failed() && outcome.checked == 1, "{outcome}");
        lists.push(asked(&home).split_off(lists.concat().len()));
        home.advance_hours(25);
    }
    assert_eq!(lists, [vec!["album", "compilation"], vec!["album", "appears_on"], vec!["album"]]);
    home.emails().await;
    assert!(subjects(&home, &martha).is_empty());
    home.finish().await;
}

#[tokio::test]
async fn calls_that_are_kept_back_for_hints_are_not_taken() {
    let settings = [
        ("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "40"),
        ("HINTS__ENABLED", "true"),
        ("HINTS__MUSICBRAINZ", "false"),
    ];
    let home = Home::with(&settings).await;
    let (_, martha) = home.listener_of("Martha", 18).await;
    martha.browser.choose(&["compilations", "appearances"]).await;
    home.follows().await;
    let outcome = home.checks_of(Scope::All).await;
    assert_eq!(outcome.checked, 18, "{outcome}");
    let aside = asked(&home).len() - asked_for(&home, "album");
    assert_eq!(aside, 20, "40, less 2 for hints, less one for each artist");
    home.finish().await;
}

#[tokio::test]
async fn where_albums_need_every_call_they_have_a_tenth_and_all_of_them_their_turn() {
    let home = Home::with(&[("SCHEDULE__ZONE", "UTC")]).await;
    let (artists, martha) = home.listener_of("Martha", 100).await;
    martha.browser.choose(&["appearances"]).await;
    home.follows().await;
    // A quarter of an hour after midnight the day's calls are spent.
    home.clock.advance(Duration::from_secs(12 * 3600 + 20 * 60));
    let mut aside = Vec::new();
    for _ in 0..14 {
        home.world.forget_requests();
        assert!(!home.checks_of(Scope::Due).await.has_failed());
        let requests = home.world.requests();
        let today = requests.iter().filter(|request| request.query.contains("appears_on"));
        let today: Vec<_> = today.map(|request| request.path.clone()).collect();
        assert!(today.len() <= 8, "a tenth of 79, and not {}", today.len());
        assert!(asked_for(&home, "album") >= 71, "{}", asked_for(&home, "album"));
        aside.extend(today);
        home.advance_hours(24);
    }
    aside.truncate(artists.len());
    aside.sort();
    aside.dedup();
    assert_eq!(aside.len(), artists.len(), "nobody twice before everybody once");
    home.finish().await;
}

#[tokio::test]
async fn an_appearance_that_turns_out_to_be_the_artists_own_is_told_to_all_and_once() {
    let (home, artist, martha) = listening(&["appearances"], (0, 2)).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    let robyn = home.world.add_artist("Robyn");
    let album = home.world.publish(&artist, appearance("Do It Again").with(&robyn));
    next_week(&home).await;
    assert_eq!((subjects(&home, &martha).len(), subjects(&home, &jonas).len()), (1, 0));
    home.world.relist(&album, &artist, Group::Album);
    next_week(&home).await;
    assert_eq!(subjects(&home, &jonas), ["Robyn: Do It Again"]);
    assert!(!emails(&home, &jonas)[0].text.contains("appears on"));
    home.world.relist(&album, &artist, Group::AppearsOn);
    next_week(&home).await;
    assert_eq!((subjects(&home, &martha).len(), subjects(&home, &jonas).len()), (1, 1));
    home.finish().await;
}

#[tokio::test]
async fn an_appearance_is_no_edition_of_an_own_album_and_comes_once_itself() {
    let (home, artist, martha) = listening(&["appearances"], (0, 2)).await;
    let robyn = home.world.add_artist("Robyn");
    home.world.publish(&artist, NewAlbum::titled("Do It Again").with(&robyn));
    home.round().await;
    let with = |title: &str| appearance(title).with(&artist).with(&robyn);
    home.world.publish(&artist, with("Do It Again"));
    home.world.publish(&artist, with("Do It Again (Deluxe Edition)"));
    next_week(&home).await;
    let told = emails(&home, &martha);
    assert_eq!(told.len(), 2, "{:?}", subjects(&home, &martha));
    assert_eq!(told[1].subject, "Röyksopp on Röyksopp, Robyn: Do It Again");
    home.finish().await;
}

#[tokio::test]
async fn an_appearance_confirms_no_hint_of_an_album() {
    let hints = [("HINTS__ENABLED", "true"), ("HINTS__MUSICBRAINZ", "false")];
    let (home, artist, martha) = listening_with(&["appearances"], (0, 2), &hints).await;
    home.advance_days(7);
    home.world.publish(&artist, appearance("The same day"));
    let album = home.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    assert_eq!(home.hints().await.given, 1);
    home.world.script(Endpoint::ArtistAlbums, [nothing()]);
    let outcome = home.checks_of(Scope::Due).await;
    assert_eq!((outcome.checked, outcome.news), (1, 1), "{album}");
    home.skip_turns().await;
    home.advance_hours(10);
    assert_eq!(home.checks_of(Scope::Due).await.news, 1, "the hint asks again");
    home.emails().await;
    assert_eq!(subjects(&home, &martha), ["2 new releases: Various Artists, Röyksopp"]);
    home.finish().await;
}
