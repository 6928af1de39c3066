//! A backup takes the database's place.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use rusqlite::Connection;

use super::backup::Contents;
use super::connection::{connect_plainly, empty_the_log};
use super::copy::{self, Existing};
use super::files::{AS_IT_LIES, LOGS, beside, folder_of, sync_folder};
use super::presence::Presence;
use super::{Result, Sealer, StoreError, keys, private};

/// How the name ends of what is about to take the database's place.
pub(super) const DRAFT: &str = ".restoring";

/// How the name goes on of what a restore has replaced.
pub(super) const REPLACED: &str = ".replaced";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup holds.
    pub contents: Contents,
    /// Where the database lies that was there before; `None` where there was none.
    pub kept: Option<PathBuf>,
    /// Number and name of those who are in the backup and had left since.
    pub back: Vec<(i64, String)>,
}

/// Puts a backup in the place of `database`, and keeps that aside, under a name with the time in it.
/// Before anything is touched, the backup was found to be sound, of a version that is known here, and
/// sealed with the sealer's key.
///
/// # Errors
/// [`StoreError::InUse`] while anybody works on the database, [`StoreError::WrongKey`],
/// [`StoreError::FromTheFuture`], and [`StoreError::CannotRestore`]. The database is as it was then.
pub fn restore(
    backup: &Path,
    database: &Path,
    sealer: &Sealer,
    now: Timestamp,
) -> Result<Restored> {
    let contents = examine(backup, sealer)?;
    let _presence = Presence::alone(database)?;
    let mut from = copy::read_only(backup)?;
    let placed = private::as_owner_of(folder_of(database), || place(&mut from, database, now));
    let (kept, back) = placed
        .map_err(|why| why.to_string())
        .flatten()
        .map_err(|why| StoreError::CannotRestore { path: backup.to_owned(), why })?;
    Ok(Restored { contents, kept, back })
}

type Placed = (Option<PathBuf>, Vec<(i64, String)>);

fn place(
    from: &mut Connection,
    database: &Path,
    now: Timestamp,
) -> std::result::Result<Placed, String> {
    let draft = beside(database, DRAFT);
    copy::write(from, &draft, Existing::Replace, |_| Ok(()))?;
    // A database that cannot be read cannot say.
    let back = back_again(database, &draft).unwrap_or_default();
    let given = private::give(&draft, owner_of(database));
    let swapped = given.and_then(|()| swap(&draft, database, now));
    let kept = swapped.inspect_err(|_| drop(std::fs::remove_file(&draft)));
    Ok((kept.map_err(|why| why.to_string())?, back))
}

/// Whether a file can be restored, and what it holds.
fn examine(backup: &Path, sealer: &Sealer) -> Result<Contents> {
    let cannot = |why: &str| StoreError::CannotRestore { path: backup.to_owned(), why: why.into() };
    match backup.metadata() {
        Err(why) => return Err(cannot(&why.to_string())),
        Ok(file) if !file.is_file() || file.len() == 0 => return Err(cannot("it is no backup")),
        Ok(_) => {}
    }
    // Of our own errors, those that name the file and the remedy.
    let plainly = |error| match error {
        StoreError::Corrupt(why) => cannot(&format!("it is damaged: {why}")),
        StoreError::Sqlite(why) => cannot(&why.to_string()),
        other => other,
    };
    if let Some(damage) = copy::damage(backup).map_err(plainly)? {
        return Err(cannot(&format!("it is damaged: {damage}")));
    }
    let conn = copy::read_only(backup)?;
    let contents = Contents::of(&conn, backup).map_err(plainly)?;
    if !keys::fits(&conn, sealer)? {
        return Err(StoreError::WrongKey);
    }
    Ok(contents)
}

/// Who is in the backup and no longer in the database.
fn back_again(database: &Path, draft: &Path) -> Result<Vec<(i64, String)>> {
    let here = users(&copy::read_only(database)?)?;
    let numbers: HashSet<i64> = here.into_iter().map(|(number, _)| number).collect();
    let mut back = users(&copy::read_only(draft)?)?;
    back.retain(|(number, _)| !numbers.contains(number));
    Ok(back)
}

fn users(conn: &Connection) -> Result<Vec<(i64, String)>> {
    let mut rows = conn.prepare("SELECT id, display_name FROM people ORDER BY id")?;
    let users = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(users.collect::<rusqlite::Result<_>>()?)
}

/// Whoever it belongs to, it shall belong to afterwards.
fn owner_of(database: &Path) -> &Path {
    if database.exists() { database } else { folder_of(database) }
}

/// At any moment there is a database: the old one, or the restored one.
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
        tracing::warn!(%error, "the restored database is in its place; a power cut now may undo that");
    }
    for ending in [""].into_iter().chain(LOGS) {
        note_time(&beside(&aside, ending), now).ok();
    }
    Ok(is_there.then_some(aside))
}

fn keep(database: &Path, is_there: bool, aside: &Path) -> std::io::Result<()> {
    if is_there {
        link_or_copy(database, aside)?;
    }
    // Also where the database itself is gone: its log must not be taken for the restored one's.
    move_the_log(database, aside)
}

/// Undoes [`keep`], however far that came.
fn put_back(database: &Path, aside: &Path) -> std::io::Result<()> {
    move_the_log(aside, database).map_err(|why| {
        let (log, place) = (beside(aside, "-wal"), beside(database, "-wal"));
        std::io::Error::other(format!(
            "{why}; and the log of the database lies in {}: move it to {} before you start",
            log.display(),
            place.display()
        ))
    })?;
    match std::fs::remove_file(aside) {
        Err(why) if why.kind() != ErrorKind::NotFound => Err(why),
        _ => sync_folder(database),
    }
}

/// It is kept from now on, however long ago it was written last.
fn note_time(aside: &Path, now: Timestamp) -> std::io::Result<()> {
    let since_1970 = now.duration_since(Timestamp::UNIX_EPOCH).unsigned_abs();
    open_plain(aside)?.set_modified(SystemTime::UNIX_EPOCH + since_1970)
}

/// What is in the log of the old database goes into that, unless it is damaged.
///
/// # Errors
/// Where another program reads it, so that the log cannot be emptied.
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
    // A file system without links.
    let mut from = open_plain(database)?;
    let mut to = private::make(aside)?;
    std::io::copy(&mut from, &mut to)?;
    to.sync_all()
}

/// Opens a file that is one: whoever the folder belongs to gets what is read, and root must read for them no other
/// file that a link leads to, nor wait at a pipe.
fn open_plain(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(AS_IT_LIES).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(std::io::Error::other(format!("{} is no file", path.display()))),
    }
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

    /// What lies in a folder, by name, with its content.
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
    fn a_restore_whose_last_step_fails_leaves_the_database_and_its_log_where_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let (gone, database) = (folder.path().join("gone"), folder.path().join("dropday.db"));
        // SQLite leaves these alone where the database itself is not there.
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
    fn what_a_link_leads_to_is_not_copied_aside() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, database) = (folder.path().join("shadow"), folder.path().join("dropday.db"));
        std::fs::write(&secret, "for root alone").unwrap();
        assert!(open_plain(&secret).is_ok());
        std::os::unix::fs::symlink(&secret, &database).unwrap();
        assert!(open_plain(&database).is_err());
        assert!(open_plain(folder.path()).is_err());
    }

    #[test]
    fn what_was_replaced_is_as_old_as_the_restore() {
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
