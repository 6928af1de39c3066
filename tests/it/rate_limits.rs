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

use crate::test_app::TestApp;

/// What was asked about artists' albums so far, in turn.
fn asked(app: &TestApp) -> Vec<Request> {
    let mut requests = app.world.requests();
    requests.retain(|request| request.endpoint == Endpoint::ArtistAlbums);
    requests
}

async fn home_with_artists(count: usize, settings: &[(&str, &str)]) -> TestApp {
    let app = TestApp::with(settings).await;
    app.listener_of("Martha", count).await;
    app.follows().await;
    app.world.forget_requests();
    app
}

#[tokio::test]
async fn rate_limit_pauses_all_calls_across_restart() {
    let mut app = home_with_artists(3, &[]).await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::RateLimited { retry_after: Some(3600) }]);
    let outcome = app.checks().await;
    assert!(outcome.has_failed() && outcome.checked == 0, "{outcome}");
    app.restart().await;
    app.clock.advance(Duration::from_secs(3599));
    assert!(app.checks().await.has_failed());
    assert!(app.follows().await.has_failed());
    assert_eq!(app.world.requests().len(), 1, "nothing was asked in the meantime");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(app.checks().await.checked, 3, "it advanced nothing, and nothing was lost");
    assert!(!app.follows().await.has_failed());
    app.finish().await;
}

#[tokio::test]
async fn rate_limit_without_retry_after_is_honoured() {
    let app = home_with_artists(1, &[]).await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::RateLimited { retry_after: None }]);
    app.checks().await;
    assert_eq!(app.checks().await.checked, 0);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(app.checks().await.checked, 1);
    app.finish().await;
}

#[tokio::test]
async fn exhausted_quota_pauses_only_its_bucket() {
    let mut app = home_with_artists(3, &[]).await;
    app.world.set_artist_albums_quota(Some(2));
    let outcome = app.checks().await;
    assert_eq!(outcome.checked, 2, "{outcome}");
    app.restart().await;
    assert!(!app.follows().await.has_failed(), "follows have a bucket of their own");
    app.advance_hours(23);
    assert_eq!(app.checks().await.checked, 0);
    assert_eq!(app.world.count(Endpoint::ArtistAlbums), 3);
    app.world.set_artist_albums_quota(None);
    app.advance_hours(1);
    assert_eq!(app.checks().await.checked, 3);
    app.finish().await;
}

#[tokio::test]
async fn exhausted_quota_without_retry_after_pauses_a_day() {
    let app = home_with_artists(1, &[]).await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::QuotaExceeded { retry_after: None }]);
    app.checks().await;
    app.advance_hours(23);
    assert_eq!(app.checks().await.checked, 0);
    app.advance_hours(1);
    assert_eq!(app.checks().await.checked, 1);
    app.finish().await;
}

#[tokio::test]
async fn daily_limit_holds_in_any_24_hours() {
    let per_day = 7;
    let mut app = home_with_artists(20, &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "7")]).await;
    for round in 0..60 {
        app.checks_of(if round % 3 == 0 { Scope::All } else { Scope::Due }).await;
        app.clock.advance(Duration::from_secs(1800 + 977 * (round % 5)));
        if round % 4 == 0 {
            app.restart().await;
        }
    }
    let asked: Vec<_> = asked(&app).into_iter().map(|request| request.at).collect();
    assert!(asked.len() > 2 * per_day, "the play is long enough to tell");
    for window in asked.windows(per_day + 1) {
        let took = window[per_day].duration_since(window[0]);
        assert!(
            took >= jiff::SignedDuration::from_hours(24),
            "{} calls within {took:#}",
            per_day + 1
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn longest_waiting_artist_is_checked_next() {
    let app = home_with_artists(6, &[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")]).await;
    for _ in 0..6 {
        let outcome = app.checks().await;
        assert_eq!(outcome.checked, 2, "{outcome}");
        assert!(
            !outcome.has_failed() && outcome.left.is_some(),
            "to wait one's turn is no failure"
        );
        app.advance_hours(24);
    }
    let mut asked: Vec<_> = asked(&app).into_iter().map(|request| request.path).collect();
    let second = asked.split_off(6);
    assert_eq!(asked, second, "each in its turn, twice round");
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 6);
    app.finish().await;
}

#[tokio::test]
async fn artist_is_not_checked_before_it_is_due() {
    let app = home_with_artists(3, &[]).await;
    assert_eq!(app.checks_of(Scope::Due).await.checked, 3);
    app.advance_hours(5);
    assert_eq!(app.checks_of(Scope::Due).await.checked, 0);
    app.advance_hours(1);
    assert_eq!(app.checks_of(Scope::Due).await.checked, 3);
    app.finish().await;
}

#[tokio::test]
async fn calls_keep_minimum_interval() {
    let app = home_with_artists(4, &[("SPOTIFY__REQUEST_INTERVAL", "1500ms")]).await;
    app.checks().await;
    let asked: Vec<_> = asked(&app).into_iter().map(|request| request.at).collect();
    for pair in asked.windows(2) {
        assert!(pair[1].duration_since(pair[0]).as_millis() >= 1500);
    }
    app.finish().await;
}

#[tokio::test]
async fn user_tokens_are_used_in_turn() {
    let app = TestApp::new().await;
    let artists: Vec<_> = (0..6).map(|n| app.world.add_artist(format!("Artist {n}"))).collect();
    let ids: Vec<&str> = artists.iter().map(String::as_str).collect();
    for name in ["Martha", "Jonas", "Aino"] {
        app.listener(name, &ids).await;
    }
    app.round().await;
    let requests = app.world.requests();
    let lent = |user| {
        let theirs = requests
            .iter()
            .filter(|r| r.endpoint == Endpoint::ArtistAlbums && r.user == Some(user));
        theirs.count()
    };
    let turns: Vec<_> = app.world.users().into_iter().map(|(user, _)| lent(user)).collect();
    assert_eq!(turns, [2, 2, 2]);
    app.finish().await;
}

#[tokio::test]
async fn rejected_user_delays_no_news_of_others() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.round().await;
    app.world.change_user(martha.user, |user| user.allow_listed = false);
    app.world.publish(&artist, NewAlbum::titled("New"));
    for _ in 0..2 {
        assert!(!app.checks().await.has_failed());
    }
    app.emails().await;
    assert_eq!(app.emails_to(&jonas.address).len(), 1);
    assert_eq!(app.status().await.users.rejected, 1);
    app.world.change_user(martha.user, |user| user.allow_listed = true);
    app.advance_hours(7);
    app.round().await;
    assert_eq!(app.status().await.users.rejected, 0);
    app.finish().await;
}

#[tokio::test]
async fn missing_premium_pauses_all_calls() {
    let app = home_with_artists(3, &[]).await;
    app.world.set_owner_premium(false);
    assert!(app.checks().await.has_failed());
    assert!(app.follows().await.has_failed());
    assert_eq!(app.world.requests().len(), 1, "asked once, not once for each");
    assert_eq!(app.status().await.users.must_sign_in_again, 0);
    app.world.set_owner_premium(true);
    app.advance_hours(1);
    assert_eq!(app.checks().await.checked, 3);
    app.finish().await;
}

#[tokio::test]
async fn failing_artists_do_not_block_others() {
    let app = home_with_artists(6, &[]).await;
    app.world.script(Endpoint::ArtistAlbums, std::iter::repeat_with(Fault::server_error).take(3));
    let outcome = app.checks().await;
    assert_eq!((outcome.checked, outcome.failed), (0, 3), "three in a row are Spotify's trouble");
    app.world.script(Endpoint::ArtistAlbums, []);
    let outcome = app.checks().await;
    assert_eq!(outcome.checked, 6, "{outcome}");
    app.finish().await;
}

#[tokio::test]
async fn catalogue_works_with_app_token() {
    let app = TestApp::with(&[
        ("SPOTIFY__CATALOG_TOKEN", "app"),
        ("SPOTIFY__CLIENT_SECRET", "hush"),
        ("SPOTIFY__MARKET", "de"),
    ])
    .await;
    app.world.set_client_secret("hush");
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("New"));
    app.world.expire_access_tokens();
    app.advance_hours(2);
    app.round().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    let requests = app.world.requests();
    let asked = requests.iter().filter(|r| r.endpoint == Endpoint::ArtistAlbums);
    for request in asked {
        assert!(request.user.is_none() && request.query.contains("market=DE"), "{request:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn exhausted_follow_quota_only_pauses_syncs() {
    let app = TestApp::new().await;
    for name in ["Martha", "Jonas", "Aino"] {
        app.listener(name, &[]).await;
    }
    app.world.script(Endpoint::Following, [Fault::QuotaExceeded { retry_after: Some(3600) }]);
    assert!(app.follows().await.has_failed());
    app.advance_hours(1);
    for _ in 0..3 {
        assert_eq!(app.follows().await.applied, 3);
    }
    app.finish().await;
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
async fn clock_step_back_does_not_block_booked_calls() {
    let app = home_with_artists(3, &[("SPOTIFY__REQUEST_INTERVAL", "1s")]).await;
    let clock = Arc::new(SetBack { clock: Arc::clone(&app.clock), longest: Mutex::default() });
    let ctx = app::build(&app.config, clock.clone(), SeededRng::new(9)).unwrap();
    let stop = CancellationToken::new();
    let watch = RunControl { stop: &stop, progress: &|_, _| {} };
    let outcome = check_artists::run(&ctx, Scope::All, &watch).await.unwrap();
    assert!(outcome.checked > 0, "{outcome}");
    let longest = *clock.longest.lock().unwrap();
    assert!(longest <= Duration::from_secs(5), "waited for {longest:?}");
    drop(ctx);
    app.finish().await;
}

#[tokio::test]
async fn outage_does_not_use_up_the_daily_quota() {
    let app = TestApp::new().await;
    app.listener_of("Martha", 20).await;
    app.round().await;
    app.advance_hours(30);
    app.world
        .script(Endpoint::ArtistAlbums, std::iter::repeat_with(Fault::bad_gateway).take(1_000));
    app.world.forget_requests();
    for _ in 0..8 * 60 {
        app.checks_of(Scope::Due).await;
        app.clock.advance(Duration::from_secs(60));
    }
    let asked = app.world.count(Endpoint::ArtistAlbums);
    assert!(asked <= 30, "{asked} calls in eight hours of outage");
    app.world.clear_script(Endpoint::ArtistAlbums);
    for _ in 0..6 * 60 {
        app.checks_of(Scope::Due).await;
        app.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(app.status().await.artists.failing, 0, "soon all is well again");
    app.finish().await;
}

#[tokio::test]
async fn manual_check_ignores_the_pause_after_an_outage() {
    let app = TestApp::new().await;
    app.listener_of("Martha", 5).await;
    app.follows().await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::Html, Fault::Html, Fault::Html]);
    assert!(app.checks().await.has_failed());
    assert_eq!(app.checks_of(Scope::Due).await.checked, 0);
    assert_eq!(app.checks().await.checked, 5);
    app.finish().await;
}

#[tokio::test]
async fn junk_callbacks_do_not_fill_the_request_queue() {
    let app = TestApp::with(&[("SPOTIFY__REQUEST_INTERVAL", "20s")]).await;
    let before = app.now();
    let browser = app.visitor();
    for _ in 0..5 {
        let authorize = browser.to_spotify().await;
        let state = authorize.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        browser.get(&format!("/callback?code=junk&state={state}")).await;
    }
    let waited = app.now().duration_since(before);
    assert!(waited.as_secs() <= 10 && app.world.count(Endpoint::Token) == 1, "{waited:#}");
    app.finish().await;
}

#[tokio::test]
async fn quota_used_up_between_pages_is_no_failure() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")]).await;
    let artist = app.world.add_artist("Prolific");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (0..15)
        .for_each(|n| drop(app.world.publish(&artist, NewAlbum::titled(format!("Album {n:02}.")))));
    let outcome = app.checks().await;
    assert!(!outcome.has_failed() && outcome.news == 10, "{outcome}");
    app.advance_days(1);
    app.checks().await;
    app.advance_days(1);
    app.round().await;
    let text = &app.emails_to(&martha.address)[0].text;
    assert!((0..15).all(|n| text.contains(&format!("Album {n:02}."))), "{text}");
    app.finish().await;
}
