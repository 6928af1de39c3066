//! Opening the file: how every connection of ours is set up.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::files::create_private;
use super::{Result, StoreError};

/// More statements than there are: each is compiled once.
const STATEMENTS: usize = 256;

/// WAL with NORMAL may lose the last commits when the power fails; here that is a second mail.
pub(super) const SYNCHRONOUS: &str = "FULL";

/// How often to try to set up the write-ahead log.
const ATTEMPTS_AT_THE_LOG: u32 = 20;

/// Empties the write-ahead log into the database.
pub(super) fn empty_the_log(conn: &Connection) -> Result<()> {
    // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint: the first column says busy.
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: bool = conn.query_row(sql, [], |row| row.get(0))?;
    if is_busy { Err(StoreError::Locked) } else { Ok(()) }
}

/// Opens the file, made with mode 0600 if it is not there. One that is there is opened by SQLite alone: all
/// locks that a process holds on a file end when it closes any descriptor of it, and without ours another
/// program would believe itself the last one and delete the write-ahead log
/// (<https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>).
pub(super) fn connect(path: &Path) -> Result<Connection> {
    let cannot = |why: String| StoreError::CannotOpen { path: path.to_owned(), why };
    match create_private(path) {
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {
            return Err(StoreError::ReadOnly);
        }
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(cannot(error.to_string()));
        }
        Ok(_) | Err(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(path, flags).map_err(|error| cannot(error.to_string()))?;
    // What SQLite falls back to where it may not write.
    if conn.is_readonly("main")? {
        return Err(StoreError::ReadOnly);
    }
    match set_up(&conn) {
        Ok(()) => Ok(conn),
        // The files beside it, which SQLite makes.
        Err(StoreError::Sqlite(error))
            if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) =>
        {
            Err(cannot(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// Opens a file that is there as it is.
pub(super) fn connect_plainly(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(|error| {
        StoreError::CannotOpen { path: path.to_owned(), why: error.to_string() }
    })?;
    conn.busy_timeout(Duration::from_secs(5))?;
    Ok(conn)
}

/// Sets up the write-ahead log; the answer is the kind of journal that there is now. On a new
/// database that does not wait for another connection which does the same, but beginning to write
/// does, after which one more attempt finds it done.
fn begin_the_log(conn: &Connection) -> rusqlite::Result<String> {
    let begin = || conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
    for _ in 0..ATTEMPTS_AT_THE_LOG {
        match begin() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                conn.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            }
            begun => return begun,
        }
    }
    begin()
}

/// What a connection needs that only copies the database: the copy can give its room back, whether or not
/// the database itself can (`auto_vacuum` is settled when a file is made).
pub(super) fn set_up_copying(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    want_shrinkable(conn)
}

/// Settles for a file that is made by this connection, new or as a copy, that it can give room back. Said to
/// a file that can already, it would be a write.
fn want_shrinkable(conn: &Connection) -> rusqlite::Result<()> {
    match conn.query_row("PRAGMA auto_vacuum", [], |row| row.get::<_, i64>(0))? {
        0 => conn.pragma_update(None, "auto_vacuum", "INCREMENTAL"),
        _ => Ok(()),
    }
}

fn set_up(conn: &Connection) -> Result<()> {
    // First of all: every later pragma may have to wait for another connection.
    conn.busy_timeout(Duration::from_secs(5))?;
    // Before the first page is written. An older file stays as it is until it is made anew.
    want_shrinkable(conn)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    let journal = begin_the_log(conn)?;
    if !journal.eq_ignore_ascii_case("wal") {
        tracing::warn!(journal, "the file system has no write-ahead log; reads wait for writes");
    }
    conn.pragma_update(None, "synchronous", SYNCHRONOUS)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // Who leaves is gone: deleted rows are overwritten, not merely unlinked.
    conn.pragma_update(None, "secure_delete", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // Else each new value that is bound makes SQLite, once it has statistics, compile the statement anew
    // (https://www.sqlite.org/queryplanner-ng.html#qpstab).
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "journal_size_limit", 16 << 20)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::{StatementStatus, params};

    use super::*;

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound_to_it_and_whatever_statistics_say() {
        let folder = tempfile::tempdir().unwrap();
        let conn = connect(&folder.path().join("dropday.db")).unwrap();
        conn.execute_batch(
            "CREATE TABLE calls (bucket, at);
             CREATE INDEX calls_by_time ON calls (bucket, at);
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)
                 INSERT INTO calls SELECT CASE WHEN n % 100 THEN 'often' ELSE 'seldom' END, n FROM n;
             ANALYZE",
        )
        .unwrap();
        let mut count = conn
            .prepare("SELECT count(*) FROM calls WHERE bucket = ?1 AND at BETWEEN ?2 AND ?3")
            .unwrap();
        for n in 0..10 {
            let bucket = if n % 2 == 0 { "often" } else { "seldom" };
            let found =
                count.query_row(params![bucket, n * 50, n * 100], |row| row.get::<_, i64>(0));
            assert!(found.is_ok());
        }
        assert_eq!(count.get_status(StatementStatus::RePrepare), 0);
    }
}
