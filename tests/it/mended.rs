//! Faults that a review found, each kept from coming back.

use std::time::Duration;

use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::{Endpoint, Fault, NewAlbum, Rotation};
use dropday::jobs::{Scope, Watch, sync_follows};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::home::Home;

fn json(body: impl Into<String>) -> Fault {
    Fault::Status(200, "application/json", body.into())
}

#[tokio::test]
async fn a_null_in_an_artists_place_costs_no_news() {
    let home = Home::new().await;
    let (a, b) = (home.world.add_artist("A"), home.world.add_artist("B"));
    let martha = home.listener("Martha", &[&a, &b]).await;
    home.listener("Otto", &[&b]).await;
    home.round().await;
    let list = format!(
        r#"{{"artists":{{"items":[{{"id":"{a}","name":"A"}},null],"total":2,"cursors":{{"after":null}}}}}}"#
    );
    home.world.script(Endpoint::Following, [json(list)]);
    assert_eq!(home.follows().await.change.removed, 0);
    home.world.put_out(&b, NewAlbum::titled("Kept"));
    home.round().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn what_came_out_while_a_follow_was_gone_for_some_days_is_told_when_it_is_back() {
    let home = Home::new().await;
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.listener("Otto", &[&artist]).await;
    let others: Vec<_> = (0..9).map(|n| home.world.add_artist(format!("Other {n}"))).collect();
    others.iter().for_each(|other| home.world.follow(martha.user, other));
    home.round().await;
    home.world.unfollow(martha.user, &artist);
    assert_eq!(home.follows().await.change.removed, 1);
    home.world.put_out(&artist, NewAlbum::titled("Meanwhile"));
    home.round().await;
    assert!(home.emails_to(&martha.address).is_empty());
    home.advance_days(3);
    home.world.follow(martha.user, &artist);
    home.round().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn somebody_leaving_takes_no_album_from_others() {
    let home = Home::new().await;
    let (a, c) = (home.world.add_artist("A"), home.world.add_artist("C"));
    let martha = home.listener("Martha", &[&a, &c]).await;
    let otto = home.listener("Otto", &[&c]).await;
    home.round().await;
    home.world.put_out(&a, NewAlbum::titled("Owed"));
    home.checks().await;
    home.world.unfollow(martha.user, &a);
    home.follows().await;
    otto.browser.post("/account/leave", &[("sure", "on")]).await;
    home.emails().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn an_outage_does_not_burn_the_days_calls() {
    let home = Home::new().await;
    home.listener_of("Martha", 20).await;
    home.round().await;
    home.advance_hours(30);
    home.world
        .script(Endpoint::ArtistAlbums, std::iter::repeat_with(Fault::bad_gateway).take(1_000));
    home.world.forget_requests();
    for _ in 0..8 * 60 {
        home.checks_of(Scope::Due).await;
        home.clock.advance(Duration::from_secs(60));
    }
    let asked = home.world.count(Endpoint::ArtistAlbums);
    assert!(asked <= 30, "{asked} calls in eight hours of outage");
    home.world.clear_script(Endpoint::ArtistAlbums);
    for _ in 0..6 * 60 {
        home.checks_of(Scope::Due).await;
        home.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(home.status().await.artists.failing, 0, "soon all is well again");
    home.finish().await;
}

#[tokio::test]
async fn a_user_who_asks_now_is_not_told_to_wait_for_the_end_of_an_outage() {
    let home = Home::new().await;
    home.listener_of("Martha", 5).await;
    home.follows().await;
    home.world.script(Endpoint::ArtistAlbums, [Fault::Html, Fault::Html, Fault::Html]);
    assert!(home.checks().await.has_failed());
    assert_eq!(home.checks_of(Scope::Due).await.checked, 0);
    assert_eq!(home.checks().await.checked, 5);
    home.finish().await;
}

#[tokio::test]
async fn an_artist_that_failed_once_gets_its_turn_among_many() {
    let home = Home::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "4")]).await;
    let (ids, _) = home.listener_of("Martha", 10).await;
    home.follows().await;
    for day in 0..60 {
        if day == 20 {
            home.world.script(Endpoint::ArtistAlbums, [Fault::bad_gateway()]);
        }
        // Artists that need a second page keep the others waiting.
        for id in &ids[..6] {
            (0..6)
                .for_each(|n| drop(home.world.put_out(id, NewAlbum::titled(format!("{day}-{n}")))));
        }
        for _ in 0..4 {
            home.checks_of(Scope::Due).await;
            home.advance_hours(6);
        }
    }
    assert_eq!(home.status().await.artists.failing, 0);
    home.emails().await;
    home.finish().await;
}

#[tokio::test]
async fn a_rotated_token_is_not_lost_when_the_database_cannot_keep_it_at_once() {
    let home = Home::new().await;
    home.world.set_rotation(Rotation::Always);
    let artist = home.world.add_artist("A");
    home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.advance_hours(2);
    let other = Connection::open(home.folder.path().join("dropday.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE OF access_sealed ON tokens
                  BEGIN SELECT RAISE(ABORT, 'as if the disk were full'); END";
    other.execute_batch(refuse).unwrap();
    let stop = CancellationToken::new();
    let watch = Watch { stop: &stop, progress: &|_, _| {} };
    assert!(sync_follows::pass(&home.ctx, Scope::All, &watch).await.is_err());
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(home.follows().await.believed, 1);
    assert_eq!(home.status().await.users.connected, 1);
    home.finish().await;
}

#[tokio::test]
async fn mail_that_left_again_is_no_trouble_any_more() {
    let home = Home::new().await;
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.put_out(&artist, NewAlbum::titled("One"));
    home.checks().await;
    home.inbox.script(SmtpFault::RefuseMessage(552, "5.2.2 mailbox full".into()));
    home.emails().await;
    assert!(martha.browser.get("/account").await.body.contains("did not leave"));
    home.advance_days(1);
    home.world.put_out(&artist, NewAlbum::titled("Two"));
    home.round().await;
    assert!(!martha.browser.get("/account").await.body.contains("did not leave"));
    home.finish().await;
}

#[tokio::test]
async fn every_visitor_learns_that_the_owner_needs_premium() {
    let home = Home::new().await;
    home.world.set_owner_premium(false);
    for name in ["Martha", "Otto"] {
        let user = home.world.add_user(name);
        let browser = home.visitor();
        let back = home.world.consent(&browser.to_spotify().await, user).unwrap();
        assert!(browser.get(&back).await.body.contains("Premium"), "{name}");
    }
    home.finish().await;
}

#[tokio::test]
async fn a_total_beyond_all_measure_stops_nothing() {
    let home = Home::new().await;
    let artist = home.world.add_artist("A");
    home.listener("Martha", &[&artist]).await;
    home.follows().await;
    let page = r#"{"items":[],"total":18446744073709551615,"limit":10,"offset":0,"next":null}"#;
    home.world.script(Endpoint::ArtistAlbums, [json(page)]);
    assert_eq!(home.checks().await.checked, 1);
    home.finish().await;
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_moment_stops_nothing() {
    let mut home = Home::new().await;
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    let right = dropday::clock::Clock::now(&*home.clock);
    home.advance_days(100);
    home.follows().await;
    home.checks().await;
    home.clock.set(right);
    home.restart().await;
    home.advance_days(1);
    home.world.put_out(&artist, NewAlbum::titled("New"));
    home.follows_of(Scope::Due).await;
    home.checks_of(Scope::Due).await;
    home.emails_of(Scope::Due).await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn an_operators_fault_refuses_nobodys_news_for_good() {
    let home = Home::new().await;
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.put_out(&artist, NewAlbum::titled("One"));
    home.checks().await;
    for text in [
        "5.7.1 <dropday@example.com>: Sender address rejected: not owned by user",
        "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example",
        "5.7.26 Unauthenticated mail is not accepted",
    ] {
        home.inbox.refuse(&martha.address, 554, text);
        assert_eq!(home.emails().await.refused, 0, "{text}");
    }
    home.inbox.accept(&martha.address);
    home.inbox.script(SmtpFault::RefuseMessage(550, "5.7.26 rejected by DMARC policy".into()));
    assert_eq!(home.emails().await.refused, 0);
    home.emails().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn junk_callbacks_cannot_fill_the_queue_to_spotify() {
    let home = Home::with(&[("SPOTIFY__REQUEST_INTERVAL", "20s")]).await;
    let before = dropday::clock::Clock::now(&*home.clock);
    let browser = home.visitor();
    for _ in 0..5 {
        let authorize = browser.to_spotify().await;
        let state = authorize.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        browser.get(&format!("/callback?code=junk&state={state}")).await;
    }
    let waited = dropday::clock::Clock::now(&*home.clock).duration_since(before);
    assert!(waited.as_secs() <= 10 && home.world.count(Endpoint::Token) == 1, "{waited:#}");
    home.finish().await;
}

#[tokio::test]
async fn running_out_of_calls_between_two_pages_is_no_failure() {
    let home = Home::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")]).await;
    let artist = home.world.add_artist("Prolific");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    (0..15).for_each(|n| {
        drop(home.world.put_out(&artist, NewAlbum::titled(format!("Album {n:02}."))))
    });
    let outcome = home.checks().await;
    assert!(!outcome.has_failed() && outcome.news == 10, "{outcome}");
    home.advance_days(1);
    home.checks().await;
    home.advance_days(1);
    home.round().await;
    let text = &home.emails_to(&martha.address)[0].text;
    assert!((0..15).all(|n| text.contains(&format!("Album {n:02}."))), "{text}");
    home.finish().await;
}

#[tokio::test]
async fn news_that_was_refused_at_the_old_address_is_told_at_the_new_one() {
    let home = Home::new().await;
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.inbox.refuse(&martha.address, 550, "5.1.1 no such user");
    home.world.put_out(&artist, NewAlbum::titled("One"));
    home.round().await;
    martha.browser.post("/account/address", &[("email", "new@example.com")]).await;
    home.emails().await;
    let link = home.emails_to("new@example.com")[0].link("/confirm/");
    martha.browser.post(&link, &[]).await;
    home.emails().await;
    let subjects: Vec<_> =
        home.emails_to("new@example.com").into_iter().skip(1).map(|l| l.subject).collect();
    assert_eq!(subjects, ["A: One"]);
    home.finish().await;
}

#[tokio::test]
async fn the_page_of_new_albums_lists_what_came_out_lately() {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.put_out(&artist, NewAlbum::titled("Profound <b>Mysteries</b>"));
    home.round().await;
    let page = martha.browser.get("/new").await.body;
    assert!(page.contains("Profound &#60;b&#62;Mysteries"), "{page}");
    home.finish().await;
}

#[tokio::test]
async fn what_came_out_while_nobody_asked_for_months_is_told_all_the_same() {
    let home = Home::new().await;
    let artist = home.world.add_artist("A");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.advance_days(3);
    home.world.put_out(&artist, NewAlbum::titled("Long ago").on("2026-11-26"));
    (0..12).for_each(|n| {
        let title = format!("Later {n:02}.");
        drop(home.world.put_out(&artist, NewAlbum::titled(title).on("2026-11-28")));
    });
    home.advance_days(90);
    home.world.put_out(&artist, NewAlbum::titled("Reissued").on("2001-05-06"));
    home.round().await;
    let text = &home.emails_to(&martha.address)[0].text;
    assert!(text.contains("Long ago") && text.contains("Later 11."), "{text}");
    assert!(!text.contains("Reissued"), "it was added late");
    home.finish().await;
}

#[tokio::test]
async fn a_clock_that_has_not_been_set_yet_empties_no_ledger() {
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
async fn checks_and_consents_of_a_wrong_clock_are_not_believed() {
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
    assert!(page.contains("Your permission lasts until 23 May 2027."), "{page}");
    home.advance_days(22);
    assert_eq!(home.status().await.artists.overdue, 1);
    home.finish().await;
}
