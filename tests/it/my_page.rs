//! My page: how the watch stands in one line, what stands in the way with its button, what became of my
//! emails, and a sample of them.

use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::{Endpoint, Fault, FollowingLie, NewAlbum};
use reqwest::StatusCode;
use rusqlite::Connection;
use scraper::{Html, Selector};

use crate::home::{Home, Listener};
use crate::visitor::Visitor;

/// The colour of the state, and its words.
async fn state(browser: &Visitor) -> (&'static str, String) {
    let page = browser.get("/account").await;
    let colours = ["good", "wait", "bad"];
    let colour = colours.into_iter().find(|c| !page.shown(&format!(".state.{c}")).is_empty());
    let words = page.shown(".state");
    assert_eq!(words.len(), 1, "one line");
    (colour.expect("a colour"), words[0].clone())
}

async fn emails_of(browser: &Visitor) -> Vec<String> {
    browser.get("/account").await.shown("[aria-label='Letters to you lately'] li")
}

async fn fan(home: &Home) -> (String, Listener) {
    let artist = home.world.add_artist("Röyksopp");
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    (artist, martha)
}

#[tokio::test]
async fn all_well_is_one_green_line_that_says_who_is_watched_since_when_and_until_when() {
    let home = Home::new().await;
    let (_, martha) = home.listener_of("Martha", 12).await;
    home.round().await;
    let well = "Watching 12 artists. Last checked: all within the last day. Your permission lasts until 23 May \
                2027.";
    assert_eq!(state(&martha.browser).await, ("good", well.to_owned()));
    home.advance_hours(50);
    home.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(colour == "good" && words.contains("all within 3 days"), "{words}");
    let page = martha.browser.get("/account").await;
    assert!(page.shown(".notice").is_empty(), "nothing stands in the way");
    home.finish().await;
}

#[tokio::test]
async fn from_the_sign_in_to_the_confirmed_address_the_page_says_what_is_missing_with_its_button() {
    let home = Home::new().await;
    let martha = home.world.add_user("Martha");
    let browser = home.visitor();
    browser.sign_in(&home.world, martha).await;
    let (colour, words) = state(&browser).await;
    assert_eq!((colour, words.as_str()), ("wait", "One thing is missing: your e-mail address."));
    let page = browser.get("/account").await;
    assert_eq!(page.shown(".notice form button"), ["Send a letter to confirm"]);
    assert!(page.words().contains("about to read which artists you follow"));

    browser.post("/account/address", &[("email", "martha@example.com")]).await;
    assert_eq!(state(&browser).await.1, "One thing is missing: confirm your address.");
    let page = browser.get("/account").await;
    assert_eq!(page.shown(".notice form button"), ["Send another letter"]);
    assert_eq!(page.shown("input[name=email]").len(), 1);
    home.round().await;
    let link = home.emails_to("martha@example.com")[0].link("/confirm/");
    browser.post(&link, &[]).await;
    assert_eq!(state(&browser).await, ("wait", "You follow no artists at Spotify yet.".to_owned()));
    home.finish().await;
}

#[tokio::test]
async fn a_initial_scan_that_takes_days_says_how_far_it_is_and_how_long_it_takes_at_this_pace() {
    let home = Home::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "4")]).await;
    let (_, martha) = home.listener_of("Martha", 14).await;
    home.round().await;
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(colour, "wait");
    assert_eq!(words, "The first look is under way: 4 of 14 artists looked at.");
    let page = martha.browser.get("/account").await;
    let html = Html::parse_document(&page.body);
    let progress = html.select(&Selector::parse("progress[aria-label]").unwrap()).next().unwrap();
    assert_eq!((progress.attr("value"), progress.attr("max")), (Some("4"), Some("14")));
    let pace = "it takes about 3 more days: 4 of your artists were looked at for the first time in the last 24 \
                hours, and 10 are left.";
    assert!(page.words().contains(pace), "{}", page.words());
    home.advance_hours(30);
    assert!(martha.browser.get("/account").await.words().contains("it cannot be said yet"));
    home.finish().await;
}

#[tokio::test]
async fn a_consent_that_ends_soon_has_ended_or_was_withdrawn_is_said_with_the_way_back() {
    let home = Home::new().await;
    let (_, martha) = fan(&home).await;
    for _ in 0..8 {
        home.advance_days(20);
        home.round().await;
        martha.browser.get("/account").await;
    }
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(
        (colour, words.as_str()),
        ("wait", "Your permission at Spotify ends on 23 May 2027.")
    );

    home.world.expire(martha.user);
    home.world.expire_access_tokens();
    home.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(colour, "bad");
    assert!(words.starts_with("Please sign in with Spotify again"), "{words}");
    let page = martha.browser.get("/account").await;
    assert_eq!(page.shown(".notice a.button[href='/login']"), ["Sign in again"]);

    martha.browser.sign_in(&home.world, martha.user).await;
    assert_eq!(state(&martha.browser).await.0, "good");
    home.world.revoke(martha.user);
    home.world.expire_access_tokens();
    home.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(colour == "bad" && words.contains("everything that is known of you"), "{words}");
    // What is owed about an end leaves once that is certain.
    home.advance_hours(2);
    home.finish().await;
}

#[tokio::test]
async fn a_pause_says_until_when_and_an_owner_without_premium_whose_hand_it_needs() {
    let home = Home::new().await;
    let (_, martha) = fan(&home).await;
    home.world.script(Endpoint::ArtistAlbums, [Fault::QuotaExceeded { retry_after: Some(7200) }]);
    home.checks().await;
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(colour, "wait");
    assert!(words.contains("pauses until 23 November 2026, 14:00"), "{words}");
    home.advance_hours(3);
    assert_eq!(state(&martha.browser).await.0, "good");

    home.world.set_owner_premium(false);
    home.checks().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(colour == "bad" && words.contains("no Premium"), "{words}");
    let page = martha.browser.get("/account").await;
    assert!(page.words().contains("Whoever runs it can mend it"), "{}", page.words());
    home.world.set_owner_premium(true);
    home.finish().await;
}

#[tokio::test]
async fn artists_that_waited_too_long_and_a_list_in_doubt_are_said_and_explained() {
    let home = Home::new().await;
    let (_, martha) = home.listener_of("Martha", 120).await;
    home.round().await;
    home.world.lie_about_following(martha.user, FollowingLie::CutShortAfter(50));
    home.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(colour == "wait" && words.contains("looks wrong at present"), "{words}");
    home.world.tell_truth_about_following(martha.user);
    home.follows().await;
    home.advance_days(2);
    home.round().await;
    home.advance_days(22);
    home.follows().await;
    let page = martha.browser.get("/account").await;
    assert_eq!(
        state(&martha.browser).await.1,
        "120 of 120 artists have waited too long for a check."
    );
    assert_eq!(page.shown(".notice details li").len(), 50, "of many the first");
    home.finish().await;
}

#[tokio::test]
async fn a_list_of_follows_that_could_not_be_read_for_a_day_is_said_and_so_is_a_pause_of_such_lists()
 {
    let home = Home::new().await;
    let (_, martha) = fan(&home).await;
    home.advance_hours(24);
    assert_eq!(state(&martha.browser).await.0, "good");
    home.advance_hours(1);
    let stale =
        "Spotify’s list of the artists you follow could not be read since 23 November 2026, 12:00.";
    assert_eq!(state(&martha.browser).await, ("wait", stale.to_owned()));
    home.follows().await;
    assert_eq!(state(&martha.browser).await.0, "good");
    home.advance_hours(7);
    home.world.script(Endpoint::Following, [Fault::QuotaExceeded { retry_after: Some(7200) }]);
    home.follows().await;
    let (colour, words) = state(&martha.browser).await;
    assert!(
        colour == "wait"
            && words
                .starts_with("No list of whom one follows is read until 24 November 2026, 22:00"),
        "{words}"
    );
    home.finish().await;
}

#[tokio::test]
async fn a_permission_whose_six_months_are_over_is_over_before_spotify_says_so() {
    let home = Home::new().await;
    let (_, martha) = fan(&home).await;
    for _ in 0..10 {
        home.advance_days(19);
        martha.browser.get("/account").await;
    }
    let (colour, words) = state(&martha.browser).await;
    assert_eq!(
        (colour, words.as_str()),
        ("bad", "Please sign in with Spotify again: your permission there has ended.")
    );
    let page = martha.browser.get("/account").await.words();
    assert!(!page.contains("23 May 2027"), "no date that is past: {page}");
    home.finish().await;
}

#[tokio::test]
async fn emails_switched_off_are_no_secret() {
    let home = Home::new().await;
    let (_, martha) = fan(&home).await;
    let form = [("letters", "none"), ("hour", "8"), ("zone", "UTC")];
    martha.browser.post("/preferences", &form).await;
    let off = "Watching, but letters with news are switched off.";
    assert_eq!(state(&martha.browser).await, ("wait", off.to_owned()));
    home.finish().await;
}

#[tokio::test]
async fn the_emails_to_me_stand_there_each_with_what_became_of_it() {
    let home = Home::new().await;
    let (artist, martha) = fan(&home).await;
    let jonas = home.listener("Jonas", &[&artist]).await;
    for title in ["First", "Second", "Third"] {
        home.world.put_out(&artist, NewAlbum::titled(title));
    }
    home.round().await;
    let emails = emails_of(&martha.browser).await;
    let expected = "New: First, Second and 1 more Left on 23 November 2026, 12:00";
    let mut sorted = emails.clone();
    sorted.retain(|email| email.starts_with("New: "));
    assert_eq!(sorted.len(), 1, "{emails:?}");
    assert!(
        sorted[0].ends_with("and 1 more Left on 23 November 2026, 12:00"),
        "{expected}: {emails:?}"
    );
    assert!(emails.iter().any(|email| email.starts_with("Welcome Left on")), "{emails:?}");
    assert!(emails.iter().any(|l| l.starts_with("Please confirm your address Left")), "{emails:?}");

    home.inbox.script(SmtpFault::RefuseMessage(452, "4.2.2 over quota".into()));
    home.advance_hours(1);
    home.world.put_out(&artist, NewAlbum::titled("Late"));
    home.inbox.refuse(&jonas.address, 550, "5.1.1 No such user here");
    home.checks().await;
    home.emails_of(dropday::jobs::Scope::Due).await;
    let (hers, his) = (emails_of(&martha.browser).await, emails_of(&jonas.browser).await);
    let all = [hers, his].concat();
    assert!(
        all.iter().any(|l| l.starts_with("New: Late Put off") && l.contains("4.2.2")),
        "{all:?}"
    );
    for emails in [emails_of(&martha.browser).await, emails_of(&jonas.browser).await] {
        assert!(emails.len() <= 10 && !emails.concat().contains('@'), "{emails:?}");
    }
    home.inbox.accept(&jonas.address);
    home.finish().await;
}

#[tokio::test]
async fn ten_emails_are_listed_the_latest_first() {
    let home = Home::new().await;
    let (artist, martha) = fan(&home).await;
    for number in 0..15 {
        home.advance_hours(7);
        home.world.put_out(&artist, NewAlbum::titled(format!("Number {number}.")));
        home.round().await;
    }
    let emails = emails_of(&martha.browser).await;
    assert_eq!(emails.len(), 10);
    assert!(emails[0].starts_with("New: Number 14."), "{emails:?}");
    assert!(emails[9].starts_with("New: Number 5."), "{emails:?}");
    home.finish().await;
}

#[tokio::test]
async fn a_sample_is_of_ones_own_artists_says_that_it_is_one_and_comes_once_an_hour() {
    let home = Home::new().await;
    let artist = home.world.add_artist("Röyksopp");
    home.world.put_out(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    let martha = home.listener("Martha", &[&artist]).await;
    home.round().await;
    let asked = martha.browser.post("/account/sample", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/account?sample"), "{}", asked.body);
    let page = martha.browser.get("/account?sample").await;
    let said = page.shown("[role=status]");
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("on its way to martha@example.com"), "{said:?}");
    home.emails().await;
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert_eq!(emails[0].subject, "Sample: Röyksopp: Melody A.M.");
    assert!(emails[0].text.starts_with("This is a sample"), "{}", emails[0].text);
    assert!(emails[0].html.contains("This is a sample"));
    assert_eq!(emails_of(&martha.browser).await[0], "A sample Left on 23 November 2026, 12:00");

    home.clock.advance(std::time::Duration::from_secs(59 * 60));
    let again = martha.browser.post("/account/sample", &[]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = again.shown("[role=alert]");
    assert!(said[0].contains("another one from 23 November 2026, 13:00"), "{said:?}");
    home.emails().await;
    assert_eq!(home.emails_to(&martha.address).len(), 1);
    home.clock.advance(std::time::Duration::from_secs(60));
    martha.browser.post("/account/sample", &[]).await;
    home.emails().await;
    assert_eq!(home.emails_to(&martha.address).len(), 2);
    home.finish().await;
}

#[tokio::test]
async fn news_that_will_not_leave_is_no_email_to_come() {
    let home = Home::new().await;
    let (artist, martha) = fan(&home).await;
    let other = home.world.add_artist("Robyn");
    home.world.follow(martha.user, &other);
    home.round().await;
    let daily = [("letters", "daily"), ("hour", "18"), ("zone", "UTC"), ("albums", "on")];
    martha.browser.post("/preferences", &daily).await;
    home.world.put_out(&artist, NewAlbum::titled("First"));
    home.world.put_out(&other, NewAlbum::titled("Second"));
    home.advance_hours(3);
    home.checks_of(dropday::jobs::Scope::All).await;
    let to_come = async || {
        let mut emails = emails_of(&martha.browser).await;
        emails.retain(|email| email.starts_with("New: "));
        emails
    };
    let both = to_come().await;
    assert!(both[0].contains("First") && both[0].contains("Second"), "{both:?}");
    martha.browser.post(&format!("/artists/{other}/mute"), &[]).await;
    let emails = to_come().await;
    assert!(emails[0].starts_with("New: First Leaves on"), "{emails:?}");
    let off = [("letters", "none"), ("hour", "18"), ("zone", "UTC"), ("albums", "on")];
    martha.browser.post("/preferences", &off).await;
    assert_eq!(to_come().await, Vec::<String>::new());
    martha.browser.post("/preferences", &daily).await;
    assert_eq!(to_come().await.len(), 1);
    home.world.revoke(martha.user);
    home.world.expire_access_tokens();
    home.follows().await;
    assert_eq!(to_come().await, Vec::<String>::new(), "withdrawn");
    let page = martha.browser.get("/account").await;
    assert!(!page.body.contains("/account/sample"));
    let refused = martha.browser.post("/account/sample", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    martha.browser.sign_in(&home.world, martha.user).await;
    home.advance_days(1);
    home.emails().await;
    home.finish().await;
}

#[tokio::test]
async fn a_sample_shows_nothing_of_who_is_muted() {
    let home = Home::new().await;
    let (muted, heard) = (home.world.add_artist("Muted"), home.world.add_artist("Heard"));
    let martha = home.listener("Martha", &[&muted, &heard]).await;
    home.world.put_out(&muted, NewAlbum::titled("Loud").on("2010-01-01"));
    home.world.put_out(&heard, NewAlbum::titled("Soft").on("2009-01-01"));
    home.round().await;
    martha.browser.post(&format!("/artists/{muted}/mute"), &[]).await;
    martha.browser.post("/account/sample", &[]).await;
    home.emails().await;
    home.world.put_out(&heard, NewAlbum::titled("Softer"));
    home.world.put_out(&muted, NewAlbum::titled("Louder"));
    home.advance_hours(7);
    home.round().await;
    martha.browser.post("/account/sample", &[]).await;
    home.emails().await;
    let emails = home.emails_to(&martha.address);
    let samples: Vec<_> = emails.iter().filter(|l| l.subject.starts_with("Sample")).collect();
    assert_eq!(samples.len(), 2);
    assert_eq!(samples[0].subject, "Sample: Heard: Soft");
    assert!(samples[1].text.contains("Softer"), "{}", samples[1].text);
    assert!(samples.iter().all(|email| !email.text.contains("Loud")));
    home.finish().await;
}

#[tokio::test]
async fn an_address_that_says_that_a_sample_was_asked_for_says_so_only_where_it_was_just_now() {
    let home = Home::new().await;
    let (_, martha) = fan(&home).await;
    let said = async || martha.browser.get("/account?sample").await.shown("[role=status]").len();
    assert_eq!(said().await, 0);
    martha.browser.post("/account/sample", &[]).await;
    assert_eq!(said().await, 1);
    home.clock.advance(std::time::Duration::from_secs(121));
    assert_eq!(said().await, 0);
    home.emails().await;
    home.finish().await;
}

#[tokio::test]
async fn a_sample_that_a_wrong_clock_owed_for_years_ahead_forbids_no_other() {
    let home = Home::new().await;
    let (_, martha) = fan(&home).await;
    martha.browser.post("/account/sample", &[]).await;
    home.emails().await;
    let ahead = "UPDATE outbox SET owed_at = owed_at + 100000000000 WHERE kind = 'sample'";
    Connection::open(&home.config.database).unwrap().execute_batch(ahead).unwrap();
    let asked = martha.browser.post("/account/sample", &[]).await;
    assert_eq!(asked.location.as_deref(), Some("/account?sample"), "{}", asked.body);
    home.emails().await;
    home.finish().await;
}

#[tokio::test]
async fn a_sample_costs_no_album_and_no_digest() {
    let home = Home::new().await;
    let (artist, martha) = fan(&home).await;
    let form = [("letters", "daily"), ("hour", "18"), ("zone", "UTC"), ("albums", "on")];
    martha.browser.post("/preferences", &form).await;
    home.world.put_out(&artist, NewAlbum::titled("First"));
    home.checks().await;
    home.advance_hours(7);
    martha.browser.post("/account/sample", &[]).await;
    home.emails().await;
    let subjects: Vec<_> = home.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects.contains(&"Röyksopp: First".to_owned()), "{subjects:?}");
    home.finish().await;
}

#[tokio::test]
async fn who_follows_nobody_known_gets_a_sample_that_is_made_up_and_says_so() {
    let home = Home::new().await;
    let martha = home.listener("Martha", &[]).await;
    martha.browser.post("/account/sample", &[]).await;
    home.emails().await;
    let emails = home.emails_to(&martha.address);
    assert_eq!(emails[0].subject, "Sample: The Example Band: Songs That Nobody Wrote");
    assert!(emails[0].text.contains("made up"), "{}", emails[0].text);
    home.finish().await;
}

#[tokio::test]
async fn no_sample_goes_to_an_address_that_is_not_confirmed_or_bounces_or_for_another_site() {
    let home = Home::new().await;
    let user = home.world.add_user("Otto");
    let otto = home.visitor();
    otto.sign_in(&home.world, user).await;
    otto.post("/account/address", &[("email", "otto@example.com")]).await;
    assert!(!otto.get("/account").await.body.contains("/account/sample"));
    let refused = otto.post("/account/sample", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.words().contains("a confirmed address alone"), "{}", refused.words());

    let (_, martha) = fan(&home).await;
    let elsewhere = martha.browser.post_from_elsewhere("/account/sample", &[]).await;
    let without_token = martha.browser.post_as_it_is("/account/sample", &[]).await;
    for answer in [elsewhere, without_token] {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let stranger = home.visitor().post("/account/sample", &[]).await;
    assert_eq!(stranger.location.as_deref(), Some("/"));
    home.inbox.empty();
    home.emails().await;
    assert!(home.inbox.emails().iter().all(|email| email.to == ["otto@example.com"]));
    home.finish().await;
}

#[tokio::test]
async fn my_page_is_mine_alone() {
    let home = Home::new().await;
    let (artist, martha) = fan(&home).await;
    let jonas = home.listener("Jonas", &[]).await;
    home.world.put_out(&artist, NewAlbum::titled("Profound Mysteries"));
    home.round().await;
    let his = jonas.browser.get("/account").await;
    for hers in ["Martha", martha.address.as_str(), "Profound Mysteries"] {
        assert!(!his.body.contains(hers), "{hers}");
    }
    home.finish().await;
}

#[tokio::test]
async fn times_are_those_of_the_readers_zone_each_in_an_element_of_its_own() {
    let home = Home::new().await;
    let (_, martha) = fan(&home).await;
    let form = [("letters", "at_once"), ("hour", "8"), ("zone", "Asia/Tokyo"), ("albums", "on")];
    martha.browser.post("/preferences", &form).await;
    let page = martha.browser.get("/account").await;
    let times = page.shown("dd time");
    assert!(times.contains(&"23 November 2026, 21:00".to_owned()), "{times:?}");
    home.finish().await;
}
