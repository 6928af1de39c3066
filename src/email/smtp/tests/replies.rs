//! Which reply, at which step, means what.

use super::script::{HELLO, HELLO_PIPELINING, Server, TAKEN, Turn};
use super::*;

const SENDER: Turn = Turn::On("MAIL FROM:", "250 ok");
const RECIPIENT: Turn = Turn::On("RCPT TO:", "250 ok");
const DATA: Turn = Turn::On("DATA", "354 go");

async fn outcome(script: &[&[Turn]]) -> Result<(), SendError> {
    let server = Server::following(&[script]).await;
    send(&mailer(&server.url, TIMEOUT), "1").await
}

fn case(outcome: &Result<(), SendError>) -> &'static str {
    match outcome {
        Ok(()) => "sent",
        Err(SendError::Temporary(_)) => "deferred",
        Err(SendError::Permanent(_)) => "refused",
        Err(SendError::Bounced(_)) => "bounced",
        Err(SendError::SenderRejected(_)) => "unwelcome",
        Err(SendError::Unavailable(_)) => "unavailable",
        Err(SendError::OutcomeUnknown(_)) => "unknown",
    }
}

#[tokio::test]
async fn replies_are_classified_by_what_they_concern() {
    let to_sender = |reply| vec![Turn::On("MAIL FROM:", reply)];
    let to_recipient = |reply| vec![SENDER, Turn::On("RCPT TO:", reply)];
    let to_data = |reply| vec![SENDER, RECIPIENT, Turn::On("DATA", reply)];
    let to_text = |reply| vec![SENDER, RECIPIENT, DATA, Turn::Text(reply)];
    for (script, expected) in [
        (to_sender("450 later"), "unavailable"),
        (to_sender("550 who are you"), "unwelcome"),
        (to_sender("550 5.4.5 Daily user sending limit exceeded"), "unwelcome"),
        (to_sender("503 5.5.1 nested MAIL"), "unavailable"),
        (to_sender("421 closing"), "unavailable"),
        (to_sender("354 nonsense"), "unavailable"),
        (to_recipient("251 will forward"), "deferred at the next step"),
        (to_recipient("450 greylisted"), "deferred"),
        (to_recipient("450 4.1.1 unverified address"), "deferred"),
        (to_recipient("421 closing"), "unavailable"),
        (to_recipient("550 no such user"), "bounced"),
        (to_recipient("550 5.1.1 no such user"), "bounced"),
        (to_recipient("554 5.1.10 no mail for this domain"), "bounced"),
        (to_recipient("550 5.7.1 you are a spammer"), "refused"),
        (to_recipient("552 5.2.2 the mailbox is full"), "refused"),
        (to_recipient("552 too much mail"), "refused"),
        (to_recipient("530 log in first"), "unwelcome"),
        (to_recipient("550 5.1.8 unknown domain of the sender"), "unwelcome"),
        (
            to_recipient("550-Verification failed for <us@here>\r\n550 Sender verify failed"),
            "unavailable",
        ),
        (
            to_recipient("553 5.7.1 <us@here>: Sender address rejected: not owned by user"),
            "unwelcome",
        ),
        (to_recipient("550 5.7.20 no valid signature"), "unwelcome"),
        (to_recipient("550 5.1.1 <a@b>: User unknown in relay recipient table"), "bounced"),
        (to_recipient("550 <hidden@privaterelay.example>: no such user"), "bounced"),
        (to_recipient("450 4.2.0 <hidden@to-relay.example>: greylisted"), "deferred"),
        (to_recipient("450 4.1.8 unknown domain of the sender"), "unavailable"),
        (to_recipient("554 5.7.1 Relay access denied"), "unavailable"),
        (to_recipient("502 no such command"), "unavailable"),
        (to_recipient("354 nonsense"), "unavailable"),
        (to_data("451 later"), "deferred"),
        (to_data("554 no valid recipients"), "refused"),
        (to_data("550 whatever"), "refused"),
        (to_data("421 closing"), "unavailable"),
        (to_data("250 nonsense"), "unavailable"),
        (to_text("250 queued"), "sent"),
        (to_text("451 later"), "deferred"),
        (to_text("421 closing"), "deferred"),
        (to_text("554 spam"), "refused"),
        (to_text("550 5.1.1 no such user after all"), "bounced"),
        (to_text("550-5.7.26 This mail\r\n550 5.7.26 has no DKIM"), "unwelcome"),
        (to_text("354 nonsense"), "unknown"),
        (to_text("hello?"), "unknown"),
    ] {
        let mut script = script;
        let forwarded = expected == "deferred at the next step";
        if forwarded {
            script.push(Turn::On("DATA", "451 later"));
        }
        let expected = if forwarded { "deferred" } else { expected };
        for hello in [HELLO, HELLO_PIPELINING] {
            let outcome = outcome(&[hello, &script]).await;
            assert_eq!(case(&outcome), expected, "{script:?}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn disconnect_is_unknown_outcome_only_after_data_started() {
    for (script, expected) in [
        (vec![], "unavailable"),
        (vec![Turn::Say("554 no service here")], "unavailable"),
        (vec![Turn::Say("421 too busy")], "unavailable"),
        (HELLO.to_vec(), "unavailable"),
        ([HELLO, &[SENDER]].concat(), "unavailable"),
        ([HELLO, &[SENDER, RECIPIENT]].concat(), "unavailable"),
        ([HELLO_PIPELINING, &[SENDER, RECIPIENT]].concat(), "unavailable"),
        ([HELLO_PIPELINING, &[SENDER, RECIPIENT, DATA]].concat(), "unknown"),
        ([HELLO, &[SENDER, RECIPIENT, DATA]].concat(), "unknown"),
        ([HELLO, &[SENDER, RECIPIENT, DATA, Turn::TextThenHangUp]].concat(), "unknown"),
    ] {
        let outcome = outcome(&[&script]).await;
        assert_eq!(case(&outcome), expected, "{script:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn unreachable_server_is_unavailable() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let outcome = send(&mailer(&format!("smtp://{free}"), TIMEOUT), "1").await;
    assert_eq!(case(&outcome), "unavailable", "{outcome:?}");
}

#[tokio::test]
async fn timeout_covers_a_server_slow_at_every_step() {
    let slow: Vec<Turn> =
        [HELLO, TAKEN].concat().into_iter().flat_map(|turn| [Turn::Wait(300), turn]).collect();
    let server = Server::following(&[&[&slow]]).await;
    let began = tokio::time::Instant::now();
    let outcome = send(&mailer(&server.url, SHORT), "1").await;
    assert_eq!(case(&outcome), "unavailable", "{outcome:?}");
    assert!(began.elapsed() < SHORT * 5, "{:?}", began.elapsed());
}

#[tokio::test]
async fn silence_after_final_dot_is_unknown_outcome() {
    let silent = [SENDER, RECIPIENT, DATA, Turn::Text("250-not yet"), Turn::Wait(5_000)];
    let server = Server::following(&[&[HELLO, &silent]]).await;
    let outcome = send(&mailer(&server.url, SHORT), "1").await;
    assert_eq!(case(&outcome), "unknown", "{outcome:?}");
}

#[tokio::test]
async fn reason_quotes_server_without_the_address() {
    let refusal = [SENDER, Turn::On("RCPT TO:", "550 5.1.1 <MARTHA@example.org>: no user martha")];
    let reason = outcome(&[HELLO, &refusal]).await.unwrap_err().to_string();
    assert!(reason.contains("550") && reason.contains("5.1.1"), "{reason}");
    assert!(!reason.to_lowercase().contains("martha"), "{reason}");
}

#[tokio::test]
async fn failed_login_affects_all_emails_and_reveals_no_password() {
    let offer = Turn::On("EHLO", "250-mail.test\r\n250 AUTH PLAIN LOGIN");
    let hello = [Turn::Say("220 ready"), offer, offer];
    let refusal = Turn::On("AUTH PLAIN ", "535 no: AG1lAGh1bnRlcjI= hunter2");
    let server = Server::following(&[&[&hello, &[refusal]]]).await;
    let url = server.url.replace("smtp://", "smtp://me:hunter2@");
    let outcome = send(&mailer(&url, TIMEOUT), "1").await;
    assert_eq!(case(&outcome), "unwelcome");
    let reason = outcome.unwrap_err().to_string();
    assert!(reason.contains("535") && !reason.contains("hunter2") && !reason.contains("AG1l"));
}

#[tokio::test]
async fn temporary_login_failure_is_not_a_rejection() {
    let offer = Turn::On("EHLO", "250-mail.test\r\n250 AUTH PLAIN LOGIN");
    let hello = [Turn::Say("220 ready"), offer, offer];
    let busy = Turn::On("AUTH PLAIN ", "454 4.7.0 Temporary authentication failure");
    let server = Server::following(&[&[&hello, &[busy]]]).await;
    let url = server.url.replace("smtp://", "smtp://me:hunter2@");
    assert_eq!(case(&send(&mailer(&url, TIMEOUT), "1").await), "unavailable");
}

#[tokio::test]
async fn server_without_login_or_greeting_is_unavailable() {
    let none = Server::following(&[&[HELLO]]).await;
    let url = none.url.replace("smtp://", "smtp://me:hunter2@");
    let reason = send(&mailer(&url, TIMEOUT), "1").await.unwrap_err().to_string();
    assert!(
        reason.contains("neither PLAIN nor LOGIN; most do only after ?tls=required"),
        "{reason}"
    );

    let offer = Turn::On("EHLO", "250-mail.test\r\n250 AUTH PLAIN");
    let hello = [Turn::Say("220 ready"), offer, offer];
    let off_by_one = Turn::On("AUTH PLAIN ", "250 ok");
    let odd = Server::following(&[&[&hello, &[off_by_one]]]).await;
    let url = odd.url.replace("smtp://", "smtp://me:hunter2@");
    let reason = send(&mailer(&url, TIMEOUT), "1").await.unwrap_err().to_string();
    assert!(reason.contains("250 where 235 was due"), "{reason}");
}
