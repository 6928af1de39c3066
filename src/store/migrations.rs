//! Brings the schema up to date: runs each file of `migrations/` once, in order, all in one transaction.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::files::{beside, folder_of};
use super::process_lock::OtherProcesses;
use super::{Result, StoreError};
use crate::store::snapshot::{self, IfExists};

/// `Drop` in ASCII: marks a SQLite file as Dropday's.
const APPLICATION_ID: i64 = 0x4472_6f70;

/// Append-only: a released file never changes.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/0001_initial.sql")];

/// Suffix of the copy made before an upgrade; the new version follows in four digits.
pub(super) const BEFORE: &str = ".before-";

/// How many such copies are kept.
const MAX_COPIES: usize = 2;

/// Runs the missing migrations, after copying the database. On an error the file is unchanged.
pub(super) fn migrate(conn: &mut Connection, path: &Path, company: OtherProcesses) -> Result<()> {
    migrate_to(MIGRATIONS, conn, path, company)
}

/// The schema version of a Dropday database, 0 if it is empty.
///
/// # Errors
/// [`StoreError::NotOurs`] and [`StoreError::SchemaTooNew`].
pub(super) fn schema_version(conn: &Connection, path: &Path) -> Result<i64> {
    known_version(MIGRATIONS, conn, path)
}

fn migrate_to(
    migrations: &[&str],
    conn: &mut Connection,
    path: &Path,
    company: OtherProcesses,
) -> Result<()> {
    let (from, to) = (known_version(migrations, conn, path)?, version_after(migrations));
    if from == to {
        return Ok(());
    }
    if from > 0 {
        if company == OtherProcesses::Others {
            return Err(StoreError::OlderVersionRunning);
        }
        tracing::info!(from, to, "upgrading the database");
        copy_before_upgrade(conn, path, to)?;
    }
    run_missing(migrations, conn, path)?;
    if from > 0 {
        tracing::info!(from, to, "upgraded the database; a copy from before is kept beside it");
    }
    Ok(())
}

fn run_missing(migrations: &[&str], conn: &mut Connection, path: &Path) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again: another process may have been faster.
    let found = known_version(migrations, &tx, path)?;
    for migration in migrations.iter().skip(usize::try_from(found).unwrap_or(0)) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", version_after(migrations))?;
    Ok(tx.commit()?)
}

fn version_after(migrations: &[&str]) -> i64 {
    migrations.len() as i64
}

fn known_version(migrations: &[&str], conn: &Connection, path: &Path) -> Result<i64> {
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if number("PRAGMA application_id")? != APPLICATION_ID && tables > 0 {
        return Err(StoreError::NotOurs(path.to_owned()));
    }
    let (found, known) = (number("PRAGMA user_version")?, version_after(migrations));
    if found > known {
        return Err(StoreError::SchemaTooNew { found, known });
    }
    Ok(found)
}

fn copy_before_upgrade(conn: &mut Connection, path: &Path, to: i64) -> Result<()> {
    let copy = beside(path, &format!("{BEFORE}{to:04}"));
    snapshot::write(conn, &copy, IfExists::Replace, |_| Ok(()))
        .map_err(|why| StoreError::NoCopy { path: copy.clone(), why })?;
    delete_old_copies(path).ok();
    Ok(())
}

fn delete_old_copies(path: &Path) -> std::io::Result<()> {
    let folder = folder_of(path);
    let first = beside(path, BEFORE);
    let first = first.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names = folder.read_dir()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_copy = |name: &String| {
        name.strip_prefix(&first)
            .is_some_and(|rest| rest.len() == 4 && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut copies: Vec<String> = names.filter(is_copy).collect();
    copies.sort();
    let old = copies.len().saturating_sub(MAX_COPIES);
    copies[..old].iter().try_for_each(|name| std::fs::remove_file(folder.join(name)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use rusqlite::types::Value;
    use secrecy::{ExposeSecret, SecretBox};
    use tempfile::TempDir;

    use super::*;
    use crate::domain::user::UserId;
    use crate::store::connection::connect;
    use crate::store::{Cipher, Db, tokens};
    use dropday::test_clock::{ManualClock, SeededRng};

    const ROWS: &str = include_str!("../../tests/data/0001_rows.sql");

    /// The made-up next version.
    const NEXT: &[&str] = &[
        MIGRATIONS[0],
        "CREATE TABLE shelves (id INTEGER PRIMARY KEY, label TEXT NOT NULL) STRICT;
         INSERT INTO shelves SELECT rowid, title FROM (SELECT row_number() OVER () AS rowid, title FROM releases);
         ALTER TABLE artists ADD COLUMN shelf INTEGER REFERENCES shelves",
    ];

    const BROKEN: &[&str] = &[MIGRATIONS[0], "DELETE FROM meta; SELECT no_such_function()"];

    const ENDLESS: &[&str] = &[
        MIGRATIONS[0],
        "DELETE FROM meta;
         WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n",
    ];

    /// A database of version 1 with rows in every table.
    fn version_1() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dropday.db");
        let mut conn = connect(&path).unwrap();
        migrate_to(&MIGRATIONS[..1], &mut conn, &path, OtherProcesses::Nobody).unwrap();
        conn.execute_batch(ROWS).unwrap();
        (folder, path)
    }

    fn version_in(conn: &Connection) -> i64 {
        conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    }

    /// The rows of each table, each as its columns' names and values.
    fn rows(conn: &Connection) -> BTreeMap<String, Vec<Vec<(String, Value)>>> {
        let sql =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
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
    fn every_file_in_migrations_is_run() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        let texts: Vec<_> = files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
        assert_eq!(texts, MIGRATIONS);
    }

    #[test]
    fn upgrade_keeps_every_row_and_a_copy_of_the_database() {
        let (_folder, path) = version_1();
        let mut conn = connect(&path).unwrap();
        let before = rows(&conn);
        for (table, rows) in &before {
            assert!(!rows.is_empty(), "the fixture has no rows in {table}");
        }
        migrate_to(NEXT, &mut conn, &path, OtherProcesses::Nobody).unwrap();
        migrate_to(NEXT, &mut conn, &path, OtherProcesses::Nobody).unwrap();
        assert_eq!(version_in(&conn), 2);
        let after = rows(&conn);
        for (table, rows) in &before {
            for row in rows {
                let is_kept = |new: &Vec<_>| row.iter().all(|cell| new.contains(cell));
                assert!(after[table].iter().any(is_kept), "{table} lost {row:?}");
            }
        }
        assert_eq!(after["shelves"].len(), before["releases"].len());
        let copy = beside(&path, ".before-0002");
        assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let copy = Connection::open(copy).unwrap();
        assert_eq!((version_in(&copy), rows(&copy)), (1, before));
    }

    #[tokio::test]
    async fn version_1_opens_with_its_key_only() {
        let (_folder, path) = version_1();
        let open = |byte: u8| {
            let cipher = Cipher::new(&SecretBox::new(Box::new([byte; 32])));
            let clock = ManualClock::at("2026-10-01T00:00:01Z".parse().unwrap());
            Db::open(&path, cipher, clock, SeededRng::new(1))
        };
        assert!(matches!(open(8), Err(StoreError::WrongKey)));
        let db = open(7).unwrap();
        let kept = db.read("test", |tx| tokens::find(tx, UserId(1))).await.unwrap().unwrap();
        assert_eq!(kept.tokens.access.0.expose_secret(), "access-1");
        assert_eq!(kept.tokens.refresh.0.expose_secret(), "refresh-1");
    }

    #[test]
    fn last_two_copies_are_kept() {
        let (_folder, path) = version_1();
        for ending in [".before-0000", ".before-0001", ".before-mine"] {
            std::fs::write(beside(&path, ending), "").unwrap();
        }
        migrate_to(NEXT, &mut connect(&path).unwrap(), &path, OtherProcesses::Nobody).unwrap();
        let exists = |ending: &str| beside(&path, ending).exists();
        assert!(exists(".before-0002") && exists(".before-0001") && !exists(".before-0000"));
        assert!(exists(".before-mine"), "not one of ours");
    }

    #[test]
    fn upgrade_is_refused_while_an_older_version_runs() {
        let (_folder, path) = version_1();
        let mut conn = connect(&path).unwrap();
        let refusal = migrate_to(NEXT, &mut conn, &path, OtherProcesses::Others).unwrap_err();
        assert!(matches!(refusal, StoreError::OlderVersionRunning), "{refusal}");
        assert_eq!(version_in(&conn), 1);
    }

    #[test]
    fn upgrade_is_refused_when_no_copy_can_be_made() {
        let (_folder, path) = version_1();
        std::fs::create_dir(beside(&path, ".before-0002")).unwrap();
        let mut conn = connect(&path).unwrap();
        let refusal = migrate_to(NEXT, &mut conn, &path, OtherProcesses::Nobody).unwrap_err();
        assert!(matches!(refusal, StoreError::NoCopy { .. }), "{refusal}");
        assert_eq!(version_in(&conn), 1);
    }

    #[test]
    fn upgrade_that_fails_or_is_interrupted_changes_nothing() {
        let (_folder, path) = version_1();
        let mut conn = connect(&path).unwrap();
        let before = rows(&conn);
        let mut steps = 0;
        let interrupt = move || {
            steps += 1;
            steps > 1_000
        };
        for migrations in [BROKEN, ENDLESS] {
            conn.progress_handler(1_000, Some(interrupt)).unwrap();
            migrate_to(migrations, &mut conn, &path, OtherProcesses::Nobody).unwrap_err();
            conn.progress_handler(0, None::<fn() -> bool>).unwrap();
            assert_eq!((version_in(&conn), rows(&conn)), (1, before.clone()));
        }
    }

    #[test]
    fn newer_database_is_refused_and_left_alone() {
        let (_folder, path) = version_1();
        let mut conn = connect(&path).unwrap();
        migrate_to(NEXT, &mut conn, &path, OtherProcesses::Nobody).unwrap();
        let refusal = migrate(&mut conn, &path, OtherProcesses::Nobody).unwrap_err();
        assert!(matches!(refusal, StoreError::SchemaTooNew { found: 2, known: 1 }), "{refusal}");
        assert_eq!(version_in(&conn), 2);
    }

    #[test]
    fn database_of_another_program_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let refusal = migrate(&mut conn, Path::new("x"), OtherProcesses::Nobody).unwrap_err();
        assert!(matches!(refusal, StoreError::NotOurs(_)), "{refusal}");
    }
}
