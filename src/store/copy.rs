//! Copies of the database in one file: compact, whole, sound, and for their owner alone.
//!
//! `VACUUM INTO` rather than the backup API: what was deleted is not in it
//! (<https://www.sqlite.org/lang_vacuum.html>), and it sees one state of the database while others write,
//! where the backup API begins anew whenever another process has written.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::Result;
use super::connection::set_up_copying;
use super::files::{beside, sync_folder};

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the copy is not made.
    Keep,
    /// The copy takes its place, once it is whole.
    Replace,
}

/// Writes a copy of what `conn` sees, aside first, and puts it in its place when it is on the disk, was
/// found sound, and was looked into.
///
/// # Errors
/// In words. Nothing is left behind then.
pub(super) fn write(
    conn: &Connection,
    to: &Path,
    existing: Existing,
    look: impl FnOnce(&Connection) -> Result<()>,
) -> std::result::Result<(), String> {
    if existing == Existing::Keep && to.symlink_metadata().is_ok() {
        return Err("there is a file already".into());
    }
    let draft = beside(to, ".part");
    let file = begin(&draft)?;
    let looked = fill(conn, &draft, &file).and_then(|()| {
        read_only(&draft).and_then(|copy| look(&copy)).map_err(|why| why.to_string())
    });
    let written = looked.and_then(|()| match existing {
        Existing::Replace => std::fs::rename(&draft, to).map_err(|why| why.to_string()),
        Existing::Keep => link(&draft, to),
    });
    match written {
        Ok(()) => sync_folder(to).map_err(|why| why.to_string()),
        Err(why) => {
            std::fs::remove_file(&draft).ok();
            Err(why)
        }
    }
}

/// The draft, empty and locked, so that of two copies to one place one is refused.
fn begin(draft: &Path) -> std::result::Result<File, String> {
    let words = |why: std::io::Error| why.to_string();
    let mut options = OpenOptions::new();
    // A link that somebody left there is not followed.
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    let file = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(no_link);
    let file = file.open(draft).map_err(words)?;
    // Where the file system knows no locks, nobody can tell.
    let is_taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock))
        || draft.metadata().map(|there| there.ino()).ok()
            != file.metadata().map(|own| own.ino()).ok();
    if is_taken {
        return Err(format!("{} is being written by another program", draft.display()));
    }
    // One that was cut short lies there still.
    file.set_len(0).map_err(words)?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(words)?;
    Ok(file)
}

fn fill(conn: &Connection, draft: &Path, file: &File) -> std::result::Result<(), String> {
    let name = draft.to_str().ok_or("its name is no Unicode")?;
    set_up_copying(conn).map_err(|why| why.to_string())?;
    conn.execute("VACUUM INTO ?1", [name]).map_err(|why| why.to_string())?;
    file.sync_all().map_err(|why| why.to_string())?;
    match damage(draft).map_err(|why| why.to_string())? {
        None => Ok(()),
        Some(damage) => Err(format!("the copy is damaged: {damage}")),
    }
}

/// Puts the draft in its place, unless a file is there by now.
fn link(draft: &Path, to: &Path) -> std::result::Result<(), String> {
    match std::fs::hard_link(draft, to) {
        Ok(()) => std::fs::remove_file(draft).map_err(|why| why.to_string()),
        Err(why) if why.kind() == ErrorKind::AlreadyExists => Err("there is a file already".into()),
        // A file system without links.
        Err(_) => std::fs::rename(draft, to).map_err(|why| why.to_string()),
    }
}

/// Looks a file over, every page and index of it; `None` if it is sound.
///
/// # Errors
/// [`super::StoreError`] where it cannot even be read.
pub(super) fn damage(path: &Path) -> Result<Option<String>> {
    let conn = read_only(path)?;
    let found: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Ok(Some(found));
    }
    let astray: i64 =
        conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    Ok((astray > 0).then(|| format!("{astray} rows name others that are not there")))
}

/// Opens a file to look at it.
///
/// # Errors
/// [`super::StoreError`]
pub(super) fn read_only(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}
