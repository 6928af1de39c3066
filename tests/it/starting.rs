//! A start that takes long: everybody who waits for it is told, and it can be stopped.

use std::fs::File;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::StatusCode;
use rusqlite::Connection;

use crate::binary::{Machine, eventually};
use crate::supervised::Line;

/// What the databases of `tests/data/schemas` are sealed with.
const KEY: [u8; 32] = [7; 32];

/// The last step of bringing it up to date never ends.
const NEVER_UP_TO_DATE: &str = "
    CREATE VIEW endless AS
        WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n) SELECT n FROM n;
    CREATE TRIGGER endless_end AFTER INSERT ON meta BEGIN SELECT count(*) FROM endless; END;";

fn version(database: &Path) -> i64 {
    let conn = Connection::open(database).unwrap();
    let sound: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

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
async fn an_upgrade_that_takes_long_is_told_of_and_told_to_stop_it_is_undone() {
    let machine = Machine::with(&[("SECRETS__KEY", &BASE64_STANDARD.encode(KEY))]).await;
    let conn = Connection::open(machine.database()).unwrap();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    conn.execute_batch(include_str!("../data/schemas/0009.sql")).unwrap();
    conn.execute_batch(NEVER_UP_TO_DATE).unwrap();
    drop(conn);
    for signal in ["TERM", "INT"] {
        let (line, mut daemon) = Line::to(&machine).await;
        let told = line.until("EXTEND_TIMEOUT_USEC=600000000\n").await.pop().unwrap();
        assert!(told.contains("STATUS=Starting: bringing the database up to date"), "{told}");
        let (status, said, _) = answers(&machine, "/healthz").await;
        let alive = "starting: bringing the database up to date\n";
        assert_eq!((status, said.as_str()), (StatusCode::OK, alive), "nobody need kill it");
        let health = machine.run(&["health"]).await;
        assert_eq!((health.code, health.out.as_str()), (Some(0), alive), "{health:?}");
        let (status, said, comes_again) = answers(&machine, "/readyz").await;
        assert_eq!((status, comes_again), (StatusCode::SERVICE_UNAVAILABLE, true));
        assert!(said.contains(r#""ready":false"#) && said.contains("up to date"), "{said}");
        for path in ["/", "/account"] {
            let (status, said, comes_again) = answers(&machine, path).await;
            assert_eq!((status, comes_again), (StatusCode::SERVICE_UNAVAILABLE, true), "{path}");
            assert!(said.contains("Dropday is starting"), "{said}");
        }
        daemon.signal(signal);
        line.until("STOPPING=1").await;
        assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
        assert!(!daemon.said().contains("did not end in time"), "{}", daemon.said());
        assert_eq!(version(&machine.database()), 9, "nothing of it was kept");
    }
    let names = machine.folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.starts_with("dropday.db.before-")), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".part")), "{names:?}");
    let mended = "DROP TRIGGER endless_end; DROP VIEW endless";
    Connection::open(machine.database()).unwrap().execute_batch(mended).unwrap();
    let owed = machine.status().await["emails"]["queued"].as_u64().unwrap();
    assert!(version(&machine.database()) > 9, "and the next one goes through");
    machine.finish_owing(owed).await;
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
