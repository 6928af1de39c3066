//! How every connection is opened and set up.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::files::create_private;
use super::{Result, StoreError};

/// More than there are statements, so that each is compiled once.
const STATEMENTS: usize = 256;

/// WAL with NORMAL may lose the last commits in a power cut, which here means a second email.
pub(super) const SYNCHRONOUS: &str = "FULL";

const ATTEMPTS_AT_THE_LOG: u32 = 20;

/// Empties the write-ahead log into the database.
pub(super) fn empty_the_log(conn: &Connection) -> Result<()> {
    // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint: the first column is `busy`.
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: bool = conn.query_row(sql, [], |row| row.get(0))?;
    if is_busy { Err(StoreError::Locked) } else { Ok(()) }
}

/// Opens the file, which is created with mode 0600 if it does not exist. An existing file is opened by SQLite only: a
/// process loses all locks on a file when it closes any descriptor of it, and without our lock another program might
/// delete the write-ahead log
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
    // SQLite falls back to this if it may not write.
    if conn.is_readonly("main")? {
        return Err(StoreError::ReadOnly);
    }
    match set_up(&conn) {
        Ok(()) => Ok(conn),
        // SQLite cannot create the files beside it.
        Err(StoreError::Sqlite(error))
            if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) =>
        {
            Err(cannot(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// Opens an existing file without setting it up.
pub(super) fn connect_plainly(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(|error| {
        StoreError::CannotOpen { path: path.to_owned(), why: error.to_string() }
    })?;
    conn.busy_timeout(Duration::from_secs(5))?;
    Ok(conn)
}

/// Switches to the write-ahead log; returns the journal mode. On a new database this fails while another connection
/// does the same, without waiting. Starting a write does wait, and the next attempt succeeds.
fn begin_the_log(conn: &Connection) -> rusqlite::Result<String> {
    let begin = || conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
    for _ in 0..ATTEMPTS_AT_THE_LOG {
        match begin() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                conn.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            }
            started => return started,
        }
    }
    begin()
}

fn set_up(conn: &Connection) -> Result<()> {
    // First: the other pragmas may have to wait for another connection.
    conn.busy_timeout(Duration::from_secs(5))?;
    // Takes effect in a new file. In an existing one it would be a write.
    if conn.query_row("PRAGMA auto_vacuum", [], |row| row.get::<_, i64>(0))? == 0 {
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    let journal = begin_the_log(conn)?;
    if !journal.eq_ignore_ascii_case("wal") {
        tracing::warn!(
            journal,
            "the file system does not support a write-ahead log: reads wait for writes"
        );
    }
    conn.pragma_update(None, "synchronous", SYNCHRONOUS)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // Deleted rows are overwritten.
    conn.pragma_update(None, "secure_delete", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // Otherwise SQLite, once it has statistics, compiles a statement again for each new bound value
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
    fn statement_is_compiled_once_for_all_values() {
        let folder = tempfile::tempdir().unwrap();
        let conn = connect(&folder.path().join("dropday.db")).unwrap();
        conn.execute_batch(
            "CREATE TABLE api_calls (bucket, at);
             CREATE INDEX api_calls_by_time ON api_calls (bucket, at);
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)
                 INSERT INTO api_calls SELECT CASE WHEN n % 100 THEN 'often' ELSE 'seldom' END, n FROM n;
             ANALYZE",
        )
        .unwrap();
        let mut count = conn
            .prepare("SELECT count(*) FROM api_calls WHERE bucket = ?1 AND at BETWEEN ?2 AND ?3")
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
