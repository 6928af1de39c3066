//! Signing in: success, identity, and the page for each failure.

use dropday::demo::world::{Endpoint, Fault};

use crate::test_app::TestApp;

#[tokio::test]
async fn second_sign_in_renews_the_same_user() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    app.visitor().sign_in(&app.world, martha).await;
    app.world.change_user(martha, |user| user.id = "another".into());
    app.visitor().sign_in(&app.world, martha).await;
    let jonas = app.world.add_user("Jonas");
    app.visitor().sign_in(&app.world, jonas).await;
    assert_eq!(app.status().await.users.all, 2);
    app.finish().await;
}

#[tokio::test]
async fn user_known_by_id_is_recognised_by_account_id() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    let id = app.world.user(martha).unwrap().id;
    let without = format!(r#"{{"id":"{id}","display_name":"Martha"}}"#);
    app.world.script(Endpoint::Me, [Fault::Status(200, "application/json", without.clone())]);
    app.visitor().sign_in(&app.world, martha).await;
    app.visitor().sign_in(&app.world, martha).await;
    assert_eq!(app.status().await.users.all, 1);
    app.world.script(Endpoint::Me, [Fault::Status(200, "application/json", without)]);
    app.visitor().sign_in(&app.world, martha).await;
    assert_eq!(app.status().await.users.all, 1);
    app.finish().await;
}

#[tokio::test]
async fn declining_at_spotify_stores_nothing() {
    let app = TestApp::new().await;
    app.world.add_user("Martha");
    let browser = app.visitor();
    let back = app.world.refuse_consent(&browser.to_spotify().await).unwrap();
    let page = browser.get(&back).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("didn’t agree") && page.body.contains("/login"), "{}", page.body);
    assert_eq!(app.status().await.users.all, 0);
    app.finish().await;
}

#[tokio::test]
async fn callback_works_once() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    let browser = app.visitor();
    let back = app.world.consent(&browser.to_spotify().await, martha).unwrap();
    let trip = browser.cookie("dropday_trip").unwrap();
    browser.get(&back).await;
    browser.set_cookie("dropday_trip", &trip);
    let again = browser.get(&back).await;
    assert_eq!(again.status, 400);
    assert!(again.body.contains("This sign-in has expired or was already used"), "{}", again.body);
    app.finish().await;
}

#[tokio::test]
async fn callback_expires_after_ten_minutes() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    let browser = app.visitor();
    let back = app.world.consent(&browser.to_spotify().await, martha).unwrap();
    app.clock.advance(std::time::Duration::from_secs(600));
    let page = browser.get(&back).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("ten minutes"), "{}", page.body);
    assert_eq!(app.world.count(Endpoint::Token), 0, "Spotify is not even asked");
    app.finish().await;
}

#[tokio::test]
async fn callback_in_another_browser_is_rejected() {
    let app = TestApp::new().await;
    let mallory = app.world.add_user("Mallory");
    let back = app.world.consent(&app.visitor().to_spotify().await, mallory).unwrap();
    let victim = app.visitor();
    victim.to_spotify().await;
    let page = victim.get(&back).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("another browser"), "{}", page.body);
    assert!(victim.cookie("dropday").is_none());
    assert_eq!(app.world.count(Endpoint::Token), 0);
    app.finish().await;
}

#[tokio::test]
async fn sign_ins_in_two_tabs_both_work() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    let browser = app.visitor();
    let first = app.world.consent(&browser.to_spotify().await, martha).unwrap();
    let second = app.world.consent(&browser.to_spotify().await, martha).unwrap();
    let trip = browser.cookie("dropday_trip").unwrap();
    assert_eq!(browser.get(&first).await.location.as_deref(), Some("/account"));
    browser.set_cookie("dropday_trip", &trip);
    assert_eq!(browser.get(&second).await.location.as_deref(), Some("/account"));
    app.finish().await;
}

#[tokio::test]
async fn used_authorization_code_gets_its_own_page() {
    let app = TestApp::new().await;
    app.world.add_user("Martha");
    let browser = app.visitor();
    let authorize = browser.to_spotify().await;
    let state = authorize.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let page = browser.get(&format!("/callback?code=seen-before&state={state}")).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("was already used"), "{}", page.body);
    app.finish().await;
}

#[tokio::test]
async fn user_not_on_allow_list_sees_contact() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    app.world.change_user(martha, |user| user.allow_listed = false);
    let browser = app.visitor();
    let back = app.world.consent(&browser.to_spotify().await, martha).unwrap();
    let page = browser.get(&back).await;
    assert_eq!(page.status, 403);
    assert!(
        page.body.contains("User Management") || page.body.contains("User\nManagement"),
        "{}",
        page.body
    );
    assert_eq!(app.status().await.users.all, 0);
    app.finish().await;
}

#[tokio::test]
async fn missing_premium_gets_its_own_page() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    app.world.set_owner_premium(false);
    let browser = app.visitor();
    let back = app.world.consent(&browser.to_spotify().await, martha).unwrap();
    let page = browser.get(&back).await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("Premium"), "{}", page.body);
    app.finish().await;
}

#[tokio::test]
async fn sign_in_during_outage_changes_nothing() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    for (fault, words) in [
        (Fault::bad_gateway(), "didn’t respond"),
        (Fault::Html, "didn’t respond"),
        (Fault::RateLimited { retry_after: Some(60) }, "asked us to slow down"),
    ] {
        app.world.script(Endpoint::Token, [fault]);
        let browser = app.visitor();
        let back = app.world.consent(&browser.to_spotify().await, martha).unwrap();
        let page = browser.get(&back).await;
        assert!(page.status.is_server_error() && page.body.contains(words), "{}", page.body);
    }
    assert_eq!(app.status().await.users.all, 0);
    app.finish().await;
}

#[tokio::test]
async fn confidential_app_sends_secret_and_verifier() {
    let app = TestApp::with(&[("SPOTIFY__CLIENT_SECRET", "hush")]).await;
    app.world.set_client_secret("hush");
    let artist = app.world.add_artist("Röyksopp");
    app.listener("Martha", &[&artist]).await;
    app.advance_hours(2);
    assert_eq!(app.follows().await.applied, 1, "and refreshes with it");
    app.finish().await;
}

#[tokio::test]
async fn address_from_spotify_is_only_suggested() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    let id = app.world.user(martha).unwrap().id;
    let with =
        format!(r#"{{"id":"{id}","display_name":"Martha","email":"martha@spotify.example"}}"#);
    app.world.script(Endpoint::Me, [Fault::Status(200, "application/json", with)]);
    let browser = app.visitor();
    browser.sign_in(&app.world, martha).await;
    let page = browser.get("/account").await.body;
    assert!(page.contains(r#"value="martha@spotify.example""#), "{page}");
    assert_eq!(page.matches("name=\"email\"").count(), 1);
    app.round().await;
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn cross_site_forms_are_rejected() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    for path in ["/account/address", "/account/sign-out", "/account/leave"] {
        let answer =
            martha.browser.post_from_elsewhere(path, &[("email", "evil@example.com")]).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(app.status().await.users.all, 1);
    app.emails().await;
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn session_expires_after_thirty_idle_days() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    app.advance_days(29);
    assert_eq!(martha.browser.get("/account").await.status, 200);
    app.advance_days(29);
    assert_eq!(martha.browser.get("/account").await.status, 200);
    app.advance_days(30);
    assert_eq!(martha.browser.get("/account").await.location.as_deref(), Some("/"));
    app.finish().await;
}

#[tokio::test]
async fn cookies_and_pages_have_security_attributes() {
    let app = TestApp::new().await;
    let answer = app.visitor().get("/login").await;
    let cookie = &answer.set_cookies[0];
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let policy = answer.headers.get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(answer.headers.get("referrer-policy").unwrap(), "same-origin");
    app.finish().await;
}

#[tokio::test]
async fn each_user_learns_that_the_owner_needs_premium() {
    let app = TestApp::new().await;
    app.world.set_owner_premium(false);
    for name in ["Martha", "Otto"] {
        let user = app.world.add_user(name);
        let browser = app.visitor();
        let back = app.world.consent(&browser.to_spotify().await, user).unwrap();
        assert!(browser.get(&back).await.body.contains("Premium"), "{name}");
    }
    app.finish().await;
}
