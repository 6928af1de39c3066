//! Whether another Dropday works on the same database.
//!
//! A claim on an artist or a letter outlives the process that made it until its lease ends. When
//! nobody else is at work, claims can only be a dead process's, and are released at once. The
//! kernel drops a file lock with its process, `kill -9` included.

use std::fs::File;
use std::path::Path;

use super::private;

/// A shared lock beside the database, held for as long as the process works on it.
#[derive(Debug)]
pub(super) struct Presence(#[expect(dead_code, reason = "held for its lock")] Option<File>);

impl Presence {
    /// Takes the lock, after calling `alone` if nobody else held it. Where the file system knows no
    /// locks, claims are left to their leases.
    pub(super) fn announce<E>(
        database: &Path,
        alone: impl FnOnce() -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let Ok(file) = private::open(Path::new(&name)) else { return Ok(Self(None)) };
        if file.try_lock().is_ok() {
            alone()?;
            // To hold both locks at once is undefined (std::fs::File::lock_shared), hence the gap:
            // whoever slips into it finds no claim of ours yet.
            file.unlock().ok();
        }
        // Whoever holds it alone does so for a moment: to wait is better than to work unannounced.
        let held = file.lock_shared().is_ok();
        Ok(Self(held.then_some(file)))
    }
}
