//! When a connection is used again, and what is sent on it.

use super::script::{HELLO, HELLO_PIPELINING, Server, TAKEN, Turn};
use super::*;

/// Runs a server with one connection for `script`, and any number of good ones after it.
async fn then_good(script: &[&[Turn]]) -> Server {
    Server::following(&[script, &[HELLO, TAKEN], &[HELLO, TAKEN]]).await
}

#[tokio::test]
async fn rejected_email_after_cancelled_one_is_not_sent() {
    // The trap of lettre's pool: the replies to the first email arrive after it was given up.
    let slow = [
        TAKEN[0],
        TAKEN[1],
        Turn::Wait(400),
        TAKEN[2],
        Turn::Text("250 queued"),
        TAKEN[0],
        TAKEN[1],
        TAKEN[2],
        Turn::Text("554 refused"),
    ];
    let refusing = [TAKEN[0], TAKEN[1], TAKEN[2], Turn::Text("554 refused")];
    let server = Server::following(&[&[HELLO, &slow], &[HELLO, &refusing]]).await;
    let mailer = mailer(&server.url, TIMEOUT);
    let given_up = tokio::time::timeout(Duration::from_millis(200), send(&mailer, "1")).await;
    assert!(given_up.is_err());
    let second = send(&mailer, "2").await;
    assert!(matches!(second, Err(SendError::Permanent(_))), "{second:?}");
    assert_eq!(server.heard().connections, 2);
}

#[tokio::test]
async fn server_reply_is_reported_without_the_address() {
    let queued = Turn::Text("250-2.0.0 for MARTHA@example.org\r\n250 2.0.0 Ok: queued as 4XYZ");
    let server = Server::following(&[&[HELLO, &TAKEN[..3], &[queued]]]).await;
    let mailer = mailer(&server.url, TIMEOUT);
    let said = mailer.send(&martha(), &email("News"), &meta("1")).await.unwrap();
    assert_eq!(said, "250 2.0.0 for m…@example.org 2.0.0 Ok: queued as 4XYZ");
}

#[tokio::test]
async fn servers_without_second_ehlo_or_with_pipelining_work() {
    let strict = [HELLO[0], HELLO[1], Turn::On("EHLO ", "503 5.5.1 once is enough")];
    for hello in [&strict, HELLO_PIPELINING] {
        let server = Server::following(&[&[hello, TAKEN, TAKEN]]).await;
        let mailer = mailer(&server.url, TIMEOUT);
        send(&mailer, "1").await.unwrap();
        send(&mailer, "2").await.unwrap();
        let heard = server.heard();
        assert_eq!((heard.connections, heard.emails.len()), (1, 2));
    }
}

#[tokio::test]
async fn connection_is_reused_after_a_250() {
    let server = Server::following(&[&[HELLO, TAKEN, TAKEN, TAKEN]]).await;
    let mailer = mailer(&server.url, TIMEOUT);
    for id in ["1", "2", "3"] {
        send(&mailer, id).await.unwrap();
    }
    mailer.close().await;
    assert_eq!(server.heard().connections, 1);
    assert_eq!(server.heard().emails.len(), 3);
    assert_eq!(server.heard().lines.last().unwrap(), "QUIT");
}

#[tokio::test]
async fn connection_is_not_reused_after_an_error() {
    for doubt in [
        vec![TAKEN[0], Turn::On("RCPT TO:", "550 no such user")],
        vec![TAKEN[0], TAKEN[1], TAKEN[2], Turn::Text("451 later")],
        vec![TAKEN[0], TAKEN[1], TAKEN[2], Turn::Text("354 nonsense")],
    ] {
        // Were it used again, it would take the second email as well.
        let server = then_good(&[HELLO, &doubt, TAKEN]).await;
        let mailer = mailer(&server.url, TIMEOUT);
        assert!(send(&mailer, "1").await.is_err());
        send(&mailer, "2").await.unwrap();
        assert_eq!(server.heard().connections, 2, "{doubt:?}");
    }
}

#[tokio::test]
async fn closed_idle_connection_loses_no_email() {
    for stale in
        [vec![], vec![Turn::On("MAIL", "421 idle too long")], vec![Turn::On("MAIL", "503 no")]]
    {
        let server = then_good(&[HELLO, TAKEN, &stale]).await;
        let mailer = mailer(&server.url, TIMEOUT);
        send(&mailer, "1").await.unwrap();
        send(&mailer, "2").await.unwrap();
        assert_eq!(server.heard().emails.len(), 2, "{stale:?}");
        assert_eq!(server.heard().connections, 2, "{stale:?}");
    }
}

#[tokio::test]
async fn idle_connection_is_checked_before_reuse() {
    let server = then_good(&[HELLO, TAKEN, TAKEN]).await;
    let clock = clock();
    let mailer = Mailer::new(&settings(&server.url, TIMEOUT, None), clock.clone()).unwrap();
    send(&mailer, "1").await.unwrap();
    clock.advance(Duration::from_secs(31));
    send(&mailer, "2").await.unwrap();
    clock.set("2026-11-23T17:00:00Z".parse().unwrap());
    send(&mailer, "3").await.unwrap();
    assert_eq!(server.heard().connections, 3);
}

#[tokio::test]
async fn message_id_is_stable_across_repeats() {
    let server = Server::following(&[&[HELLO, TAKEN, TAKEN]]).await;
    let mailer = mailer(&server.url, TIMEOUT);
    send(&mailer, "o.7/x+1").await.unwrap();
    send(&mailer, "o.7/x+1").await.unwrap();
    let emails = &server.heard().emails;
    assert!(emails[0].contains("\r\nMessage-ID: <o.7/x+1@dropday.example.com>\r\n"));
    assert_eq!(emails[0], emails[1]);
}

#[tokio::test]
async fn unusual_addresses_reach_the_server_unchanged() {
    let server = Server::following(&[&[HELLO, TAKEN, TAKEN, TAKEN]]).await;
    let mailer = mailer(&server.url, TIMEOUT);
    for to in ["\"a.>b\"@example.org", "jörg@example.org", "a@bücher.example"] {
        let to = EmailAddress::parse(to).unwrap();
        mailer.send(&to, &email("Röyksopp"), &meta("1")).await.unwrap();
    }
    let heard = server.heard();
    let said = |wanted: &str| heard.lines.iter().any(|line| line == wanted);
    assert!(said("RCPT TO:<\"a.>b\"@example.org>"), "{:?}", heard.lines);
    assert!(said("MAIL FROM:<dropday@example.com> SMTPUTF8 BODY=8BITMIME"), "{:?}", heard.lines);
    assert!(said("RCPT TO:<jörg@example.org>"), "{:?}", heard.lines);
    assert!(said("RCPT TO:<a@xn--bcher-kva.example>"), "{:?}", heard.lines);
}

#[tokio::test]
async fn server_without_smtputf8_accepts_only_international_domains() {
    let offer = Turn::On("EHLO", "250 mail.test");
    let plain = [Turn::Say("220 ready"), offer, offer];
    let server = Server::following(&[&[&plain], &[&plain, TAKEN]]).await;
    let mailer = mailer(&server.url, TIMEOUT);
    let name = EmailAddress::parse("jörg@example.org").unwrap();
    let refusal = mailer.send(&name, &email("News"), &meta("1")).await.unwrap_err();
    assert!(matches!(&refusal, SendError::Permanent(why) if why.contains("SMTPUTF8")), "{refusal}");
    let domain = EmailAddress::parse("a@bücher.example").unwrap();
    mailer.send(&domain, &email("Röyksopp ✨"), &meta("2")).await.unwrap();
    assert!(server.heard().emails[0].is_ascii());
}

#[tokio::test]
async fn check_sends_nothing_and_reports_result() {
    let server = Server::following(&[&[HELLO, &[Turn::On("NOOP", "250 ok")]]]).await;
    let result = mailer(&server.url, TIMEOUT).check().await.unwrap();
    let address = server.url.strip_prefix("smtp://").unwrap();
    assert_eq!(result, format!("{address}, not encrypted, without log-in"));
    assert_eq!(server.heard().lines[0], "EHLO example.com");
}

#[tokio::test]
async fn auth_login_is_supported() {
    let script = [
        Turn::Say("220 ready"),
        Turn::On("EHLO hello.example", "250-mail.test\r\n250 AUTH LOGIN"),
        Turn::On("EHLO hello.example", "250-mail.test\r\n250 AUTH LOGIN"),
        Turn::On("AUTH LOGIN", "334 VXNlcm5hbWU6"),
        Turn::On("bWU=", "334 UGFzc3dvcmQ6"),
        Turn::On("aHVudGVyMg==", "235 welcome"),
    ];
    let server = Server::following(&[&[&script, TAKEN]]).await;
    let url = server.url.replace("smtp://", "smtp://me:hunter2@");
    send(&mailer(&format!("{url}/hello.example"), TIMEOUT), "1").await.unwrap();
}

#[tokio::test]
async fn concurrent_emails_do_not_share_a_connection() {
    let server = Server::following(&[&[HELLO, TAKEN], &[HELLO, TAKEN]]).await;
    let mailer = mailer(&server.url, TIMEOUT);
    let (one, two) = tokio::join!(send(&mailer, "1"), send(&mailer, "2"));
    one.and(two).unwrap();
    assert_eq!(server.heard().connections, 2);
}

/// Runs `count` sends at once.
async fn at_once(mailer: &Arc<Mailer>, count: usize) -> Vec<(usize, Result<(), SendError>)> {
    let mut sends = tokio::task::JoinSet::new();
    for number in 0..count {
        let mailer = Arc::clone(mailer);
        sends.spawn(async move { (number, send(&mailer, &format!("n{number}")).await) });
    }
    let mut outcomes = sends.join_all().await;
    outcomes.sort_unstable_by_key(|outcome| outcome.0);
    outcomes
}

#[tokio::test]
async fn pool_respects_limit_and_reuses_connections() {
    let slow = [TAKEN[0], TAKEN[1], Turn::Wait(20), TAKEN[2], TAKEN[3]].repeat(12);
    let server = Server::following(&[[HELLO, &slow].as_slice(); 3]).await;
    let mailer = Arc::new(mailer_with(&server.url, 3));
    let outcomes = at_once(&mailer, 12).await;
    assert!(outcomes.iter().all(|(_, outcome)| outcome.is_ok()), "{outcomes:?}");
    mailer.close().await;
    let heard = server.heard();
    assert_eq!(heard.connections, 3);
    for number in 0..12 {
        let id = format!("Message-ID: <n{number}@");
        assert_eq!(heard.emails.iter().filter(|email| email.contains(&id)).count(), 1);
    }
    assert_eq!(heard.lines.iter().filter(|line| *line == "QUIT").count(), 3);
}

#[tokio::test]
async fn reply_never_counts_for_another_connection() {
    // Each connection takes its first email, and then does something of its own with the second.
    let second = |last: &[Turn]| [HELLO, TAKEN, &TAKEN[..3], last].concat();
    let mut scripts = vec![
        second(&[Turn::Text("554 5.7.1 refused")]),
        second(&[Turn::Text("451 later")]),
        second(&[Turn::TextThenHangUp]),
        second(&[Turn::Wait(150), Turn::Text("250 queued")]),
    ];
    // For what is left when those are gone.
    scripts.resize(8, [HELLO, &TAKEN.repeat(20)].concat());
    let scripts: Vec<[&[Turn]; 1]> = scripts.iter().map(|script| [script.as_slice()]).collect();
    let scripts: Vec<&[&[Turn]]> = scripts.iter().map(|script| script.as_slice()).collect();
    let server = Server::following(&scripts).await;
    let mailer = Arc::new(mailer(&server.url, TIMEOUT));
    let outcomes = at_once(&mailer, 20).await;
    let replies = server.replies();
    for (number, outcome) in outcomes {
        let [reply] = replies[&format!("n{number}")].as_slice() else { panic!("sent twice") };
        let expected = match reply.as_str() {
            "250 queued" => matches!(outcome, Ok(())),
            "451 later" => matches!(outcome, Err(SendError::Temporary(_))),
            "554 5.7.1 refused" => matches!(outcome, Err(SendError::Permanent(_))),
            _ => matches!(outcome, Err(SendError::OutcomeUnknown(_))),
        };
        assert!(expected, "{number}: {outcome:?}, {replies:?}");
    }
}

#[tokio::test]
async fn server_with_connection_limit_gets_every_email() {
    let slow = [TAKEN[0], TAKEN[1], Turn::Wait(50), TAKEN[2], TAKEN[3]].repeat(6);
    let good: &[&[Turn]] = &[HELLO, &slow];
    let full: &[&[Turn]] = &[&[Turn::Say("421 4.7.0 Too many connections from you")]];
    let server = Server::following(&[good, full, full, full]).await;
    let mailer = Arc::new(mailer(&server.url, TIMEOUT));
    send(&mailer, "first").await.unwrap();
    let outcomes = at_once(&mailer, 4).await;
    assert!(outcomes.iter().all(|(_, outcome)| outcome.is_ok()), "{outcomes:?}");
    assert_eq!(server.heard().emails.len(), 5);
}

#[tokio::test]
async fn rejected_login_is_tried_once_per_email() {
    let full: &[&[Turn]] = &[&[Turn::Say("421 4.7.0 Too many connections from you")]];
    let server = Server::following(&[full, full, full]).await;
    let outcome = send(&mailer(&server.url, TIMEOUT), "1").await;
    assert!(matches!(outcome, Err(SendError::Unavailable(_))), "{outcome:?}");
    assert_eq!(server.heard().connections, 1);
}

#[tokio::test]
async fn connection_is_replaced_after_hundred_emails() {
    let many = TAKEN.repeat(100);
    let server = Server::following(&[&[HELLO, &many], &[HELLO, TAKEN]]).await;
    let mailer = mailer(&server.url, TIMEOUT);
    for number in 0..101 {
        send(&mailer, &format!("n{number}")).await.unwrap();
    }
    assert_eq!(server.heard().connections, 2);
    assert_eq!(server.heard().lines.iter().filter(|line| *line == "QUIT").count(), 1);
}

#[test]
fn invalid_settings_are_described() {
    let url = |url: &str| Mailer::new(&settings(url, TIMEOUT, None), clock()).unwrap_err();
    let result = url("smtp://me:pa@ss@:hunter2").to_string();
    assert!(result.starts_with("`mail.smtp_url` cannot be used: ") && !result.contains("hunter2"));
    for from in ["", "Dropday", "Dropday <a@example.com>\r\nBcc: b@example.com", "a@b@c"] {
        let from = from.to_owned();
        let settings = SmtpSettings { from, ..settings("smtp://localhost", TIMEOUT, None) };
        let fault = Mailer::new(&settings, clock()).unwrap_err();
        assert!(matches!(fault, SettingsError::From), "{fault}");
    }
    let zero = settings("smtp://localhost", Duration::ZERO, None);
    assert!(matches!(Mailer::new(&zero, clock()), Err(SettingsError::Timeout)));
    for connections in [0, 21] {
        let odd = SmtpSettings { connections, ..settings("smtp://localhost", TIMEOUT, None) };
        let result = Mailer::new(&odd, clock()).unwrap_err().to_string();
        assert!(result.contains("`mail.connections`") && result.contains("1 and 20"), "{result}");
    }
    let missing = settings("smtp://localhost", TIMEOUT, Some("/nowhere/ca.pem".into()));
    let result = Mailer::new(&missing, clock()).unwrap_err().to_string();
    assert!(result.contains("`mail.ca_file`") && result.contains("/nowhere/ca.pem"), "{result}");
}

#[test]
fn unencrypted_password_causes_warning_without_revealing_it() {
    for (url, warned) in [
        ("smtp://me:hunter2@mail.example", true),
        ("smtp://me:hunter2@mail.example?tls=opportunistic", true),
        ("smtp://me:hunter2@mail.example?tls=required", false),
        ("smtps://me:hunter2@mail.example", false),
        ("smtp://me:hunter2@127.0.0.1:1025", false),
    ] {
        let settings = settings(url, TIMEOUT, None);
        let mailer = Mailer::new(&settings, clock()).unwrap();
        let warnings = mailer.warnings();
        assert_eq!(warnings.len(), usize::from(warned), "{url}: {warnings:?}");
        assert!(!format!("{settings:?} {mailer:?} {warnings:?}").contains("hunter2"));
    }
}
