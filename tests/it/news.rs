//! Who is notified of what, and how often.

use dropday::demo::world::{Endpoint, NewAlbum};

use crate::test_app::TestApp;

#[tokio::test]
async fn initial_scan_sends_nothing() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    for (title, date) in [("Melody A.M.", "2001-09-03"), ("Nearly new", "2026-11-22")] {
        app.world.publish(&artist, NewAlbum::titled(title).on(date));
    }
    app.listener("Martha", &[&artist]).await;
    app.round().await;
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn album_from_day_of_following_is_news() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.world.publish(&artist, NewAlbum::titled("Old").on("2026-11-22"));
    app.world.publish(&artist, NewAlbum::titled("Today").on("2026-11-23"));
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    let subjects: Vec<_> = app.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(subjects, ["Röyksopp: Today"]);
    app.finish().await;
}

#[tokio::test]
async fn new_album_is_sent_once_to_every_follower() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let mut listeners = Vec::new();
    for name in ["Martha", "Jonas", "Aino"] {
        listeners.push(app.listener(name, &[&artist]).await);
    }
    let elsewhere = app.world.add_artist("Somebody else");
    let other = app.listener("Otto", &[&elsewhere]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Profound Mysteries III").on("2026-11-23"));
    app.world.forget_requests();
    for _ in 0..3 {
        app.advance_hours(7);
        app.round().await;
    }
    let asked = app.world.requests();
    let asked =
        asked.iter().filter(|r| r.endpoint == Endpoint::ArtistAlbums && r.path.contains(&artist));
    assert_eq!(asked.count(), 3, "once in each round, for all three");
    for listener in &listeners {
        let emails = app.emails_to(&listener.address);
        assert_eq!(emails.len(), 1);
        assert_eq!(emails[0].subject, "Röyksopp: Profound Mysteries III");
        assert!(emails[0].text.contains("You follow Röyksopp"), "{}", emails[0].text);
        assert!(emails[0].html.contains("/preferences"));
    }
    assert!(app.emails_to(&other.address).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn all_pending_news_goes_in_one_email() {
    let app = TestApp::new().await;
    let artists: Vec<_> = ["A", "B", "C"].map(|name| app.world.add_artist(name)).into();
    let ids: Vec<&str> = artists.iter().map(String::as_str).collect();
    let martha = app.listener("Martha", &ids).await;
    app.round().await;
    for artist in &artists {
        app.world.publish(artist, NewAlbum::titled("New"));
    }
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert!(emails[0].subject.starts_with("3 new albums"), "{}", emails[0].subject);
    app.finish().await;
}

#[tokio::test]
async fn old_album_appearing_late_is_not_news() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.listener("Martha", &[&artist]).await;
    app.round().await;
    for date in ["1994", "1994-05", "2026-09-23", "0000"] {
        app.world.publish(&artist, NewAlbum::titled("Late").on(date));
    }
    app.round().await;
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn date_is_shown_with_known_precision() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Sometime").on("2026"));
    app.round().await;
    let text = &app.emails_to(&martha.address)[0].text;
    assert!(text.contains("2026") && !text.contains("January"), "{text}");
    app.finish().await;
}

#[tokio::test]
async fn joint_album_is_announced_once_with_both_reasons() {
    let app = TestApp::new().await;
    let robyn = app.world.add_artist("Robyn");
    let royksopp = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&robyn, &royksopp]).await;
    app.round().await;
    app.world.publish(&royksopp, NewAlbum::titled("Do It Again").with(&robyn));
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert_eq!(emails[0].text.matches("Do It Again").count(), 1, "{}", emails[0].text);
    assert!(emails[0].text.contains("You follow Robyn"), "{}", emails[0].text);
    app.finish().await;
}

#[tokio::test]
async fn later_follower_gets_no_earlier_releases() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.round().await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    app.round().await;
    assert!(app.emails_to(&jonas.address).is_empty());
    app.world.publish(&artist, NewAlbum::titled("Second"));
    app.round().await;
    assert_eq!(app.emails_to(&jonas.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn releases_before_confirmation_are_sent_on_confirmation() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.world.add_user("Martha");
    app.world.follow(martha, &artist);
    let browser = app.visitor();
    browser.sign_in(&app.world, martha).await;
    browser.post("/account/address", &[("email", "martha@example.com")]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Meanwhile"));
    app.round().await;
    let emails = app.emails_to("martha@example.com");
    assert_eq!(emails.len(), 1, "only the letter that asks to confirm");
    browser.post(&emails[0].link("/confirm/"), &[]).await;
    app.round().await;
    app.round().await;
    let subjects: Vec<_> =
        app.emails_to("martha@example.com").into_iter().skip(1).map(|l| l.subject).collect();
    assert_eq!(subjects, ["Welcome to Dropday: we’re tracking 1 artist", "Röyksopp: Meanwhile"]);
    app.finish().await;
}

#[tokio::test]
async fn more_new_albums_than_a_page_are_all_found() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Prolific");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    for number in 0..23 {
        app.world.publish(&artist, NewAlbum::titled(format!("Number {number:02}.")));
    }
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    for number in 0..23 {
        assert!(emails[0].text.contains(&format!("Number {number:02}.")), "{number}");
    }
    app.finish().await;
}

#[tokio::test]
async fn album_beyond_first_page_is_found_by_growth() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Unsorted");
    for number in 0..15 {
        app.world.publish(&artist, NewAlbum::titled(format!("Old {number}")).on("2010-01-01"));
    }
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    // Dates decide the order of the list; a year alone sorts it behind the days of that year.
    for number in 0..10 {
        app.world
            .publish(&artist, NewAlbum::titled(format!("Dated ahead {number}")).on("2027-06-01"));
    }
    app.round().await;
    app.inbox.empty();
    app.world.publish(&artist, NewAlbum::titled("Hidden"));
    app.world.forget_requests();
    app.round().await;
    assert_eq!(app.world.count(Endpoint::ArtistAlbums), 2, "page one, and the page that explains");
    let subjects: Vec<_> = app.emails_to(&martha.address).into_iter().map(|l| l.subject).collect();
    assert_eq!(subjects, ["Unsorted: Hidden"]);
    app.finish().await;
}

#[tokio::test]
async fn wrong_total_causes_no_endless_fetching() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Claims 682");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.change_artist(&artist, |artist| artist.claimed_total = Some(682));
    app.world.publish(&artist, NewAlbum::titled("Real"));
    app.world.forget_requests();
    app.round().await;
    app.round().await;
    assert!(app.world.count(Endpoint::ArtistAlbums) <= 4);
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn following_again_sends_no_old_news() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.unfollow(martha.user, &artist);
    app.advance_days(2);
    app.round().await;
    app.advance_days(1);
    app.round().await;
    app.advance_days(30);
    app.world.publish(&artist, NewAlbum::titled("While away"));
    app.advance_days(1);
    app.world.follow(martha.user, &artist);
    app.round().await;
    assert!(app.inbox.emails().is_empty());
    app.world.publish(&artist, NewAlbum::titled("Back"));
    app.round().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn albums_released_before_a_late_check_are_news() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("A");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.advance_days(3);
    app.world.publish(&artist, NewAlbum::titled("Long ago").on("2026-11-26"));
    (0..12).for_each(|n| {
        let title = format!("Later {n:02}.");
        drop(app.world.publish(&artist, NewAlbum::titled(title).on("2026-11-28")));
    });
    app.advance_days(90);
    app.world.publish(&artist, NewAlbum::titled("Reissued").on("2001-05-06"));
    app.round().await;
    let text = &app.emails_to(&martha.address)[0].text;
    assert!(text.contains("Long ago") && text.contains("Later 11."), "{text}");
    assert!(!text.contains("Reissued"), "it was added late");
    app.finish().await;
}
