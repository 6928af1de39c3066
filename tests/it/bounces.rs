//! What the mail server will not take: addresses that bounce, a log-in that is refused, and emails that
//! are put off for days.

use std::time::Duration;

use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::NewAlbum;
use dropday::domain::disk_space::DiskSpace;
use dropday::jobs::{disk_space, send_emails};
use dropday::store::outbox;

use crate::test_app::{Listener, TestApp};

const OPERATOR: &str = "operator@example.com";

async fn fan(app: &TestApp) -> (String, Listener) {
    let artist = app.world.add_artist("Röyksopp");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    (artist, martha)
}

async fn comes_out(app: &TestApp, artist: &str, title: &str) -> send_emails::DeliveryReport {
    app.world.publish(artist, NewAlbum::titled(title));
    app.checks().await;
    app.emails().await
}

fn subjects(app: &TestApp, listener: &Listener) -> Vec<String> {
    app.emails_to(&listener.address).into_iter().map(|email| email.subject).collect()
}

async fn page(listener: &Listener) -> String {
    listener.browser.get("/account").await.body.replace('\n', " ")
}

#[tokio::test]
async fn address_is_suspended_after_three_bounces_until_confirmed() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.refuse(&martha.address, 550, "5.1.1 No such user here");
    for title in ["First", "Second", "Third"] {
        assert!(!page(&martha).await.contains("bounced three times"));
        assert_eq!(comes_out(&app, &artist, title).await.refused, 1, "{title}");
    }
    assert!(page(&martha).await.contains("bounced three times in a row"));
    app.world.publish(&artist, NewAlbum::titled("Not Yet Tried"));
    app.advance_hours(7);
    app.checks().await;
    let new = martha.browser.get("/releases").await.words();
    assert!(new.contains("Not emailed: emails to your address bounce"), "{new}");
    assert!(!page(&martha).await.contains("Not Yet Tried"), "no letter to come");
    app.emails().await;

    app.inbox.accept(&martha.address);
    let connections = app.inbox.connections();
    let outcome = comes_out(&app, &artist, "Fourth").await;
    assert_eq!((outcome.held, outcome.refused, outcome.has_failed()), (1, 0, false), "{outcome}");
    assert_eq!(app.inbox.connections(), connections, "nothing is sent to it any more");

    martha.browser.post("/account/address", &[("email", &martha.address)]).await;
    app.emails().await;
    let email = app.emails_to(&martha.address).pop().expect("a letter that asks to confirm");
    martha.browser.post(&email.link("/confirm/"), &[]).await;
    app.inbox.empty();
    app.emails().await;
    let emails = app.emails_to(&martha.address);
    for title in ["First", "Second", "Third", "Fourth"] {
        assert_eq!(emails.iter().filter(|l| l.text.contains(title)).count(), 1, "{title}");
    }
    assert!(!page(&martha).await.contains("came back"));
    app.finish().await;
}

#[tokio::test]
async fn only_consecutive_mailbox_bounces_count() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    for round in 0..2 {
        app.inbox.refuse(&martha.address, 550, "5.1.1 No such user here");
        for title in ["First", "Second"] {
            comes_out(&app, &artist, &format!("{title} {round}")).await;
        }
        app.inbox.accept(&martha.address);
        app.advance_hours(1);
        assert_eq!(comes_out(&app, &artist, &format!("Third {round}")).await.sent, 1);
    }
    app.inbox.refuse(&martha.address, 552, "5.2.2 The mailbox is full");
    for number in 0..5 {
        assert_eq!(comes_out(&app, &artist, &format!("Full {number}")).await.refused, 1);
    }
    app.inbox.accept(&martha.address);
    app.advance_hours(1);
    assert_eq!(comes_out(&app, &artist, "Last").await.sent, 1);
    app.finish().await;
}

#[tokio::test]
async fn rejected_login_stops_delivery_and_alerts_operator_once() {
    let app = TestApp::with(&[("MAIL__OPERATOR", OPERATOR)]).await;
    let artist = app.world.add_artist("Röyksopp");
    let mut fans = Vec::new();
    for name in ["Ada", "Bo", "Cleo", "Dan", "Eve"] {
        fans.push(app.listener(name, &[&artist]).await);
    }
    app.round().await;
    for _ in 0..4 {
        app.inbox.script(SmtpFault::RefuseSender(550, "5.7.1 who are you".to_owned()));
    }
    let outcome = comes_out(&app, &artist, "First").await;
    assert_eq!((outcome.sent, outcome.deferred, outcome.refused), (0, 1, 0), "{outcome}");
    for _ in 0..3 {
        app.advance_days(1);
        let outcome = app.emails().await;
        assert_eq!((outcome.sent, outcome.deferred), (0, 1), "{outcome}");
    }
    let why = app.status().await.emails.deferred_reason.unwrap();
    assert!(why.contains("refuses us") && why.contains("who are you"), "{why}");
    assert!(app.emails_to(OPERATOR).is_empty());

    app.emails().await;
    for fan in &fans {
        assert_eq!(subjects(&app, fan), ["Röyksopp: First"]);
    }
    let told = app.emails_to(OPERATOR);
    assert_eq!(told.len(), 1);
    assert!(told[0].text.contains("who are you"), "{}", told[0].text);
    app.finish().await;
}

#[tokio::test]
async fn email_deferred_for_three_days_is_given_up() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.refuse(&martha.address, 451, "4.7.1 Greylisted, try again later");
    comes_out(&app, &artist, "First").await;
    let mut hours = 0;
    while app.status().await.emails.queued > 0 {
        app.clock.advance(Duration::from_secs(15 * 60));
        app.emails_of(dropday::jobs::Scope::Due).await;
        hours += 1;
        assert!(hours < 4 * 24 * 5, "still tried after five days");
    }
    assert!(hours >= 4 * 72, "given up after {} hours", hours / 4);
    assert_eq!(app.status().await.emails.rejected, 1);
    assert!(page(&martha).await.contains("4.7.1 Greylisted"));
    app.finish().await;
}

#[tokio::test]
async fn week_of_downtime_then_greylisting_loses_no_email() {
    let app = TestApp::new().await;
    let (artist, martha) = fan(&app).await;
    app.inbox.stop().await;
    comes_out(&app, &artist, "First").await;
    for _ in 0..24 * 7 {
        app.advance_hours(1);
        app.emails().await;
    }
    app.inbox.restart().await.unwrap();
    app.inbox.refuse(&martha.address, 451, "4.7.1 Greylisted, try again later");
    assert_eq!(app.emails().await.deferred, 1);
    app.inbox.accept(&martha.address);
    app.emails().await;
    assert_eq!(subjects(&app, &martha), ["Röyksopp: First"]);
    app.finish().await;
}

#[tokio::test]
async fn many_emails_share_few_connections_without_repeats() {
    let app = TestApp::with(&[("MAIL__CONNECTIONS", "3")]).await;
    let artist = app.world.add_artist("Röyksopp");
    let mut fans = Vec::new();
    for number in 0..12 {
        fans.push(app.listener(&format!("Fan{number}"), &[&artist]).await);
    }
    app.round().await;
    let connections = app.inbox.connections();
    assert_eq!(comes_out(&app, &artist, "First").await.sent, 12);
    assert!(app.inbox.connections() - connections <= 3);
    for fan in &fans {
        assert_eq!(subjects(&app, fan), ["Röyksopp: First"]);
    }
    app.finish().await;
}

#[tokio::test]
async fn nearly_full_disk_alerts_operator_once_a_day() {
    let app = TestApp::with(&[("MAIL__OPERATOR", OPERATOR)]).await;
    let full = DiskSpace { free: 83_000_000, total: 10_000_000_000 };
    for _ in 0..3 {
        assert!(disk_space::check(&app.ctx, full).await.unwrap());
    }
    let pending = app.ctx.db.read("test", outbox::count_pending).await.unwrap();
    assert_eq!(pending, 1);
    // This machine's disk, which is looked at again before the email is written, has room.
    assert_eq!(app.emails().await.dropped, 1);
    let roomy = DiskSpace { free: 5_000_000_000, total: 10_000_000_000 };
    assert!(!disk_space::check(&app.ctx, roomy).await.unwrap());
    app.finish().await;
}

#[tokio::test]
async fn rejections_of_the_sender_do_not_stop_news() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("A");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.world.publish(&artist, NewAlbum::titled("One"));
    app.checks().await;
    for text in [
        "5.7.1 <dropday@example.com>: Sender address rejected: not owned by user",
        "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example",
        "5.7.26 Unauthenticated mail is not accepted",
    ] {
        app.inbox.refuse(&martha.address, 554, text);
        assert_eq!(app.emails().await.refused, 0, "{text}");
    }
    app.inbox.accept(&martha.address);
    app.inbox.script(SmtpFault::RefuseMessage(550, "5.7.26 rejected by DMARC policy".into()));
    assert_eq!(app.emails().await.refused, 0);
    app.emails().await;
    assert_eq!(app.emails_to(&martha.address).len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn news_rejected_at_the_old_address_goes_to_the_new_one() {
    let app = TestApp::new().await;
    let artist = app.world.add_artist("A");
    let martha = app.listener("Martha", &[&artist]).await;
    app.round().await;
    app.inbox.refuse(&martha.address, 550, "5.1.1 no such user");
    app.world.publish(&artist, NewAlbum::titled("One"));
    app.round().await;
    martha.browser.post("/account/address", &[("email", "new@example.com")]).await;
    app.emails().await;
    let link = app.emails_to("new@example.com")[0].link("/confirm/");
    martha.browser.post(&link, &[]).await;
    app.emails().await;
    let subjects: Vec<_> =
        app.emails_to("new@example.com").into_iter().skip(1).map(|l| l.subject).collect();
    assert_eq!(subjects, ["A: One"]);
    app.finish().await;
}
