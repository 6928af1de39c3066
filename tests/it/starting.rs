//! Startup, when opening the database takes long.

use std::fs::File;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rusqlite::Connection;

use crate::binary::{Machine, eventually};
use crate::supervised::Supervisor;

/// Encrypts the databases of `tests/data/schemas`.
const KEY: [u8; 32] = [7; 32];

/// Makes the last statement of an upgrade run forever.
const ENDLESS_UPGRADE: &str = "
    CREATE VIEW endless AS
        WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n) SELECT n FROM n;
    CREATE TRIGGER endless_end AFTER INSERT ON meta BEGIN SELECT count(*) FROM endless; END;";

fn version(database: &Path) -> i64 {
    let conn = Connection::open(database).unwrap();
    let check: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

/// Takes the lock that a process waits for before it opens the database.
fn lock(machine: &Machine) -> File {
    let lock = machine.folder.path().join("dropday.db.lock");
    let lock = File::options().create(true).append(true).open(lock).unwrap();
    lock.lock().unwrap();
    lock
}

#[tokio::test]
async fn upgrade_killed_midway_leaves_database_unchanged() {
    let machine = Machine::with(&[("SECRETS__KEY", &BASE64_STANDARD.encode(KEY))]).await;
    let conn = Connection::open(machine.database()).unwrap();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    conn.execute_batch(include_str!("../data/schemas/0009.sql")).unwrap();
    conn.execute_batch(ENDLESS_UPGRADE).unwrap();
    drop(conn);
    for (signal, code) in [("TERM", Some(0)), ("KILL", None), ("INT", Some(0))] {
        let mut daemon = machine.start(&["serve"]);
        let before = daemon.said().len();
        let upgrading = || daemon.said()[before..].contains("bringing the database up to date");
        eventually("the upgrade", async || upgrading().then_some(())).await;
        daemon.signal(signal);
        assert_eq!(daemon.ended().await, code, "{}", daemon.said());
        assert_eq!(version(&machine.database()), 9);
    }
    let fix = "DROP TRIGGER endless_end; DROP VIEW endless";
    Connection::open(machine.database()).unwrap().execute_batch(fix).unwrap();
    let owed = machine.status().await["letters"]["owed"].as_u64().unwrap();
    assert!(version(&machine.database()) > 9, "the next start upgrades it");
    machine.finish_owing(owed).await;
}

#[tokio::test]
async fn daemon_is_not_ready_until_database_is_open() {
    let machine = Machine::new().await;
    let held = lock(&machine);
    let (supervisor, mut daemon) = Supervisor::start(&machine, "serve");
    supervisor.until("STATUS=Starting: opening the database").await;
    assert_eq!(machine.run(&["health"]).await.code, Some(1), "no port is open");
    held.unlock().unwrap();
    let states = supervisor.until("READY=1").await;
    assert_eq!(states.len(), 1, "{states:?}");
    assert_eq!(machine.run(&["health"]).await.code, Some(0));
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn signal_stops_startup_that_waits_for_lock() {
    let machine = Machine::new().await;
    let held = lock(&machine);
    for (command, code) in [("serve", 0), ("once", 1)] {
        let (supervisor, mut process) = Supervisor::start(&machine, command);
        supervisor.until("STATUS=Starting: opening the database").await;
        process.signal("TERM");
        assert_eq!(process.ended().await, Some(code), "{}", process.said());
    }
    held.unlock().unwrap();
    machine.finish().await;
}
