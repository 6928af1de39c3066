//! What can go wrong with the database, and what to do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

/// Why the database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error(
        "the database {} cannot be opened: {why}. Make sure that its folder exists and that \
         Dropday's user may write there, or set database.path", path.display()
    )]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file was written by a newer Dropday.
    #[error(
        "the database has version {found}, and this Dropday knows versions up to {known}. Install \
         the newer Dropday again, or restore a backup from before the upgrade"
    )]
    FromTheFuture {
        /// The file's version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// Some other program's database.
    #[error("{} belongs to another program. Set database.path to a file of Dropday's own", .0.display())]
    NotOurs(PathBuf),
    /// Tokens cannot be unsealed.
    #[error(
        "the key does not fit the database: what it sealed cannot be read. Restore the key file \
         that belongs to it (secrets.key_file), or everybody has to sign in again with a new database"
    )]
    WrongKey,
    /// Another program holds the database.
    #[error(
        "the database is locked by another program. Dropday tries again; close the other program"
    )]
    Locked,
    /// No space is left.
    #[error(
        "the disk is full: the database cannot grow. Free some space; nothing is lost meanwhile"
    )]
    Full,
    /// It may not be written.
    #[error(
        "the database is read-only. Give Dropday's user the right to write the file and its folder"
    )]
    ReadOnly,
    /// It is damaged.
    #[error(
        "the database is damaged: {0}. Stop Dropday, keep a copy of the file, and restore a backup \
         (or rescue what can be read with `sqlite3 FILE .recover`)"
    )]
    Corrupt(String),
    /// An update did not touch the row that it was for.
    #[error("{0} rows were changed where one was meant")]
    NotOneRow(usize),
    /// The thread that owns the connection has ended.
    #[error("the database is closed")]
    Closed,
    /// Anything else that SQLite says.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error().is_some_and(|e| e.extended_code == SQLITE_IOERR_SHMSIZE) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Sqlite(error),
        }
    }
}

/// Makes an update that did not touch exactly one row an error.
pub(super) fn exactly_one(changed: usize) -> super::Result<()> {
    if changed == 1 { Ok(()) } else { Err(StoreError::NotOneRow(changed)) }
}
