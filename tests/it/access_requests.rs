//! Access requests of users who are not on the Spotify app's allow-list.

use std::time::Duration;

use dropday::accounts::invitations;
use dropday::store::access_requests::AccessRequest;
use dropday::store::{Tx, access_requests};
use jiff::SignedDuration;
use scraper::{Html, Selector};

use crate::test_app::{Email, Settings, TestApp};
use crate::visitor::{Answer, Visitor};

const OPERATOR: &str = "operator@example.com";
const REACHABLE: (&str, &str) = ("MAIL__OPERATOR", OPERATOR);
const CONTACT: (&str, &str) = ("WEB__CONTACT", "martha@example.org");

async fn app(more: Settings<'_>) -> TestApp {
    TestApp::with(&[&[REACHABLE, CONTACT], more].concat()).await
}

/// The page that a user sees after Spotify rejected them.
async fn refused(app: &TestApp, to: &str) -> (Visitor, Answer) {
    let (visitor, user) = (app.visitor(), app.world.add_user("Aino"));
    app.world.change_user(user, |user| user.allow_listed = false);
    let to = visitor.get(to).await.location.unwrap();
    let answer = visitor.get(&app.world.consent(&to, user).unwrap()).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    (visitor, answer)
}

fn value(answer: &Answer, field: &str) -> Option<String> {
    let page = Html::parse_document(&answer.body);
    let selector = Selector::parse(&format!("form [name={field}]")).unwrap();
    let value = page.select(&selector).next()?.attr("value").unwrap_or_default().to_owned();
    Some(value)
}

async fn ask(app: &TestApp, name: &str, address: &str) -> Answer {
    let (visitor, page) = refused(app, "/login").await;
    let proof = value(&page, "proof").expect("a form");
    visitor
        .post("/access-requests", &[("proof", &proof), ("name", name), ("address", address)])
        .await
}

async fn waiting(app: &TestApp) -> Vec<AccessRequest> {
    app.ctx.db.read("test", |tx: &Tx<'_>| access_requests::list(tx)).await.unwrap()
}

fn told(app: &TestApp) -> Vec<Email> {
    app.emails_to(OPERATOR)
}

#[tokio::test]
async fn access_request_reaches_operator_by_email_and_status() {
    let app = app(&[]).await;
    let answer = ask(&app, "  Aino   Virtanen ", "Aino@example.com ").await;
    assert_eq!((answer.status.as_u16(), answer.location.as_deref()), (303, Some("/asked")));
    let page = app.visitor().get("/asked").await;
    assert!(
        page.status == 200 && page.body.contains("Your request has been sent"),
        "{}",
        page.body
    );
    app.emails().await;
    let [email] = &told(&app)[..] else { panic!("one letter") };
    assert!(email.subject.contains("Someone asked to be added"), "{}", email.subject);
    assert!(email.text.contains("Aino Virtanen\r\nAino@example.com\r\n"), "{}", email.text);
    let status = app.status().await;
    assert_eq!((status.access_requests[0].name.as_str(), status.users.all), ("Aino Virtanen", 0));
    assert!(app.emails_to("Aino@example.com").is_empty(), "nothing is sent there");
    app.advance_days(31);
    app.follows().await;
    assert_eq!(waiting(&app).await, [], "and after a month it is forgotten");
    app.finish().await;
}

#[tokio::test]
async fn operator_gets_one_email_a_day_naming_all() {
    let app = app(&[]).await;
    ask(&app, "Aino", "aino@example.com").await;
    ask(&app, "Jonas", "jonas@example.com").await;
    app.round().await;
    assert_eq!(told(&app).len(), 1);
    assert!(told(&app)[0].text.contains("2 people tried to connect"), "{}", told(&app)[0].text);
    ask(&app, "Martha", "martha@example.com").await;
    app.round().await;
    assert_eq!(told(&app).len(), 1, "the day's letter has left");
    app.advance_hours(24);
    app.round().await;
    let emails = told(&app);
    assert_eq!(emails.len(), 2);
    assert!(emails[1].text.contains("martha@example.com"), "{}", emails[1].text);
    assert!(!emails[1].text.contains("aino@example.com"), "{}", emails[1].text);
    app.advance_hours(24);
    app.round().await;
    assert_eq!(told(&app).len(), 2, "nobody is told of twice");
    app.finish().await;
}

#[tokio::test]
async fn access_request_needs_valid_proof() {
    let app = app(&[]).await;
    let (visitor, page) = refused(&app, "/login").await;
    let proof = value(&page, "proof").unwrap();
    let mut longer = proof.clone();
    longer.insert(0, '1');
    let other = format!("{}A", &proof[..proof.len() - 1]);
    let forged = ["", "x", "1.2.3", "99999999999999.a.b", &longer, &other];
    for proof in forged.into_iter().filter(|forged| *forged != proof) {
        let form = [("proof", proof), ("name", "Eve"), ("address", "eve@example.com")];
        assert_eq!(visitor.post("/access-requests", &form).await.status, 403, "{proof}");
    }
    let form = [("proof", proof.as_str()), ("name", "Eve"), ("address", "eve@example.com")];
    assert_eq!(visitor.post_from_elsewhere("/access-requests", &form).await.status, 403);
    app.clock.advance(Duration::from_secs(3600));
    let late = visitor.post("/access-requests", &form).await;
    assert_eq!(late.status, 403, "an hour later");
    assert!(late.body.contains("works for an hour"), "{}", late.body);
    assert_eq!(visitor.get("/access-requests").await.status, 405);
    assert_eq!(waiting(&app).await, []);
    app.emails().await;
    assert!(told(&app).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn invalid_access_request_keeps_submitted_values() {
    let app = app(&[]).await;
    let (visitor, page) = refused(&app, "/login").await;
    let proof = value(&page, "proof").unwrap();
    let long = "n".repeat(101);
    for (name, address, words, field) in [
        ("", "aino@example.com", "Enter your name", "name"),
        (&long, "aino@example.com", "at most 100", "name"),
        ("Aino", "", "address of your Spotify account.", "address"),
        ("Aino <\"b>", "aino", "doesn’t look like", "address"),
        ("Aino", "a@b.c\r\nBcc: eve@example.com", "line break", "address"),
    ] {
        let form = [("proof", proof.as_str()), ("name", name), ("address", address)];
        let answer = visitor.post("/access-requests", &form).await;
        assert_eq!(answer.status, 422, "{name} {address}");
        let page = Html::parse_document(&answer.body);
        let invalid = Selector::parse("[aria-invalid]").unwrap();
        let [wrong] = &page.select(&invalid).collect::<Vec<_>>()[..] else { panic!("{words}") };
        assert_eq!(wrong.attr("name"), Some(field));
        let fault =
            Selector::parse(&format!("#{}", wrong.attr("aria-describedby").unwrap())).unwrap();
        let said: String = page.select(&fault).next().unwrap().text().collect();
        assert!(said.contains(words), "{said}");
        assert_eq!(value(&answer, "name").as_deref(), Some(name));
        assert_eq!(value(&answer, "proof"), Some(proof.clone()));
    }
    assert_eq!(waiting(&app).await, []);
    app.finish().await;
}

#[tokio::test]
async fn proof_is_good_for_one_access_request() {
    let app = app(&[]).await;
    let (visitor, page) = refused(&app, "/login").await;
    let proof = value(&page, "proof").unwrap();
    for address in ["ainoo@example.com", "aino@example.com"] {
        let form = [("proof", proof.as_str()), ("name", "Aino"), ("address", address)];
        assert_eq!(
            visitor.post("/access-requests", &form).await.status,
            303,
            "a slip can be mended"
        );
    }
    ask(&app, "Aino V.", "AINO@example.com").await;
    let [one] = &waiting(&app).await[..] else { panic!("one row") };
    assert_eq!((one.name.as_str(), one.address.as_str()), ("Aino V.", "AINO@example.com"));
    app.emails().await;
    assert_eq!(told(&app).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn access_requests_are_limited_to_fifty() {
    let app = app(&[]).await;
    for n in 0..50 {
        let answer = ask(&app, "Eve", &format!("eve{n}@example.com")).await;
        assert_eq!(answer.status, 303, "{n}: {}", answer.body);
        app.clock.advance(Duration::from_secs(30));
    }
    let full = ask(&app, "Aino", "aino@example.com").await;
    assert_eq!(full.status, 503);
    assert!(full.body.contains("mailto:martha@example.org"), "{}", full.body);
    assert_eq!(waiting(&app).await.len(), 50);
    app.emails().await;
    assert_eq!(told(&app).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn access_request_page_shows_contact_without_operator() {
    let app = TestApp::with(&[CONTACT]).await;
    let (_, page) = refused(&app, "/login").await;
    assert_eq!(value(&page, "proof"), None, "no form");
    assert!(page.body.contains("mailto:martha@example.org"), "{}", page.body);
    app.finish().await;
}

#[tokio::test]
async fn access_request_follows_sign_up_policy() {
    for sign_up in ["closed", "invitation"] {
        let app = app(&[("WEB__SIGN_UP", sign_up)]).await;
        let good_for = SignedDuration::from_hours(24);
        let made = invitations::make(&app.ctx.db, &*app.ctx.rng, "", good_for).await.unwrap();
        let (_, page) = refused(&app, "/login").await;
        assert_eq!(value(&page, "proof"), None, "{sign_up}");
        assert!(page.body.contains("mailto:martha@example.org"), "{}", page.body);
        let token = made.path.rsplit('/').next().unwrap();
        let (_, page) = refused(&app, &format!("/login?invitation={token}")).await;
        assert_eq!(value(&page, "proof").is_some(), sign_up == "invitation");
        app.finish().await;
    }
}

#[tokio::test]
async fn hostile_access_request_name_is_escaped() {
    let app = app(&[]).await;
    let name = "<b>Eve</b>\r\nBcc: victim@example.com\r\n\r\n\u{202e}x";
    ask(&app, name, "eve@example.com").await;
    app.emails().await;
    let [email] = &told(&app)[..] else { panic!("one letter") };
    let page = Html::parse_document(&email.html);
    assert!(page.select(&Selector::parse("b").unwrap()).next().is_none());
    assert!(email.text.contains("<b>Eve</b> Bcc: victim@example.com x"), "{}", email.text);
    assert!(app.emails_to("victim@example.com").is_empty());
    app.finish().await;
}
