//! Confirming an address.

use dropday::demo::world::NewAlbum;
use reqwest::{Method, StatusCode};

use crate::test_app::TestApp;
use crate::visitor::Visitor;

/// A signed-in user who follows an artist and has no address yet.
async fn newcomer(app: &TestApp) -> (String, Visitor) {
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.world.add_user("Martha");
    app.world.follow(martha, &artist);
    let browser = app.visitor();
    browser.sign_in(&app.world, martha).await;
    app.round().await;
    (artist, browser)
}

/// Submits an address; returns the link of the confirmation email.
async fn link_to(app: &TestApp, browser: &Visitor, address: &str) -> String {
    let typed = browser.post("/account/address", &[("email", address)]).await;
    assert_eq!(typed.location.as_deref(), Some("/account"), "{}", typed.body);
    app.emails().await;
    app.emails_to(address).pop().expect("a letter that asks to confirm").link("/confirm/")
}

async fn confirmed(app: &TestApp) -> u64 {
    app.status().await.users.confirmed
}

#[tokio::test]
async fn unconfirmed_address_gets_no_news() {
    let app = TestApp::new().await;
    let (artist, browser) = newcomer(&app).await;
    link_to(&app, &browser, "martha@example.com").await;
    for title in ["First", "Second"] {
        app.world.publish(&artist, NewAlbum::titled(title));
        app.round().await;
        app.advance_hours(7);
    }
    let subjects: Vec<_> = app.inbox.emails().iter().map(|l| l.to.clone()).collect();
    assert_eq!(subjects, [["martha@example.com"]], "the letter that asks to confirm, alone");
    app.finish().await;
}

#[tokio::test]
async fn opening_confirmation_link_changes_nothing() {
    let app = TestApp::new().await;
    let (_, browser) = newcomer(&app).await;
    let link = link_to(&app, &browser, "martha@example.com").await;
    let scanner = app.visitor();
    for _ in 0..10 {
        let page = scanner.get(&link).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Is this your address?"), "{}", page.body);
        assert_eq!(scanner.ask(Method::HEAD, &link, |r| r).await.status, StatusCode::OK);
    }
    assert_eq!(confirmed(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn confirmation_button_works_once_in_any_browser() {
    let app = TestApp::new().await;
    let (_, browser) = newcomer(&app).await;
    let link = link_to(&app, &browser, "martha@example.com").await;
    let telephone = app.visitor();
    let page = telephone.post(&link, &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Your address is confirmed"), "{}", page.body);
    assert_eq!(confirmed(&app).await, 1);
    for page in [telephone.post(&link, &[]).await, telephone.get(&link).await] {
        assert!(page.body.contains("already confirmed"), "{}", page.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn only_newest_confirmation_link_works() {
    let app = TestApp::new().await;
    let (_, browser) = newcomer(&app).await;
    let older = link_to(&app, &browser, "mrtha@example.com").await;
    let newer = link_to(&app, &browser, "martha@example.com").await;
    for page in [browser.get(&older).await, browser.post(&older, &[]).await] {
        assert_eq!(page.status, StatusCode::GONE);
        assert!(page.body.contains("no longer works"), "{}", page.body);
    }
    assert_eq!(confirmed(&app).await, 0);
    browser.post(&newer, &[]).await;
    assert!(browser.get("/account").await.body.contains("martha@example.com"));
    assert_eq!(browser.post(&older, &[]).await.status, StatusCode::GONE);
    assert_eq!(confirmed(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn replaced_address_gets_no_confirmation_email() {
    let app = TestApp::new().await;
    let (_, browser) = newcomer(&app).await;
    browser.post("/account/address", &[("email", "mrtha@example.com")]).await;
    link_to(&app, &browser, "martha@example.com").await;
    assert!(app.emails_to("mrtha@example.com").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn confirmation_link_expires_after_two_days() {
    let app = TestApp::new().await;
    let (_, browser) = newcomer(&app).await;
    let link = link_to(&app, &browser, "martha@example.com").await;
    app.advance_hours(47);
    assert_eq!(browser.get(&link).await.status, StatusCode::OK);
    app.advance_hours(1);
    assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
    assert_eq!(browser.post(&link, &[]).await.status, StatusCode::GONE);
    assert_eq!(confirmed(&app).await, 0);
    let another = link_to(&app, &browser, "martha@example.com").await;
    browser.post(&another, &[]).await;
    assert_eq!(confirmed(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn forged_confirmation_link_is_invalid() {
    let app = TestApp::new().await;
    let (_, browser) = newcomer(&app).await;
    let link = link_to(&app, &browser, "martha@example.com").await;
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
    assert_eq!(confirmed(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn news_goes_to_old_address_until_confirmation() {
    let app = TestApp::new().await;
    let (artist, browser) = newcomer(&app).await;
    let (old, new) = ("old@example.com", "new@example.com");
    let link = link_to(&app, &browser, old).await;
    browser.post(&link, &[]).await;
    let link = link_to(&app, &browser, new).await;
    app.inbox.empty();
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.round().await;
    assert_eq!((app.emails_to(old).len(), app.emails_to(new).len()), (1, 0));
    browser.post(&link, &[]).await;
    app.world.publish(&artist, NewAlbum::titled("Second"));
    app.round().await;
    assert_eq!((app.emails_to(old).len(), app.emails_to(new).len()), (1, 1));
    app.finish().await;
}

#[tokio::test]
async fn confirmation_emails_are_rate_limited() {
    let app = TestApp::new().await;
    let (_, browser) = newcomer(&app).await;
    for _ in 0..5 {
        link_to(&app, &browser, "victim@example.com").await;
    }
    for _ in 0..3 {
        let page = browser.post("/account/address", &[("email", "victim@example.com")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("try again in an hour"), "{}", page.body);
        app.emails().await;
    }
    assert_eq!(app.emails_to("victim@example.com").len(), 5);
    app.advance_hours(1);
    link_to(&app, &browser, "victim@example.com").await;
    assert_eq!(app.emails_to("victim@example.com").len(), 6);
    app.finish().await;
}
