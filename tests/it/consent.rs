//! Keeping a consent alive, and ending it only when Spotify does.

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::jobs::{RunControl, Scope, sync_follows};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::test_app::{Listener, TestApp};

async fn connected_with_rotation() -> (TestApp, String, Listener) {
    let connected = connected().await;
    connected.0.world.rotate_refresh_tokens();
    connected
}

async fn connected() -> (TestApp, String, Listener) {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.forget_requests();
    (app, artist, martha)
}

async fn months_go_by((app, artist, martha): (TestApp, String, Listener)) {
    for month in 1..=5 {
        app.advance_days(30);
        app.world.publish(&artist, NewAlbum::titled(format!("Month {month}")));
        app.round().await;
        assert_eq!(app.emails_to(&martha.address).len(), month);
    }
    assert_eq!(app.status().await.users.must_sign_in_again, 0);
    app.finish().await;
}

#[tokio::test]
async fn consent_survives_unchanged_refresh_tokens() {
    months_go_by(connected().await).await;
}

#[tokio::test]
async fn consent_survives_rotated_refresh_tokens() {
    months_go_by(connected_with_rotation().await).await;
}

#[tokio::test]
async fn rotated_token_survives_restart() {
    let (mut app, ..) = connected_with_rotation().await;
    for _ in 0..3 {
        app.advance_hours(2);
        app.follows().await;
        app.restart().await;
    }
    assert_eq!(app.status().await.users.connected, 1);
    app.finish().await;
}

#[tokio::test]
async fn token_is_refreshed_five_minutes_before_expiry() {
    let (app, ..) = connected().await;
    app.clock.advance(std::time::Duration::from_secs(3600 - 301));
    app.follows().await;
    assert_eq!(app.world.count(Endpoint::Token), 0);
    app.clock.advance(std::time::Duration::from_secs(1));
    app.follows().await;
    assert_eq!(app.world.count(Endpoint::Token), 1);
    app.finish().await;
}

#[tokio::test]
async fn rejected_access_token_is_refreshed_and_call_retried() {
    let (app, ..) = connected_with_rotation().await;
    app.world.expire_access_tokens();
    let outcome = app.follows().await;
    assert_eq!((outcome.applied, app.world.count(Endpoint::Token)), (1, 1), "{outcome}");
    app.finish().await;
}

#[tokio::test]
async fn concurrent_callers_share_one_token_refresh() {
    let (app, ..) = connected_with_rotation().await;
    app.world.expire_access_tokens();
    let rounds = [app.follows(), app.follows(), app.follows(), app.follows()];
    let outcomes = futures(rounds).await;
    assert!(outcomes.iter().all(|outcome| outcome.applied == 1), "{outcomes:?}");
    assert_eq!(app.world.count(Endpoint::Token), 1, "a token that rotates is good once");
    assert_eq!(app.status().await.users.connected, 1);
    app.finish().await;
}

async fn futures<F: Future>([a, b, c, d]: [F; 4]) -> [F::Output; 4] {
    tokio::join!(a, b, c, d).into()
}

#[tokio::test]
async fn ended_consent_sends_one_email_and_sign_in_renews() {
    let (app, artist, martha) = connected().await;
    app.world.expire(martha.user);
    app.advance_hours(2);
    app.follows().await;
    assert_eq!(app.status().await.users.must_sign_in_again, 1, "one alone is believed at once");
    for _ in 0..3 {
        app.round().await;
        app.advance_hours(7);
    }
    assert_eq!(app.status().await.users.must_sign_in_again, 1);
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1, "one letter says so");
    assert!(emails[0].link("/login").ends_with("/login"));
    let page = martha.browser.get("/account").await.body;
    assert!(page.contains("sign in with Spotify again"), "{page}");

    martha.browser.sign_in(&app.world, martha.user).await;
    let status = app.status().await;
    assert_eq!((status.users.all, status.users.connected), (1, 1));
    app.world.publish(&artist, NewAlbum::titled("After"));
    app.round().await;
    assert_eq!(
        app.emails_to(&martha.address).len(),
        2,
        "her address and her artists are still known"
    );
    app.finish().await;
}

#[tokio::test]
async fn consent_ends_after_six_months_despite_refreshes() {
    let (app, _, martha) = connected_with_rotation().await;
    for _ in 0..185 {
        app.advance_days(1);
        app.follows().await;
    }
    app.emails().await;
    assert_eq!(app.status().await.users.must_sign_in_again, 1);
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn only_invalid_grant_ends_a_consent() {
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
    let (app, ..) = connected_with_rotation().await;
    for fault in odd {
        app.advance_hours(2);
        let what = format!("{fault:?}").chars().take(80).collect::<String>();
        app.world.script(Endpoint::Token, [fault]);
        let outcome = app.follows().await;
        assert!(outcome.has_failed(), "{what}: {outcome}");
        assert_eq!(app.status().await.users.connected, 1, "{what}");
        app.clock.advance(std::time::Duration::from_secs(61));
        let outcome = app.follows().await;
        assert_eq!(outcome.applied, 1, "after {what}: {outcome}");
    }
    app.finish().await;
}

#[tokio::test]
async fn failed_refresh_is_harmless_while_token_is_valid() {
    let (app, ..) = connected().await;
    app.clock.advance(std::time::Duration::from_secs(3600 - 60));
    app.world.script(Endpoint::Token, [Fault::server_error()]);
    assert_eq!(app.follows().await.applied, 1);
    app.finish().await;
}

#[tokio::test]
async fn tokens_are_encrypted_in_the_database() {
    let (app, ..) = connected_with_rotation().await;
    app.world.script(Endpoint::Token, [Fault::Status(
        200,
        "application/json",
        r#"{"access_token":"READABLE-ACCESS","refresh_token":"READABLE-REFRESH","token_type":"Bearer","expires_in":3600}"#.into(),
    )]);
    // So that nobody finds out that these tokens are not Spotify's.
    app.world.script(Endpoint::Following, [Fault::Html]);
    app.advance_hours(2);
    app.follows().await;
    assert_eq!(app.status().await.users.connected, 1, "they are kept");
    for file in std::fs::read_dir(app.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"READABLE-"));
    }
    app.finish().await;
}

/// Martha and Jonas, who follow the same artist, with a first look at it made.
async fn two_listeners() -> (TestApp, String, Listener, Listener) {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.round().await;
    (app, artist, martha, jonas)
}

fn subjects(app: &TestApp, listener: &Listener) -> Vec<String> {
    app.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

#[tokio::test]
async fn expired_consent_is_replaced_by_another_users_token() {
    let (app, artist, martha, jonas) = two_listeners().await;
    app.world.expire(martha.user);
    app.advance_hours(2);
    app.round().await;
    app.advance_hours(1);
    app.world.publish(&artist, NewAlbum::titled("After"));
    app.round().await;
    app.advance_days(10);
    app.world.publish(&artist, NewAlbum::titled("Long after"));
    app.round().await;
    let told = ["Please sign in with Spotify again", "Röyksopp: After", "Röyksopp: Long after"];
    let mut hers = subjects(&app, &martha);
    hers.sort();
    assert_eq!(hers, told);
    assert_eq!(subjects(&app, &jonas), told[1..]);
    let users = app.status().await.users;
    assert_eq!((users.all, users.must_sign_in_again), (2, 1));
    app.finish().await;
}

#[tokio::test]
async fn revoked_user_gets_no_news_and_is_deleted() {
    let (mut app, artist, martha, jonas) = two_listeners().await;
    let own = app.world.add_artist("Hers alone");
    app.world.follow(martha.user, &own);
    app.round().await;
    app.inbox.stop().await;
    app.world.publish(&artist, NewAlbum::titled("Pending before"));
    app.round().await;
    app.world.revoke(martha.user);
    app.follows().await;
    app.inbox.restart().await.unwrap();
    app.world.publish(&artist, NewAlbum::titled("Came out after"));
    app.round().await;
    assert_eq!(subjects(&app, &martha), Vec::<String>::new(), "news stops at once");
    assert_eq!(
        app.status().await.emails.queued,
        2,
        "the earlier album and the email about the withdrawal"
    );
    app.advance_hours(1);
    app.round().await;
    app.restart().await;
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1, "one letter says so");
    assert!(emails[0].text.contains("On 27 November 2026 your data"), "{}", emails[0].text);
    let page = martha.browser.get("/account").await.words();
    assert!(page.contains("deleted on 27 November 2026"), "{page}");

    app.advance_hours(4 * 24 - 2);
    app.round().await;
    assert_eq!(app.status().await.users.all, 2);
    app.advance_hours(1);
    assert_eq!(app.consents().await.deleted, 1);
    app.round().await;
    assert_eq!(app.status().await.users.all, 1);
    assert_eq!(subjects(&app, &jonas).len(), 1, "both albums in one letter");
    for file in std::fs::read_dir(app.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for gone in [martha.address.as_str(), "Martha", "Hers alone", own.as_str()] {
            assert!(!bytes.windows(gone.len()).any(|w| w == gone.as_bytes()), "{gone}");
        }
    }
    assert_eq!(martha.browser.get("/account").await.location.as_deref(), Some("/"));
    app.finish().await;
}

#[tokio::test]
async fn user_signing_in_again_after_revoking_misses_nothing() {
    let (app, artist, martha, _) = two_listeners().await;
    app.inbox.stop().await;
    app.world.publish(&artist, NewAlbum::titled("Pending before"));
    app.round().await;
    app.world.revoke(martha.user);
    app.follows().await;
    app.inbox.restart().await.unwrap();
    app.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    app.advance_days(3);
    app.round().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    martha.browser.sign_in(&app.world, martha.user).await;
    for _ in 0..6 {
        app.round().await;
        app.advance_days(1);
    }
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 2);
    for title in ["Pending before", "Meanwhile"] {
        assert!(emails[1].text.contains(title), "{}", emails[1].text);
    }
    assert_eq!(app.status().await.users.connected, 2);
    app.finish().await;
}

#[tokio::test]
async fn vague_refusal_deletes_no_user() {
    for described in ["", r#","error_description":"Token has been expired or revoked""#] {
        let (app, _, martha) = connected().await;
        let body = format!(r#"{{"error":"invalid_grant"{described}}}"#);
        app.world.script(Endpoint::Token, [Fault::Status(400, "application/json", body)]);
        app.advance_hours(2);
        app.follows().await;
        app.advance_days(30);
        app.round().await;
        let users = app.status().await.users;
        assert_eq!((users.all, users.must_sign_in_again), (1, 1));
        assert_eq!(subjects(&app, &martha), ["Please sign in with Spotify again"]);
        app.finish().await;
    }
}

#[tokio::test]
async fn ended_tokens_are_kept_unused_for_an_hour() {
    let (app, _, martha) = connected().await;
    let db = rusqlite::Connection::open(&app.config.database).unwrap();
    let tokens =
        || -> u64 { db.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).unwrap() };
    app.world.expire(martha.user);
    app.advance_hours(2);
    app.follows().await;
    app.world.forget_requests();
    app.clock.advance(std::time::Duration::from_secs(3599));
    app.round().await;
    assert_eq!((app.world.requests().len(), tokens()), (0, 1));
    app.clock.advance(std::time::Duration::from_secs(1));
    app.round().await;
    assert_eq!((app.world.requests().len(), tokens()), (0, 0));
    app.finish().await;
}

#[tokio::test]
async fn rotated_token_survives_a_failed_write() {
    let app = TestApp::new().await;
    app.world.rotate_refresh_tokens();
    let artist = app.world.add_artist("A");
    app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.advance_hours(2);
    let other = Connection::open(app.folder.path().join("dropday.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE UPDATE OF access_sealed ON tokens
                  BEGIN SELECT RAISE(ABORT, 'as if the disk were full'); END";
    other.execute_batch(refuse).unwrap();
    let stop = CancellationToken::new();
    let watch = RunControl { stop: &stop, progress: &|_, _| {} };
    assert!(sync_follows::run(&app.ctx, Scope::All, &watch).await.is_err());
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(app.follows().await.applied, 1);
    assert_eq!(app.status().await.users.connected, 1);
    app.finish().await;
}
