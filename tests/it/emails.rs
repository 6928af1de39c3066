//! Emails and the mail server: what is put off, what is repeated, and what nobody loses.

use std::time::Duration;

use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::NewAlbum;
use dropday::jobs::{Scope, send_emails};

use crate::test_app::{Listener, TestApp};

/// Users who follow one artist, past the silent first look.
async fn fans(app: &TestApp, names: &[&str]) -> (String, Vec<Listener>) {
    let artist = app.world.add_artist("Röyksopp");
    let mut fans = Vec::new();
    for name in names {
        fans.push(app.listener(name, &[&artist]).await);
    }
    app.round().await;
    (artist, fans)
}

async fn fan(app: &TestApp) -> (String, Listener) {
    let (artist, mut fans) = fans(app, &["Martha"]).await;
    (artist, fans.remove(0))
}

/// An album comes out and is noticed; what became of the emails.
async fn comes_out(app: &TestApp, artist: &str, title: &str) -> send_emails::DeliveryReport {
    app.world.publish(artist, NewAlbum::titled(title));
    app.checks().await;
    app.emails().await
}

fn subjects(app: &TestApp, listener: &Listener) -> Vec<String> {
    app.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

#[tokio::test]
async fn smtp_down_and_up_again_loses_nothing() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.stop().await;
    for title in ["First", "Second", "Third"] {
        assert_eq!(comes_out(&app, &artist, title).await.sent, 0);
        app.advance_hours(5);
    }
    assert_eq!(app.status().await.emails.queued, 3);
    app.inbox.restart().await.unwrap();
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1, "one email with everything pending by then");
    for title in ["First", "Second", "Third"] {
        assert!(emails[0].text.contains(title), "{}", emails[0].text);
    }
    app.finish().await;
}

#[tokio::test]
async fn smtp_down_over_a_restart_loses_nothing() {
    let mut app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.stop().await;
    comes_out(&app, &artist, "First").await;
    app.restart().await;
    app.inbox.restart().await.unwrap();
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: First"]);
    app.finish().await;
}

#[tokio::test]
async fn failing_server_is_retried_with_growing_backoff() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    for _ in 0..60 {
        app.inbox.script(SmtpFault::RefuseConnection(421, "4.3.2 Shutting down".to_owned()));
    }
    comes_out(&app, &artist, "First").await;
    let tried = app.inbox.connections();
    for _ in 0..10 {
        assert_eq!(app.emails_of(Scope::Due).await, send_emails::DeliveryReport::default());
    }
    assert_eq!(app.inbox.connections(), tried, "nothing is due yet");
    let why = app.status().await.emails.deferred_reason.unwrap();
    assert!(why.contains("421") && why.contains("4.3.2 Shutting down"), "{why}");
    for _ in 0..24 * 60 {
        app.clock.advance(Duration::from_secs(60));
        app.emails_of(Scope::Due).await;
    }
    let tries = app.inbox.connections() - tried;
    assert!((8..=18).contains(&tries), "{tries} tries in a day: 1 min, 2 min, 4 min … 4 h");
    app.inbox.clear_script();
    app.advance_hours(4);
    app.emails_of(Scope::Due).await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: First"]);
    assert_eq!(app.status().await.emails.deferred_reason, None);
    app.finish().await;
}

#[tokio::test]
async fn unreachable_server_is_not_tried_for_every_user() {
    let app = TestApp::new().await;
    let names = ["Ada", "Bo", "Cleo", "Dan", "Eve", "Finn", "Gro", "Hal"];
    let (artist, fans) = fans(&app, &names).await;
    for _ in 0..60 {
        app.inbox.script(SmtpFault::RefuseConnection(421, "4.3.2 Shutting down".to_owned()));
    }
    let before = app.inbox.connections();
    comes_out(&app, &artist, "First").await;
    assert_eq!(app.inbox.connections() - before, 3);
    app.inbox.clear_script();
    app.emails().await;
    for fan in &fans {
        assert_eq!(subjects(&app, fan), ["Röyksopp: First"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn bad_address_affects_only_its_own_email() {
    let app = TestApp::new().await;
    let (artist, fans) = fans(&app, &["Aino", "Jonas", "Martha", "Otto"]).await;
    let jonas = &fans[1];
    app.advance_hours(1);
    app.inbox.refuse(&jonas.address, 550, "5.1.1 No such user here");
    let outcome = comes_out(&app, &artist, "First").await;
    assert_eq!((outcome.sent, outcome.refused, outcome.deferred), (3, 1, 0), "in one pass");
    assert!(outcome.reason.unwrap().contains("5.1.1 No such user here"));
    assert_eq!((app.status().await.emails.rejected, app.status().await.emails.queued), (1, 0));
    let page = jonas.browser.get("/account").await.body;
    assert!(page.contains("5.1.1 No such user here"), "{page}");
    app.inbox.accept(&jonas.address);
    comes_out(&app, &artist, "Second").await;
    assert_eq!(subjects(&app, jonas), ["Röyksopp: Second"], "the refused row is not tried again");
    for other in [&fans[0], &fans[2], &fans[3]] {
        assert_eq!(subjects(&app, other), ["Röyksopp: First", "Röyksopp: Second"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn old_rejection_disappears_after_successful_email() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.refuse(&martha.address, 550, "5.1.1 No such user here");
    comes_out(&app, &artist, "First").await;
    app.inbox.accept(&martha.address);
    app.advance_hours(1);
    comes_out(&app, &artist, "Second").await;
    let page = martha.browser.get("/account").await.body;
    assert!(!page.contains("could not be sent"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn deferred_recipient_delays_no_other() {
    let app = TestApp::new().await;
    let (artist, fans) = fans(&app, &["Aino", "Jonas", "Martha"]).await;
    app.inbox.refuse(&fans[0].address, 451, "4.7.1 Greylisted, try again later");
    let outcome = comes_out(&app, &artist, "First").await;
    assert_eq!((outcome.sent, outcome.deferred), (2, 1));
    app.inbox.accept(&fans[0].address);
    app.clock.advance(Duration::from_secs(60));
    app.emails_of(Scope::Due).await;
    for fan in &fans {
        assert_eq!(subjects(&app, fan), ["Röyksopp: First"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn deferred_email_is_sent_once_with_later_news() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.script(SmtpFault::RefuseMessage(451, "4.3.0 Try again".to_owned()));
    assert_eq!(comes_out(&app, &artist, "First").await.deferred, 1);
    comes_out(&app, &artist, "Second").await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert!(emails[0].text.contains("First") && emails[0].text.contains("Second"));
    app.finish().await;
}

/// After `fault` nobody knows whether the server kept the email: the very same one is repeated,
/// and what comes out meanwhile goes in another.
async fn is_repeated_after(fault: SmtpFault, has_kept: bool) {
    let mut app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.script(fault);
    app.config.mail.timeout = Duration::from_secs(1);
    app.restart().await;
    let outcome = comes_out(&app, &artist, "First").await;
    assert_eq!((outcome.sent, outcome.deferred), (0, 1));
    app.config.mail.timeout = Duration::from_secs(20);
    app.restart().await;
    comes_out(&app, &artist, "Second").await;
    let (second, first): (Vec<_>, Vec<_>) = app
        .emails_to(&martha.address)
        .into_iter()
        .partition(|email| email.subject == "Röyksopp: Second");
    assert_eq!((first.len(), second.len()), (1 + usize::from(has_kept), 1));
    for email in &first {
        assert_eq!(email.subject, "Röyksopp: First");
        assert_eq!((&email.message_id, &email.text), (&first[0].message_id, &first[0].text));
    }
    assert_ne!(first[0].message_id, second[0].message_id);
    app.finish().await;
}

#[tokio::test]
async fn connection_lost_after_last_byte_repeats_same_email() {
    is_repeated_after(SmtpFault::DropAfterData { keep: true }, true).await;
    is_repeated_after(SmtpFault::DropAfterData { keep: false }, false).await;
}

#[tokio::test]
async fn hang_after_last_byte_repeats_same_email() {
    is_repeated_after(SmtpFault::HangAfterData { keep: true }, true).await;
    is_repeated_after(SmtpFault::HangAfterData { keep: false }, false).await;
}

#[tokio::test]
async fn invalid_reply_after_last_byte_repeats_same_email() {
    is_repeated_after(SmtpFault::Nonsense { keep: true }, true).await;
    is_repeated_after(SmtpFault::Nonsense { keep: false }, false).await;
}

#[tokio::test]
async fn connection_lost_during_email_repeats_it() {
    is_repeated_after(SmtpFault::DropInData, false).await;
}

#[tokio::test]
async fn only_a_250_marks_a_message_sent() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    let sent = app.status().await.emails.sent;
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.checks().await;
    for code in [200, 211, 220, 221, 235, 251, 252, 334, 354, 399] {
        app.inbox.script(SmtpFault::RefuseMessage(code, "2.0.0 As good as taken".to_owned()));
        let outcome = app.emails().await;
        assert_eq!((outcome.sent, outcome.deferred), (0, 1), "{code}");
        assert_eq!(
            (app.status().await.emails.sent, app.status().await.emails.queued),
            (sent, 1),
            "{code}"
        );
    }
    app.emails().await;
    assert_eq!(app.status().await.emails.sent, sent + 1);
    assert_eq!(subjects(&app, &martha), ["Röyksopp: First"]);
    app.finish().await;
}

#[tokio::test]
async fn rejected_email_after_cancelled_one_is_not_marked_sent() {
    let mut app = TestApp::new().await;
    let (artist, fans) = fans(&app, &["Aino", "Jonas", "Martha"]).await;
    let sent = app.status().await.emails.sent;
    app.config.mail.timeout = Duration::from_secs(1);
    app.restart().await;
    app.inbox.script(SmtpFault::HangAfterData { keep: false });
    app.inbox.script(SmtpFault::RefuseMessage(554, "5.7.1 Looks like spam".to_owned()));
    let outcome = comes_out(&app, &artist, "First").await;
    assert_eq!((outcome.sent, outcome.deferred, outcome.refused), (1, 1, 1));
    assert_eq!(app.status().await.emails.sent, sent + 1);
    let got = fans.iter().map(|fan| app.emails_to(&fan.address).len());
    assert_eq!(got.collect::<Vec<_>>(), [0, 0, 1]);
    app.config.mail.timeout = Duration::from_secs(20);
    app.restart().await;
    app.emails().await;
    assert_eq!(subjects(&app, &fans[0]), ["Röyksopp: First"]);
    app.finish().await;
}

#[tokio::test]
async fn silent_or_invalid_server_loses_no_email() {
    let mut app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.config.mail.timeout = Duration::from_secs(1);
    app.restart().await;
    app.world.publish(&artist, NewAlbum::titled("First"));
    app.checks().await;
    for fault in [
        SmtpFault::HangAtGreeting,
        SmtpFault::RefuseConnection(554, "5.3.2 Go away".to_owned()),
        SmtpFault::RefuseSender(550, "5.7.1 We do not know you".to_owned()),
    ] {
        app.inbox.script(fault.clone());
        let outcome = app.emails().await;
        assert_eq!((outcome.deferred, outcome.refused), (1, 0), "{fault:?}");
        assert!(app.status().await.emails.deferred_reason.is_some(), "{fault:?}");
    }
    app.config.mail.timeout = Duration::from_secs(20);
    app.restart().await;
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: First"]);
    app.finish().await;
}

#[tokio::test]
async fn every_pending_album_is_in_email_or_linked_page() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    for number in 0..60 {
        app.world.publish(&artist, NewAlbum::titled(format!("Number {number:02}.")));
    }
    app.round().await;
    let emails = app.emails_to(&martha.address);
    assert_eq!(emails.len(), 1);
    assert!(emails[0].link("/releases").ends_with("/releases"), "where it leads");
    let mut page = martha.browser.get("/releases").await.body;
    let older = page.split_once("/releases?before=").expect("a page of older ones").1;
    let older = format!("/releases?before={}", older.split('"').next().unwrap());
    page.push_str(&martha.browser.get(&older).await.body);
    for number in 0..60 {
        let title = format!("Number {number:02}.");
        let is_named = emails[0].text.contains(&title) || page.contains(&title);
        assert!(is_named, "{title} is neither in the letter nor on the page that it leads to");
    }
    app.finish().await;
}

#[tokio::test]
async fn account_page_is_fine_again_after_a_later_email() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("A");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("One"));
    app.checks().await;
    app.inbox.script(SmtpFault::RefuseMessage(552, "5.2.2 mailbox full".into()));
    app.emails().await;
    assert!(
        martha.browser.get("/account").await.body.contains("Your last email could not be sent")
    );
    app.advance_days(1);
    app.world.publish(&artist, NewAlbum::titled("Two"));
    app.round().await;
    assert!(
        !martha.browser.get("/account").await.body.contains("Your last email could not be sent")
    );
    app.finish().await;
}
