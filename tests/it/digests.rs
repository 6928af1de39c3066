//! When emails leave: together, once a day, once a week, in a user's own time, each thing once.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::test_clock::SeededRng;
use dropday::clock::{Clock, Rng, fraction};
use dropday::demo::world::NewAlbum;
use dropday::jobs::Scope;
use jiff::Timestamp;

use crate::test_app::{Listener, TestApp};

const A_QUARTER: &[(&str, &str)] = &[("MAIL__BATCH_WINDOW", "15m")];

async fn fan(app: &TestApp) -> (String, Listener) {
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (artist, martha)
}

async fn emails_that_are_due(app: &TestApp) -> u64 {
    app.emails_of(Scope::Due).await.sent
}

async fn comes_out(app: &TestApp, artist: &str, title: &str) {
    app.world.publish(artist, NewAlbum::titled(title));
    app.checks().await;
}

/// Lets the clock go on to a time, a quarter of an hour at a time, and sends what is due. When emails
/// left.
async fn until(app: &TestApp, end: &str) -> Vec<String> {
    let end: Timestamp = end.parse().unwrap();
    let mut left = Vec::new();
    while app.now() < end {
        app.clock.advance(Duration::from_secs(15 * 60));
        if emails_that_are_due(app).await > 0 {
            left.push(app.now().to_string());
        }
    }
    left
}

async fn wants(listener: &Listener, emails: &str, hour: &str, zone: &str) {
    let form =
        [("letters", emails), ("hour", hour), ("weekday", "4"), ("zone", zone), ("albums", "on")];
    let answer = listener.browser.post("/preferences", &form).await;
    let location = answer.location.unwrap_or_default();
    assert!(location.starts_with("/preferences?saved="), "{location:?}: {}", answer.body);
}

#[tokio::test]
async fn releases_within_quarter_of_an_hour_share_an_email() {
    let app = TestApp::with(A_QUARTER).await;
    let (artist, martha) = fan(&app).await;
    comes_out(&app, &artist, "First").await;
    assert_eq!(emails_that_are_due(&app).await, 0);
    app.clock.advance(Duration::from_secs(14 * 60));
    comes_out(&app, &artist, "Second").await;
    assert_eq!(emails_that_are_due(&app).await, 0);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(emails_that_are_due(&app).await, 1, "the second waits no quarter of its own");
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "2 new albums: Röyksopp");
    app.finish().await;
}

#[tokio::test]
async fn once_all_ignores_the_batch_window() {
    let app = TestApp::with(A_QUARTER).await;
    let (artist, martha) = fan(&app).await;
    comes_out(&app, &artist, "First").await;
    assert_eq!(app.emails_of(Scope::All).await.sent, 1);
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn new_release_does_not_shorten_a_deferral() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.stop().await;
    comes_out(&app, &artist, "First").await;
    assert_eq!(app.emails_of(Scope::Due).await.deferred, 1);
    comes_out(&app, &artist, "Second").await;
    assert_eq!(app.emails_of(Scope::Due).await.deferred, 0);
    app.inbox.restart().await.unwrap();
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(emails_that_are_due(&app).await, 1);
    assert_eq!(app.emails_to(&martha.address)[0].subject, "2 new albums: Röyksopp");
    app.finish().await;
}

#[tokio::test]
async fn daily_email_is_sent_once_at_local_hour() {
    let mut app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    wants(&martha, "daily", "18", "America/New_York").await;
    comes_out(&app, &artist, "First").await;
    app.emails_of(Scope::All).await;
    assert!(app.emails_to(&martha.address).is_empty(), "not even for who asks for all letters");
    // Monday, 18:00 in New York.
    assert_eq!(until(&app, "2026-11-23T23:30:00Z").await, ["2026-11-23T23:00:00Z"]);
    comes_out(&app, &artist, "Second").await;
    comes_out(&app, &artist, "Third").await;
    app.restart().await;
    assert_eq!(until(&app, "2026-11-25T12:00:00Z").await, ["2026-11-24T23:00:00Z"]);
    assert_eq!(app.emails_to(&martha.address).len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn weekly_email_is_sent_only_with_news() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    wants(&martha, "weekly", "7", "Europe/Berlin").await;
    comes_out(&app, &artist, "First").await;
    assert_eq!(until(&app, "2026-12-07T12:00:00Z").await, ["2026-11-27T06:00:00Z"]);
    comes_out(&app, &artist, "Second").await;
    assert_eq!(until(&app, "2026-12-12T12:00:00Z").await, ["2026-12-11T06:00:00Z"]);
    assert_eq!(app.emails_to(&martha.address).len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn clock_step_back_sends_no_second_daily_email() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    wants(&martha, "daily", "13", "UTC").await;
    comes_out(&app, &artist, "First").await;
    assert_eq!(until(&app, "2026-11-23T13:00:00Z").await.len(), 1);
    app.clock.set("2026-11-23T12:30:00Z".parse().unwrap());
    comes_out(&app, &artist, "Second").await;
    assert_eq!(until(&app, "2026-11-24T20:00:00Z").await, ["2026-11-24T13:00:00Z"]);
    assert_eq!(app.emails_to(&martha.address).len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn switching_to_immediate_emails_sends_pending_news() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    wants(&martha, "weekly", "7", "Europe/Berlin").await;
    comes_out(&app, &artist, "First").await;
    assert_eq!(emails_that_are_due(&app).await, 0);
    wants(&martha, "at_once", "7", "Europe/Berlin").await;
    assert_eq!(emails_that_are_due(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn deferred_digest_is_sent_later_that_day() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    wants(&martha, "daily", "13", "UTC").await;
    comes_out(&app, &artist, "First").await;
    app.inbox.stop().await;
    assert!(until(&app, "2026-11-23T13:30:00Z").await.is_empty());
    app.inbox.restart().await.unwrap();
    assert_eq!(until(&app, "2026-11-23T16:00:00Z").await.len(), 1);
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn saving_unchanged_preferences_does_not_defer_a_digest() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    wants(&martha, "daily", "13", "UTC").await;
    comes_out(&app, &artist, "First").await;
    app.advance_hours(1);
    wants(&martha, "daily", "13", "UTC").await;
    assert_eq!(emails_that_are_due(&app).await, 1);
    app.finish().await;
}

/// What can happen to a user's emails in the course of weeks.
struct Weeks {
    app: TestApp,
    artist: String,
    martha: Listener,
    rng: std::sync::Arc<SeededRng>,
    titles: usize,
}

impl Weeks {
    fn draw(&self, end: usize) -> usize {
        let mut byte = [0];
        self.rng.fill(&mut byte);
        usize::from(byte[0]) % end
    }

    async fn something_happens(&mut self) {
        match self.draw(7) {
            0 | 1 => {
                self.titles += 1;
                comes_out(&self.app, &self.artist, &format!("Number-{:03}.", self.titles)).await;
            }
            2 => {
                let zones = ["Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "UTC"];
                let emails = ["at_once", "daily", "weekly"][self.draw(3)];
                let hour = ["0", "2", "3", "23"][self.draw(4)];
                wants(&self.martha, emails, hour, zones[self.draw(4)]).await;
            }
            3 => self.app.restart().await,
            4 => {
                let back = Duration::from_secs_f64(3.0 * 3600.0 * fraction(&*self.rng));
                self.app.clock.set(Clock::now(&*self.app.clock) - back);
            }
            _ => self.app.advance_hours(1 + self.draw(40) as u64),
        }
        self.app.follows_of(Scope::Due).await;
        self.app.emails_of(Scope::Due).await;
    }
}

/// Over the hours that Berlin and New York repeat in autumn and leave out in spring.
#[tokio::test]
async fn each_album_is_sent_once_for_any_schedule() {
    let begins = ["2026-10-20T00:00:00Z", "2027-03-08T00:00:00Z", "2027-03-25T00:00:00Z"];
    for (seed, begin) in begins.into_iter().enumerate() {
        let app = TestApp::with(A_QUARTER).await;
        app.clock.set(begin.parse().unwrap());
        let (artist, martha) = fan(&app).await;
        let rng = SeededRng::new(seed as u64);
        let mut weeks = Weeks { app, artist, martha, rng, titles: 0 };
        for _ in 0..40 {
            weeks.something_happens().await;
        }
        for _ in 0..12 * 8 {
            weeks.app.advance_hours(3);
            weeks.app.emails_of(Scope::Due).await;
        }
        let mut told = BTreeMap::new();
        for email in weeks.app.emails_to(&weeks.martha.address) {
            for title in email.text.split_whitespace().filter(|word| word.starts_with("Number-")) {
                *told.entry(title.to_owned()).or_insert(0) += 1;
            }
        }
        assert_eq!(told.len(), weeks.titles, "seed {seed}: {told:?}");
        assert!(told.values().all(|times| *times == 1), "seed {seed}: {told:?}");
        weeks.app.finish().await;
    }
}
