//! Spotify's limits, and ours.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::test_clock::{ManualClock, SeededRng};
use dropday::app;
use dropday::clock::{Clock, Sleep};
use dropday::demo::world::{Endpoint, Fault, NewAlbum, Request};
use dropday::jobs::{RunControl, Scope, check_artists};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::home::Home;

/// What was asked about artists' albums so far, in turn.
fn asked(home: &Home) -> Vec<Request> {
    let mut requests = home.world.requests();
    requests.retain(|request| request.endpoint == Endpoint::ArtistAlbums);
    requests
}

async fn home_with_artists(count: usize, settings: &[(&str, &str)]) -> Home {
    let home = Home::with(settings).await;
    home.listener_of("Martha", count).await;
    home.follows().await;
    home.world.forget_requests();
    home
}

#[tokio::test]
async fn a_rate_limit_pauses_everything_and_survives_a_restart() {
    let mut home = home_with_artists(3, &[]).await;
    home.world.script(Endpoint::ArtistAlbums, [Fault::RateLimited { retry_after: Some(3600) }]);
    let outcome = home.checks().await;
    assert!(outcome.has_failed() && outcome.checked == 0, "{outcome}");
    home.restart().await;
    home.clock.advance(Duration::from_secs(3599));
    assert!(home.checks().await.has_failed());
    assert!(home.follows().await.has_failed());
    assert_eq!(home.world.requests().len(), 1, "nothing was asked in the meantime");
    home.clock.advance(Duration::from_secs(1));
    assert_eq!(home.checks().await.checked, 3, "it advanced nothing, and nothing was lost");
    assert!(!home.follows().await.has_failed());
    home.finish().await;
}

#[tokio::test]
async fn a_rate_limit_that_does_not_say_how_long_is_honoured_all_the_same() {
    let home = home_with_artists(1, &[]).await;
    home.world.script(Endpoint::ArtistAlbums, [Fault::RateLimited { retry_after: None }]);
    home.checks().await;
    assert_eq!(home.checks().await.checked, 0);
    home.clock.advance(Duration::from_secs(60));
    assert_eq!(home.checks().await.checked, 1);
    home.finish().await;
}

#[tokio::test]
async fn a_spent_quota_stops_its_own_calls_and_no_others() {
    let mut home = home_with_artists(3, &[]).await;
    home.world.set_artist_albums_quota(Some(2));
    let outcome = home.checks().await;
    assert_eq!(outcome.checked, 2, "{outcome}");
    home.restart().await;
    assert!(!home.follows().await.has_failed(), "follows have a bucket of their own");
    home.advance_hours(23);
    assert_eq!(home.checks().await.checked, 0);
    assert_eq!(home.world.count(Endpoint::ArtistAlbums), 3);
    home.world.set_artist_albums_quota(None);
    home.advance_hours(1);
    assert_eq!(home.checks().await.checked, 3);
    home.finish().await;
}

#[tokio::test]
async fn a_spent_quota_that_does_not_say_how_long_is_left_alone_for_a_day() {
    let home = home_with_artists(1, &[]).await;
    home.world.script(Endpoint::ArtistAlbums, [Fault::QuotaExceeded { retry_after: None }]);
    home.checks().await;
    home.advance_hours(23);
    assert_eq!(home.checks().await.checked, 0);
    home.advance_hours(1);
    assert_eq!(home.checks().await.checked, 1);
    home.finish().await;
}

#[tokio::test]
async fn the_days_calls_are_never_passed_in_any_rolling_day_whatever_the_restarts() {
    let per_day = 7;
    let mut home = home_with_artists(20, &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "7")]).await;
    for round in 0..60 {
        home.checks_of(if round % 3 == 0 { Scope::All } else { Scope::Due }).await;
        home.clock.advance(Duration::from_secs(1800 + 977 * (round % 5)));
        if round % 4 == 0 {
            home.restart().await;
        }
    }
    let asked: Vec<_> = asked(&home).into_iter().map(|request| request.at).collect();
    assert!(asked.len() > 2 * per_day, "the play is long enough to tell");
    for window in asked.windows(per_day + 1) {
        let took = window[per_day].duration_since(window[0]);
        assert!(
            took >= jiff::SignedDuration::from_hours(24),
            "{} calls within {took:#}",
            per_day + 1
        );
    }
    home.finish().await;
}

#[tokio::test]
async fn the_artist_that_waited_longest_is_asked_next() {
    let home = home_with_artists(6, &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")]).await;
    for _ in 0..6 {
        let outcome = home.checks().await;
        assert_eq!(outcome.checked, 2, "{outcome}");
        assert!(
            !outcome.has_failed() && outcome.left.is_some(),
            "to wait one's turn is no failure"
        );
        home.advance_hours(24);
    }
    let mut asked: Vec<_> = asked(&home).into_iter().map(|request| request.path).collect();
    let second = asked.split_off(6);
    assert_eq!(asked, second, "each in its turn, twice round");
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 6);
    home.finish().await;
}

#[tokio::test]
async fn an_artist_is_not_asked_about_again_before_it_is_due() {
    let home = home_with_artists(3, &[]).await;
    assert_eq!(home.checks_of(Scope::Due).await.checked, 3);
    home.advance_hours(5);
    assert_eq!(home.checks_of(Scope::Due).await.checked, 0);
    home.advance_hours(1);
    assert_eq!(home.checks_of(Scope::Due).await.checked, 3);
    home.finish().await;
}

#[tokio::test]
async fn calls_keep_their_distance() {
    let home = home_with_artists(4, &[("SPOTIFY__REQUEST_INTERVAL", "1500ms")]).await;
    home.checks().await;
    let asked: Vec<_> = asked(&home).into_iter().map(|request| request.at).collect();
    for pair in asked.windows(2) {
        assert!(pair[1].duration_since(pair[0]).as_millis() >= 1500);
    }
    home.finish().await;
}

#[tokio::test]
async fn users_lend_their_tokens_by_turns() {
    let home = Home::new().await;
    let artists: Vec<_> = (0..6).map(|n| home.world.add_artist(format!("Artist {n}"))).collect();
    let ids: Vec<&str> = artists.iter().map(String::as_str).collect();
    for name in ["Martha", "Jonas", "Aino"] {
        home.listener(name, &ids).await;
    }
    home.round().await;
    let requests = home.world.requests();
    let lent = |user| {
        let theirs = requests
            .iter()
            .filter(|r| r.endpoint == Endpoint::ArtistAlbums && r.user == Some(user));
        theirs.count()
    };
    let turns: Vec<_> = home.world.users().into_iter().map(|(user, _)| lent(user)).collect();
    assert_eq!(turns, [2, 2, 2]);
    home.finish().await;
}

#[tokio::test]
async fn a_user_whom_spotify_refuses_costs_the_others_no_news() {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    home.round().await;
    home.world.change_user(martha.user, |user| user.allow_listed = false);
    home.world.publish(&artist, NewAlbum::titled("New"));
    for _ in 0..2 {
        assert!(!home.checks().await.has_failed());
    }
    home.emails().await;
    assert_eq!(home.emails_to(&jonas.address).len(), 1);
    assert_eq!(home.status().await.users.in_trouble, 1);
    home.world.change_user(martha.user, |user| user.allow_listed = true);
    home.advance_hours(7);
    home.round().await;
    assert_eq!(home.status().await.users.in_trouble, 0);
    home.finish().await;
}

#[tokio::test]
async fn without_premium_everything_rests_for_a_while() {
    let home = home_with_artists(3, &[]).await;
    home.world.set_owner_premium(false);
    assert!(home.checks().await.has_failed());
    assert!(home.follows().await.has_failed());
    assert_eq!(home.world.requests().len(), 1, "asked once, not once for each");
    assert_eq!(home.status().await.users.must_sign_in_again, 0);
    home.world.set_owner_premium(true);
    home.advance_hours(1);
    assert_eq!(home.checks().await.checked, 3);
    home.finish().await;
}

#[tokio::test]
async fn artists_that_fail_for_ever_do_not_stand_in_the_others_way() {
    let home = home_with_artists(6, &[]).await;
    home.world.script(Endpoint::ArtistAlbums, std::iter::repeat_with(Fault::server_error).take(3));
    let outcome = home.checks().await;
    assert_eq!((outcome.checked, outcome.failed), (0, 3), "three in a row are Spotify's trouble");
    home.world.script(Endpoint::ArtistAlbums, []);
    let outcome = home.checks().await;
    assert_eq!(outcome.checked, 6, "{outcome}");
    home.finish().await;
}

#[tokio::test]
async fn the_catalogue_can_be_asked_with_the_apps_own_token() {
    let home = Home::with(&[
        ("SPOTIFY__CATALOG_TOKEN", "app"),
        ("SPOTIFY__CLIENT_SECRET", "hush"),
        ("SPOTIFY__MARKET", "de"),
    ])
    .await;
    home.world.set_client_secret("hush");
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.publish(&artist, NewAlbum::titled("New"));
    home.world.expire_access_tokens();
    home.advance_hours(2);
    home.round().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    let requests = home.world.requests();
    let asked = requests.iter().filter(|r| r.endpoint == Endpoint::ArtistAlbums);
    for request in asked {
        assert!(request.user.is_none() && request.query.contains("market=DE"), "{request:?}");
    }
    home.finish().await;
}

#[tokio::test]
async fn a_spent_quota_of_follows_costs_its_pause_and_nothing_afterwards() {
    let home = Home::new().await;
    for name in ["Martha", "Jonas", "Aino"] {
        home.listener(name, &[]).await;
    }
    home.world.script(Endpoint::Following, [Fault::QuotaExceeded { retry_after: Some(3600) }]);
    assert!(home.follows().await.has_failed());
    home.advance_hours(1);
    for _ in 0..3 {
        assert_eq!(home.follows().await.believed, 3);
    }
    home.finish().await;
}

/// A clock that is three days ahead for who writes to the database, and is set back right afterwards, each time.
struct SetBack {
    clock: Arc<ManualClock>,
    longest: Mutex<Duration>,
}

impl Clock for SetBack {
    fn now(&self) -> Timestamp {
        let writes = std::thread::current().name() == Some("db-write");
        self.clock.now() + Duration::from_secs(if writes { 3 * 86_400 } else { 0 })
    }

    fn sleep(&self, time: Duration) -> Sleep<'_> {
        let mut longest = self.longest.lock().unwrap();
        *longest = time.max(*longest);
        self.clock.sleep(time)
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_while_a_call_is_booked_keeps_nobody_waiting_for_as_long() {
    let home = home_with_artists(3, &[("SPOTIFY__REQUEST_INTERVAL", "1s")]).await;
    let clock = Arc::new(SetBack { clock: Arc::clone(&home.clock), longest: Mutex::default() });
    let ctx = app::build(&home.config, clock.clone(), SeededRng::new(9)).unwrap();
    let stop = CancellationToken::new();
    let watch = RunControl { stop: &stop, progress: &|_, _| {} };
    let outcome = check_artists::run(&ctx, Scope::All, &watch).await.unwrap();
    assert!(outcome.checked > 0, "{outcome}");
    let longest = *clock.longest.lock().unwrap();
    assert!(longest <= Duration::from_secs(5), "waited for {longest:?}");
    drop(ctx);
    home.finish().await;
}

#[tokio::test]
async fn outage_does_not_use_up_the_daily_quota() {
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
async fn manual_check_ignores_the_pause_after_an_outage() {
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
async fn junk_callbacks_do_not_fill_the_request_queue() {
    let home = Home::with(&[("SPOTIFY__REQUEST_INTERVAL", "20s")]).await;
    let before = home.now();
    let browser = home.visitor();
    for _ in 0..5 {
        let authorize = browser.to_spotify().await;
        let state = authorize.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        browser.get(&format!("/callback?code=junk&state={state}")).await;
    }
    let waited = home.now().duration_since(before);
    assert!(waited.as_secs() <= 10 && home.world.count(Endpoint::Token) == 1, "{waited:#}");
    home.finish().await;
}

#[tokio::test]
async fn quota_used_up_between_pages_is_no_failure() {
    let home = Home::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")]).await;
    let artist = home.world.add_artist("Prolific");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    (0..15).for_each(|n| {
        drop(home.world.publish(&artist, NewAlbum::titled(format!("Album {n:02}."))))
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
