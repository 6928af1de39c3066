//! Whether another Dropday uses the same database.
//!
//! Every process holds a shared lock on a file beside the database while it uses it, taken before it opens the
//! database. The kernel releases it when the process ends, also by `kill -9`. A process that holds the lock alone
//! knows that existing claims are a dead process's, and may change the schema or replace the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::files::beside;
use super::{Result, StoreError};

/// Whether other processes use the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OtherProcesses {
    /// No other process does.
    Nobody,
    /// At least one does.
    Others,
    /// The file system has no locks.
    Unknown,
}

/// The lock, held for as long as this process uses the database.
#[derive(Debug)]
pub(super) struct ProcessLock(#[expect(dead_code, reason = "held for its lock")] Option<File>);

impl ProcessLock {
    /// Takes the shared lock, after `first` did what must happen before any other process starts.
    ///
    /// The database must not be open when this is called or when `first` returns: in between there is a moment
    /// without a lock, in which the file can be replaced.
    pub(super) fn acquire_shared(
        database: &Path,
        first: impl FnOnce(OtherProcesses) -> Result<()>,
    ) -> Result<Self> {
        let Some(file) = open(database) else {
            first(OtherProcesses::Unknown)?;
            return Ok(Self(None));
        };
        match file.try_lock() {
            Ok(()) => {
                first(OtherProcesses::Nobody)?;
                // Holding both locks at once is undefined (std::fs::File::lock_shared), hence the gap.
                file.unlock().ok();
            }
            Err(TryLockError::WouldBlock) => first(OtherProcesses::Others)?,
            Err(TryLockError::Error(_)) => first(OtherProcesses::Unknown)?,
        }
        // Waits for a process that holds the lock alone, which takes a moment.
        let held = file.lock_shared().is_ok();
        Ok(Self(held.then_some(file)))
    }

    /// Takes the shared lock if there is a lock file, so that no other process replaces the database.
    pub(super) fn beside_others(database: &Path) -> Self {
        let file = File::open(lock_file(database)).ok();
        Self(file.filter(|file| file.lock_shared().is_ok()))
    }

    /// Takes the lock alone.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another process uses the database, or if that cannot be found out.
    pub(super) fn acquire_exclusive(database: &Path) -> Result<Self> {
        let in_use = || StoreError::InUse(database.to_owned());
        let file = open(database).ok_or_else(in_use)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Some(file))),
            Err(_) => Err(in_use()),
        }
    }
}

fn open(database: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600).open(lock_file(database)).ok()
}

fn lock_file(database: &Path) -> std::path::PathBuf {
    beside(database, ".lock")
}
