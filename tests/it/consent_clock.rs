//! The six months of a consent: reminders before, and an email after the end.

use dropday::jobs::Scope;

use crate::test_app::{Listener, TestApp};

const MONTH: &str = "2027-04-23";
const WEEK: &str = "2027-05-16";
const DAY: &str = "2027-05-22";
const OVER: &str = "2027-05-23";
const ENDS: &str = "Reconnect Spotify by 23 May 2027";

async fn martha_at_home() -> (TestApp, Listener) {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (app, martha)
}

/// Runs the jobs that use consents.
async fn work(app: &TestApp) {
    app.consents().await;
    app.follows_of(Scope::Due).await;
    app.emails_of(Scope::Due).await;
}

/// Lets that many days pass, with work on each. Returns the emails and their days.
async fn days(app: &mut TestApp, martha: &Listener, count: u64) -> Vec<(String, String)> {
    days_in_steps(app, martha, count, 1).await
}

/// Lets that many days pass, with work on each `step`-th day. Returns the emails and their days.
async fn days_in_steps(
    app: &mut TestApp,
    martha: &Listener,
    count: u64,
    step: u64,
) -> Vec<(String, String)> {
    let mut came = Vec::new();
    for day in (0..count).step_by(step as usize) {
        app.advance_days(step);
        if day % 30 < step {
            app.restart().await;
        }
        let before = app.emails_to(&martha.address).len();
        work(app).await;
        work(app).await;
        for email in app.emails_to(&martha.address).into_iter().skip(before) {
            came.push((app.now().to_string()[..10].to_owned(), email.subject));
        }
    }
    came
}

fn emails(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(day, subject)| ((*day).to_owned(), (*subject).to_owned())).collect()
}

#[tokio::test]
async fn reminders_come_30_7_and_1_days_before_expiry() {
    let (mut app, martha) = martha_at_home().await;
    let page = martha.browser.get("/account").await.words();
    assert!(page.contains("Your Spotify access lasts until 23 May 2027."), "{page}");
    let came = days(&mut app, &martha, 200).await;
    let over = (OVER, "Please sign in with Spotify again");
    assert_eq!(came, emails(&[(MONTH, ENDS), (WEEK, ENDS), (DAY, ENDS), over]));
    let email = &app.emails_to(&martha.address)[0];
    assert!(email.link("/login").ends_with("/login"), "two clicks: this one, and Agree");
    app.finish().await;
}

#[tokio::test]
async fn signing_in_again_restarts_the_six_months() {
    let (mut app, martha) = martha_at_home().await;
    assert_eq!(days_in_steps(&mut app, &martha, 145, 5).await, []);
    assert_eq!(days(&mut app, &martha, 7).await, emails(&[(MONTH, ENDS)]));
    martha.browser.sign_in(&app.world, martha.user).await;
    let page = martha.browser.get("/account").await.words();
    assert!(page.contains("Your Spotify access lasts until 24 October 2027."), "{page}");
    let ends = "Reconnect Spotify by 24 October 2027";
    assert_eq!(days_in_steps(&mut app, &martha, 150, 5).await, []);
    let came = days(&mut app, &martha, 40).await;
    let over = ("2027-10-24", "Please sign in with Spotify again");
    let reminders = ["2027-09-24", "2027-10-17", "2027-10-23"].map(|day| (day, ends));
    assert_eq!(came, emails(&[&reminders[..], &[over]].concat()));
    app.finish().await;
}

#[tokio::test]
async fn after_downtime_only_the_latest_reminder_comes() {
    let (mut app, martha) = martha_at_home().await;
    app.advance_days(176);
    app.restart().await;
    work(&app).await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    let came = days(&mut app, &martha, 10).await;
    assert_eq!(came, emails(&[(DAY, ENDS), (OVER, "Please sign in with Spotify again")]));
    app.finish().await;
}

#[tokio::test]
async fn after_long_downtime_only_the_expiry_email_comes() {
    let (mut app, martha) = martha_at_home().await;
    app.advance_days(250);
    app.restart().await;
    work(&app).await;
    work(&app).await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert_eq!(emails[0].subject, "Please sign in with Spotify again");
    app.finish().await;
}

#[tokio::test]
async fn overdue_reminder_is_not_sent() {
    let (mut app, martha) = martha_at_home().await;
    app.advance_days(150);
    app.inbox.stop().await;
    days(&mut app, &martha, 30).await;
    assert_eq!(
        app.status().await.emails.queued,
        1,
        "of the three reminders only the last is wanted"
    );
    app.inbox.restart().await.unwrap();
    app.advance_hours(5);
    app.emails().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn reminder_is_dropped_after_signing_in_again() {
    let (app, martha) = martha_at_home().await;
    app.advance_days(160);
    app.inbox.stop().await;
    work(&app).await;
    martha.browser.sign_in(&app.world, martha.user).await;
    app.inbox.restart().await.unwrap();
    app.advance_hours(5);
    assert_eq!(app.emails().await.dropped, 1);
    assert!(app.emails_to(&martha.address).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn five_consents_may_expire_on_one_day() {
    let app = TestApp::with(&[("MAIL__OPERATOR", "operator@example.com")]).await;
    let mut users = Vec::new();
    for name in ["Martha", "Jonas", "Aino", "Piet", "Zoë"] {
        let user = app.world.add_user(name);
        users.push(app.connect(user, &format!("{}@example.com", users.len())).await);
    }
    app.advance_days(181);
    work(&app).await;
    for user in &users {
        assert_eq!(app.emails_to(&user.address).len(), 1, "it was to be expected");
    }
    assert!(app.emails_to("operator@example.com").is_empty());
    app.finish().await;
}
