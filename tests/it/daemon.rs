//! `dropday serve`, from outside.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::{Endpoint, NewAlbum};

use crate::binary::{Machine, eventually, free_address};

#[tokio::test]
async fn the_daemon_serves_its_pages_and_says_that_it_is_healthy() {
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
async fn who_has_nothing_in_hand_stops_well_when_told_to() {
    let machine = Machine::new().await;
    for signal in ["TERM", "INT"].repeat(4) {
        let mut daemon = machine.serve().await;
        daemon.signal(signal);
        assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    }
    machine.finish().await;
}

#[tokio::test]
async fn a_browser_that_keeps_its_connections_open_does_not_hold_up_the_stop() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let browser = machine.visitor();
    browser.get("/").await;
    let _silent = TcpStream::connect(&machine.address).unwrap();
    let mut slow = TcpStream::connect(&machine.address).unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: dropday").unwrap();
    // Answered after the connections before it were taken.
    browser.get("/healthz").await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn told_to_stop_it_finishes_the_email_in_hand() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let (browser, martha) = (machine.visitor(), machine.world.add_user("Martha"));
    browser.sign_in(&machine.world, martha).await;
    machine.inbox.script(SmtpFault::SlowRcpt(Duration::from_secs(2)));
    browser.post("/account/address", &[("email", "martha@example.com")]).await;
    eventually("a letter in hand", async || (machine.inbox.connections() > 0).then_some(())).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    assert_eq!(machine.emails_to("martha@example.com").len(), 1);
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    assert_eq!(machine.emails_to("martha@example.com").len(), 1, "it was marked sent");
    machine.finish().await;
}

#[tokio::test]
async fn told_to_stop_it_lets_in_who_is_at_the_door() {
    let machine = Machine::with(&[("SPOTIFY__REQUEST_INTERVAL", "1s")]).await;
    let mut daemon = machine.serve().await;
    let (browser, martha) = (machine.visitor(), machine.world.add_user("Martha"));
    let back = machine.world.consent(&browser.to_spotify().await, martha).unwrap();
    let told_to_stop = async {
        let world = &machine.world;
        eventually("a question", async || (world.count(Endpoint::Token) > 0).then_some(())).await;
        daemon.signal("TERM");
    };
    let (arrived, ()) = tokio::join!(browser.get(&back), told_to_stop);
    assert_eq!(arrived.location.as_deref(), Some("/account"), "{}", arrived.body);
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn told_twice_it_stops_at_once_and_the_email_in_hand_is_sent_later() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let (browser, martha) = (machine.visitor(), machine.world.add_user("Martha"));
    browser.sign_in(&machine.world, martha).await;
    machine.inbox.script(SmtpFault::HangAtGreeting);
    browser.post("/account/address", &[("email", "martha@example.com")]).await;
    eventually("a letter in hand", async || (machine.inbox.connections() > 0).then_some(())).await;
    for (signal, answer) in
        [("TERM", "stopping after the work in hand"), ("INT", "stopping at once")]
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
async fn an_address_that_is_taken_is_named_with_what_to_do() {
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
async fn a_redirect_address_that_spotify_refuses_stops_it_at_start_with_the_reason() {
    let machine = Machine::new().await;
    for (url, reason) in [
        ("http://192.168.1.5:8888", "Spotify takes plain http only on 127.0.0.1 and [::1]"),
        ("http://dropday.example.com", "Spotify takes plain http only on 127.0.0.1 and [::1]"),
        ("http://localhost:8888", "Spotify refuses localhost"),
        ("https://localhost", "Spotify refuses localhost"),
    ] {
        let ended = machine.run_with(&[("WEB__PUBLIC_URL", url)], &["serve"]).await;
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(ended.err.contains("`web.public_url`") && ended.err.contains(reason), "{ended:?}");
    }
    machine.finish().await;
}

#[tokio::test]
async fn a_key_that_it_does_not_know_stops_it_at_start_with_its_path() {
    let machine = Machine::new().await;
    let ended = machine.run_with(&[("SPOTIFY__CLIENTID", "typo")], &["serve"]).await;
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.err.contains("`spotify.clientid`"), "{}", ended.err);
    machine.finish().await;
}

#[tokio::test]
async fn a_rule_that_is_no_cron_rule_stops_it_at_start_with_its_path() {
    let machine = Machine::new().await;
    let ended = machine.run_with(&[("SCHEDULE__LETTERS", "every minute")], &["serve"]).await;
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.err.contains("`schedule.letters`"), "{}", ended.err);
    machine.finish().await;
}

#[tokio::test]
async fn mail_settings_that_no_email_can_be_sent_with_stop_it_at_start() {
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
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "told twice: {told}");
    }
    machine.finish().await;
}

#[tokio::test]
async fn from_the_first_click_to_the_first_email_with_once_beside_the_daemon() {
    let machine = Machine::new().await;
    let mut daemon = machine.serve().await;
    let artist = machine.world.add_artist("Röyksopp");
    machine.world.put_out(&artist, NewAlbum::titled("Melody A.M.").on("2001-09-03"));
    let martha = machine.listener("Martha", &[&artist]).await;
    machine.looked_at_everything().await;
    machine.world.put_out(&artist, NewAlbum::titled("Profound Mysteries IV"));
    for _ in 0..2 {
        let ended = machine.run(&["once", "--all"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let news = eventually("the news", async || machine.emails_to(&martha.address).pop()).await;
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
async fn several_at_work_on_one_database_tell_everything_once() {
    let machine = Machine::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "10000")]).await;
    let artists: Vec<String> =
        (0..4).map(|n| machine.world.add_artist(format!("Artist {n}"))).collect();
    let all: Vec<&str> = artists.iter().map(String::as_str).collect();
    let listeners = machine.settle(&[("Martha", &all), ("Jonas", &all[..2])]).await;
    let mut daemons = [machine.serve().await, machine.serve_at(&free_address()).await];
    for round in 0..5 {
        for artist in &artists {
            machine.world.put_out(artist, NewAlbum::titled(format!("Album-{round}.")));
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
    eventually("everything to be told", async || {
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
async fn two_that_start_at_once_on_a_new_machine_agree_on_the_database_and_the_key() {
    for _ in 0..10 {
        let machine = Machine::new().await;
        let (one, two) = tokio::join!(machine.run(&["once"]), machine.run(&["once"]));
        assert_eq!((one.code, two.code), (Some(0), Some(0)), "{one:?} {two:?}");
        machine.finish().await;
    }
}
