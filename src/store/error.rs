//! What can go wrong with the database, and what to do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database {} cannot be opened: {why}. Make sure that its folder exists and that \
         Dropday's user may write there, or set database.path", path.display()
    )]
    CannotOpen { path: PathBuf, why: String },
    #[error(
        "the database has schema version {found}, but this Dropday ({ours}) only knows versions up to \
         {known}. Install the newer Dropday again, or restore the copy from before the upgrade, \
         which is beside the database",
        ours = env!("CARGO_PKG_VERSION")
    )]
    SchemaTooNew { found: i64, known: i64 },
    #[error(
        "another Dropday uses {} (or the file system does not support locks, so this cannot be \
         checked). Stop it first: systemctl stop dropday, or docker stop dropday", .0.display()
    )]
    InUse(PathBuf),
    #[error(
        "the database must be upgraded, but an older version of Dropday uses it. Restart that one: \
         the new version upgrades the database when it starts"
    )]
    OlderVersionRunning,
    /// The copy that is kept from before an upgrade cannot be made.
    #[error(
        "the database was not upgraded, because no copy of it could be made at {}: {why}. Free some \
         space there, then start again", path.display()
    )]
    NoCopy { path: PathBuf, why: String },
    #[error("the backup cannot be written to {}: {why}", path.display())]
    CannotBackUp { path: PathBuf, why: String },
    #[error("{} cannot be restored: {why}. The database is unchanged", path.display())]
    CannotRestore { path: PathBuf, why: String },
    #[error("{} belongs to another program. Set database.path to a file of Dropday's own", .0.display())]
    NotOurs(PathBuf),
    #[error(
        "the key does not fit the database, so tokens cannot be decrypted. Restore the key file that \
         belongs to it (secrets.key_file), or start with a new database and have everyone sign in again"
    )]
    WrongKey,
    #[error("the database is locked by another program. Close it; Dropday keeps trying")]
    Locked,
    #[error(
        "the disk is full, so the database cannot grow. Free some space; nothing is lost meanwhile"
    )]
    Full,
    #[error(
        "the database is read-only. Give Dropday's user write permission for the file and its folder"
    )]
    ReadOnly,
    #[error(
        "the database is damaged: {0}. Stop Dropday, copy the file, and restore a backup (or recover \
         what can be read with `sqlite3 FILE .recover`)"
    )]
    Corrupt(String),
    /// An update that is meant for one row changed another number of rows.
    #[error("an update changed {0} rows instead of one")]
    RowCountMismatch(usize),
    #[error("the database is closed")]
    Closed,
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

pub(super) fn exactly_one(changed: usize) -> super::Result<()> {
    if changed == 1 { Ok(()) } else { Err(StoreError::RowCountMismatch(changed)) }
}
