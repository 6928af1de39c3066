//! What the commands say, and what their exit codes promise.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dropday::demo::inbox::{InboxSettings, SmtpFault};
use dropday::demo::world::{Endpoint, Fault, NewAlbum};
use serde_json::json;

use crate::binary::{Ended, Machine, eventually};
use crate::test_app::Listener;

/// Martha, who follows this many artists; each has had its initial scan.
async fn settled(artists: usize) -> (Machine, Vec<String>, Listener) {
    let machine = Machine::new().await;
    let artists: Vec<String> =
        (0..artists).map(|n| machine.world.add_artist(format!("Artist {n}"))).collect();
    let all: Vec<&str> = artists.iter().map(String::as_str).collect();
    let martha = machine.settle(&[("Martha", &all)]).await.remove(0);
    machine.world.forget_requests();
    (machine, artists, martha)
}

async fn once(machine: &Machine) -> Ended {
    machine.run(&["once", "--all"]).await
}

#[tokio::test]
async fn once_runs_every_job_and_exits_with_zero() {
    let (machine, artists, martha) = settled(2).await;
    machine.world.publish(&artists[0], NewAlbum::titled("New"));
    let ended = once(&machine).await;
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    insta::assert_snapshot!("once_all", ended.out);
    assert_eq!(machine.emails_to(&martha.address).len(), 1);
    machine.finish().await;
}

#[tokio::test]
async fn once_checks_only_due_artists() {
    let (machine, ..) = settled(3).await;
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    assert_eq!(machine.world.count(Endpoint::ArtistAlbums), 0);
    machine.let_everything_be_due();
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    assert_eq!(machine.world.count(Endpoint::ArtistAlbums), 3);
    machine.finish().await;
}

#[tokio::test]
async fn once_all_stops_at_the_daily_quota_without_failing() {
    let (machine, ..) = settled(5).await;
    let three_more = [("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "8")];
    let ended = machine.run_with(&three_more, &["once", "--all"]).await;
    assert_eq!(
        (ended.code, machine.world.count(Endpoint::ArtistAlbums)),
        (Some(0), 3),
        "{ended:?}"
    );
    assert!(ended.out.contains("the day's calls are used up"), "{}", ended.out);
    machine.finish().await;
}

#[tokio::test]
async fn once_fails_while_spotify_is_down_and_catches_up() {
    for endpoint in [Endpoint::Following, Endpoint::ArtistAlbums] {
        let (machine, artists, martha) = settled(1).await;
        machine.world.publish(&artists[0], NewAlbum::titled("New"));
        machine.world.script(endpoint, [Fault::bad_gateway()]);
        let ended = once(&machine).await;
        assert_eq!(ended.code, Some(1), "{endpoint:?}: {ended:?}");
        assert_eq!(once(&machine).await.code, Some(0));
        assert_eq!(machine.emails_to(&martha.address).len(), 1);
        machine.finish().await;
    }
}

#[tokio::test]
async fn once_fails_while_mail_server_is_down_and_catches_up() {
    let (machine, artists, martha) = settled(1).await;
    machine.world.publish(&artists[0], NewAlbum::titled("New"));
    machine.inbox.stop().await;
    let ended = once(&machine).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("1 deferred; the mail server cannot be used"), "{}", ended.out);
    let status = machine.status().await;
    assert_eq!(
        (&status["emails"]["queued"], &status["emails"]["deferred"]),
        (&json!(1), &json!(1))
    );
    machine.inbox.restart().await.unwrap();
    assert_eq!(once(&machine).await.code, Some(0));
    assert_eq!(machine.emails_to(&martha.address).len(), 1);
    machine.finish().await;
}

#[tokio::test]
async fn once_makes_no_calls_during_a_pause() {
    let (machine, artists, martha) = settled(1).await;
    machine.world.publish(&artists[0], NewAlbum::titled("New"));
    machine.world.script(Endpoint::ArtistAlbums, [Fault::RateLimited { retry_after: Some(2) }]);
    assert_eq!(once(&machine).await.code, Some(1));
    eventually("the end of the pause", async || {
        (once(&machine).await.code == Some(0)).then_some(())
    })
    .await;
    assert_eq!(machine.emails_to(&martha.address).len(), 1);
    machine.finish().await;
}

#[tokio::test]
async fn once_without_users_succeeds() {
    let machine = Machine::new().await;
    let ended = once(&machine).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    machine.finish().await;
}

#[tokio::test]
async fn once_finishes_the_current_email_when_stopped() {
    let machine = Machine::new().await;
    let artist = machine.world.add_artist("Röyksopp");
    let fan_of = [artist.as_str()];
    let users = ["Martha", "Jonas", "Aino"].map(|name| (name, &fan_of[..]));
    let listeners = machine.settle(&users).await;
    machine.world.publish(&artist, NewAlbum::titled("New"));
    machine.inbox.script(SmtpFault::SlowRcpt(Duration::from_secs(2)));
    let connections = machine.inbox.connections();
    let mut process = machine.start(&["once", "--all"]);
    let inbox = &machine.inbox;
    eventually("a letter in hand", async || (inbox.connections() > connections).then_some(()))
        .await;
    process.signal("TERM");
    assert_eq!(process.ended().await, Some(1), "{}", process.said());
    assert_eq!(inbox.emails().len(), 1);
    assert_eq!(once(&machine).await.code, Some(0));
    for listener in listeners {
        assert_eq!(machine.emails_to(&listener.address).len(), 1);
    }
    machine.finish().await;
}

/// With every time replaced, and the ids that the fake Spotify drew.
fn timeless(text: &str) -> String {
    let is_time = |word: &str| word.parse::<jiff::Timestamp>().is_ok();
    let is_id = |word: &str| word.len() == 25 && word.chars().all(char::is_alphanumeric);
    let mut words: Vec<&str> = text.split([' ', '"', '(', ')', ',']).collect();
    words.retain(|word| is_time(word) || is_id(word));
    words.iter().fold(text.to_owned(), |text, word| {
        text.replace(word, if is_time(word) { "[time]" } else { "[id]" })
    })
}

#[tokio::test]
async fn status_is_readable_as_text_and_json() {
    let (machine, artists, _) = settled(2).await;
    machine.world.publish(&artists[0], NewAlbum::titled("New"));
    once(&machine).await;
    let mut status = machine.status().await;
    // What each job did is for `job_runs`: here it hangs on how often the daemon looked.
    assert_eq!(status["jobs"].take().as_object().unwrap().len(), 4);
    status["jobs"] = json!("[jobs]");
    status["disk"] = json!("[disk]");
    // Which day it is hangs on when this runs: midnight may have passed.
    for (bucket, days) in status["calls"]["by_day"].take().as_object().unwrap() {
        let calls = days.as_array().unwrap().iter().map(|day| day["calls"].as_u64().unwrap());
        assert_eq!(json!(calls.sum::<u64>()), status["calls"]["used"][bucket]);
    }
    status["calls"]["by_day"] = json!("[days]");
    let status = serde_json::to_string_pretty(&status).unwrap();
    insta::assert_snapshot!("status_json", timeless(&status));
    let ended = machine.run(&["status"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = ended.out.split(" Jobs").next().unwrap();
    let told = told.lines().filter(|line| !line.contains("(today last)")).map(timeless);
    let table: Vec<_> = told.map(|line| line.trim_end().to_owned()).collect();
    insta::assert_snapshot!("status_table", table.join("\n"));
    machine.finish().await;
}

#[tokio::test]
async fn status_explains_deferred_emails_and_pauses() {
    let (machine, artists, _) = settled(2).await;
    machine.world.publish(&artists[0], NewAlbum::titled("New"));
    machine.inbox.stop().await;
    once(&machine).await;
    machine.world.script(Endpoint::ArtistAlbums, [Fault::RateLimited { retry_after: Some(3600) }]);
    once(&machine).await;
    let table = machine.run(&["status"]).await.out;
    for told in ["Connection refused", "Paused", "Spotify's rate limit was reached"] {
        assert!(table.contains(told), "no {told} in {table}");
    }
    let status = machine.status().await;
    let (emails, pause) = (&status["emails"], &status["pauses"]["all"]);
    assert_eq!((&emails["queued"], &emails["deferred"]), (&json!(1), &json!(1)));
    assert!(emails["deferred_reason"].is_string() && pause["until"].is_string(), "{status}");
    machine.finish_owing(1).await;
}

#[tokio::test]
async fn status_without_database_says_what_to_do() {
    let machine = Machine::new().await;
    let ended = machine.run(&["status"]).await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    assert!(
        ended.err.contains("It is created when Dropday first runs: dropday serve"),
        "{ended:?}"
    );
    let files = std::fs::read_dir(machine.folder.path()).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["dropday.toml"]);
    machine.finish().await;
}

/// The inbox of somebody whose mail server wants a log-in.
fn with_login() -> InboxSettings {
    let login = Some(("dropday@example.com".to_owned(), "0042#/:?%&@ü".to_owned()));
    InboxSettings { login }
}

#[tokio::test]
async fn check_passes_on_a_working_setup() {
    let machine = Machine::with_inbox(&[], with_login()).await;
    let ended = machine.run(&["check"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.out.contains("WRONG") && ended.out.contains("logged in"), "{}", ended.out);
    let redirect = format!("http://{}/callback must be registered", machine.address);
    assert!(ended.out.contains(&redirect), "{}", ended.out);
    machine.finish().await;
}

/// Checks that `check` names what is wrong, with what to do about it.
async fn check_says(machine: &Machine, code: i32, what: &str, remedy: &str) {
    let ended = machine.run(&["check"]).await;
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let wrong: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert!(
        wrong.iter().any(|line| line.contains(what) && line.contains(remedy)),
        "no {what} with {remedy} in {ended:?}"
    );
}

#[tokio::test]
async fn check_names_missing_keys() {
    let machine =
        Machine::with(&[("SPOTIFY__CLIENT_ID", ""), ("MAIL__SMTP_URL", ""), ("MAIL__FROM", "")])
            .await;
    check_says(&machine, 78, "`spotify.client_id` is not set", "Register an app").await;
    check_says(&machine, 78, "`mail.smtp_url` is not set", "smtps://user:password@").await;
    check_says(&machine, 78, "`mail.from` is not set", "Dropday <dropday@example.com>").await;
    machine.finish().await;
}

#[tokio::test]
async fn check_names_invalid_cron_rule() {
    let machine = Machine::with(&[("SCHEDULE__RELEASES", "hourly")]).await;
    check_says(&machine, 1, "`schedule.releases` is `hourly`", "such as 0 */5 * * * *").await;
    machine.finish().await;
}

#[tokio::test]
async fn check_reports_wrong_password_and_mail_server_down() {
    let machine = Machine::with_inbox(&[], with_login()).await;
    machine.inbox.script(SmtpFault::RefuseLogin(535));
    check_says(&machine, 1, "the log-in failed", "Compare mail.smtp_url").await;
    machine.inbox.stop().await;
    check_says(&machine, 1, "Connection refused", "Compare mail.smtp_url").await;
    machine.inbox.restart().await.unwrap();
    assert_eq!(machine.run(&["check"]).await.code, Some(0));
    machine.finish().await;
}

#[tokio::test]
async fn check_reports_damaged_database() {
    let (machine, ..) = settled(40).await;
    let sound = std::fs::read(machine.database()).unwrap();
    std::fs::write(machine.database(), "this is no database, but there is much of it".repeat(99))
        .unwrap();
    check_says(&machine, 1, "the database is damaged", "restore a backup").await;
    let mut torn = sound.clone();
    torn[8192..].fill(0xA5);
    std::fs::write(machine.database(), torn).unwrap();
    check_says(&machine, 1, "damaged", "backup").await;
    std::fs::write(machine.database(), sound).unwrap();
    assert_eq!(machine.run(&["check"]).await.code, Some(0), "the remedy helps");
    machine.finish().await;
}

#[tokio::test]
async fn check_reports_wrong_or_missing_key() {
    let machine = Machine::new().await;
    assert_eq!(machine.run(&["check"]).await.code, Some(0));
    let file = machine.folder.path().join("dropday.key");
    let right = std::fs::read(&file).unwrap();
    std::fs::write(&file, BASE64_STANDARD.encode([7; 32])).unwrap();
    check_says(&machine, 1, "the key does not fit the database", "Restore the key file").await;
    std::fs::write(&file, "").unwrap();
    check_says(&machine, 1, "does not hold 32 bytes in base64", "Restore it").await;
    std::fs::remove_file(&file).unwrap();
    check_says(&machine, 1, "but its key", "Restore the key file").await;
    std::fs::write(&file, right).unwrap();
    assert_eq!(machine.run(&["check"]).await.code, Some(0), "the remedy helps");
    machine.finish().await;
}

#[tokio::test]
async fn check_reports_missing_folder() {
    let machine = Machine::with(&[("DATABASE__PATH", "/nowhere/dropday.db")]).await;
    check_says(&machine, 1, "/nowhere/dropday.db cannot be opened", "set database.path").await;
    machine.finish().await;
}

/// Only root can be somebody else's root: where the tests run as anybody, there is nothing to see.
#[tokio::test]
async fn files_that_root_creates_belong_to_the_folders_owner() {
    const SERVICE: u32 = 61_234;
    let machine = Machine::new().await;
    if std::os::unix::fs::chown(machine.folder.path(), Some(SERVICE), Some(SERVICE)).is_ok() {
        assert_eq!(machine.run(&["check"]).await.code, Some(0));
        for name in ["dropday.db", "dropday.key", "dropday.db.lock"] {
            let made = machine.folder.path().join(name).metadata().unwrap();
            assert_eq!((made.uid(), made.gid()), (SERVICE, SERVICE), "{name}");
        }
    }
    machine.finish().await;
}

#[tokio::test]
async fn health_succeeds_while_daemon_answers() {
    let machine = Machine::new().await;
    let listens = [("WEB__LISTEN", machine.address.as_str())];
    let health = async || machine.run_with(&listens, &["health"]).await;
    let ended = health().await;
    assert!(ended.code == Some(1) && ended.err.contains("Connection refused"), "{ended:?}");
    let _daemon = machine.serve().await;
    let ended = health().await;
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "ok\n"), "{ended:?}");
    let broken = machine.run_with(&[("WEB__LISTEN", "nowhere")], &["health"]).await;
    assert_eq!(broken.code, Some(1), "a health check knows 0 and 1: {broken:?}");
    machine.finish().await;
}

#[tokio::test]
async fn health_fails_when_daemon_does_not_answer() {
    let machine = Machine::new().await;
    let _silent = std::net::TcpListener::bind(&machine.address).unwrap();
    let listens = [("WEB__LISTEN", machine.address.as_str())];
    let ended = machine.run_with(&listens, &["health"]).await;
    assert!(ended.code == Some(1) && ended.err.contains("no response within 5 s"), "{ended:?}");
    machine.finish().await;
}

#[tokio::test]
async fn help_explains_setup() {
    let machine = Machine::new().await;
    for verb in [
        "",
        "serve",
        "once",
        "demo",
        "check",
        "send-test",
        "status",
        "health",
        "users",
        "invite",
        "export",
        "backup",
        "restore",
        "key",
    ] {
        let arguments: Vec<&str> = [verb, "--help"].into_iter().filter(|a| !a.is_empty()).collect();
        let ended = machine.run(&arguments).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        insta::assert_snapshot!(format!("help_{verb}").trim_end_matches('_'), ended.out);
    }
    machine.finish().await;
}

#[tokio::test]
async fn headless_demo_prints_an_email() {
    let machine = Machine::new().await;
    let mut command = machine.command(&["demo", "--headless"]);
    command.env("TMPDIR", machine.folder.path());
    let ended = crate::binary::to_its_end(command).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for told in ["The email:", "Subject: ", "You follow", "Listen on Spotify:"] {
        assert!(ended.out.contains(told), "no {told} in {}", ended.out);
    }
    let files = std::fs::read_dir(machine.folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is left behind");
    machine.finish().await;
}

#[tokio::test]
async fn text_logs_contain_no_secrets() {
    no_secret_is_said_in("text").await;
}

#[tokio::test]
async fn json_logs_contain_no_secrets() {
    let said = no_secret_is_said_in("json").await;
    assert!(said.lines().any(|line| line.starts_with('{') && line.contains("\"level\":\"INFO\"")));
}

/// Everything that a daemon and commands said, logging all that they can in this format.
async fn no_secret_is_said_in(format: &str) -> String {
    let (client, password) = ("hush-the-client-secret", "hush-the-password");
    let key = BASE64_STANDARD.encode(b"hush-the-key-of-exactly-32-bytes");
    let login = Some(("dropday".to_owned(), password.to_owned()));
    let inbox = InboxSettings { login };
    let settings = [
        ("SPOTIFY__CLIENT_SECRET", client),
        ("SECRETS__KEY", &key),
        ("LOG__LEVEL", "trace"),
        ("LOG__FORMAT", format),
    ];
    let machine = Machine::with_inbox(&settings, inbox).await;
    machine.world.set_client_secret(client);
    machine.world.rotate_refresh_tokens();
    let daemon = machine.serve().await;
    let artist = machine.world.add_artist("Röyksopp");
    let martha = machine.listener("Martha", &[&artist]).await;
    machine.looked_at_everything().await;

    let mut secrets = vec![client.to_owned(), password.to_owned(), key, martha.address];
    let cookie = |name| martha.browser.cookie(name).unwrap();
    secrets.push(cookie("dropday"));
    let authorize = martha.browser.to_spotify().await;
    let parameter = |name: &str| authorize.split(name).nth(1)?.split('&').next();
    secrets.push(parameter("state=").unwrap().to_owned());
    secrets.push(parameter("code_challenge=").unwrap().to_owned());
    secrets.push(cookie("dropday_trip"));
    let back = machine.world.consent(&authorize, martha.user).unwrap();
    // Badly, well, and once more.
    machine.visitor().get(&back).await;
    martha.browser.sign_in(&machine.world, martha.user).await;
    martha.browser.get(&back).await;
    let new_address = [("email", "martha@example.net")];
    martha.browser.post("/account/address", &new_address).await;
    let email =
        eventually("a letter with a link", async || machine.emails_to(new_address[0].1).pop());
    secrets.push(new_address[0].1.to_owned());
    let mut links = vec![email.await.link("/confirm/")];
    let mut said = Vec::new();
    for fault in [None, Some(Fault::Garbled), Some(Fault::Html), Some(Fault::server_error())] {
        machine.world.publish(&artist, NewAlbum::titled("New"));
        machine.world.expire_access_tokens();
        machine.world.script(Endpoint::Token, fault);
        said.push(once(&machine).await);
    }
    let news = machine.emails_to(&secrets[3]).pop().unwrap();
    links.extend(["/mute/", "/unsubscribe/"].map(|link| news.link(link)));
    for link in links {
        // Opened well, and by somebody who changed it.
        assert!(machine.visitor().get(&link).await.status.is_success(), "{link}");
        machine.visitor().get(&format!("{link}x")).await;
        machine.visitor().post(&format!("{link}x"), &[]).await;
        secrets.push(link.rsplit('/').next().unwrap().to_owned());
    }
    machine.inbox.script(SmtpFault::RefuseLogin(535));
    said.push(machine.run(&["check"]).await);
    machine.inbox.refuse("martha@example.com", 550, "5.1.1 <martha@example.com> is unknown here");
    machine.world.publish(&artist, NewAlbum::titled("Newest"));
    said.push(once(&machine).await);
    said.push(machine.run(&["status"]).await);
    said.push(machine.run_with(&[("SECRETS__KEY", "hush-no-key")], &["check"]).await);
    let odd = [("MAIL__SMTP_URL", "smtp://dropday:hush-the-password#@127.0.0.1:9")];
    said.push(machine.run_with(&odd, &["check"]).await);

    let basic = [format!("demo-client:{client}"), format!("\0dropday\0{password}")];
    secrets.extend(basic.map(|text| BASE64_STANDARD.encode(text)));
    secrets.extend(machine.given_out.all());
    secrets.push("hush".to_owned());
    let mut said: String = said.iter().map(|ended| format!("{}{}", ended.out, ended.err)).collect();
    said.push_str(&daemon.said());
    assert!(
        said.contains("TRACE") || said.contains("DEBUG"),
        "the log is as talkative as it can be"
    );
    for secret in secrets {
        assert!(!said.contains(&secret), "{secret} in {said}");
    }
    machine.finish().await;
    said
}
