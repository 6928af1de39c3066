//! Mass refusals: if Spotify refuses so many users at once that it must be wrong, no consent ends.

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::jobs::Scope;
use rusqlite::Connection;

use crate::home::{Home, Listener};

const OPERATOR: &str = "operator@example.com";

fn refusal() -> Fault {
    let body = r#"{"error":"invalid_grant","error_description":"Refresh token revoked"}"#;
    Fault::Status(400, "application/json", body.into())
}

/// A home with that many users, who follow one artist and whose access tokens have expired.
async fn users_at_home(count: usize) -> (Home, String, Vec<Listener>) {
    let home = Home::with(&[("MAIL__OPERATOR", OPERATOR)]).await;
    let artist = home.world.add_artist("Röyksopp");
    let mut users = Vec::new();
    for number in 0..count {
        users.push(home.listener(&format!("Person{number}"), &[&artist]).await);
    }
    home.round().await;
    home.advance_hours(2);
    home.world.forget_requests();
    (home, artist, users)
}

/// Runs the jobs that use consents.
async fn work(home: &Home) {
    home.consents().await;
    home.follows_of(Scope::Due).await;
    home.emails_of(Scope::Due).await;
}

fn emails(home: &Home, users: &[Listener]) -> Vec<usize> {
    users.iter().map(|user| home.emails_to(&user.address).len()).collect()
}

/// The numbers of users that are connected, must sign in again, or are suspended.
async fn standing(home: &Home) -> (u64, u64, u64) {
    let users = home.status().await.users;
    (users.connected, users.must_sign_in_again, users.held)
}

#[tokio::test]
async fn mass_refusal_ends_no_consent() {
    let (mut home, artist, users) = users_at_home(5).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(5));
    home.follows().await;
    assert_eq!(standing(&home).await, (5, 0, 5));
    let page = users[0].browser.get("/account").await.body;
    assert!(
        page.contains("Dropday tries again every two hours") && !page.contains("withdrawn"),
        "{page}"
    );
    for _ in 0..3 {
        home.emails().await;
        home.clock.advance(std::time::Duration::from_secs(1800));
        work(&home).await;
    }
    home.restart().await;
    assert_eq!(emails(&home, &users), [0; 5]);
    assert_eq!(home.world.count(Endpoint::Token), 5, "they are left alone for two hours");

    home.clock.advance(std::time::Duration::from_secs(1800));
    home.world.publish(&artist, NewAlbum::titled("After the storm"));
    assert_eq!(home.follows_of(Scope::Due).await.believed, 5);
    assert_eq!(standing(&home).await, (5, 0, 0));
    assert_eq!(home.status().await.users.in_trouble, 0);
    for _ in 0..7 {
        home.round().await;
        home.advance_days(1);
    }
    assert_eq!(emails(&home, &users), [1; 5], "the album, and nothing of the storm");
    let told = home.emails_to(OPERATOR);
    assert_eq!(told.len(), 1, "the operator is told once");
    assert!(told[0].subject.contains("rejects many users at once"), "{}", told[0].subject);
    assert!(told[0].text.contains("for 5 users at once"), "{}", told[0].text);
    assert_eq!(home.status().await.users.all, 5);
    home.finish().await;
}

#[tokio::test]
async fn refusal_that_lasts_a_day_ends_the_consent() {
    let (home, _, users) = users_at_home(5).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(1000));
    home.follows().await;
    for hours in 0..24 {
        work(&home).await;
        assert_eq!(standing(&home).await, (5, 0, 5), "after {hours} hours");
        home.advance_hours(1);
    }
    assert_eq!(home.world.count(Endpoint::Token), 12 * 5, "each is tried every two hours");
    assert_eq!(emails(&home, &users), [0; 5]);
    work(&home).await;
    home.advance_hours(2);
    work(&home).await;
    assert_eq!(standing(&home).await, (0, 5, 0));
    assert_eq!(emails(&home, &users), [1; 5]);
    assert_eq!(home.emails_to(OPERATOR).len(), 1);
    home.advance_days(2);
    work(&home).await;
    assert_eq!(home.status().await.users.all, 5);
    home.advance_days(1);
    work(&home).await;
    assert_eq!(home.status().await.users.all, 0, "four days after Spotify first said so");
    home.finish().await;
}

#[tokio::test]
async fn two_refusals_are_no_mass_refusal() {
    let (home, _, users) = users_at_home(5).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    home.follows().await;
    assert_eq!(standing(&home).await, (3, 2, 0));
    home.emails().await;
    assert_eq!(emails(&home, &users), [0; 5], "not before it is certain");
    home.advance_hours(1);
    home.emails().await;
    assert_eq!(emails(&home, &users), [1, 1, 0, 0, 0]);
    assert!(home.emails_to(OPERATOR).is_empty());
    home.finish().await;
}

#[tokio::test]
async fn mass_refusal_is_detected_within_minutes() {
    for count in [3, 5] {
        let (home, _, users) = users_at_home(count).await;
        assert_eq!(home.follows().await.believed, count as u64, "with fresh tokens");
        home.clock.advance(std::time::Duration::from_secs(1800));
        let database = Connection::open(home.folder.path().join("dropday.db")).unwrap();
        for sql in [
            "UPDATE tokens SET expires_at = 0 WHERE user_id = (SELECT min(id) FROM users)",
            "UPDATE users SET follows_next_at = 0 WHERE id = (SELECT min(id) FROM users)",
        ] {
            database.execute(sql, []).unwrap();
        }
        home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(100));
        work(&home).await;
        assert_eq!(standing(&home).await, (count as u64 - 1, 1, 0));
        home.clock.advance(std::time::Duration::from_secs(300));
        work(&home).await;
        let all = count as u64;
        assert_eq!(standing(&home).await, (all, 0, all));
        home.world.clear_script(Endpoint::Token);
        home.advance_hours(2);
        work(&home).await;
        assert_eq!(standing(&home).await, (all, 0, 0));
        assert_eq!(emails(&home, &users), vec![0; count]);
        home.finish().await;
    }
}

#[tokio::test]
async fn single_revocation_costs_others_one_refresh() {
    let (home, _, users) = users_at_home(5).await;
    home.world.script(Endpoint::Token, [refusal()]);
    home.follows().await;
    home.world.forget_requests();
    for _ in 0..3 {
        work(&home).await;
        home.clock.advance(std::time::Duration::from_secs(300));
    }
    assert!(home.world.count(Endpoint::Token) <= 4);
    assert_eq!(standing(&home).await, (4, 1, 0));
    home.advance_hours(1);
    work(&home).await;
    assert_eq!(emails(&home, &users), [1, 0, 0, 0, 0]);
    home.finish().await;
}

#[tokio::test]
async fn consent_ended_in_the_last_hour_is_restored_with_news() {
    let (home, artist, users) = users_at_home(6).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    home.follows().await;
    assert_eq!(standing(&home).await, (4, 2, 0));
    home.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    home.checks().await;
    home.emails().await;
    assert_eq!(emails(&home, &users), [0, 0, 1, 1, 1, 1]);

    home.clock.advance(std::time::Duration::from_secs(3000));
    home.world.expire_access_tokens();
    home.world.script(Endpoint::Token, [refusal()]);
    home.follows().await;
    assert_eq!(standing(&home).await, (6, 0, 3), "the third makes it a storm");
    home.advance_hours(2);
    home.round().await;
    assert_eq!(standing(&home).await, (6, 0, 0));
    home.advance_hours(2);
    home.round().await;
    assert_eq!(emails(&home, &users), [1; 6]);
    assert_eq!(home.emails_to(&users[0].address)[0].subject, "Röyksopp: Meanwhile");
    home.finish().await;
}

#[tokio::test]
async fn consent_ended_earlier_stays_ended() {
    let (home, _, users) = users_at_home(6).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    home.follows().await;
    home.advance_hours(1);
    home.world.expire_access_tokens();
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(4));
    home.follows().await;
    assert_eq!(standing(&home).await, (4, 2, 4));
    home.emails().await;
    assert_eq!(emails(&home, &users), [1, 1, 0, 0, 0, 0]);
    home.finish_owing(0).await;
}

#[tokio::test]
async fn mass_refusal_without_operator_shows_in_status() {
    let home = Home::new().await;
    for number in 0..4 {
        home.listener(&format!("Person{number}"), &[]).await;
    }
    home.advance_hours(2);
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(4));
    home.follows().await;
    assert_eq!(standing(&home).await, (4, 0, 4));
    assert_eq!(home.emails().await.sent, 0);
    home.finish().await;
}
