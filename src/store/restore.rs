//! A backup takes the database's place.

use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::backup::Contents;
use super::connection::{connect_plainly, empty_the_log};
use super::copy::{self, Existing};
use super::files::{beside, folder_of, sync_folder};
use super::presence::Presence;
use super::{Result, Sealer, StoreError, keys, private};

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

/// Puts a backup in the place of `database`, and keeps that aside, under a name with `when` in it.
/// Before anything is touched, the backup was found to be sound, of a version that is known here, and
/// sealed with the sealer's key.
///
/// # Errors
/// [`StoreError::InUse`] while anybody works on the database, [`StoreError::WrongKey`],
/// [`StoreError::FromTheFuture`], and [`StoreError::CannotRestore`]. The database is as it was then.
pub fn restore(backup: &Path, database: &Path, sealer: &Sealer, when: &str) -> Result<Restored> {
    let cannot = |why| StoreError::CannotRestore { path: backup.to_owned(), why };
    let contents = examine(backup, sealer)?;
    let _presence = Presence::alone(database)?;
    let draft = beside(database, ".restoring");
    copy::write(&copy::read_only(backup)?, &draft, Existing::Replace, |_| Ok(()))
        .map_err(cannot)?;
    // A database that cannot be read cannot say.
    let back = back_again(database, &draft).unwrap_or_default();
    let placed =
        private::give(&draft, owner_of(database)).and_then(|()| swap(&draft, database, when));
    match placed {
        Ok(kept) => Ok(Restored { contents, kept, back }),
        Err(why) => {
            std::fs::remove_file(&draft).ok();
            Err(cannot(why.to_string()))
        }
    }
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
    let here = people(&copy::read_only(database)?)?;
    let numbers: HashSet<i64> = here.into_iter().map(|(number, _)| number).collect();
    let mut back = people(&copy::read_only(draft)?)?;
    back.retain(|(number, _)| !numbers.contains(number));
    Ok(back)
}

fn people(conn: &Connection) -> Result<Vec<(i64, String)>> {
    let mut rows = conn.prepare("SELECT id, display_name FROM people ORDER BY id")?;
    let people = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(people.collect::<rusqlite::Result<_>>()?)
}

/// Whoever it belongs to, it shall belong to afterwards.
fn owner_of(database: &Path) -> &Path {
    if database.exists() { database } else { folder_of(database) }
}

/// At any moment there is a database: the old one, or the restored one.
fn swap(draft: &Path, database: &Path, when: &str) -> std::io::Result<Option<PathBuf>> {
    let is_there = database.symlink_metadata().is_ok();
    let aside = free_name(database, when);
    if is_there {
        settle_the_log(database)?;
        link_or_copy(database, &aside)?;
    }
    // Also where the database itself is gone: its log must not be taken for the restored one's.
    move_the_log(database, &aside)?;
    sync_folder(database)?;
    std::fs::rename(draft, database)?;
    sync_folder(database)?;
    Ok(is_there.then_some(aside))
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

fn move_the_log(database: &Path, aside: &Path) -> std::io::Result<()> {
    for ending in ["-wal", "-shm", "-journal"] {
        match std::fs::rename(beside(database, ending), beside(aside, ending)) {
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
    let mut to = private::make(aside)?;
    std::io::copy(&mut File::open(database)?, &mut to)?;
    to.sync_all()
}

fn free_name(database: &Path, when: &str) -> PathBuf {
    let names = (1..).map(|n| match n {
        1 => format!(".replaced-{when}"),
        n => format!(".replaced-{when}-{n}"),
    });
    let mut paths = names.map(|ending| beside(database, &ending));
    let free = paths.find(|path| path.symlink_metadata().is_err());
    free.unwrap_or_else(|| beside(database, ".replaced"))
}
