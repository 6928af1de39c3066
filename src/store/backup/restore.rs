//! Puts a backup in place of the database.

use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};

use crate::store::backup::Contents;
use crate::store::connection::{connect_plainly, empty_the_log};
use crate::store::files::{LOGS, beside, create_private, sync_folder};
use crate::store::process_lock::ProcessLock;
use crate::store::snapshot::{self, IfExists};
use crate::store::{Cipher, Result, StoreError, keys};

/// Suffix of the copy that is about to take the database's place.
pub(in crate::store) const DRAFT: &str = ".restoring";

/// Suffix of the database that a restore replaced; the time follows.
pub(in crate::store) const REPLACED: &str = ".replaced";

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup holds.
    pub contents: Contents,
    /// Where the earlier database is kept; `None` if there was none.
    pub kept: Option<PathBuf>,
    /// Id and name of users who are in the backup and had deleted their account since.
    pub back: Vec<(i64, String)>,
}

/// Puts a backup in place of `database`, which is kept under a name with the time in it. Before anything is touched,
/// the backup is checked: it must be sound, of a version that this program knows, and encrypted with this key.
///
/// # Errors
/// [`StoreError::InUse`], [`StoreError::WrongKey`], [`StoreError::SchemaTooNew`], and
/// [`StoreError::CannotRestore`]. The database is unchanged then.
pub fn restore(
    backup: &Path,
    database: &Path,
    cipher: &Cipher,
    now: Timestamp,
) -> Result<Restored> {
    let contents = examine(backup, cipher)?;
    let _presence = ProcessLock::acquire_exclusive(database)?;
    let mut from = snapshot::read_only(backup)?;
    let cannot = |why: String| StoreError::CannotRestore { path: backup.to_owned(), why };
    let draft = beside(database, DRAFT);
    snapshot::write(&mut from, &draft, IfExists::Replace, |_| Ok(())).map_err(cannot)?;
    // A database that cannot be read cannot tell.
    let back = back_again(database, &draft).unwrap_or_default();
    let swapped = swap(&draft, database, now);
    let kept = swapped.inspect_err(|_| drop(std::fs::remove_file(&draft)));
    Ok(Restored { contents, kept: kept.map_err(|why| cannot(why.to_string()))?, back })
}

/// Checks that a file can be restored; what it holds.
fn examine(backup: &Path, cipher: &Cipher) -> Result<Contents> {
    let cannot = |why: &str| StoreError::CannotRestore { path: backup.to_owned(), why: why.into() };
    match backup.metadata() {
        Err(why) => return Err(cannot(&why.to_string())),
        Ok(file) if !file.is_file() || file.len() == 0 => return Err(cannot("it is not a backup")),
        Ok(_) => {}
    }
    let plainly = |error| match error {
        StoreError::Corrupt(why) => cannot(&format!("it is damaged: {why}")),
        // In WAL mode SQLite must be able to create files beside it.
        StoreError::Sqlite(why) if why.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
            cannot("SQLite cannot open it there. Copy it to the folder of the database first")
        }
        StoreError::Sqlite(why) => cannot(&why.to_string()),
        other => other,
    };
    if let Some(damage) = snapshot::damage(backup).map_err(plainly)? {
        return Err(cannot(&format!("it is damaged: {damage}")));
    }
    let conn = snapshot::read_only(backup)?;
    let contents = Contents::of(&conn, backup).map_err(plainly)?;
    if !keys::matches(&conn, cipher)? {
        return Err(StoreError::WrongKey);
    }
    Ok(contents)
}

/// Users who are in the backup and no longer in the database.
fn back_again(database: &Path, draft: &Path) -> Result<Vec<(i64, String)>> {
    let here = users(&snapshot::read_only(database)?)?;
    let numbers: HashSet<i64> = here.into_iter().map(|(number, _)| number).collect();
    let mut back = users(&snapshot::read_only(draft)?)?;
    back.retain(|(number, _)| !numbers.contains(number));
    Ok(back)
}

fn users(conn: &Connection) -> Result<Vec<(i64, String)>> {
    let mut rows = conn.prepare("SELECT id, display_name FROM users ORDER BY id")?;
    let users = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(users.collect::<rusqlite::Result<_>>()?)
}

/// At any moment there is a database: the old one or the restored one.
fn swap(draft: &Path, database: &Path, now: Timestamp) -> std::io::Result<Option<PathBuf>> {
    let is_there = database.symlink_metadata().is_ok();
    let aside = free_name(database, now);
    if is_there {
        settle_the_log(database)?;
    }
    let swapped = keep(database, is_there, &aside)
        .and_then(|()| sync_folder(database))
        .and_then(|()| std::fs::rename(draft, database));
    if let Err(why) = swapped {
        return Err(put_back(database, &aside).err().unwrap_or(why));
    }
    if let Err(error) = sync_folder(database) {
        tracing::warn!(%error, "failed to fsync the folder of the restored database");
    }
    for ending in [""].into_iter().chain(LOGS) {
        record_time(&beside(&aside, ending), now).ok();
    }
    Ok(is_there.then_some(aside))
}

fn keep(database: &Path, is_there: bool, aside: &Path) -> std::io::Result<()> {
    if is_there {
        link_or_copy(database, aside)?;
    }
    // Also if the database itself is missing: its log must not be applied to the restored one.
    move_the_log(database, aside)
}

/// Undoes [`keep`], which may have failed halfway.
fn put_back(database: &Path, aside: &Path) -> std::io::Result<()> {
    move_the_log(aside, database).map_err(|why| {
        let (log, place) = (beside(aside, "-wal"), beside(database, "-wal"));
        std::io::Error::other(format!(
            "{why}; and the log of the database is in {}: move it to {} before you start",
            log.display(),
            place.display()
        ))
    })?;
    match std::fs::remove_file(aside) {
        Err(why) if why.kind() != ErrorKind::NotFound => Err(why),
        _ => sync_folder(database),
    }
}

/// Retention counts from the restore, not from when the file was last written.
fn record_time(aside: &Path, now: Timestamp) -> std::io::Result<()> {
    let since_1970 = now.duration_since(Timestamp::UNIX_EPOCH).unsigned_abs();
    File::open(aside)?.set_modified(SystemTime::UNIX_EPOCH + since_1970)
}

/// Writes the log of the old database into it, unless it is damaged. Fails while another program reads it.
fn settle_the_log(database: &Path) -> std::io::Result<()> {
    let Ok(conn) = connect_plainly(database) else { return Ok(()) };
    match empty_the_log(&conn) {
        Err(error @ StoreError::Locked) => Err(std::io::Error::other(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn move_the_log(from: &Path, to: &Path) -> std::io::Result<()> {
    for ending in LOGS {
        match std::fs::rename(beside(from, ending), beside(to, ending)) {
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    Ok(())
}

fn link_or_copy(database: &Path, aside: &Path) -> std::io::Result<()> {
    if std::fs::hard_link(database, aside).is_ok() {
        return Ok(());
    }
    // The file system has no hard links.
    let mut to = create_private(aside)?;
    std::io::copy(&mut File::open(database)?, &mut to)?;
    to.sync_all()
}

fn free_name(database: &Path, now: Timestamp) -> PathBuf {
    let when = now.strftime("%Y%m%dT%H%M%SZ");
    let names = (1..).map(|n| match n {
        1 => format!("{REPLACED}-{when}"),
        n => format!("{REPLACED}-{when}-{n}"),
    });
    let mut paths = names.map(|ending| beside(database, &ending));
    let free = paths.find(|path| path.symlink_metadata().is_err());
    free.unwrap_or_else(|| beside(database, REPLACED))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

    /// The files of a folder: name and content.
    fn all(folder: &Path) -> Vec<(String, String)> {
        let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap());
        let mut all: Vec<_> = entries
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, std::fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn failed_restore_leaves_database_and_log_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (gone, database) = (folder.path().join("gone"), folder.path().join("dropday.db"));
        // SQLite leaves these alone if there is no database.
        for ending in LOGS {
            std::fs::write(beside(&database, ending), ending).unwrap();
        }
        let before = all(folder.path());
        swap(&gone, &database, NOW).unwrap_err();
        assert_eq!(all(folder.path()), before);
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("dropday.db");
        std::fs::write(&database, "old").unwrap();
        swap(&gone, &database, NOW).unwrap_err();
        assert_eq!(all(folder.path()), [("dropday.db".to_owned(), "old".to_owned())]);
    }

    #[test]
    fn replaced_database_is_dated_when_it_was_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("dropday.db");
        let draft = folder.path().join("draft");
        std::fs::write(&draft, "new").unwrap();
        std::fs::write(&database, "old").unwrap();
        let kept = swap(&draft, &database, NOW).unwrap().unwrap();
        assert_eq!(std::fs::read(&kept).unwrap(), b"old");
        assert_eq!(kept.metadata().unwrap().mtime(), NOW.as_second());
    }
}
