//! `dropday serve` as a black box.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::{Endpoint, NewAlbum};

use crate::binary::{Machine, eventually, free_address};

#[tokio::test]
async fn daemon_serves_pages_and_reports_healthy() {
    let machine = Machine::new().await;
    let _daemon = machine.serve().await;
    let browser = machine.visitor();
    let front = browser.get("/").await;
    assert!(front.status == 200 && front.body.contains("/login"), "{}", front.body);
    let health = browser.get("/healthz").await;
    assert_eq!((health.status.as_u16(), health.body.as_str()), (200, "ok\n"));
    assert_eq!(browser.get("/account").await.location.as_deref(), Some("/"));
    machine.finish().await;
}

#[tokio::test]
async fn idle_daemon_exits_cleanly_on_signal() {
    let machine = Machine::new().await;
    for signal in ["TERM", "INT"].repeat(4) {
        let mut daemon = machine.serve().await;
        daemon.signal(signal);
        assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    }
    machine.finish().await;
}

#[tokio::test]
async fn open_connections_do_not_delay_shutdown() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let browser = machine.visitor();
    browser.get("/").await;
    let _silent = TcpStream::connect(&machine.address).unwrap();
    let mut slow = TcpStream::connect(&machine.address).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: dropday").unwrap();
    // Once this is answered, the earlier connections have been accepted.
    browser.get("/healthz").await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn shutdown_finishes_the_email_being_sent() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let (browser, martha) = (machine.visitor(), machine.world.add_user("Martha"));
    browser.sign_in(&machine.world, martha).await;
    machine.inbox.script(SmtpFault::SlowRcpt(Duration::from_secs(2)));
    browser.post("/account/address", &[("email", "martha@example.com")]).await;
    eventually("an email being sent", async || (machine.inbox.connections() > 0).then_some(()))
        .await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    assert_eq!(machine.emails_to("martha@example.com").len(), 1);
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    assert_eq!(machine.emails_to("martha@example.com").len(), 1, "it was marked sent");
    machine.finish().await;
}

#[tokio::test]
async fn shutdown_completes_sign_in_under_way() {
    let machine = Machine::with(&[("SPOTIFY__REQUEST_INTERVAL", "1s")]).await;
    let mut daemon = machine.serve().await;
    let (browser, martha) = (machine.visitor(), machine.world.add_user("Martha"));
    let back = machine.world.consent(&browser.to_spotify().await, martha).unwrap();
    let stop = async {
        let world = &machine.world;
        eventually("a token request", async || (world.count(Endpoint::Token) > 0).then_some(()))
            .await;
        daemon.signal("TERM");
    };
    let (arrived, ()) = tokio::join!(browser.get(&back), stop);
    assert_eq!(arrived.location.as_deref(), Some("/account"), "{}", arrived.body);
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn second_signal_aborts_and_email_is_sent_later() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let (browser, martha) = (machine.visitor(), machine.world.add_user("Martha"));
    browser.sign_in(&machine.world, martha).await;
    machine.inbox.script(SmtpFault::HangAtGreeting);
    browser.post("/account/address", &[("email", "martha@example.com")]).await;
    eventually("an email being sent", async || (machine.inbox.connections() > 0).then_some(()))
        .await;
    for (signal, answer) in
        [("TERM", "stopping after the current unit of work"), ("INT", "stopping immediately")]
    {
        daemon.signal(signal);
        eventually(answer, async || daemon.said().contains(answer).then_some(())).await;
    }
    assert_eq!(daemon.ended().await, Some(1), "{}", daemon.said());
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    assert_eq!(machine.emails_to("martha@example.com").len(), 1);
    machine.finish().await;
}

#[tokio::test]
async fn address_in_use_is_reported_with_remedy() {
    let machine = Machine::new().await;
    let _taken = TcpListener::bind(&machine.address).unwrap();
    let ended = machine.run(&["serve"]).await;
    assert_eq!(ended.code, Some(1));
    let told =
        format!("cannot listen at {}. Is Dropday running already? See web.listen", machine.address);
    assert!(ended.err.contains(&told), "{}", ended.err);
    machine.finish().await;
}

#[tokio::test]
async fn public_url_that_spotify_rejects_prevents_startup() {
    let machine = Machine::new().await;
    for (url, reason) in [
        ("http://192.168.1.5:8888", "Spotify accepts plain http only for 127.0.0.1 and [::1]"),
        ("http://dropday.example.com", "Spotify accepts plain http only for 127.0.0.1 and [::1]"),
        ("http://localhost:8888", "Spotify rejects localhost"),
        ("https://localhost", "Spotify rejects localhost"),
    ] {
        let ended = machine.run_with(&[("WEB__PUBLIC_URL", url)], &["serve"]).await;
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(ended.err.contains("`web.public_url`") && ended.err.contains(reason), "{ended:?}");
    }
    machine.finish().await;
}

#[tokio::test]
async fn unknown_key_prevents_startup() {
    let machine = Machine::new().await;
    let ended = machine.run_with(&[("SPOTIFY__CLIENTID", "typo")], &["serve"]).await;
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.err.contains("`spotify.clientid`"), "{}", ended.err);
    machine.finish().await;
}

#[tokio::test]
async fn invalid_cron_rule_prevents_startup() {
    let machine = Machine::new().await;
    let ended = machine.run_with(&[("SCHEDULE__LETTERS", "every minute")], &["serve"]).await;
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.err.contains("`schedule.letters`"), "{}", ended.err);
    machine.finish().await;
}

#[tokio::test]
async fn unusable_mail_settings_prevent_startup() {
    let machine = Machine::new().await;
    for (key, value) in [
        ("MAIL__SMTP_URL", "mail.example.com"),
        ("MAIL__SMTP_URL", "http://mail.example.com"),
        ("MAIL__FROM", "Dropday"),
        ("MAIL__TIMEOUT", "0s"),
        ("MAIL__CA_FILE", "/nowhere/ca.pem"),
    ] {
        let ended = machine.run_with(&[(key, value)], &["serve"]).await;
        let path = format!("`{}`", key.to_lowercase().replace("__", "."));
        assert_eq!(ended.code, Some(78), "{ended:?}");
        let told = ended.err.lines().last().unwrap().strip_prefix("dropday: ").unwrap();
        assert!(told.starts_with(&path), "{told}");
        let words: Vec<&str> = told.split(": ").collect();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "repeated: {told}");
    }
    machine.finish().await;
}

#[tokio::test]
async fn new_user_gets_news_while_once_runs_beside_daemon() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let artist = machine.world.add_artist("Röyksopp");
    machine.world.publish(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    let martha = machine.listener("Martha", &[&artist]).await;
    machine.looked_at_everything().await;
    machine.world.publish(&artist, NewAlbum::titled("Profound Mysteries IV"));
    for _ in 0..2 {
        let ended = machine.run(&["once", "--all"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let news =
        eventually("the news email", async || machine.emails_to(&martha.address).pop()).await;
    assert_eq!(news.from, "dropday@example.com");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    assert_eq!(machine.run(&["once", "--all"]).await.code, Some(0));
    let subjects: Vec<_> =
        machine.emails_to(&martha.address).into_iter().map(|email| email.subject).collect();
    assert_eq!(subjects, ["Röyksopp: Profound Mysteries IV"]);
    machine.finish().await;
}

#[tokio::test]
async fn concurrent_processes_notify_once() {
    let machine = Machine::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "10000")]).await;
    let artists: Vec<String> =
        (0..4).map(|n| machine.world.add_artist(format!("Artist {n}"))).collect();
    let all: Vec<&str> = artists.iter().map(String::as_str).collect();
    let listeners = machine.settle(&[("Martha", &all), ("Jonas", &all[..2])]).await;
    let mut daemons = [machine.serve().await, machine.serve_at(&free_address()).await];
    for round in 0..5 {
        for artist in &artists {
            machine.world.publish(artist, NewAlbum::titled(format!("Album-{round}.")));
        }
        machine.let_everything_be_due();
        let once = || machine.run(&["once", "--all"]);
        let (one, two, three) = tokio::join!(once(), once(), once());
        for ended in [one, two, three] {
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
    }
    let titles = |address: &str| {
        let emails = machine.emails_to(address).into_iter();
        emails.map(|email| email.text.matches("Album-").count()).sum::<usize>()
    };
    eventually("all notifications", async || {
        let told = [titles(&listeners[0].address), titles(&listeners[1].address)];
        (told[0] >= 20 && told[1] >= 10).then_some(())
    })
    .await;
    for daemon in &mut daemons {
        daemon.signal("TERM");
        assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    }
    assert_eq!(machine.run(&["once", "--all"]).await.code, Some(0));
    assert_eq!((titles(&listeners[0].address), titles(&listeners[1].address)), (20, 10));
    machine.finish().await;
}

#[tokio::test]
async fn concurrent_first_starts_agree_on_database_and_key() {
    for _ in 0..10 {
        let machine = Machine::new().await;
        let (one, two) = tokio::join!(machine.run(&["once"]), machine.run(&["once"]));
        assert_eq!((one.code, two.code), (Some(0), Some(0)), "{one:?} {two:?}");
        machine.finish().await;
    }
}
