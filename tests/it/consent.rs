//! Keeping a consent alive, and ending it only when Spotify does.

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::jobs::{RunControl, Scope, sync_follows};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::home::{Home, Listener};

async fn connected_with_rotation() -> (Home, String, Listener) {
    let connected = connected().await;
    connected.0.world.rotate_refresh_tokens();
    connected
}

async fn connected() -> (Home, String, Listener) {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.world.forget_requests();
    (home, artist, martha)
}

async fn months_go_by((home, artist, martha): (Home, String, Listener)) {
    for month in 1..=5 {
        home.advance_days(30);
        home.world.publish(&artist, NewAlbum::titled(format!("Month {month}")));
        home.round().await;
        assert_eq!(home.emails_to(&martha.address).len(), month);
    }
    assert_eq!(home.status().await.users.must_sign_in_again, 0);
    home.finish().await;
}

#[tokio::test]
async fn a_consent_lives_on_where_refresh_tokens_stay_the_same() {
    months_go_by(connected().await).await;
}

#[tokio::test]
async fn a_consent_lives_on_where_every_refresh_brings_a_new_refresh_token() {
    months_go_by(connected_with_rotation().await).await;
}

#[tokio::test]
async fn a_rotated_token_survives_a_restart() {
    let (mut home, ..) = connected_with_rotation().await;
    for _ in 0..3 {
        home.advance_hours(2);
        home.follows().await;
        home.restart().await;
    }
    assert_eq!(home.status().await.users.connected, 1);
    home.finish().await;
}

#[tokio::test]
async fn a_token_is_refreshed_five_minutes_before_it_ends_and_not_earlier() {
    let (home, ..) = connected().await;
    home.clock.advance(std::time::Duration::from_secs(3600 - 301));
    home.follows().await;
    assert_eq!(home.world.count(Endpoint::Token), 0);
    home.clock.advance(std::time::Duration::from_secs(1));
    home.follows().await;
    assert_eq!(home.world.count(Endpoint::Token), 1);
    home.finish().await;
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_the_call_made_again() {
    let (home, ..) = connected_with_rotation().await;
    home.world.expire_access_tokens();
    let outcome = home.follows().await;
    assert_eq!((outcome.believed, home.world.count(Endpoint::Token)), (1, 1), "{outcome}");
    home.finish().await;
}

#[tokio::test]
async fn one_refresh_at_a_time_whoever_asks() {
    let (home, ..) = connected_with_rotation().await;
    home.world.expire_access_tokens();
    let rounds = [home.follows(), home.follows(), home.follows(), home.follows()];
    let outcomes = futures(rounds).await;
    assert!(outcomes.iter().all(|outcome| outcome.believed == 1), "{outcomes:?}");
    assert_eq!(home.world.count(Endpoint::Token), 1, "a token that rotates is good once");
    assert_eq!(home.status().await.users.connected, 1);
    home.finish().await;
}

async fn futures<F: Future>([a, b, c, d]: [F; 4]) -> [F::Output; 4] {
    tokio::join!(a, b, c, d).into()
}

#[tokio::test]
async fn when_spotify_ends_a_consent_one_email_says_so_and_a_sign_in_renews_it() {
    let (home, artist, martha) = connected().await;
    home.world.expire(martha.user);
    home.advance_hours(2);
    home.follows().await;
    assert_eq!(home.status().await.users.must_sign_in_again, 1, "one alone is believed at once");
    for _ in 0..3 {
        home.round().await;
        home.advance_hours(7);
    }
    assert_eq!(home.status().await.users.must_sign_in_again, 1);
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails.len(), 1, "one letter says so");
    assert!(emails[0].link("/login").ends_with("/login"));
    let page = martha.browser.get("/account").await.body;
    assert!(page.contains("sign in with Spotify again"), "{page}");

    martha.browser.sign_in(&home.world, martha.user).await;
    let status = home.status().await;
    assert_eq!((status.users.all, status.users.connected), (1, 1));
    home.world.publish(&artist, NewAlbum::titled("After"));
    home.round().await;
    assert_eq!(
        home.emails_to(&martha.address).len(),
        2,
        "her address and her artists are still known"
    );
    home.finish().await;
}

#[tokio::test]
async fn six_months_end_a_consent_whatever_was_refreshed() {
    let (home, _, martha) = connected_with_rotation().await;
    for _ in 0..185 {
        home.advance_days(1);
        home.follows().await;
    }
    home.emails().await;
    assert_eq!(home.status().await.users.must_sign_in_again, 1);
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn nothing_but_invalid_grant_ends_a_consent() {
    let odd = [
        Fault::server_error(),
        Fault::bad_gateway(),
        Fault::RateLimited { retry_after: Some(1) },
        Fault::Html,
        Fault::Truncated,
        Fault::Garbled,
        Fault::Huge(2_000_000),
        Fault::Status(400, "application/json", r#"{"error":"temporarily_unavailable"}"#.into()),
        Fault::Status(400, "application/json", "{}".into()),
        Fault::Status(401, "application/json", r#"{"error":"invalid_client"}"#.into()),
        Fault::Status(500, "application/json", r#"{"error":"invalid_grant"}"#.into()),
        Fault::Status(200, "application/json", "{}".into()),
        Fault::Status(200, "application/json", r#"{"access_token":""}"#.into()),
    ];
    let (home, ..) = connected_with_rotation().await;
    for fault in odd {
        home.advance_hours(2);
        let what = format!("{fault:?}").chars().take(80).collect::<String>();
        home.world.script(Endpoint::Token, [fault]);
        let outcome = home.follows().await;
        assert!(outcome.has_failed(), "{what}: {outcome}");
        assert_eq!(home.status().await.users.connected, 1, "{what}");
        home.clock.advance(std::time::Duration::from_secs(61));
        let outcome = home.follows().await;
        assert_eq!(outcome.believed, 1, "after {what}: {outcome}");
    }
    home.finish().await;
}

#[tokio::test]
async fn while_a_token_still_lives_a_refresh_that_fails_costs_nothing() {
    let (home, ..) = connected().await;
    home.clock.advance(std::time::Duration::from_secs(3600 - 60));
    home.world.script(Endpoint::Token, [Fault::server_error()]);
    assert_eq!(home.follows().await.believed, 1);
    home.finish().await;
}

#[tokio::test]
async fn tokens_do_not_lie_readable_in_the_database() {
    let (home, ..) = connected_with_rotation().await;
    home.world.script(Endpoint::Token, [Fault::Status(
        200,
        "application/json",
        r#"{"access_token":"READABLE-ACCESS","refresh_token":"READABLE-REFRESH","token_type":"Bearer","expires_in":3600}"#.into(),
    )]);
    // So that nobody finds out that these tokens are not Spotify's.
    home.world.script(Endpoint::Following, [Fault::Html]);
    home.advance_hours(2);
    home.follows().await;
    assert_eq!(home.status().await.users.connected, 1, "they are kept");
    for file in std::fs::read_dir(home.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"READABLE-"));
    }
    home.finish().await;
}

/// Martha and Jonas, who follow the same artist, with a first look at it made.
async fn two_listeners() -> (Home, String, Listener, Listener) {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    home.round().await;
    (home, artist, martha, jonas)
}

fn subjects(home: &Home, listener: &Listener) -> Vec<String> {
    home.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

#[tokio::test]
async fn after_an_expired_consent_news_goes_on_with_anothers_token() {
    let (home, artist, martha, jonas) = two_listeners().await;
    home.world.expire(martha.user);
    home.advance_hours(2);
    home.round().await;
    home.advance_hours(1);
    home.world.publish(&artist, NewAlbum::titled("After"));
    home.round().await;
    home.advance_days(10);
    home.world.publish(&artist, NewAlbum::titled("Long after"));
    home.round().await;
    let told = ["Please sign in with Spotify again", "Röyksopp: After", "Röyksopp: Long after"];
    let mut hers = subjects(&home, &martha);
    hers.sort();
    assert_eq!(hers, told);
    assert_eq!(subjects(&home, &jonas), told[1..]);
    let users = home.status().await.users;
    assert_eq!((users.all, users.must_sign_in_again), (2, 1));
    home.finish().await;
}

#[tokio::test]
async fn who_withdraws_the_permission_gets_no_more_news_and_is_gone_after_four_days() {
    let (mut home, artist, martha, jonas) = two_listeners().await;
    let own = home.world.add_artist("Hers alone");
    home.world.follow(martha.user, &own);
    home.round().await;
    home.inbox.stop().await;
    home.world.publish(&artist, NewAlbum::titled("Owed before"));
    home.round().await;
    home.world.revoke(martha.user);
    home.follows().await;
    home.inbox.restart().await.unwrap();
    home.world.publish(&artist, NewAlbum::titled("Came out after"));
    home.round().await;
    assert_eq!(subjects(&home, &martha), Vec::<String>::new(), "news stops at once");
    assert_eq!(
        home.status().await.emails.queued,
        2,
        "the album owed before and the letter about the end"
    );
    home.advance_hours(1);
    home.round().await;
    home.restart().await;
    home.round().await;
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails.len(), 1, "one letter says so");
    assert!(emails[0].text.contains("On 27 November 2026 your data"), "{}", emails[0].text);
    let page = martha.browser.get("/account").await.words();
    assert!(page.contains("deleted on 27 November 2026"), "{page}");

    home.advance_hours(4 * 24 - 2);
    home.round().await;
    assert_eq!(home.status().await.users.all, 2);
    home.advance_hours(1);
    assert_eq!(home.consents().await.deleted, 1);
    home.round().await;
    assert_eq!(home.status().await.users.all, 1);
    assert_eq!(subjects(&home, &jonas).len(), 1, "both albums in one letter");
    for file in std::fs::read_dir(home.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for gone in [martha.address.as_str(), "Martha", "Hers alone", own.as_str()] {
            assert!(!bytes.windows(gone.len()).any(|w| w == gone.as_bytes()), "{gone}");
        }
    }
    assert_eq!(martha.browser.get("/account").await.location.as_deref(), Some("/"));
    home.finish().await;
}

#[tokio::test]
async fn who_withdraws_and_signs_in_again_in_time_has_missed_nothing() {
    let (home, artist, martha, _) = two_listeners().await;
    home.inbox.stop().await;
    home.world.publish(&artist, NewAlbum::titled("Owed before"));
    home.round().await;
    home.world.revoke(martha.user);
    home.follows().await;
    home.inbox.restart().await.unwrap();
    home.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    home.advance_days(3);
    home.round().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    martha.browser.sign_in(&home.world, martha.user).await;
    for _ in 0..6 {
        home.round().await;
        home.advance_days(1);
    }
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails.len(), 2);
    for title in ["Owed before", "Meanwhile"] {
        assert!(emails[1].text.contains(title), "{}", emails[1].text);
    }
    assert_eq!(home.status().await.users.connected, 2);
    home.finish().await;
}

#[tokio::test]
async fn nobody_is_deleted_on_a_guess() {
    for described in ["", r#","error_description":"Token has been expired or revoked""#] {
        let (home, _, martha) = connected().await;
        let body = format!(r#"{{"error":"invalid_grant"{described}}}"#);
        home.world.script(Endpoint::Token, [Fault::Status(400, "application/json", body)]);
        home.advance_hours(2);
        home.follows().await;
        home.advance_days(30);
        home.round().await;
        let users = home.status().await.users;
        assert_eq!((users.all, users.must_sign_in_again), (1, 1));
        assert_eq!(subjects(&home, &martha), ["Please sign in with Spotify again"]);
        home.finish().await;
    }
}

#[tokio::test]
async fn tokens_of_a_consent_that_has_ended_are_kept_for_an_hour_and_serve_nobody() {
    let (home, _, martha) = connected().await;
    let db = rusqlite::Connection::open(&home.config.database).unwrap();
    let tokens =
        || -> u64 { db.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).unwrap() };
    home.world.expire(martha.user);
    home.advance_hours(2);
    home.follows().await;
    home.world.forget_requests();
    home.clock.advance(std::time::Duration::from_secs(3599));
    home.round().await;
    assert_eq!((home.world.requests().len(), tokens()), (0, 1));
    home.clock.advance(std::time::Duration::from_secs(1));
    home.round().await;
    assert_eq!((home.world.requests().len(), tokens()), (0, 0));
    home.finish().await;
}

#[tokio::test]
async fn rotated_token_survives_a_failed_write() {
    let home = Home::new().await;
    home.world.rotate_refresh_tokens();
    let artist = home.world.add_artist("A");
    home.listener("Martha", &[&artist]).await;
    home.round().await;
    home.advance_hours(2);
    let other = Connection::open(home.folder.path().join("dropday.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE OF access_sealed ON tokens
                  BEGIN SELECT RAISE(ABORT, 'as if the disk were full'); END";
    other.execute_batch(refuse).unwrap();
    let stop = CancellationToken::new();
    let watch = RunControl { stop: &stop, progress: &|_, _| {} };
    assert!(sync_follows::run(&home.ctx, Scope::All, &watch).await.is_err());
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(home.follows().await.believed, 1);
    assert_eq!(home.status().await.users.connected, 1);
    home.finish().await;
}
