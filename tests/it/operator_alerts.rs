//! Alerts: the operator gets one email a day per problem, and users see why nothing happens.

use std::time::Duration;

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::jobs::Scope;

use crate::test_app::{Email, Listener, TestApp};

const OPERATOR: &str = "operator@example.com";
const UNLISTED: &str =
    "Check settings on developer.spotify.com/dashboard, the user may not be registered.";

async fn home_with_operator() -> TestApp {
    TestApp::with(&[("MAIL__OPERATOR", OPERATOR)]).await
}

fn told(app: &TestApp) -> Vec<Email> {
    app.emails_to(OPERATOR)
}

async fn page(listener: &Listener) -> String {
    listener.browser.get("/account").await.body.replace('\n', " ")
}

fn forbidden() -> [Fault; 2] {
    let json = r#"{"error":{"status":403,"message":"Forbidden"}}"#;
    [
        Fault::Status(403, "application/json", json.into()),
        Fault::Status(403, "text/plain", "Forbidden".into()),
    ]
}

#[tokio::test]
async fn lapsed_premium_alerts_operator_daily_and_users_see_why() {
    let app = home_with_operator().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    // Plain text, as Spotify sends it.
    app.world.set_owner_premium(false);
    for hour in 0..11 {
        app.round().await;
        assert_eq!(told(&app).len(), 1, "in hour {hour}");
        app.advance_hours(1);
    }
    app.checks().await;
    assert!(page(&martha).await.contains("Premium has lapsed"));
    app.advance_hours(13);
    app.round().await;
    assert_eq!(told(&app).len(), 2, "and the next day again");
    assert!(told(&app)[0].text.contains("Renew Premium"), "{}", told(&app)[0].text);
    assert_eq!(app.status().await.users.must_sign_in_again, 0);
    app.world.set_owner_premium(true);
    app.advance_hours(1);
    app.world.publish(&artist, NewAlbum::titled("Again"));
    app.round().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    assert!(!page(&martha).await.contains("Premium"));
    app.finish().await;
}

#[tokio::test]
async fn alert_names_user_missing_from_allow_list() {
    for content_type in ["text/plain", "application/json"] {
        let app = home_with_operator().await;
        let martha = app.listener("Martha", &[]).await;
        let body = match content_type {
            "text/plain" => UNLISTED.to_owned(),
            _ => format!(r#"{{"error":{{"status":403,"message":"{UNLISTED}"}}}}"#),
        };
        let unlisted = Fault::Status(403, content_type, body);
        app.world.script(Endpoint::Following, [unlisted.clone(), unlisted]);
        app.follows().await;
        app.follows().await;
        app.emails().await;
        let emails = told(&app);
        assert_eq!(emails.len(), 1, "{content_type}");
        let id = app.world.user(martha.user).unwrap().id;
        for word in ["Martha", &id, "User Management"] {
            assert!(emails[0].text.replace('\n', " ").contains(word), "{}", emails[0].text);
        }
        let hers = page(&martha).await;
        assert!(hers.contains("Ask the operator of this Dropday to add you"), "{hers}");

        app.world.forget_requests();
        app.clock.advance(Duration::from_secs(6 * 3600 - 1));
        app.follows_of(Scope::Due).await;
        assert_eq!(app.world.count(Endpoint::Following), 0, "she is left alone for six hours");
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(app.follows_of(Scope::Due).await.applied, 1);
        assert!(!page(&martha).await.contains("Ask the operator"));
        app.finish().await;
    }
}

#[tokio::test]
async fn forbidden_follow_list_pauses_only_follow_syncs() {
    for fault in forbidden() {
        let app = home_with_operator().await;
        let artist = app.world.add_artist("Röyksopp");
        let martha = app.listener("Martha", &[&artist]).await;
        let jonas = app.listener("Jonas", &[&artist]).await;
        app.round().await;
        app.world.forget_requests();
        app.advance_hours(7);
        app.world.script(Endpoint::Following, [fault]);
        assert!(app.follows_of(Scope::Due).await.held_up.is_some());
        for _ in 0..5 {
            app.advance_hours(1);
            app.follows().await;
        }
        assert_eq!(app.world.count(Endpoint::Following), 1, "asked once, for nobody again");
        assert!(page(&martha).await.contains("no longer allows a call"));
        app.world.publish(&artist, NewAlbum::titled("New"));
        app.round().await;
        assert_eq!(app.emails_to(&jonas.address).len(), 1);
        assert_eq!(told(&app).len(), 1);
        assert!(told(&app)[0].text.contains("\"following\""), "{}", told(&app)[0].text);
        let users = app.status().await.users;
        assert_eq!((users.connected, users.rejected), (2, 0));
        app.advance_hours(1);
        app.world.forget_requests();
        assert_eq!(app.follows_of(Scope::Due).await.applied, 2);
        let first = &app.world.requests()[0];
        assert_ne!(first.user, Some(martha.user), "who met it comes after the others");
        app.finish().await;
    }
}

#[tokio::test]
async fn forbidden_artist_does_not_block_other_artists() {
    for fault in forbidden() {
        let app = home_with_operator().await;
        let (_, martha) = app.listener_of("Martha", 3).await;
        app.follows().await;
        app.world.script(Endpoint::ArtistAlbums, [fault]);
        assert!(app.checks_of(Scope::Due).await.held_up.is_some());
        app.advance_hours(5);
        app.checks().await;
        assert_eq!(app.world.count(Endpoint::ArtistAlbums), 1, "asked once in hours");
        app.emails().await;
        assert_eq!(told(&app).len(), 1);
        assert!(!app.follows().await.has_failed());
        app.advance_hours(1);
        assert_eq!(app.checks_of(Scope::Due).await.checked, 2, "the others have their turn");
        assert!(!page(&martha).await.contains("no longer allows"));
        app.advance_hours(18);
        assert_eq!(app.checks_of(Scope::Due).await.failed, 0);
        assert_eq!(app.status().await.artists.failing, 0);
        app.finish().await;
    }
}

#[tokio::test]
async fn forbidden_profile_does_not_block_next_sign_in() {
    for fault in forbidden() {
        let app = home_with_operator().await;
        let martha = app.world.add_user("Martha");
        app.world.script(Endpoint::Me, [fault]);
        let browser = app.visitor();
        let back = app.world.consent(&browser.to_spotify().await, martha).unwrap();
        assert_eq!(browser.get(&back).await.status, 502);
        browser.sign_in(&app.world, martha).await;
        app.emails().await;
        assert_eq!(told(&app).len(), 1);
        app.finish().await;
    }
}

#[tokio::test]
async fn missing_scope_concerns_only_one_user() {
    let app = home_with_operator().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.listener("Jonas", &[&artist]).await;
    let body = r#"{"error":{"status":403,"message":"Insufficient client scope"}}"#;
    app.world.script(Endpoint::Following, [Fault::Status(403, "application/json", body.into())]);
    let outcome = app.follows().await;
    assert_eq!((outcome.applied, outcome.refused), (1, 1), "{outcome}");
    assert!(page(&martha).await.contains("does not cover everything that Dropday needs"));
    app.emails().await;
    assert!(told(&app).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn long_lockout_alert_suggests_lower_limit() {
    let app = home_with_operator().await;
    app.listener_of("Martha", 11).await;
    app.follows().await;
    app.world.script(Endpoint::ArtistAlbums, []);
    assert_eq!(app.checks().await.checked, 11);
    let long = Fault::QuotaExceeded { retry_after: Some(24 * 3600 + 1) };
    app.world.script(Endpoint::ArtistAlbums, [long]);
    app.checks().await;
    app.emails().await;
    assert_eq!(told(&app).len(), 1);
    let text = told(&app)[0].text.replace('\n', " ");
    assert!(text.contains("spotify.artist_albums_per_day to 8 "), "{text}");
    app.finish().await;
}

#[tokio::test]
async fn lockout_after_few_calls_blames_other_apps() {
    let app = home_with_operator().await;
    app.listener_of("Martha", 4).await;
    app.follows().await;
    let long = Fault::QuotaExceeded { retry_after: Some(24 * 3600 + 1) };
    app.world.script(Endpoint::ArtistAlbums, [long]);
    app.checks().await;
    app.emails().await;
    let text = told(&app)[0].text.replace('\n', " ");
    assert!(text.contains("other apps") && !text.contains("artist_albums_per_day to"), "{text}");
    assert_eq!(app.status().await.calls.artist_albums_allowed, 72, "a little less, to be careful");
    app.finish().await;
}

#[tokio::test]
async fn second_lockout_within_a_week_alerts_operator() {
    for (days, emails) in [(6, 1), (8, 0)] {
        let app = home_with_operator().await;
        app.listener_of("Martha", 1).await;
        app.follows().await;
        let short = Fault::QuotaExceeded { retry_after: Some(3600) };
        app.world.script(Endpoint::ArtistAlbums, [short.clone()]);
        app.round().await;
        app.round().await;
        assert!(told(&app).is_empty());
        app.advance_days(days);
        app.world.script(Endpoint::ArtistAlbums, [short]);
        app.round().await;
        app.round().await;
        assert_eq!(told(&app).len(), emails, "{days} days apart");
        app.finish().await;
    }
}

#[tokio::test]
async fn without_operator_no_alert_is_enqueued() {
    let app = TestApp::new().await;
    app.listener_of("Martha", 1).await;
    app.follows().await;
    app.world.set_owner_premium(false);
    app.checks().await;
    assert_eq!(app.status().await.emails.queued, 0);
    assert!(app.status().await.pauses.iter().any(|(scope, _)| scope == "all"));
    app.finish().await;
}
