//! Brings a database up to date: each file of `migrations/` once, in order, all in one transaction.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::copy::{self, Existing};
use super::files::{beside, folder_of};
use super::presence::Company;
use super::{Result, StoreError, private};

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
    include_str!("../../migrations/0011_unfollows_by_artist.sql"),
];

/// How the name goes on of a copy from before an upgrade: with the version that came, in four digits.
pub(super) const BEFORE: &str = ".before-";

/// So many copies from before an upgrade are kept.
const COPIES: usize = 2;

/// Applies what is missing, after a copy of the database as it was.
///
/// # Errors
/// [`StoreError::FromTheFuture`] for a file of a newer Dropday, [`StoreError::NotOurs`] for another
/// program's, [`StoreError::OlderAtWork`] if an update is due and others work on it, and
/// [`StoreError::NoCopy`]; the file is unchanged then.
pub(super) fn bring_up_to_date(conn: &mut Connection, path: &Path, company: Company) -> Result<()> {
    let found = version_of_ours(conn, path)?;
    if found != newest() {
        if found > 0 && company == Company::Others {
            return Err(StoreError::OlderAtWork);
        }
        if found > 0 {
            let (from, to) = (found, newest());
            tracing::info!(from, to, "bringing the database up to date, after a copy of it");
            keep_copy(conn, path)?;
        }
        migrate(conn, path)?;
        if found > 0 {
            let (to, from) = (newest(), found);
            tracing::info!(from, to, "the database was brought up to date; a copy is beside it");
        }
    }
    if company == Company::Nobody {
        make_shrinkable(conn, path).unwrap_or_else(|error| {
            tracing::warn!(
                %error,
                "the database cannot give room back yet; this is tried again at the next start"
            );
        });
    }
    Ok(())
}

fn migrate(conn: &mut Connection, path: &Path) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Looked at again: another start may have been quicker.
    let found = version_of_ours(&tx, path)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", newest())?;
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('brought_by', ?1)";
    tx.execute(sql, [env!("CARGO_PKG_VERSION").as_bytes()])?;
    Ok(tx.commit()?)
}

/// The newest version that is known here.
pub(super) fn newest() -> i64 {
    MIGRATIONS.len() as i64
}

/// A file from before it could give room back is made anew, once.
fn make_shrinkable(conn: &Connection, path: &Path) -> Result<()> {
    if conn.query_row("PRAGMA auto_vacuum", [], |row| row.get::<_, i64>(0))? != 0 {
        return Ok(());
    }
    // It is written twice over: into a temporary file, and into the log.
    let needed = path.metadata().map_or(0, |file| file.len().saturating_mul(2));
    let free = rustix::fs::statvfs(path).map_or(u64::MAX, |disk| disk.f_bavail * disk.f_frsize);
    if free < needed {
        return Err(StoreError::Full);
    }
    Ok(conn.execute_batch("VACUUM")?)
}

/// Keeps the database as it is before an upgrade, beside it, and the copy of the upgrade before; older
/// ones go.
fn keep_copy(conn: &mut Connection, path: &Path) -> Result<()> {
    let copy = beside(path, &format!("{BEFORE}{:04}", newest()));
    copy::write(conn, &copy, Existing::Replace, |_| Ok(()))
        .map_err(|why| StoreError::NoCopy { path: copy.clone(), why })?;
    private::give(&copy, path).ok();
    forget_old_copies(path).ok();
    Ok(())
}

fn forget_old_copies(path: &Path) -> std::io::Result<()> {
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
    let old = copies.len().saturating_sub(COPIES);
    copies[..old].iter().try_for_each(|name| std::fs::remove_file(folder.join(name)))
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
    let (found, known) = (number("PRAGMA user_version")?, newest());
    if found <= known {
        return Ok(found);
    }
    let sql = "SELECT value FROM meta WHERE key = 'brought_by'";
    let by = conn.query_row(sql, [], |row| row.get::<_, Vec<u8>>(0));
    Err(StoreError::FromTheFuture {
        found,
        known,
        by: by.ok().and_then(|by| String::from_utf8(by).ok()),
    })
}

#[cfg(test)]
mod fixtures;

#[cfg(test)]
mod tests {
    use super::*;

    fn brought_up_to_date(conn: &mut Connection) -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        bring_up_to_date(conn, &folder.path().join("x"), Company::Nobody)
    }

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
        brought_up_to_date(&mut conn).unwrap();
        brought_up_to_date(&mut conn).unwrap();
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
        brought_up_to_date(&mut conn).unwrap();
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
        brought_up_to_date(&mut conn).unwrap();
        let sql = "SELECT group_concat(id || bucket || at || purpose, ' ')
                       FROM (SELECT * FROM calls ORDER BY id)";
        let calls: String = conn.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(calls, "3artist_albums5hint 8tokens6other");
    }

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let mut conn = Connection::open_in_memory().unwrap();
        brought_up_to_date(&mut conn).unwrap();
        conn.pragma_update(None, "user_version", 99).unwrap();
        let refusal = brought_up_to_date(&mut conn).unwrap_err();
        assert!(matches!(refusal, StoreError::FromTheFuture { found: 99, .. }), "{refusal}");
        let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 99);
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let refusal = brought_up_to_date(&mut conn).unwrap_err();
        assert!(matches!(refusal, StoreError::NotOurs(_)), "{refusal}");
    }
}
