//! The account page: account health, problems with their buttons, recent emails, and the sample email.

use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::{Endpoint, Fault, FollowListFault, NewAlbum};
use reqwest::StatusCode;
use rusqlite::Connection;
use scraper::{Html, Selector};

use crate::test_app::{Listener, TestApp};
use crate::visitor::Visitor;

/// The colour and the text of the headline.
async fn state(browser: &Visitor) -> (&'static str, String) {
    let page = browser.get("/account").await;
    let colours = ["good", "wait", "bad"];
    let colour = colours.into_iter().find(|c| !page.shown(&format!(".state.{c}")).is_empty());
    let words = page.shown(".state");
    assert_eq!(words.len(), 1, "one line");
    (colour.expect("a colour"), words[0].clone())
}

async fn emails_of(browser: &Visitor) -> Vec<String> {
    browser.get("/account").await.shown("[aria-label='Recent emails'] li")
}

async fn fan(app: &TestApp) -> (String, Listener) {
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (artist, martha)
}

#[tokio::test]
async fn healthy_account_shows_one_green_line() {
    let app = TestApp::new().await;
    let (_, martha) = app.listener_of("Martha", 12).await;
    app.round().await;
    let well = "Tracking 12 artists. All checked within the last 24 hours. Spotify access lasts until 23 May 2027.";
    assert_eq!(state(&martha.browser).await, ("good", well.to_owned()));
    app.advance_hours(50);
    app.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(colour == "good" && words.contains("within the last 3 days"), "{words}");
    let page = martha.browser.get("/account").await;
    assert!(page.shown(".notice").is_empty(), "nothing stands in the way");
    app.finish().await;
}

#[tokio::test]
async fn account_page_asks_for_missing_address_and_confirmation() {
    let app = TestApp::new().await;
    let martha = app.world.add_user("Martha");
    let browser = app.visitor();
    browser.sign_in(&app.world, martha).await;
    let (colour, words) = state(&browser).await;
    assert_eq!((colour, words.as_str()), ("wait", "One thing is missing: your email address."));
    let page = browser.get("/account").await;
    assert_eq!(page.shown(".notice form button"), ["Send confirmation link"]);
    assert!(page.words().contains("about to load the artists you follow"));

    browser.post("/account/address", &[("email", "martha@example.com")]).await;
    assert_eq!(state(&browser).await.1, "One thing is missing: confirm your address.");
    let page = browser.get("/account").await;
    assert_eq!(page.shown(".notice form button"), ["Send another link"]);
    assert_eq!(page.shown("input[name=email]").len(), 1);
    app.round().await;
    let link = app.emails_to("martha@example.com")[0].link("/confirm/");
    browser.post(&link, &[]).await;
    assert_eq!(
        state(&browser).await,
        ("wait", "You don’t follow any artists on Spotify yet.".to_owned())
    );
    app.finish().await;
}

#[tokio::test]
async fn initial_scan_shows_progress_and_time_left() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "4")]).await;
    let (_, martha) = app.listener_of("Martha", 14).await;
    app.round().await;
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(colour, "wait");
    assert_eq!(words, "First round: 4 of 14 artists checked.");
    let page = martha.browser.get("/account").await;
    let html = Html::parse_document(&page.body);
    let progress = html.select(&Selector::parse("progress[aria-label]").unwrap()).next().unwrap();
    assert_eq!((progress.attr("value"), progress.attr("max")), (Some("4"), Some("14")));
    let pace = "it will take about 3 more days: 4 of your artists had their first check in the last 24 \
                hours, 10 to go.";
    assert!(page.words().contains(pace), "{}", page.words());
    app.advance_hours(30);
    assert!(martha.browser.get("/account").await.words().contains("we can’t say yet how long"));
    app.finish().await;
}

#[tokio::test]
async fn account_page_says_how_to_renew_consent() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    for _ in 0..8 {
        app.advance_days(20);
        app.round().await;
        martha.browser.get("/account").await;
    }
    let (colour, words) = state(&martha.browser).await;
    assert_eq!((colour, words.as_str()), ("wait", "Your Spotify access ends on 23 May 2027."));

    app.world.expire(martha.user);
    app.world.expire_access_tokens();
    app.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(colour, "bad");
    assert!(words.starts_with("Please sign in with Spotify again"), "{words}");
    let page = martha.browser.get("/account").await;
    assert_eq!(page.shown(".notice a.button[href='/login']"), ["Sign in again"]);

    martha.browser.sign_in(&app.world, martha.user).await;
    assert_eq!(state(&martha.browser).await.0, "good");
    app.world.revoke(martha.user);
    app.world.expire_access_tokens();
    app.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(colour == "bad" && words.contains("your data will be deleted"), "{words}");
    // The email about the end is sent once it is certain.
    app.advance_hours(2);
    app.finish().await;
}

#[tokio::test]
async fn account_page_explains_pauses_and_missing_premium() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    app.world.script(Endpoint::ArtistAlbums, [Fault::QuotaExceeded { retry_after: Some(7200) }]);
    app.checks().await;
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(colour, "wait");
    assert!(words.contains("paused until 23 November 2026, 14:00"), "{words}");
    app.advance_hours(3);
    assert_eq!(state(&martha.browser).await.0, "good");

    app.world.set_owner_premium(false);
    app.checks().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(colour == "bad" && words.contains("Premium has lapsed"), "{words}");
    let page = martha.browser.get("/account").await;
    assert!(page.words().contains("The operator can fix it"), "{}", page.words());
    app.world.set_owner_premium(true);
    app.finish().await;
}

#[tokio::test]
async fn account_page_explains_overdue_artists_and_suspect_list() {
    let app = TestApp::new().await;
    let (_, martha) = app.listener_of("Martha", 120).await;
    app.round().await;
    app.world.change_user(martha.user, |user| {
        user.follow_list_fault = Some(FollowListFault::CutShortAfter(50))
    });
    app.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(colour == "wait" && words.contains("looks incomplete at Spotify"), "{words}");
    app.world.change_user(martha.user, |user| user.follow_list_fault = None);
    app.follows().await;
    app.advance_days(2);
    app.round().await;
    app.advance_days(22);
    app.follows().await;
    let page = martha.browser.get("/account").await;
    assert_eq!(state(&martha.browser).await.1, "120 of 120 artists are overdue for a check.");
    assert_eq!(page.shown(".notice details li").len(), 50, "of many the first");
    app.finish().await;
}

#[tokio::test]
async fn account_page_explains_stale_follow_list() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    app.advance_hours(24);
    assert_eq!(state(&martha.browser).await.0, "good");
    app.advance_hours(1);
    let stale = "Your list of followed artists hasn’t been updated since 23 November 2026, 12:00.";
    assert_eq!(state(&martha.browser).await, ("wait", stale.to_owned()));
    app.follows().await;
    assert_eq!(state(&martha.browser).await.0, "good");
    app.advance_hours(7);
    app.world.script(Endpoint::Following, [Fault::QuotaExceeded { retry_after: Some(7200) }]);
    app.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(
        colour == "wait"
            && words.starts_with(
                "Your list of followed artists can’t be updated until 24 November 2026, 22:00"
            ),
        "{words}"
    );
    app.finish().await;
}

#[tokio::test]
async fn consent_ends_after_six_months_before_spotify_rejects_it() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    for _ in 0..10 {
        app.advance_days(19);
        martha.browser.get("/account").await;
    }
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(
        (colour, words.as_str()),
        ("bad", "Please sign in with Spotify again: Dropday’s access has expired.")
    );
    let page = martha.browser.get("/account").await.words();
    assert!(!page.contains("23 May 2027"), "no date that is past: {page}");
    app.finish().await;
}

#[tokio::test]
async fn account_page_says_when_emails_are_off() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let form = [("letters", "none"), ("hour", "8"), ("zone", "UTC")];
    martha.browser.post("/preferences", &form).await;
    let off = "We’re tracking your artists, but emails about new releases are off.";
    assert_eq!(state(&martha.browser).await, ("wait", off.to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn account_page_lists_emails_with_delivery_status() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    for title in ["First", "Second", "Third"] {
        app.world.publish(&artist, NewAlbum::titled(title));
    }
    app.round().await;
    let emails = emails_of(&martha.browser).await;
    let expected = "New: First, Second and 1 more Sent 23 November 2026, 12:00";
    let mut sorted = emails.clone();
    sorted.retain(|email| email.starts_with("New: "));
    assert_eq!(sorted.len(), 1, "{emails:?}");
    assert!(
        sorted[0].ends_with("and 1 more Sent 23 November 2026, 12:00"),
        "{expected}: {emails:?}"
    );
    assert!(emails.iter().any(|email| email.starts_with("Welcome Sent")), "{emails:?}");
    assert!(emails.iter().any(|l| l.starts_with("Confirm your address Sent")), "{emails:?}");

    app.inbox.script(SmtpFault::RefuseMessage(452, "4.2.2 over quota".into()));
    app.advance_hours(1);
    app.world.publish(&artist, NewAlbum::titled("Late"));
    app.inbox.refuse(&jonas.address, 550, "5.1.1 No such user here");
    app.checks().await;
    app.emails_of(dropday::jobs::Scope::Due).await;
    let (hers, his) = (emails_of(&martha.browser).await, emails_of(&jonas.browser).await);
    let all = [hers, his].concat();
    assert!(
        all.iter().any(|l| l.starts_with("New: Late Delayed") && l.contains("4.2.2")),
        "{all:?}"
    );
    for emails in [emails_of(&martha.browser).await, emails_of(&jonas.browser).await] {
        assert!(emails.len() <= 10 && !emails.concat().contains('@'), "{emails:?}");
    }
    app.inbox.accept(&jonas.address);
    app.finish().await;
}

#[tokio::test]
async fn account_page_lists_ten_newest_emails() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    for number in 0..15 {
        app.advance_hours(7);
        app.world.publish(&artist, NewAlbum::titled(format!("Number {number}.")));
        app.round().await;
    }
    let emails = emails_of(&martha.browser).await;
    assert_eq!(emails.len(), 10);
    assert!(emails[0].starts_with("New: Number 14."), "{emails:?}");
    assert!(emails[9].starts_with("New: Number 5."), "{emails:?}");
    app.finish().await;
}

#[tokio::test]
async fn sample_shows_own_artists_and_is_limited_to_hourly() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    let asked = martha.browser.post("/account/sample", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/account?sample"), "{}", asked.body);
    let page = martha.browser.get("/account?sample").await;
    let said = page.shown("[role=status]");
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("on its way to martha@example.com"), "{said:?}");
    app.emails().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert_eq!(emails[0].subject, "Sample: Röyksopp: Melody A.M.");
    assert!(emails[0].text.starts_with("This is the sample"), "{}", emails[0].text);
    assert!(emails[0].html.contains("This is the sample"));
    assert_eq!(emails_of(&martha.browser).await[0], "Sample Sent 23 November 2026, 12:00");

    app.clock.advance(std::time::Duration::from_secs(59 * 60));
    let again = martha.browser.post("/account/sample", &[]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = again.shown("[role=alert]");
    assert!(said[0].contains("another one from 23 November 2026, 13:00"), "{said:?}");
    app.emails().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.clock.advance(std::time::Duration::from_secs(60));
    martha.browser.post("/account/sample", &[]).await;
    app.emails().await;
    assert_eq!(app.emails_to(&martha.address).len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn suppressed_news_is_not_listed_as_pending_email() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let other = app.world.add_artist("Robyn");
    app.world.follow(martha.user, &other);
    app.round().await;
    let daily = [("letters", "daily"), ("hour", "18"), ("zone", "UTC"), ("albums", "on")];
    martha.browser.post("/preferences", &daily).await;
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.world.publish(&other, NewAlbum::titled("Second"));
    app.advance_hours(3);
    app.checks_of(dropday::jobs::Scope::All).await;
    let to_come = async || {
        let mut emails = emails_of(&martha.browser).await;
        emails.retain(|email| email.starts_with("New: "));
        emails
    };
    let both = to_come().await;
    assert!(both[0].contains("First") && both[0].contains("Second"), "{both:?}");
    martha.browser.post(&format!("/artists/{other}/mute"), &[]).await;
    let emails = to_come().await;
    assert!(emails[0].starts_with("New: First Will be sent on"), "{emails:?}");
    let off = [("letters", "none"), ("hour", "18"), ("zone", "UTC"), ("albums", "on")];
    martha.browser.post("/preferences", &off).await;
    assert_eq!(to_come().await, Vec::<String>::new());
    martha.browser.post("/preferences", &daily).await;
    assert_eq!(to_come().await.len(), 1);
    app.world.revoke(martha.user);
    app.world.expire_access_tokens();
    app.follows().await;
    assert_eq!(to_come().await, Vec::<String>::new(), "withdrawn");
    let page = martha.browser.get("/account").await;
    assert!(!page.body.contains("/account/sample"));
    let refused = martha.browser.post("/account/sample", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    martha.browser.sign_in(&app.world, martha.user).await;
    app.advance_days(1);
    app.emails().await;
    app.finish().await;
}

#[tokio::test]
async fn sample_leaves_out_muted_artists() {
    let app = TestApp::new().await;
    let (muted, heard) = (app.world.add_artist("Muted"), app.world.add_artist("Heard"));
    let martha = app.listener("Martha", &[&muted, &heard]).await;
    app.world.publish(&muted, NewAlbum::titled("Loud").on("2010-01-01"));
    app.world.publish(&heard, NewAlbum::titled("Soft").on("2009-01-01"));
    app.round().await;
    martha.browser.post(&format!("/artists/{muted}/mute"), &[]).await;
    martha.browser.post("/account/sample", &[]).await;
    app.emails().await;
    app.world.publish(&heard, NewAlbum::titled("Softer"));
    app.world.publish(&muted, NewAlbum::titled("Louder"));
    app.advance_hours(7);
    app.round().await;
    martha.browser.post("/account/sample", &[]).await;
    app.emails().await;
    let emails = app.emails_to(&martha.address);
    let samples: Vec<_> = emails.iter().filter(|l| l.subject.starts_with("Sample")).collect();
    assert_eq!(samples.len(), 2);
    assert_eq!(samples[0].subject, "Sample: Heard: Soft");
    assert!(samples[1].text.contains("Softer"), "{}", samples[1].text);
    assert!(samples.iter().all(|email| !email.text.contains("Loud")));
    app.finish().await;
}

#[tokio::test]
async fn account_page_confirms_sample_only_right_after_request() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let said = async || martha.browser.get("/account?sample").await.shown("[role=status]").len();
    assert_eq!(said().await, 0);
    martha.browser.post("/account/sample", &[]).await;
    assert_eq!(said().await, 1);
    app.clock.advance(std::time::Duration::from_secs(121));
    assert_eq!(said().await, 0);
    app.emails().await;
    app.finish().await;
}

#[tokio::test]
async fn sample_dated_in_the_future_blocks_no_other() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    martha.browser.post("/account/sample", &[]).await;
    app.emails().await;
    let ahead = "UPDATE outbox SET enqueued_at = enqueued_at + 100000000000 WHERE kind = 'sample'";
    Connection::open(&app.config.database).unwrap().execute_batch(ahead).unwrap();
    let asked = martha.browser.post("/account/sample", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/account?sample"), "{}", asked.body);
    app.emails().await;
    app.finish().await;
}

#[tokio::test]
async fn sample_uses_up_no_news_and_no_digest() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let form = [("letters", "daily"), ("hour", "18"), ("zone", "UTC"), ("albums", "on")];
    martha.browser.post("/preferences", &form).await;
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.checks().await;
    app.advance_hours(7);
    martha.browser.post("/account/sample", &[]).await;
    app.emails().await;
    let subjects: Vec<_> = app.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects.contains(&"Röyksopp: First".to_owned()), "{subjects:?}");
    app.finish().await;
}

#[tokio::test]
async fn sample_is_made_up_without_known_releases() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    martha.browser.post("/account/sample", &[]).await;
    app.emails().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "Sample: The Example Band: Songs That Nobody Wrote");
    assert!(emails[0].text.contains("made up"), "{}", emails[0].text);
    app.finish().await;
}

#[tokio::test]
async fn sample_needs_confirmed_address_and_signed_form() {
    let app = TestApp::new().await;
    let user = app.world.add_user("Otto");
    let otto = app.visitor();
    otto.sign_in(&app.world, user).await;
    otto.post("/account/address", &[("email", "otto@example.com")]).await;
    assert!(!otto.get("/account").await.body.contains("/account/sample"));
    let refused = otto.post("/account/sample", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.words().contains("only send a sample to a confirmed address"),
        "{}",
        refused.words()
    );

    let (_, martha) = fan(&app).await;
    let elsewhere = martha.browser.post_from_elsewhere("/account/sample", &[]).await;
    let without_token = martha.browser.post_as_it_is("/account/sample", &[]).await;
    for answer in [elsewhere, without_token] {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let stranger = app.visitor().post("/account/sample", &[]).await;
    assert_eq!(stranger.location.as_deref(), Some("/"));
    app.inbox.empty();
    app.emails().await;
    assert!(app.inbox.emails().iter().all(|email| email.to == ["otto@example.com"]));
    app.finish().await;
}

#[tokio::test]
async fn account_page_is_private() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let jonas = app.listener("Jonas", &[]).await;
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries"));
    app.round().await;
    let his = jonas.browser.get("/account").await;
    for hers in ["Martha", martha.address.as_str(), "Profound Mysteries"] {
        assert!(!his.body.contains(hers), "{hers}");
    }
    app.finish().await;
}

#[tokio::test]
async fn times_are_shown_in_user_zone() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let form = [("letters", "at_once"), ("hour", "8"), ("zone", "Asia/Tokyo"), ("albums", "on")];
    martha.browser.post("/preferences", &form).await;
    let page = martha.browser.get("/account").await;
    let times = page.shown("dd time");
    assert!(times.contains(&"23 November 2026, 21:00".to_owned()), "{times:?}");
    app.finish().await;
}
