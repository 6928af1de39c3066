//! Mass refusals: if Spotify refuses so many users at once that it must be wrong, no consent ends.

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::jobs::Scope;
use rusqlite::Connection;

use crate::test_app::{Listener, TestApp};

const OPERATOR: &str = "operator@example.com";

fn refusal() -> Fault {
    let body = r#"{"error":"invalid_grant","error_description":"Refresh token revoked"}"#;
    Fault::Status(400, "application/json", body.into())
}

/// A home with that many users, who follow one artist and whose access tokens have expired.
async fn users_at_home(count: usize) -> (TestApp, String, Vec<Listener>) {
    let app = TestApp::with(&[("MAIL__OPERATOR", OPERATOR)]).await;
    let artist = app.world.add_artist("Röyksopp");
    let mut users = Vec::new();
    for number in 0..count {
        users.push(app.listener(&format!("Person{number}"), &[&artist]).await);
    }
    app.round().await;
    app.advance_hours(2);
    app.world.forget_requests();
    (app, artist, users)
}

/// Runs the jobs that use consents.
async fn work(app: &TestApp) {
    app.consents().await;
    app.follows_of(Scope::Due).await;
    app.emails_of(Scope::Due).await;
}

fn emails(app: &TestApp, users: &[Listener]) -> Vec<usize> {
    users.iter().map(|user| app.emails_to(&user.address).len()).collect()
}

/// The numbers of users that are connected, must sign in again, or are suspended.
async fn standing(app: &TestApp) -> (u64, u64, u64) {
    let users = app.status().await.users;
    (users.connected, users.must_sign_in_again, users.suspended)
}

#[tokio::test]
async fn mass_refusal_ends_no_consent() {
    let (mut app, artist, users) = users_at_home(5).await;
    app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(5));
    app.follows().await;
    assert_eq!(standing(&app).await, (5, 0, 5));
    let page = users[0].browser.get("/account").await.body;
    assert!(
        page.contains("Dropday tries again every two hours") && !page.contains("withdrawn"),
        "{page}"
    );
    for _ in 0..3 {
        app.emails().await;
        app.clock.advance(std::time::Duration::from_secs(1800));
        work(&app).await;
    }
    app.restart().await;
    assert_eq!(emails(&app, &users), [0; 5]);
    assert_eq!(app.world.count(Endpoint::Token), 5, "they are left alone for two hours");

    app.clock.advance(std::time::Duration::from_secs(1800));
    app.world.publish(&artist, NewAlbum::titled("After the storm"));
    assert_eq!(app.follows_of(Scope::Due).await.applied, 5);
    assert_eq!(standing(&app).await, (5, 0, 0));
    assert_eq!(app.status().await.users.rejected, 0);
    for _ in 0..7 {
        app.round().await;
        app.advance_days(1);
    }
    assert_eq!(emails(&app, &users), [1; 5], "the album, and nothing of the storm");
    let told = app.emails_to(OPERATOR);
    assert_eq!(told.len(), 1, "the operator gets one alert");
    assert!(told[0].subject.contains("rejects many users at once"), "{}", told[0].subject);
    assert!(told[0].text.contains("for 5 users at once"), "{}", told[0].text);
    assert_eq!(app.status().await.users.all, 5);
    app.finish().await;
}

#[tokio::test]
async fn refusal_that_lasts_a_day_ends_the_consent() {
    let (app, _, users) = users_at_home(5).await;
    app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(1000));
    app.follows().await;
    for hours in 0..24 {
        work(&app).await;
        assert_eq!(standing(&app).await, (5, 0, 5), "after {hours} hours");
        app.advance_hours(1);
    }
    assert_eq!(app.world.count(Endpoint::Token), 12 * 5, "each is tried every two hours");
    assert_eq!(emails(&app, &users), [0; 5]);
    work(&app).await;
    app.advance_hours(2);
    work(&app).await;
    assert_eq!(standing(&app).await, (0, 5, 0));
    assert_eq!(emails(&app, &users), [1; 5]);
    assert_eq!(app.emails_to(OPERATOR).len(), 1);
    app.advance_days(2);
    work(&app).await;
    assert_eq!(app.status().await.users.all, 5);
    app.advance_days(1);
    work(&app).await;
    assert_eq!(app.status().await.users.all, 0, "four days after Spotify first said so");
    app.finish().await;
}

#[tokio::test]
async fn two_refusals_are_no_mass_refusal() {
    let (app, _, users) = users_at_home(5).await;
    app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    app.follows().await;
    assert_eq!(standing(&app).await, (3, 2, 0));
    app.emails().await;
    assert_eq!(emails(&app, &users), [0; 5], "not before it is certain");
    app.advance_hours(1);
    app.emails().await;
    assert_eq!(emails(&app, &users), [1, 1, 0, 0, 0]);
    assert!(app.emails_to(OPERATOR).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn mass_refusal_is_detected_within_minutes() {
    for count in [3, 5] {
        let (app, _, users) = users_at_home(count).await;
        assert_eq!(app.follows().await.applied, count as u64, "with fresh tokens");
        app.clock.advance(std::time::Duration::from_secs(1800));
        let database = Connection::open(app.folder.path().join("dropday.db")).unwrap();
        for sql in [
            "UPDATE tokens SET expires_at = 0 WHERE user_id = (SELECT min(id) FROM users)",
            "UPDATE users SET follows_next_at = 0 WHERE id = (SELECT min(id) FROM users)",
        ] {
            database.execute(sql, []).unwrap();
        }
        app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(100));
        work(&app).await;
        assert_eq!(standing(&app).await, (count as u64 - 1, 1, 0));
        app.clock.advance(std::time::Duration::from_secs(300));
        work(&app).await;
        let all = count as u64;
        assert_eq!(standing(&app).await, (all, 0, all));
        app.world.clear_script(Endpoint::Token);
        app.advance_hours(2);
        work(&app).await;
        assert_eq!(standing(&app).await, (all, 0, 0));
        assert_eq!(emails(&app, &users), vec![0; count]);
        app.finish().await;
    }
}

#[tokio::test]
async fn single_revocation_costs_others_one_refresh() {
    let (app, _, users) = users_at_home(5).await;
    app.world.script(Endpoint::Token, [refusal()]);
    app.follows().await;
    app.world.forget_requests();
    for _ in 0..3 {
        work(&app).await;
        app.clock.advance(std::time::Duration::from_secs(300));
    }
    assert!(app.world.count(Endpoint::Token) <= 4);
    assert_eq!(standing(&app).await, (4, 1, 0));
    app.advance_hours(1);
    work(&app).await;
    assert_eq!(emails(&app, &users), [1, 0, 0, 0, 0]);
    app.finish().await;
}

#[tokio::test]
async fn consent_ended_in_the_last_hour_is_restored_with_news() {
    let (app, artist, users) = users_at_home(6).await;
    app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    app.follows().await;
    assert_eq!(standing(&app).await, (4, 2, 0));
    app.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    app.checks().await;
    app.emails().await;
    assert_eq!(emails(&app, &users), [0, 0, 1, 1, 1, 1]);

    app.clock.advance(std::time::Duration::from_secs(3000));
    app.world.expire_access_tokens();
    app.world.script(Endpoint::Token, [refusal()]);
    app.follows().await;
    assert_eq!(standing(&app).await, (6, 0, 3), "the third makes it a storm");
    app.advance_hours(2);
    app.round().await;
    assert_eq!(standing(&app).await, (6, 0, 0));
    app.advance_hours(2);
    app.round().await;
    assert_eq!(emails(&app, &users), [1; 6]);
    assert_eq!(app.emails_to(&users[0].address)[0].subject, "Röyksopp: Meanwhile");
    app.finish().await;
}

#[tokio::test]
async fn consent_ended_earlier_stays_ended() {
    let (app, _, users) = users_at_home(6).await;
    app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    app.follows().await;
    app.advance_hours(1);
    app.world.expire_access_tokens();
    app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(4));
    app.follows().await;
    assert_eq!(standing(&app).await, (4, 2, 4));
    app.emails().await;
    assert_eq!(emails(&app, &users), [1, 1, 0, 0, 0, 0]);
    app.finish_owing(0).await;
}

#[tokio::test]
async fn mass_refusal_without_operator_shows_in_status() {
    let app = TestApp::new().await;
    for number in 0..4 {
        app.listener(&format!("Person{number}"), &[]).await;
    }
    app.advance_hours(2);
    app.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(4));
    app.follows().await;
    assert_eq!(standing(&app).await, (4, 0, 4));
    assert_eq!(app.emails().await.sent, 0);
    app.finish().await;
}
