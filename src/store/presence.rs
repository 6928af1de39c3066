//! Whether another Dropday works on the same database.
//!
//! Everybody holds a shared lock on a file beside the database for as long as they work on it, and takes it
//! before they open the database. The kernel drops it with its process, `kill -9` included. Who holds it
//! alone knows that claims can only be a dead process's, and may change the schema or the file itself.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::files::beside;
use super::{Result, StoreError, private};

/// Whether others work on the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    /// Nobody else does.
    Nobody,
    /// Somebody does.
    Others,
    /// The file system knows no locks.
    Unknown,
}

/// A lock beside the database, held for as long as the process works on it.
#[derive(Debug)]
pub(super) struct Presence(#[expect(dead_code, reason = "held for its lock")] Option<File>);

impl Presence {
    /// Takes the lock, after doing what is to be done before anybody else comes.
    ///
    /// Nobody may have the database open when this is called or returns from `first`: in between there is
    /// a moment without a lock, in which the file can be replaced.
    pub(super) fn announce(
        database: &Path,
        first: impl FnOnce(Company) -> Result<()>,
    ) -> Result<Self> {
        let Some(file) = open(database) else {
            first(Company::Unknown)?;
            return Ok(Self(None));
        };
        match file.try_lock() {
            Ok(()) => {
                first(Company::Nobody)?;
                // To hold both locks at once is undefined (std::fs::File::lock_shared), hence the gap.
                file.unlock().ok();
            }
            Err(TryLockError::WouldBlock) => first(Company::Others)?,
            Err(TryLockError::Error(_)) => first(Company::Unknown)?,
        }
        // Whoever holds it alone does so for a moment: to wait is better than to work unannounced.
        let held = file.lock_shared().is_ok();
        Ok(Self(held.then_some(file)))
    }

    /// Takes the lock beside whoever else holds it, so that nobody replaces the file.
    pub(super) fn beside_others(database: &Path) -> Self {
        let file = open(database);
        Self(file.filter(|file| file.lock_shared().is_ok()))
    }

    /// Takes the lock for oneself alone.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while anybody works on the database, or where nobody can tell.
    pub(super) fn alone(database: &Path) -> Result<Self> {
        let in_use = || StoreError::InUse(database.to_owned());
        let file = open(database).ok_or_else(in_use)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Some(file))),
            Err(_) => Err(in_use()),
        }
    }
}

fn open(database: &Path) -> Option<File> {
    private::open(&beside(database, ".lock")).ok()
}
