//! Alerts: the operator gets one email a day per problem, and users see why nothing happens.

use std::time::Duration;

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::jobs::Scope;

use crate::home::{Email, Home, Listener};

const OPERATOR: &str = "operator@example.com";
const UNLISTED: &str =
    "Check settings on developer.spotify.com/dashboard, the user may not be registered.";

async fn home_with_operator() -> Home {
    Home::with(&[("MAIL__OPERATOR", OPERATOR)]).await
}

fn told(home: &Home) -> Vec<Email> {
    home.emails_to(OPERATOR)
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
    let home = home_with_operator().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    // Plain text, as Spotify sends it.
    home.world.set_owner_premium(false);
    for hour in 0..11 {
        home.round().await;
        assert_eq!(told(&home).len(), 1, "in hour {hour}");
        home.advance_hours(1);
    }
    home.checks().await;
    assert!(page(&martha).await.contains("Premium has lapsed"));
    home.advance_hours(13);
    home.round().await;
    assert_eq!(told(&home).len(), 2, "and the next day again");
    assert!(told(&home)[0].text.contains("Renew Premium"), "{}", told(&home)[0].text);
    assert_eq!(home.status().await.users.must_sign_in_again, 0);
    home.world.set_owner_premium(true);
    home.advance_hours(1);
    home.world.publish(&artist, NewAlbum::titled("Again"));
    home.round().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    assert!(!page(&martha).await.contains("Premium"));
    home.finish().await;
}

#[tokio::test]
async fn alert_names_user_missing_from_allow_list() {
    for content_type in ["text/plain", "application/json"] {
        let home = home_with_operator().await;
        let martha = home.listener("Martha", &[]).await;
        let body = match content_type {
            "text/plain" => UNLISTED.to_owned(),
            _ => format!(r#"{{"error":{{"status":403,"message":"{UNLISTED}"}}}}"#),
        };
        let unlisted = Fault::Status(403, content_type, body);
        home.world.script(Endpoint::Following, [unlisted.clone(), unlisted]);
        home.follows().await;
        home.follows().await;
        home.emails().await;
        let emails = told(&home);
        assert_eq!(emails.len(), 1, "{content_type}");
        let id = home.world.user(martha.user).unwrap().id;
        for word in ["Martha", &id, "User Management"] {
            assert!(emails[0].text.replace('\n', " ").contains(word), "{}", emails[0].text);
        }
        let hers = page(&martha).await;
        assert!(hers.contains("Ask the operator of this Dropday to add you"), "{hers}");

        home.world.forget_requests();
        home.clock.advance(Duration::from_secs(6 * 3600 - 1));
        home.follows_of(Scope::Due).await;
        assert_eq!(home.world.count(Endpoint::Following), 0, "she is left alone for six hours");
        home.clock.advance(Duration::from_secs(1));
        assert_eq!(home.follows_of(Scope::Due).await.believed, 1);
        assert!(!page(&martha).await.contains("Ask the operator"));
        home.finish().await;
    }
}

#[tokio::test]
async fn forbidden_follow_list_pauses_only_follow_syncs() {
    for fault in forbidden() {
        let home = home_with_operator().await;
        let artist = home.world.add_artist("Röyksopp");
        let martha = home.listener("Martha", &[&artist]).await;
        let jonas = home.listener("Jonas", &[&artist]).await;
        home.round().await;
        home.world.forget_requests();
        home.advance_hours(7);
        home.world.script(Endpoint::Following, [fault]);
        assert!(home.follows_of(Scope::Due).await.held_up.is_some());
        for _ in 0..5 {
            home.advance_hours(1);
            home.follows().await;
        }
        assert_eq!(home.world.count(Endpoint::Following), 1, "asked once, for nobody again");
        assert!(page(&martha).await.contains("no longer allows a call"));
        home.world.publish(&artist, NewAlbum::titled("New"));
        home.round().await;
        assert_eq!(home.emails_to(&jonas.address).len(), 1);
        assert_eq!(told(&home).len(), 1);
        assert!(told(&home)[0].text.contains("\"following\""), "{}", told(&home)[0].text);
        let users = home.status().await.users;
        assert_eq!((users.connected, users.in_trouble), (2, 0));
        home.advance_hours(1);
        home.world.forget_requests();
        assert_eq!(home.follows_of(Scope::Due).await.believed, 2);
        let first = &home.world.requests()[0];
        assert_ne!(first.user, Some(martha.user), "who met it comes after the others");
        home.finish().await;
    }
}

#[tokio::test]
async fn forbidden_artist_does_not_block_other_artists() {
    for fault in forbidden() {
        let home = home_with_operator().await;
        let (_, martha) = home.listener_of("Martha", 3).await;
        home.follows().await;
        home.world.script(Endpoint::ArtistAlbums, [fault]);
        assert!(home.checks_of(Scope::Due).await.held_up.is_some());
        home.advance_hours(5);
        home.checks().await;
        assert_eq!(home.world.count(Endpoint::ArtistAlbums), 1, "asked once in hours");
        home.emails().await;
        assert_eq!(told(&home).len(), 1);
        assert!(!home.follows().await.has_failed());
        home.advance_hours(1);
        assert_eq!(home.checks_of(Scope::Due).await.checked, 2, "the others have their turn");
        assert!(!page(&martha).await.contains("no longer allows"));
        home.advance_hours(18);
        assert_eq!(home.checks_of(Scope::Due).await.failed, 0);
        assert_eq!(home.status().await.artists.failing, 0);
        home.finish().await;
    }
}

#[tokio::test]
async fn forbidden_profile_does_not_block_next_sign_in() {
    for fault in forbidden() {
        let home = home_with_operator().await;
        let martha = home.world.add_user("Martha");
        home.world.script(Endpoint::Me, [fault]);
        let browser = home.visitor();
        let back = home.world.consent(&browser.to_spotify().await, martha).unwrap();
        assert_eq!(browser.get(&back).await.status, 502);
        browser.sign_in(&home.world, martha).await;
        home.emails().await;
        assert_eq!(told(&home).len(), 1);
        home.finish().await;
    }
}

#[tokio::test]
async fn missing_scope_concerns_only_one_user() {
    let home = home_with_operator().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.listener("Jonas", &[&artist]).await;
    let body = r#"{"error":{"status":403,"message":"Insufficient client scope"}}"#;
    home.world.script(Endpoint::Following, [Fault::Status(403, "application/json", body.into())]);
    let outcome = home.follows().await;
    assert_eq!((outcome.believed, outcome.refused), (1, 1), "{outcome}");
    assert!(page(&martha).await.contains("does not cover everything that Dropday needs"));
    home.emails().await;
    assert!(told(&home).is_empty());
    home.finish().await;
}

#[tokio::test]
async fn long_lockout_alert_suggests_lower_limit() {
    let home = home_with_operator().await;
    home.listener_of("Martha", 11).await;
    home.follows().await;
    home.world.script(Endpoint::ArtistAlbums, []);
    assert_eq!(home.checks().await.checked, 11);
    let long = Fault::QuotaExceeded { retry_after: Some(24 * 3600 + 1) };
    home.world.script(Endpoint::ArtistAlbums, [long]);
    home.checks().await;
    home.emails().await;
    assert_eq!(told(&home).len(), 1);
    let text = told(&home)[0].text.replace('\n', " ");
    assert!(text.contains("spotify.artist_albums_per_day to 8 "), "{text}");
    home.finish().await;
}

#[tokio::test]
async fn lockout_after_few_calls_blames_other_apps() {
    let home = home_with_operator().await;
    home.listener_of("Martha", 4).await;
    home.follows().await;
    let long = Fault::QuotaExceeded { retry_after: Some(24 * 3600 + 1) };
    home.world.script(Endpoint::ArtistAlbums, [long]);
    home.checks().await;
    home.emails().await;
    let text = told(&home)[0].text.replace('\n', " ");
    assert!(text.contains("other apps") && !text.contains("artist_albums_per_day to"), "{text}");
    assert_eq!(home.status().await.calls.artist_albums_allowed, 72, "a little less, to be careful");
    home.finish().await;
}

#[tokio::test]
async fn second_lockout_within_a_week_alerts_operator() {
    for (days, emails) in [(6, 1), (8, 0)] {
        let home = home_with_operator().await;
        home.listener_of("Martha", 1).await;
        home.follows().await;
        let short = Fault::QuotaExceeded { retry_after: Some(3600) };
        home.world.script(Endpoint::ArtistAlbums, [short.clone()]);
        home.round().await;
        home.round().await;
        assert!(told(&home).is_empty());
        home.advance_days(days);
        home.world.script(Endpoint::ArtistAlbums, [short]);
        home.round().await;
        home.round().await;
        assert_eq!(told(&home).len(), emails, "{days} days apart");
        home.finish().await;
    }
}

#[tokio::test]
async fn without_operator_no_alert_is_enqueued() {
    let home = Home::new().await;
    home.listener_of("Martha", 1).await;
    home.follows().await;
    home.world.set_owner_premium(false);
    home.checks().await;
    assert_eq!(home.status().await.emails.queued, 0);
    assert!(home.status().await.pauses.iter().any(|(scope, _)| scope == "all"));
    home.finish().await;
}
