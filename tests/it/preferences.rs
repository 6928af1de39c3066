//! Preferences apply to pending notifications too, and links in emails do one thing each.

use std::time::Duration;

use dropday::demo::world::NewAlbum;
use reqwest::{Method, StatusCode};

use crate::test_app::{Email, Listener, TestApp};

async fn fan(app: &TestApp) -> (String, Listener) {
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (artist, martha)
}

fn subjects(app: &TestApp, listener: &Listener) -> Vec<String> {
    app.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

/// The email about this album.
async fn email_about(app: &TestApp, artist: &str, martha: &Listener, title: &str) -> Email {
    app.world.publish(artist, NewAlbum::titled(title));
    app.round().await;
    app.emails_to(&martha.address).pop().expect("a letter")
}

#[tokio::test]
async fn live_albums_and_remixes_respect_preferences() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let jonas = app.listener("Jonas", &[&artist]).await;
    jonas.browser.choose(&["live", "remixes"]).await;
    app.round().await;
    for title in ["Live at Leeds", "Profound Mysteries (Remixes)", "Long Live"] {
        app.world.publish(&artist, NewAlbum::titled(title));
        app.round().await;
    }
    assert_eq!(subjects(&app, &martha), ["Röyksopp: Long Live"]);
    assert_eq!(subjects(&app, &jonas).len(), 3);
    let live = &app.emails_to(&jonas.address)[0];
    assert!(live.text.contains("Live album"), "{}", live.text);
    app.finish().await;
}

#[tokio::test]
async fn mute_link_silences_artist_until_unmuted() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let email = email_about(&app, &artist, &martha, "First").await;
    let link = email.link("/mute/");
    let page = app.visitor().get(&link).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Röyksopp"), "{}", page.body);
    // Enqueued before the mute, and not sent after it.
    app.world.publish(&artist, NewAlbum::titled("Second"));
    app.checks().await;
    assert_eq!(app.visitor().post(&link, &[]).await.status, StatusCode::OK);
    assert_eq!(app.emails().await.dropped, 1);
    app.world.publish(&artist, NewAlbum::titled("Third"));
    app.round().await;
    assert_eq!(subjects(&app, &martha).len(), 1);

    let page = martha.browser.get("/preferences").await.body;
    assert!(page.contains("Röyksopp"), "{page}");
    martha.browser.post("/preferences", &usual(&[("unmute", &artist)])).await;
    assert!(!martha.browser.get("/preferences").await.body.contains("Röyksopp"));
    assert_eq!(email_about(&app, &artist, &martha, "Fourth").await.subject, "Röyksopp: Fourth");
    assert_eq!(subjects(&app, &martha).len(), 2, "New releases meanwhile stays untold");
    app.finish().await;
}

fn usual<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [("letters", "at_once"), ("hour", "8"), ("zone", "UTC"), ("albums", "on")];
    usual.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn shared_album_is_announced_unless_all_artists_muted() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let robyn = app.world.add_artist("Robyn");
    app.world.follow(martha.user, &robyn);
    app.round().await;
    let email = email_about(&app, &artist, &martha, "Alone").await;
    app.visitor().post(&email.link("/mute/"), &[]).await;
    app.world.publish(&artist, NewAlbum::titled("Do It Again").with(&robyn));
    app.round().await;
    let email = app.emails_to(&martha.address).pop().unwrap();
    assert!(email.subject.contains("Do It Again"), "{}", email.subject);
    assert!(email.text.contains("You follow Robyn"), "{}", email.text);
    app.finish().await;
}

#[tokio::test]
async fn one_click_unsubscribe_needs_no_cookie() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let email = email_about(&app, &artist, &martha, "First").await;
    let link = email.link("/unsubscribe/");
    for _ in 0..3 {
        assert_eq!(app.visitor().get(&link).await.status, StatusCode::OK);
        assert_eq!(app.visitor().ask(Method::HEAD, &link, |r| r).await.status, StatusCode::OK);
    }
    assert_eq!(email_about(&app, &artist, &martha, "Second").await.subject, "Röyksopp: Second");

    // RFC 8058, 3.2
    let click = [("List-Unsubscribe", "One-Click")];
    for _ in 0..2 {
        assert_eq!(app.visitor().post(&link, &click).await.status, StatusCode::OK);
    }
    app.world.publish(&artist, NewAlbum::titled("Third"));
    app.round().await;
    assert_eq!(subjects(&app, &martha).len(), 2);
    let page = martha.browser.get("/account").await.body;
    assert!(page.contains("Emails about new releases are off"), "{page}");
    let page = martha.browser.get("/releases").await.words();
    let why = "Not emailed: emails were turned off";
    assert!(page.contains("Third") && page.contains(why), "what no letter told: {page}");

    martha.browser.choose(&[]).await;
    app.round().await;
    assert_eq!(subjects(&app, &martha).len(), 2, "New releases meanwhile floods nobody");
    assert_eq!(email_about(&app, &artist, &martha, "Fourth").await.subject, "Röyksopp: Fourth");
    app.finish().await;
}

#[tokio::test]
async fn email_link_works_for_its_purpose_only() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let other = app.world.add_artist("Robyn");
    let jonas = app.listener("Jonas", &[&artist, &other]).await;
    app.round().await;
    let email = email_about(&app, &artist, &martha, "First").await;
    let token = |kind: &str| email.link(kind).rsplit_once('/').unwrap().1.to_owned();
    let (unsubscribe, mute) = (token("/unsubscribe/"), token("/mute/"));
    let signature = unsubscribe.split_once('.').unwrap().1.to_owned();
    let mute_signature = mute.rsplit_once('.').unwrap().1.to_owned();
    for path in [
        format!("/unsubscribe/2.{signature}"),
        format!("/unsubscribe/1.{mute_signature}"),
        format!("/unsubscribe/{mute}"),
        format!("/mute/{unsubscribe}"),
        format!("/mute/1.{other}.{mute_signature}"),
        format!("/mute/2.{artist}.{mute_signature}"),
        format!("/mute/1.{artist}.{signature}"),
        format!("/confirm/{unsubscribe}"),
        format!("/unsubscribe/1.{signature}A"),
        "/unsubscribe/1.".to_owned(),
        "/mute/1..".to_owned(),
        "/mute/%F0%9F%A5%81".to_owned(),
    ] {
        for answer in [app.visitor().get(&path).await, app.visitor().post(&path, &[]).await] {
            assert_eq!(answer.status, StatusCode::GONE, "{path}");
        }
    }
    app.inbox.empty();
    app.world.publish(&artist, NewAlbum::titled("Second"));
    app.round().await;
    assert_eq!((subjects(&app, &martha).len(), subjects(&app, &jonas).len()), (1, 1));

    martha.browser.post("/account/leave", &[("sure", "on")]).await;
    for path in [format!("/unsubscribe/{unsubscribe}"), format!("/mute/{mute}")] {
        assert_eq!(app.visitor().post(&path, &[]).await.status, StatusCode::GONE, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn cross_site_unsubscribe_is_rejected() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let email = email_about(&app, &artist, &martha, "First").await;
    for path in [email.link("/unsubscribe/"), email.link("/mute/"), "/preferences".to_owned()] {
        let answer = martha.browser.post_from_elsewhere(&path, &[("letters", "none")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(email_about(&app, &artist, &martha, "Second").await.subject, "Röyksopp: Second");
    app.finish().await;
}

#[tokio::test]
async fn invalid_preferences_form_keeps_submitted_values() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let post = async |form: &[(&str, &str)]| martha.browser.post("/preferences", form).await;
    let typo = [("letters", "daily"), ("hour", "7"), ("zone", "Europe/Berln"), ("live", "on")];
    let answer = post(&typo).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["know that time zone", "Europe/Berln", "name=\"live\" checked"] {
        assert!(answer.body.contains(kept), "no {kept} in {}", answer.body);
    }
    assert!(answer.body.contains("value=\"daily\" checked"), "{}", answer.body);
    let nothing = post(&[("letters", "at_once"), ("hour", "7"), ("zone", "UTC")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nothing.body.contains("at least one kind"), "{}", nothing.body);
    for form in [
        &[][..],
        &[("letters", "hourly"), ("hour", "7"), ("zone", "UTC"), ("albums", "on")],
        &[("letters", "daily"), ("hour", "24"), ("zone", "UTC"), ("albums", "on")],
        &[
            ("letters", "weekly"),
            ("hour", "7"),
            ("weekday", "7"),
            ("zone", "UTC"),
            ("albums", "on"),
        ],
    ] {
        assert_eq!(post(form).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
    }
    let page = martha.browser.get("/preferences").await.body;
    assert!(page.contains("value=\"at_once\" checked"), "nothing of it was taken");
    app.finish().await;
}

#[tokio::test]
async fn preferences_need_a_session() {
    let app = TestApp::new().await;
    let stranger = app.visitor();
    assert_eq!(stranger.get("/preferences").await.location.as_deref(), Some("/"));
    let answer = stranger.post("/preferences", &usual(&[])).await;
    assert_eq!(answer.location.as_deref(), Some("/"));
    app.finish().await;
}

#[tokio::test]
async fn welcome_email_lists_recent_releases_once() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.world.publish(&artist, NewAlbum::titled("Three weeks old").on("2026-11-02"));
    app.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    app.listener("Martha", &[&artist]).await;
    app.round().await;
    let jonas = app.world.add_user("Jonas");
    app.world.follow(jonas, &artist);
    let browser = app.visitor();
    browser.sign_in(&app.world, jonas).await;
    for address in ["jonas@example.com", "j@example.com"] {
        browser.post("/account/address", &[("email", address)]).await;
        app.round().await;
        let email = app.emails_to(address).pop().unwrap();
        browser.post(&email.link("/confirm/"), &[]).await;
        app.round().await;
    }
    let emails = app.emails_to("jonas@example.com");
    let welcome = emails.last().unwrap();
    assert_eq!(welcome.subject, "Welcome to Dropday: we’re tracking 1 artist");
    assert!(welcome.text.contains("Three weeks old"), "{}", welcome.text);
    assert!(!welcome.text.contains("Melody A.M."), "{}", welcome.text);
    assert_eq!(app.emails_to("j@example.com").len(), 1, "the letter that asks to confirm");
    app.finish().await;
}

#[tokio::test]
async fn unsent_goodbye_address_is_deleted_after_four_days() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    app.inbox.stop().await;
    martha.browser.post("/account/leave", &[("sure", "on")]).await;
    app.emails().await;
    assert_eq!(app.status().await.emails.queued, 1);
    app.advance_days(4);
    app.follows().await;
    assert_eq!(app.status().await.emails.queued, 0);
    app.inbox.restart().await.unwrap();
    app.emails().await;
    assert!(app.inbox.emails().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn editions_switched_off_before_sending_are_dropped() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("Röyksopp");
    app.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    let martha = app.listener("Martha", &[&artist]).await;
    martha.browser.choose(&["editions"]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("Melody A.M. (2026 Remaster)"));
    app.checks().await;
    martha.browser.choose(&[]).await;
    app.emails().await;
    assert!(subjects(&app, &martha).is_empty());
    app.finish().await;
}

#[tokio::test]
async fn muted_then_unfollowed_artist_is_not_announced() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let email = email_about(&app, &artist, &martha, "First").await;
    app.world.publish(&artist, NewAlbum::titled("Second"));
    app.checks().await;
    app.visitor().post(&email.link("/mute/"), &[]).await;
    app.world.unfollow(martha.user, &artist);
    app.follows().await;
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: First"]);
    app.finish().await;
}

#[tokio::test]
async fn deleted_account_gets_goodbye_if_confirmed() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let jonas = app.world.add_user("Jonas");
    let browser = app.visitor();
    browser.sign_in(&app.world, jonas).await;
    for browser in [&martha.browser, &browser] {
        browser.post("/account/leave", &[("sure", "on")]).await;
    }
    app.emails().await;
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Goodbye from Dropday: what we deleted"]);
    let email = &app.emails_to(&martha.address)[0];
    assert!(email.text.contains("https://www.spotify.com/account/apps/"), "{}", email.text);
    assert_eq!(app.inbox.emails().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn next_email_preview_changes_nothing() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let next = async |query: &str| {
        let answer = martha.browser.get(&format!("/preferences/next?{query}")).await;
        (answer.status, answer.body)
    };
    for (query, day) in [
        ("letters=daily&hour=18&zone=Europe/Berlin", "Monday, 23 November 2026, at 18:00"),
        ("letters=daily&hour=12&zone=Europe%2FBerlin", "Tuesday, 24 November 2026, at 12:00"),
        ("letters=weekly&weekday=4&hour=7&zone=UTC", "Friday, 27 November 2026, at 07:00"),
    ] {
        let (status, words) = next(query).await;
        assert_eq!(status, StatusCode::OK);
        assert!(words.contains(day) && words.contains("<time datetime="), "{words}");
    }
    assert!(next("letters=at_once&hour=7&zone=UTC").await.1.contains("as soon as there is news"));
    assert!(next("letters=none&hour=7&zone=UTC").await.1.contains("You won’t get emails"));
    for odd in ["", "letters=daily&hour=7&zone=<b>", "letters=daily&hour=99&zone=UTC", "%ff&&=%00"]
    {
        let (status, words) = next(odd).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{odd}");
        assert!(
            words.starts_with("Please choose") || words.starts_with("We don’t know"),
            "{words}"
        );
    }
    assert!(martha.browser.get("/preferences").await.body.contains("value=\"at_once\" checked"));
    let stranger = app.visitor().get("/preferences/next?letters=daily&hour=7&zone=UTC").await;
    assert_eq!(stranger.location.as_deref(), Some("/"));
    app.finish().await;
}

#[tokio::test]
async fn next_email_preview_handles_skipped_hour() {
    let app = TestApp::new().await;
    app.clock.set("2027-03-27T12:00:00Z".parse().unwrap());
    let (_, martha) = fan(&app).await;
    let path = "/preferences/next?letters=daily&hour=2&zone=Europe/Berlin";
    let words = martha.browser.get(path).await.body;
    assert!(words.contains("Sunday, 28 March 2027, at 03:00"), "{words}");
    app.finish().await;
}

#[tokio::test]
async fn preferences_page_shows_next_email_with_own_script() {
    let app = TestApp::new().await;
    let (_, martha) = fan(&app).await;
    let weekly = [
        ("letters", "weekly"),
        ("hour", "18"),
        ("weekday", "4"),
        ("zone", "UTC"),
        ("albums", "on"),
    ];
    let saved = martha.browser.post("/preferences", &weekly).await.location.unwrap();
    for path in ["/preferences", &saved] {
        let page = martha.browser.get(path).await;
        assert!(
            page.words()
                .contains("Next email: Friday, 27 November 2026, at 18:00, if there is news")
        );
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && policy.contains("connect-src 'self'"));
    }
    assert!(martha.browser.get(&saved).await.words().contains("Saved."));
    app.clock.advance(Duration::from_secs(60));
    let later = martha.browser.get(&saved).await;
    assert!(!later.words().contains("Saved."), "nothing was saved when it is opened again");
    let script = app.visitor().get("/preferences.js").await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    app.finish().await;
}

#[tokio::test]
async fn invalid_preferences_form_keeps_weekday_and_unmutes() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let email = email_about(&app, &artist, &martha, "First").await;
    app.visitor().post(&email.link("/mute/"), &[]).await;
    let form = [
        ("letters", "hourly"),
        ("hour", "7"),
        ("weekday", "2"),
        ("zone", "Asia/Tokyo"),
        ("remixes", "on"),
        ("unmute", &artist),
    ];
    let answer = martha.browser.post("/preferences", &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept = [
        "value=\"2\" selected",
        "value=\"7\" selected",
        "value=\"Asia/Tokyo\"",
        "name=\"remixes\" checked",
        &format!("value=\"{artist}\" checked"),
    ];
    for kept in kept {
        assert!(answer.body.contains(kept), "no {kept}");
    }
    app.finish().await;
}
