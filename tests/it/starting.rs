//! A start that takes long: everybody who waits for it is told, and it can be stopped.

use std::fs::File;

use reqwest::StatusCode;

use crate::binary::{Machine, eventually};
use crate::supervised::Line;

/// Whom a database waits for that is opened only when this lets go.
fn hold(machine: &Machine) -> File {
    let lock = machine.folder.path().join("dropday.db.lock");
    let lock = File::options().create(true).append(true).open(lock).unwrap();
    lock.lock().unwrap();
    lock
}

/// What the daemon answers at `path`, once it answers at all.
async fn answers(machine: &Machine, path: &str) -> (StatusCode, String, bool) {
    let http = dropday::spotify::http_client("a monitor").unwrap();
    let url = format!("http://{}{path}", machine.address);
    let answer = eventually("an answer", async || http.get(&url).send().await.ok()).await;
    let comes_again = answer.headers().contains_key("retry-after");
    (answer.status(), answer.text().await.unwrap(), comes_again)
}

#[tokio::test]
async fn a_start_that_waits_asks_for_no_patience_and_lets_everybody_in_when_it_is_over() {
    let machine = Machine::new().await;
    let held = hold(&machine);
    let (line, mut daemon) = Line::to(&machine).await;
    let (status, said, _) = answers(&machine, "/healthz").await;
    assert_eq!((status, said.as_str()), (StatusCode::OK, "starting: opening the database\n"));
    let browser = machine.visitor();
    assert_eq!(browser.get("/").await.status, StatusCode::SERVICE_UNAVAILABLE);
    held.unlock().unwrap();
    // The browser keeps its connection.
    let ready = async || (browser.get("/readyz").await.status == StatusCode::OK).then_some(());
    eventually("readiness", ready).await;
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    assert_eq!(browser.get("/healthz").await.body, "ok\n");
    let told = line.until("READY=1").await;
    assert!(told.iter().any(|news| news.contains("STATUS=Starting: opening the database")));
    assert!(told.iter().all(|news| !news.contains("EXTEND_TIMEOUT")), "{told:?}");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn a_start_that_nothing_can_interrupt_is_left_when_told_to_stop() {
    let machine = Machine::new().await;
    let held = hold(&machine);
    for signals in [&["TERM"][..], &["TERM", "INT"]] {
        let mut daemon = machine.start(&["serve"]);
        answers(&machine, "/healthz").await;
        let before = daemon.said().len();
        for signal in signals {
            daemon.signal(signal);
            let heard = || daemon.said()[before..].contains("stopping amid the start");
            eventually("an answer to the signal", async || heard().then_some(())).await;
        }
        assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
        let waited = daemon.said()[before..].contains("did not end in time");
        assert_eq!(waited, signals.len() == 1, "a second signal is not waited for");
    }
    held.unlock().unwrap();
    machine.finish().await;
}
