//! Copies of the database in one file: compact, checked, complete, and for their owner only.
//!
//! `VACUUM INTO` rather than the backup API: it leaves out what was deleted
//! (<https://www.sqlite.org/lang_vacuum.html>) and sees one state of the database while others write, where the
//! backup API starts over whenever another process has written.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use super::Result;
use super::files::{beside, is_at, sync_folder};

/// Suffix of a draft.
pub(super) const DRAFT: &str = ".part";

/// What happens to an existing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfExists {
    /// It stays, and no copy is made.
    Keep,
    /// It is replaced once the copy is complete.
    Replace,
}

/// Writes a copy of what `conn` sees. It is written to a draft, which is moved into place when it is on disk, was
/// checked, and `look` has seen it. On an error, which is in words, nothing is left behind.
pub(super) fn write(
    conn: &mut Connection,
    to: &Path,
    existing: IfExists,
    look: impl FnOnce(&Connection) -> Result<()>,
) -> std::result::Result<(), String> {
    if existing == IfExists::Keep && to.symlink_metadata().is_ok() {
        return Err("the file exists already".into());
    }
    let draft = Draft::begin(to)?;
    let placed = draft.fill(conn, look).and_then(|()| draft.place(to, existing));
    placed.inspect_err(|_| drop(std::fs::remove_file(&draft.path)))
}

struct Draft {
    path: PathBuf,
    /// Locked, so that only one process writes a copy to one place.
    file: File,
}

impl Draft {
    fn begin(to: &Path) -> std::result::Result<Self, String> {
        let path = beside(to, DRAFT);
        let cannot = |why: std::io::Error| format!("{}: {why}", path.display());
        let mut options = OpenOptions::new();
        // In a folder that everybody may write to, such as /tmp, a link of somebody else's is not followed.
        let options = options.write(true).create(true).mode(0o600);
        let no_follow = OFlags::NOFOLLOW.bits().cast_signed();
        let file = options.custom_flags(no_follow).open(&path).map_err(cannot)?;
        let is_locked = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if is_locked || !is_at(&file, &path) {
            return Err(format!("{} is being written by another process", path.display()));
        }
        // It may be left from a copy that was interrupted.
        file.set_len(0).map_err(cannot)?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(cannot)?;
        Ok(Self { path, file })
    }

    fn fill(
        &self,
        conn: &mut Connection,
        look: impl FnOnce(&Connection) -> Result<()>,
    ) -> std::result::Result<(), String> {
        let name = self.path.to_str().ok_or("its name is not Unicode")?;
        conn.execute("VACUUM INTO ?1", [name]).map_err(|why| why.to_string())?;
        self.file.sync_all().map_err(|why| why.to_string())?;
        match damage(&self.path).map_err(|why| why.to_string())? {
            None => {
                read_only(&self.path).and_then(|copy| look(&copy)).map_err(|why| why.to_string())
            }
            Some(damage) => Err(format!("the copy is damaged: {damage}")),
        }
    }

    fn place(&self, to: &Path, existing: IfExists) -> std::result::Result<(), String> {
        match existing {
            IfExists::Replace => std::fs::rename(&self.path, to).map_err(|why| why.to_string())?,
            IfExists::Keep => link(&self.path, to)?,
        }
        sync_folder(to).map_err(|why| why.to_string())
    }
}

/// Moves the draft into place, unless a file exists there by now.
fn link(draft: &Path, to: &Path) -> std::result::Result<(), String> {
    match std::fs::hard_link(draft, to) {
        Ok(()) => std::fs::remove_file(draft).map_err(|why| why.to_string()),
        Err(why) if why.kind() == ErrorKind::AlreadyExists => Err("the file exists already".into()),
        // The file system has no hard links.
        Err(_) => std::fs::rename(draft, to).map_err(|why| why.to_string()),
    }
}

/// Checks every page and index of a file; `None` if it is sound.
pub(super) fn damage(path: &Path) -> Result<Option<String>> {
    let conn = read_only(path)?;
    let found: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Ok(Some(found));
    }
    let dangling: i64 =
        conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    Ok((dangling > 0).then(|| format!("{dangling} rows refer to rows that do not exist")))
}

pub(super) fn read_only(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(to: &Path) -> std::result::Result<(), String> {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE words (word); INSERT INTO words VALUES ('here')").unwrap();
        write(&mut conn, to, IfExists::Replace, |_| Ok(()))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = folder.read_dir().unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn draft_that_is_a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (to, target) = (folder.path().join("backup.db"), folder.path().join("target"));
        std::fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, beside(&to, DRAFT)).unwrap();
        copy(&to).unwrap_err();
        assert_eq!(std::fs::read(&target).unwrap(), b"precious");
    }

    #[test]
    fn draft_in_use_is_left_alone_and_interrupted_one_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("backup.db");
        std::fs::write(beside(&to, DRAFT), "cut short").unwrap();
        let held = File::open(beside(&to, DRAFT)).unwrap();
        held.lock().unwrap();
        let why = copy(&to).unwrap_err();
        assert!(why.contains("is being written by another process"), "{why}");
        assert_eq!(names(folder.path()), ["backup.db.part"]);
        drop(held);
        copy(&to).unwrap();
        assert_eq!(names(folder.path()), ["backup.db"]);
    }
}
