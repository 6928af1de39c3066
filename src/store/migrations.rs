//! Brings a database up to date: each file of `migrations/` once, in order, all in one transaction.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{Result, StoreError};

/// `Drop` in ASCII: marks a SQLite file as Dropday's.
const APPLICATION_ID: i64 = 0x4472_6f70;

/// Append-only: a file that was once released never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/0001_start.sql"),
    include_str!("../../migrations/0002_hints.sql"),
    include_str!("../../migrations/0003_editions.sql"),
    include_str!("../../migrations/0004_cadence.sql"),
    include_str!("../../migrations/0005_consent.sql"),
    include_str!("../../migrations/0006_singles.sql"),
    include_str!("../../migrations/0007_letters.sql"),
    include_str!("../../migrations/0008_side_lists.sql"),
    include_str!("../../migrations/0009_pages.sql"),
    include_str!("../../migrations/0010_job_runs.sql"),
];

/// Applies what is missing.
///
/// # Errors
/// [`StoreError::FromTheFuture`] for a file of a newer Dropday, [`StoreError::NotOurs`] for another
/// program's; the file is unchanged then.
pub(super) fn bring_up_to_date(conn: &mut Connection, path: &Path) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version_of_ours(&tx, path)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    Ok(tx.commit()?)
}

/// The version of a database of ours, or of one that is empty yet. Changes nothing.
///
/// # Errors
/// As [`bring_up_to_date`].
pub(super) fn version_of_ours(conn: &Connection, path: &Path) -> Result<i64> {
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if number("PRAGMA application_id")? != APPLICATION_ID && tables > 0 {
        return Err(StoreError::NotOurs(path.to_owned()));
    }
    let (found, known) = (number("PRAGMA user_version")?, MIGRATIONS.len() as i64);
    if found > known { Err(StoreError::FromTheFuture { found, known }) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_in_migrations_is_applied() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        let texts: Vec<_> = files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
        assert_eq!(texts, MIGRATIONS);
    }

    #[test]
    fn a_database_of_the_first_version_keeps_its_rows() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(MIGRATIONS[0]).unwrap();
        conn.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        conn.pragma_update(None, "user_version", 1).unwrap();
        let rows = "INSERT INTO artists (id, name, watched_since, next_check_at)
                        VALUES ('a', 'Röyksopp', 1, 2)";
        conn.execute_batch(rows).unwrap();
        bring_up_to_date(&mut conn, Path::new("x")).unwrap();
        bring_up_to_date(&mut conn, Path::new("x")).unwrap();
        conn.pragma_update(None, "foreign_keys", true).unwrap();
        let hint = "INSERT INTO hints (artist, source, key, given_at, next_at)
                        VALUES ('a', 'listenbrainz', 'k', 1, 2); DELETE FROM artists";
        conn.execute_batch(hint).unwrap();
        let left: i64 = conn.query_row("SELECT count(*) FROM hints", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "hints go with their artist");
    }

    #[test]
    fn what_is_owed_and_paused_survives_the_outbox_made_anew() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.pragma_update(None, "foreign_keys", true).unwrap();
        for migration in &MIGRATIONS[..3] {
            conn.execute_batch(migration).unwrap();
        }
        conn.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        conn.pragma_update(None, "user_version", 3).unwrap();
        let rows = "INSERT INTO people (id, spotify_id, display_name, created_at, consent, follows_next_at)
                        VALUES (1, 'm', 'Martha', 1, 'good', 1), (2, 'j', 'Jonas', 1, 'ended', 1);
                    INSERT INTO outbox VALUES
                        (3, 1, 'news', 'a', 'sent', 3, 4, 5, 6, 'slow', 7, 8),
                        (9, 1, 'news', 'b', 'owed', NULL, 0, 0, 6, NULL, 7, NULL),
                        (11, 2, 'sign_in_again', '1', 'owed', NULL, 0, 0, 6, NULL, 7, NULL),
                        (20, 2, 'confirm', '1', 'dropped', 20, 0, 1, 6, 'late', 7, 8);
                    DELETE FROM outbox WHERE id = 20;
                    INSERT INTO pauses VALUES ('all', 5, 'premium', 2)";
        conn.execute_batch(rows).unwrap();
        bring_up_to_date(&mut conn, Path::new("x")).unwrap();
        let text = |conn: &Connection, sql: &str| -> String {
            conn.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        let first = "SELECT concat_ws(' ', id, person, kind, subject, state, letter, claimed_until,
                        attempts, next_at, reason, owed_at, settled_at) FROM outbox WHERE id = 3";
        assert_eq!(text(&conn, first), "3 1 news a sent 3 4 5 6 slow 7 8");
        let all = "SELECT group_concat(id || kind, ' ') FROM (SELECT * FROM outbox ORDER BY id)";
        assert_eq!(text(&conn, all), "3news 9news 11sign_in_again");
        let pause = "SELECT concat_ws(' ', scope, until, cause, failures) FROM pauses";
        assert_eq!(text(&conn, pause), "all 5 premium 2");

        let owe = "INSERT OR IGNORE INTO outbox (person, kind, subject, next_at, owed_at) VALUES
                       (1, 'news', 'b', 1, 1), (NULL, 'operator', 'x', 1, 1),
                       (NULL, 'operator', 'x', 1, 1), (1, 'consent_ends', 'x', 1, 1)";
        conn.execute_batch(owe).unwrap();
        let new =
            "SELECT group_concat(kind, ' ') FROM (SELECT * FROM outbox WHERE id > 20 ORDER BY id)";
        assert_eq!(
            text(&conn, new),
            "operator consent_ends",
            "once each, under numbers of their own"
        );
        conn.execute_batch("DELETE FROM people WHERE id = 1").unwrap();
        let kinds = "SELECT group_concat(kind, ' ') FROM (SELECT * FROM outbox ORDER BY id)";
        assert_eq!(text(&conn, kinds), "sign_in_again operator", "rows go with their person");
    }

    #[test]
    fn calls_that_were_counted_stay_counted() {
        let mut conn = Connection::open_in_memory().unwrap();
        for migration in &MIGRATIONS[..7] {
            conn.execute_batch(migration).unwrap();
        }
        conn.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        conn.pragma_update(None, "user_version", 7).unwrap();
        let rows = "INSERT INTO calls (id, bucket, at, purpose) VALUES
                        (3, 'artist_albums', 5, 'hint'), (8, 'tokens', 6, 'other')";
        conn.execute_batch(rows).unwrap();
        bring_up_to_date(&mut conn, Path::new("x")).unwrap();
        let sql = "SELECT group_concat(id || bucket || at || purpose, ' ')
                       FROM (SELECT * FROM calls ORDER BY id)";
        let calls: String = conn.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(calls, "3artist_albums5hint 8tokens6other");
    }

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let mut conn = Connection::open_in_memory().unwrap();
        bring_up_to_date(&mut conn, Path::new("x")).unwrap();
        conn.pragma_update(None, "user_version", 99).unwrap();
        let refusal = bring_up_to_date(&mut conn, Path::new("x")).unwrap_err();
        assert!(matches!(refusal, StoreError::FromTheFuture { found: 99, .. }), "{refusal}");
        let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 99);
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let refusal = bring_up_to_date(&mut conn, Path::new("x")).unwrap_err();
        assert!(matches!(refusal, StoreError::NotOurs(_)), "{refusal}");
    }
}
