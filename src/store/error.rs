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
        "the database has schema version {found}, but this Dropday ({ours}) only knows versions up to \
         {known}. Install the newer Dropday again, or restore the copy from before the upgrade, \
         which is beside the database",
        ours = env!("CARGO_PKG_VERSION")
    )]
    FromTheFuture {
        /// The file's version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// Somebody works on the file.
    #[error(
        "another Dropday works on {} (or the file system there knows no locks, so that nobody can \
         tell). Stop it first: systemctl stop dropday, or docker stop dropday", .0.display()
    )]
    InUse(PathBuf),
    /// An older Dropday works on the file.
    #[error(
        "the database must be brought up to date, and a Dropday of an earlier version works on it. \
         Restart that one: the new version does it when it starts"
    )]
    OlderAtWork,
    /// The copy could not be made that is kept in case that an upgrade goes wrong.
    #[error(
        "the database is not brought up to date, since no copy of it as it was can be kept at {}: \
         {why}. Make room there, then start again", path.display()
    )]
    NoCopy {
        /// Where it would lie.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// A backup cannot be written.
    #[error("the backup cannot be written to {}: {why}", path.display())]
    CannotBackUp {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A file that is to be restored cannot be.
    #[error("{} cannot be restored: {why}. The database is as it was", path.display())]
    CannotRestore {
        /// The backup.
        path: PathBuf,
        /// Why not.
        why: String,
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
