//! The six months of a consent: reminders before, and an email after the end.

use dropday::jobs::Scope;

use crate::home::{Home, Listener};

const MONTH: &str = "2027-04-23";
const WEEK: &str = "2027-05-16";
const DAY: &str = "2027-05-22";
const OVER: &str = "2027-05-23";
const ENDS: &str = "Your Spotify permission ends on 23 May 2027";

async fn martha_at_home() -> (Home, Listener) {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    (home, martha)
}

/// Runs the jobs that use consents.
async fn work(home: &Home) {
    home.consents().await;
    home.follows_of(Scope::Due).await;
    home.emails_of(Scope::Due).await;
}

/// Lets that many days pass, with work on each. Returns the emails and their days.
async fn days(home: &mut Home, martha: &Listener, count: u64) -> Vec<(String, String)> {
    days_in_steps(home, martha, count, 1).await
}

/// Lets that many days pass, with work on each `step`-th day. Returns the emails and their days.
async fn days_in_steps(
    home: &mut Home,
    martha: &Listener,
    count: u64,
    step: u64,
) -> Vec<(String, String)> {
    let mut came = Vec::new();
    for day in (0..count).step_by(step as usize) {
        home.advance_days(step);
        if day % 30 < step {
            home.restart().await;
        }
        let before = home.emails_to(&martha.address).len();
        work(home).await;
        work(home).await;
        for email in home.emails_to(&martha.address).into_iter().skip(before) {
            came.push((home.now().to_string()[..10].to_owned(), email.subject));
        }
    }
    came
}

fn emails(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(day, subject)| ((*day).to_owned(), (*subject).to_owned())).collect()
}

#[tokio::test]
async fn reminders_come_30_7_and_1_days_before_expiry() {
    let (mut home, martha) = martha_at_home().await;
    let page = martha.browser.get("/account").await.words();
    assert!(page.contains("Your Spotify access lasts until 23 May 2027."), "{page}");
    let came = days(&mut home, &martha, 200).await;
    let over = (OVER, "Please sign in with Spotify again");
    assert_eq!(came, emails(&[(MONTH, ENDS), (WEEK, ENDS), (DAY, ENDS), over]));
    let email = &home.emails_to(&martha.address)[0];
    assert!(email.link("/login").ends_with("/login"), "two clicks: this one, and Agree");
    home.finish().await;
}

#[tokio::test]
async fn signing_in_again_restarts_the_six_months() {
    let (mut home, martha) = martha_at_home().await;
    assert_eq!(days_in_steps(&mut home, &martha, 145, 5).await, []);
    assert_eq!(days(&mut home, &martha, 7).await, emails(&[(MONTH, ENDS)]));
    martha.browser.sign_in(&home.world, martha.user).await;
    let page = martha.browser.get("/account").await.words();
    assert!(page.contains("Your Spotify access lasts until 24 October 2027."), "{page}");
    let ends = "Your Spotify permission ends on 24 October 2027";
    assert_eq!(days_in_steps(&mut home, &martha, 150, 5).await, []);
    let came = days(&mut home, &martha, 40).await;
    let over = ("2027-10-24", "Please sign in with Spotify again");
    let reminders = ["2027-09-24", "2027-10-17", "2027-10-23"].map(|day| (day, ends));
    assert_eq!(came, emails(&[&reminders[..], &[over]].concat()));
    home.finish().await;
}

#[tokio::test]
async fn after_downtime_only_the_latest_reminder_comes() {
    let (mut home, martha) = martha_at_home().await;
    home.advance_days(176);
    home.restart().await;
    work(&home).await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    let came = days(&mut home, &martha, 10).await;
    assert_eq!(came, emails(&[(DAY, ENDS), (OVER, "Please sign in with Spotify again")]));
    home.finish().await;
}

#[tokio::test]
async fn after_long_downtime_only_the_expiry_email_comes() {
    let (mut home, martha) = martha_at_home().await;
    home.advance_days(250);
    home.restart().await;
    work(&home).await;
    work(&home).await;
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert_eq!(emails[0].subject, "Please sign in with Spotify again");
    home.finish().await;
}

#[tokio::test]
async fn overdue_reminder_is_not_sent() {
    let (mut home, martha) = martha_at_home().await;
    home.advance_days(150);
    home.inbox.stop().await;
    days(&mut home, &martha, 30).await;
    assert_eq!(
        home.status().await.emails.queued,
        1,
        "of the three reminders only the last is wanted"
    );
    home.inbox.restart().await.unwrap();
    home.advance_hours(5);
    home.emails().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.finish().await;
}

#[tokio::test]
async fn reminder_is_dropped_after_signing_in_again() {
    let (home, martha) = martha_at_home().await;
    home.advance_days(160);
    home.inbox.stop().await;
    work(&home).await;
    martha.browser.sign_in(&home.world, martha.user).await;
    home.inbox.restart().await.unwrap();
    home.advance_hours(5);
    assert_eq!(home.emails().await.dropped, 1);
    assert!(home.emails_to(&martha.address).is_empty());
    home.finish().await;
}

#[tokio::test]
async fn five_consents_may_expire_on_one_day() {
    let home = Home::with(&[("MAIL__OPERATOR", "operator@example.com")]).await;
    let mut users = Vec::new();
    for name in ["Martha", "Jonas", "Aino", "Piet", "Zoë"] {
        let user = home.world.add_user(name);
        users.push(home.connect(user, &format!("{}@example.com", users.len())).await);
    }
    home.advance_days(181);
    work(&home).await;
    for user in &users {
        assert_eq!(home.emails_to(&user.address).len(), 1, "it was to be expected");
    }
    assert!(home.emails_to("operator@example.com").is_empty());
    home.finish().await;
}
