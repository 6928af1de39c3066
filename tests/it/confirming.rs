//! Confirming an address.

use dropday::demo::world::NewAlbum;
use reqwest::{Method, StatusCode};

use crate::home::Home;
use crate::visitor::Visitor;

/// A signed-in user who follows an artist and has no address yet.
async fn newcomer(home: &Home) -> (String, Visitor) {
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.world.add_user("Martha");
    home.world.follow(martha, &artist);
    let browser = home.visitor();
    browser.sign_in(&home.world, martha).await;
    home.round().await;
    (artist, browser)
}

/// Submits an address; returns the link of the confirmation email.
async fn link_to(home: &Home, browser: &Visitor, address: &str) -> String {
    let typed = browser.post("/account/address", &[("email", address)]).await;
    assert_eq!(typed.location.as_deref(), Some("/account"), "{}", typed.body);
    home.emails().await;
    home.emails_to(address).pop().expect("a letter that asks to confirm").link("/confirm/")
}

async fn confirmed(home: &Home) -> u64 {
    home.status().await.users.confirmed
}

#[tokio::test]
async fn unconfirmed_address_gets_no_news() {
    let home = Home::new().await;
    let (artist, browser) = newcomer(&home).await;
    link_to(&home, &browser, "martha@example.com").await;
    for title in ["First", "Second"] {
        home.world.publish(&artist, NewAlbum::titled(title));
        home.round().await;
        home.advance_hours(7);
    }
    let subjects: Vec<_> = home.inbox.emails().iter().map(|l| l.to.clone()).collect();
    assert_eq!(subjects, [["martha@example.com"]], "the letter that asks to confirm, alone");
    home.finish().await;
}

#[tokio::test]
async fn opening_confirmation_link_changes_nothing() {
    let home = Home::new().await;
    let (_, browser) = newcomer(&home).await;
    let link = link_to(&home, &browser, "martha@example.com").await;
    let scanner = home.visitor();
    for _ in 0..10 {
        let page = scanner.get(&link).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Is this your address?"), "{}", page.body);
        assert_eq!(scanner.ask(Method::HEAD, &link, |r| r).await.status, StatusCode::OK);
    }
    assert_eq!(confirmed(&home).await, 0);
    home.finish().await;
}

#[tokio::test]
async fn confirmation_button_works_once_in_any_browser() {
    let home = Home::new().await;
    let (_, browser) = newcomer(&home).await;
    let link = link_to(&home, &browser, "martha@example.com").await;
    let telephone = home.visitor();
    let page = telephone.post(&link, &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Your address is confirmed"), "{}", page.body);
    assert_eq!(confirmed(&home).await, 1);
    for page in [telephone.post(&link, &[]).await, telephone.get(&link).await] {
        assert!(page.body.contains("already confirmed"), "{}", page.body);
    }
    home.finish().await;
}

#[tokio::test]
async fn only_newest_confirmation_link_works() {
    let home = Home::new().await;
    let (_, browser) = newcomer(&home).await;
    let older = link_to(&home, &browser, "mrtha@example.com").await;
    let newer = link_to(&home, &browser, "martha@example.com").await;
    for page in [browser.get(&older).await, browser.post(&older, &[]).await] {
        assert_eq!(page.status, StatusCode::GONE);
        assert!(page.body.contains("no longer works"), "{}", page.body);
    }
    assert_eq!(confirmed(&home).await, 0);
    browser.post(&newer, &[]).await;
    assert!(browser.get("/account").await.body.contains("martha@example.com"));
    assert_eq!(browser.post(&older, &[]).await.status, StatusCode::GONE);
    assert_eq!(confirmed(&home).await, 1);
    home.finish().await;
}

#[tokio::test]
async fn replaced_address_gets_no_confirmation_email() {
    let home = Home::new().await;
    let (_, browser) = newcomer(&home).await;
    browser.post("/account/address", &[("email", "mrtha@example.com")]).await;
    link_to(&home, &browser, "martha@example.com").await;
    assert!(home.emails_to("mrtha@example.com").is_empty());
    home.finish().await;
}

#[tokio::test]
async fn confirmation_link_expires_after_two_days() {
    let home = Home::new().await;
    let (_, browser) = newcomer(&home).await;
    let link = link_to(&home, &browser, "martha@example.com").await;
    home.advance_hours(47);
    assert_eq!(browser.get(&link).await.status, StatusCode::OK);
    home.advance_hours(1);
    assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
    assert_eq!(browser.post(&link, &[]).await.status, StatusCode::GONE);
    assert_eq!(confirmed(&home).await, 0);
    let another = link_to(&home, &browser, "martha@example.com").await;
    browser.post(&another, &[]).await;
    assert_eq!(confirmed(&home).await, 1);
    home.finish().await;
}

#[tokio::test]
async fn forged_confirmation_link_is_invalid() {
    let home = Home::new().await;
    let (_, browser) = newcomer(&home).await;
    let link = link_to(&home, &browser, "martha@example.com").await;
    let (number, signature) = link.rsplit_once('/').unwrap().1.split_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    let next = number.parse::<i64>().unwrap() + 1;
    for token in [
        format!("{number}.{turned}"),
        format!("{next}.{signature}"),
        format!("-{number}.{signature}"),
        format!("{number}.{}", &signature[..20]),
        format!("{number}.{signature}A"),
        format!("{number}."),
        format!(".{signature}"),
        number.to_owned(),
        format!("99999999999999999999.{signature}"),
        "%00".to_owned(),
        "%F0%9F%A5%81.%E2%80%AE".to_owned(),
        "x".repeat(5000),
    ] {
        for page in [
            browser.get(&format!("/confirm/{token}")).await,
            browser.post(&format!("/confirm/{token}"), &[]).await,
        ] {
            assert_eq!(page.status, StatusCode::GONE, "{token}");
        }
    }
    let unreadable = browser.post("/confirm/%ff", &[]).await.status;
    assert!(unreadable.is_client_error(), "{unreadable}");
    assert_eq!(confirmed(&home).await, 0);
    home.finish().await;
}

#[tokio::test]
async fn news_goes_to_old_address_until_confirmation() {
    let home = Home::new().await;
    let (artist, browser) = newcomer(&home).await;
    let (old, new) = ("old@example.com", "new@example.com");
    let link = link_to(&home, &browser, old).await;
    browser.post(&link, &[]).await;
    let link = link_to(&home, &browser, new).await;
    home.inbox.empty();
    home.world.publish(&artist, NewAlbum::titled("First"));
    home.round().await;
    assert_eq!((home.emails_to(old).len(), home.emails_to(new).len()), (1, 0));
    browser.post(&link, &[]).await;
    home.world.publish(&artist, NewAlbum::titled("Second"));
    home.round().await;
    assert_eq!((home.emails_to(old).len(), home.emails_to(new).len()), (1, 1));
    home.finish().await;
}

#[tokio::test]
async fn confirmation_emails_are_rate_limited() {
    let home = Home::new().await;
    let (_, browser) = newcomer(&home).await;
    for _ in 0..5 {
        link_to(&home, &browser, "victim@example.com").await;
    }
    for _ in 0..3 {
        let page = browser.post("/account/address", &[("email", "victim@example.com")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("try again in an hour"), "{}", page.body);
        home.emails().await;
    }
    assert_eq!(home.emails_to("victim@example.com").len(), 5);
    home.advance_hours(1);
    link_to(&home, &browser, "victim@example.com").await;
    assert_eq!(home.emails_to("victim@example.com").len(), 6);
    home.finish().await;
}
