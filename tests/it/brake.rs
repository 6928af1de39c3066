//! So many people refused at once that Spotify must be wrong: nobody's consent ends on the spot.

use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use dropday::jobs::Scope;
use rusqlite::Connection;

use crate::home::{Home, Listener};

const OPERATOR: &str = "operator@example.com";

fn refusal() -> Fault {
    let body = r#"{"error":"invalid_grant","error_description":"Refresh token revoked"}"#;
    Fault::Status(400, "application/json", body.into())
}

/// So many people at home, who follow one artist, and whose access tokens have ended.
async fn people_at_home(count: usize) -> (Home, String, Vec<Listener>) {
    let home = Home::with(&[("MAIL__OPERATOR", OPERATOR)]).await;
    let artist = home.world.add_artist("Röyksopp");
    let mut people = Vec::new();
    for number in 0..count {
        people.push(home.listener(&format!("Person{number}"), &[&artist]).await);
    }
    home.round().await;
    home.advance_hours(2);
    home.world.forget_requests();
    (home, artist, people)
}

/// What a daemon does of itself, as far as consents go.
async fn work(home: &Home) {
    home.consents().await;
    home.follows_of(Scope::Due).await;
    home.letters_of(Scope::Due).await;
}

fn letters(home: &Home, people: &[Listener]) -> Vec<usize> {
    people.iter().map(|person| home.letters_to(&person.address).len()).collect()
}

/// Connected, to sign in again, held.
async fn standing(home: &Home) -> (u64, u64, u64) {
    let people = home.status().await.people;
    (people.connected, people.must_sign_in_again, people.held)
}

#[tokio::test]
async fn when_nearly_everybody_is_refused_nobody_is_ended_and_all_recover_with_spotify() {
    let (mut home, artist, people) = people_at_home(5).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(5));
    home.follows().await;
    assert_eq!(standing(&home).await, (5, 0, 5));
    let page = people[0].browser.get("/account").await.body;
    assert!(page.contains("Your permission is kept") && !page.contains("withdrawn"), "{page}");
    for _ in 0..3 {
        home.letters().await;
        home.clock.advance(std::time::Duration::from_secs(1800));
        work(&home).await;
    }
    home.restart().await;
    assert_eq!(letters(&home, &people), [0; 5]);
    assert_eq!(home.world.count(Endpoint::Token), 5, "they are left alone for two hours");

    home.clock.advance(std::time::Duration::from_secs(1800));
    home.world.put_out(&artist, NewAlbum::titled("After the storm"));
    assert_eq!(home.follows_of(Scope::Due).await.believed, 5);
    assert_eq!(standing(&home).await, (5, 0, 0));
    assert_eq!(home.status().await.people.in_trouble, 0);
    for _ in 0..7 {
        home.round().await;
        home.advance_days(1);
    }
    assert_eq!(letters(&home, &people), [1; 5], "the album, and nothing of the storm");
    let told = home.letters_to(OPERATOR);
    assert_eq!(told.len(), 1, "the operator is told once");
    assert!(told[0].subject.contains("refuses many people at once"), "{}", told[0].subject);
    assert!(told[0].text.contains("of 5 people"), "{}", told[0].text);
    assert_eq!(home.status().await.people.all, 5);
    home.finish().await;
}

#[tokio::test]
async fn who_is_still_refused_after_a_day_is_believed_and_told_once() {
    let (home, _, people) = people_at_home(5).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(1000));
    home.follows().await;
    for hours in 0..24 {
        work(&home).await;
        assert_eq!(standing(&home).await, (5, 0, 5), "after {hours} hours");
        home.advance_hours(1);
    }
    assert_eq!(home.world.count(Endpoint::Token), 12 * 5, "each is tried every two hours");
    assert_eq!(letters(&home, &people), [0; 5]);
    work(&home).await;
    home.advance_hours(2);
    work(&home).await;
    assert_eq!(standing(&home).await, (0, 5, 0));
    assert_eq!(letters(&home, &people), [1; 5]);
    assert_eq!(home.letters_to(OPERATOR).len(), 1);
    home.advance_days(2);
    work(&home).await;
    assert_eq!(home.status().await.people.all, 5);
    home.advance_days(1);
    work(&home).await;
    assert_eq!(home.status().await.people.all, 0, "four days after Spotify first said so");
    home.finish().await;
}

#[tokio::test]
async fn two_are_no_storm() {
    let (home, _, people) = people_at_home(5).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    home.follows().await;
    assert_eq!(standing(&home).await, (3, 2, 0));
    home.letters().await;
    assert_eq!(letters(&home, &people), [0; 5], "not before it is certain");
    home.advance_hours(1);
    home.letters().await;
    assert_eq!(letters(&home, &people), [1, 1, 0, 0, 0]);
    assert!(home.letters_to(OPERATOR).is_empty());
    home.finish().await;
}

#[tokio::test]
async fn a_storm_is_seen_within_minutes_though_one_token_alone_was_due_to_be_refreshed() {
    for count in [3, 5] {
        let (home, _, people) = people_at_home(count).await;
        assert_eq!(home.follows().await.believed, count as u64, "with fresh tokens");
        home.clock.advance(std::time::Duration::from_secs(1800));
        let database = Connection::open(home.folder.path().join("dropday.db")).unwrap();
        for sql in [
            "UPDATE tokens SET expires_at = 0 WHERE person = (SELECT min(id) FROM people)",
            "UPDATE people SET follows_next_at = 0 WHERE id = (SELECT min(id) FROM people)",
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
        assert_eq!(letters(&home, &people), vec![0; count]);
        home.finish().await;
    }
}

#[tokio::test]
async fn where_one_person_leaves_the_others_are_asked_once_and_lose_nothing() {
    let (home, _, people) = people_at_home(5).await;
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
    assert_eq!(letters(&home, &people), [1, 0, 0, 0, 0]);
    home.finish().await;
}

#[tokio::test]
async fn whose_consent_ended_within_the_hour_has_it_back_with_the_news_missed_meanwhile() {
    let (home, artist, people) = people_at_home(6).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    home.follows().await;
    assert_eq!(standing(&home).await, (4, 2, 0));
    home.world.put_out(&artist, NewAlbum::titled("Meanwhile"));
    home.checks().await;
    home.letters().await;
    assert_eq!(letters(&home, &people), [0, 0, 1, 1, 1, 1]);

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
    assert_eq!(letters(&home, &people), [1; 6]);
    assert_eq!(home.letters_to(&people[0].address)[0].subject, "Röyksopp: Meanwhile");
    home.finish().await;
}

#[tokio::test]
async fn whose_consent_ended_before_the_hour_stays_asked_to_sign_in_again() {
    let (home, _, people) = people_at_home(6).await;
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(2));
    home.follows().await;
    home.advance_hours(1);
    home.world.expire_access_tokens();
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(4));
    home.follows().await;
    assert_eq!(standing(&home).await, (4, 2, 4));
    home.letters().await;
    assert_eq!(letters(&home, &people), [1, 1, 0, 0, 0, 0]);
    home.finish_owing(0).await;
}

#[tokio::test]
async fn a_storm_without_an_operator_owes_no_letter_and_can_be_seen_in_the_status() {
    let home = Home::new().await;
    for number in 0..4 {
        home.listener(&format!("Person{number}"), &[]).await;
    }
    home.advance_hours(2);
    home.world.script(Endpoint::Token, std::iter::repeat_with(refusal).take(4));
    home.follows().await;
    assert_eq!(standing(&home).await, (4, 0, 4));
    assert_eq!(home.letters().await.sent, 0);
    home.finish().await;
}
