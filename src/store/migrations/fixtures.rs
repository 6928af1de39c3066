//! Databases as earlier versions left them, with rows in every table, brought up to date.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rusqlite::types::Value;
use secrecy::{ExposeSecret, SecretBox};
use tempfile::TempDir;

use super::*;
use crate::clock::{ManualClock, SeededChance};
use crate::domain::user::UserId;
use crate::store::{Db, Sealer, tokens};

/// A column's name and what is in it, for each column of each row of each table.
type Rows = BTreeMap<String, Vec<Vec<(String, Value)>>>;

fn fixture(version: i64) -> (TempDir, PathBuf) {
    let name = format!("{}/tests/data/schemas/{version:04}.sql", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&name)
        .unwrap_or_else(|why| panic!("{name}: {why}. Make it with tests/data/schemas/make.py"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dropday.db");
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    conn.execute_batch(&text).unwrap();
    (folder, path)
}

fn version_in(conn: &Connection) -> i64 {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn rows(conn: &Connection) -> Rows {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut tables = conn.prepare(sql).unwrap();
    let names = tables.query_map([], |row| row.get(0)).unwrap();
    let names = names.collect::<rusqlite::Result<Vec<String>>>().unwrap();
    names.into_iter().map(|table| (table.clone(), rows_of(conn, &table))).collect()
}

fn rows_of(conn: &Connection, table: &str) -> Vec<Vec<(String, Value)>> {
    let mut rows = conn.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
    let cells = |row: &rusqlite::Row<'_>| {
        let cell = |(n, name): (usize, &String)| Ok((name.clone(), row.get(n)?));
        columns.iter().enumerate().map(cell).collect::<rusqlite::Result<_>>()
    };
    rows.query_map([], cells).unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn a_database_of_any_released_version_keeps_every_row_and_a_copy_of_itself() {
    for version in 1..=newest() {
        let (_folder, path) = fixture(version);
        let before = rows(&Connection::open(&path).unwrap());
        assert!(before.values().all(|rows| !rows.is_empty()), "{version}: a table without rows");
        let mut conn = crate::store::connection::connect(&path).unwrap();
        bring_up_to_date(&mut conn, &path, Company::Nobody).unwrap();
        let after = rows(&conn);
        for (table, rows) in &before {
            for row in rows {
                let is_kept = |new: &Vec<_>| row.iter().all(|cell| new.contains(cell));
                assert!(after[table].iter().any(is_kept), "{version}: {table} lost {row:?}");
            }
        }
        let found = conn.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        assert_eq!(found.unwrap(), "ok");
        let copy = beside(&path, &format!(".before-{:04}", newest()));
        if version == newest() {
            assert!(!copy.exists(), "there was nothing to bring up to date");
            continue;
        }
        assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let kept = Connection::open(&copy).unwrap();
        assert_eq!(version_in(&kept), version);
        assert_eq!(rows(&kept), before, "{version}");
        let vacuum: i64 = conn.query_row("PRAGMA auto_vacuum", [], |row| row.get(0)).unwrap();
        assert_eq!(vacuum, 2, "it can give room back from now on");
    }
}

#[tokio::test]
async fn a_database_of_any_released_version_opens_with_its_key_and_its_tokens_can_be_read() {
    for version in 1..=newest() {
        let (_folder, path) = fixture(version);
        let open = |byte: u8| {
            let sealer = Sealer::new(&SecretBox::new(Box::new([byte; 32])));
            let clock = ManualClock::at("2026-10-01T00:00:01Z".parse().unwrap());
            Db::open(&path, sealer, clock, SeededChance::new(1))
        };
        assert!(matches!(open(8), Err(StoreError::WrongKey)));
        let found = version_in(&Connection::open(&path).unwrap());
        assert_eq!(found, version, "nothing is brought up to date for the wrong key");
        let db = open(7).unwrap();
        let kept = db.read("test", |tx| tokens::find(tx, UserId(1))).await.unwrap().unwrap();
        assert_eq!(kept.tokens.access.0.expose_secret(), "access-1");
        assert_eq!(kept.tokens.refresh.0.expose_secret(), "refresh-1");
    }
}

#[test]
fn the_last_two_copies_are_kept() {
    let (_folder, path) = fixture(1);
    for ending in [".before-0003", ".before-0004", ".before-0005", ".before-mine"] {
        std::fs::write(beside(&path, ending), "").unwrap();
    }
    let mut conn = crate::store::connection::connect(&path).unwrap();
    bring_up_to_date(&mut conn, &path, Company::Nobody).unwrap();
    let is_there = |ending: &str| beside(&path, ending).exists();
    assert!(is_there(&format!(".before-{:04}", newest())) && is_there(".before-0005"));
    assert!(!is_there(".before-0003") && !is_there(".before-0004"));
    assert!(is_there(".before-mine"), "somebody else's");
}

#[test]
fn a_database_that_an_older_dropday_works_on_is_not_changed_under_its_hands() {
    let (_folder, path) = fixture(1);
    let mut conn = crate::store::connection::connect(&path).unwrap();
    let refusal = bring_up_to_date(&mut conn, &path, Company::Others).unwrap_err();
    assert!(matches!(refusal, StoreError::OlderAtWork), "{refusal}");
    assert_eq!(version_in(&conn), 1);
}

#[test]
fn without_room_for_a_copy_nothing_is_brought_up_to_date() {
    let (_folder, path) = fixture(1);
    std::fs::create_dir(beside(&path, &format!(".before-{:04}", newest()))).unwrap();
    let mut conn = crate::store::connection::connect(&path).unwrap();
    let refusal = bring_up_to_date(&mut conn, &path, Company::Nobody).unwrap_err();
    assert!(matches!(refusal, StoreError::NoCopy { .. }), "{refusal}");
    assert_eq!(version_in(&conn), 1);
}

#[test]
fn a_database_that_could_not_be_made_to_give_room_back_is_made_so_at_a_later_start() {
    let (_folder, path) = fixture(newest());
    let shrinks = |conn: &Connection| -> i64 {
        conn.query_row("PRAGMA auto_vacuum", [], |row| row.get(0)).unwrap()
    };
    let other = Connection::open(&path).unwrap();
    assert_eq!(shrinks(&other), 0, "a test of nothing");
    drop(crate::store::connection::connect(&path).unwrap());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = || {
        let mut conn = crate::store::connection::connect(&path).unwrap();
        conn.busy_timeout(std::time::Duration::ZERO).unwrap();
        bring_up_to_date(&mut conn, &path, Company::Nobody).unwrap();
        shrinks(&conn)
    };
    assert_eq!(start(), 0, "the other one has begun to write");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(start(), 2);
}
