//! Copies of the database in one file: compact, whole, sound, and for their owner alone.
//!
//! `VACUUM INTO` rather than the backup API: what was deleted is not in it
//! (<https://www.sqlite.org/lang_vacuum.html>), and it sees one state of the database while others write,
//! where the backup API begins anew whenever another process has written.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::connection::set_up_copying;
use super::files::{AS_IT_LIES, beside, folder_of, is_at, sync_folder};
use super::{Result, private};

/// How the name of a draft ends; after it comes `-2` and so on.
pub(super) const DRAFT: &str = ".part";

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// It stays, and the copy is not made.
    Keep,
    /// The copy takes its place, once it is whole.
    Replace,
}

/// Writes a copy of what `conn` sees, aside first, and puts it in its place when it is on the disk, was
/// found sound, and was looked into. It belongs to whom the folder belongs to.
///
/// # Errors
/// In words. Nothing is left behind then.
pub(super) fn write(
    conn: &mut Connection,
    to: &Path,
    existing: Existing,
    look: impl FnOnce(&Connection) -> Result<()> + Send,
) -> std::result::Result<(), String> {
    if existing == Existing::Keep && to.symlink_metadata().is_ok() {
        return Err("there is a file already".into());
    }
    // SQLite opens the draft by its name, which whoever the folder belongs to can make a link meanwhile.
    let written = private::as_owner_of(folder_of(to), || {
        let draft = Draft::begin(to)?;
        let placed = draft.fill(conn, look).and_then(|()| draft.place(to, existing));
        placed.inspect_err(|_| drop(std::fs::remove_file(&draft.path)))
    });
    written.map_err(|why| why.to_string())?
}

/// What is written aside until it is whole.
struct Draft {
    path: PathBuf,
    /// Locked, so that of two copies to one place one is refused.
    file: File,
}

impl Draft {
    /// An empty one.
    fn begin(to: &Path) -> std::result::Result<Self, String> {
        let words = |why: std::io::Error| why.to_string();
        let mut names = (1..=DRAFTS).map(|n| beside(to, &draft_ending(n)));
        let open = names.find_map(|path| match open_draft(&path) {
            Ok(file) => file.map(|file| Ok((path, file))),
            Err(why) => Some(Err(why)),
        });
        let Some(opened) = open else { return Err(whose_drafts(to)) };
        let (path, file) = opened.map_err(words)?;
        // Where the file system knows no locks, nobody can tell.
        let is_locked = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if is_locked || !is_at(&file, &path) {
            return Err(format!("{} is being written by another program", path.display()));
        }
        // One that was cut short lies there still.
        file.set_len(0).map_err(words)?;
        file.set_permissions(Permissions::from_mode(0o600)).map_err(words)?;
        Ok(Self { path, file })
    }

    fn fill(
        &self,
        conn: &mut Connection,
        look: impl FnOnce(&Connection) -> Result<()>,
    ) -> std::result::Result<(), String> {
        let name = self.path.to_str().ok_or("its name is no Unicode")?;
        set_up_copying(conn).map_err(|why| why.to_string())?;
        conn.execute("VACUUM INTO ?1", [name]).map_err(|why| why.to_string())?;
        self.file.sync_all().map_err(|why| why.to_string())?;
        match damage(&self.path).map_err(|why| why.to_string())? {
            None => {
                read_only(&self.path).and_then(|copy| look(&copy)).map_err(|why| why.to_string())
            }
            Some(damage) => Err(format!("the copy is damaged: {damage}")),
        }
    }

    fn place(&self, to: &Path, existing: Existing) -> std::result::Result<(), String> {
        let swapped = || format!("somebody else changed {} meanwhile", self.path.display());
        if !is_at(&self.file, &self.path) {
            return Err(swapped());
        }
        match existing {
            Existing::Replace => std::fs::rename(&self.path, to).map_err(|why| why.to_string())?,
            Existing::Keep => link(&self.path, to)?,
        }
        // Some file systems number each name of a file anew.
        if existing == Existing::Replace && !is_at(&self.file, to) {
            return Err(swapped());
        }
        sync_folder(to).map_err(|why| why.to_string())
    }
}

/// So many names are tried, where others lie in the way.
const DRAFTS: u32 = 9;

fn draft_ending(n: u32) -> String {
    if n == 1 { DRAFT.to_owned() } else { format!("{DRAFT}-{n}") }
}

/// Opens a draft, one of ours that was cut short or a new one; `None` where something else lies there, such as
/// what another user left.
fn open_draft(path: &Path) -> std::io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    // A link that somebody left there is not followed, nor is anybody waited for who reads a pipe.
    options.write(true).mode(0o600).custom_flags(AS_IT_LIES);
    match options.clone().create_new(true).open(path) {
        Err(why) if why.kind() == ErrorKind::AlreadyExists => {
            let Ok(file) = options.open(path) else { return Ok(None) };
            let there = file.metadata()?;
            let own = rustix::process::geteuid().as_raw();
            let is_ours = there.is_file() && there.uid() == own && there.nlink() == 1;
            Ok(is_ours.then_some(file))
        }
        made => made.map(Some),
    }
}

fn whose_drafts(to: &Path) -> String {
    let path = beside(to, DRAFT);
    match path.symlink_metadata() {
        Ok(file) => format!(
            "{} and the like belong to user {}, whose copies were cut short: delete them",
            path.display(),
            file.uid()
        ),
        Err(why) => format!("{}: {why}", path.display()),
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    const SERVICE: u32 = 61_234;

    fn database() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE words (word); INSERT INTO words VALUES ('here')").unwrap();
        conn
    }

    fn copy(to: &Path) -> std::result::Result<(), String> {
        write(&mut database(), to, Existing::Replace, |_| Ok(()))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = folder.read_dir().unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A folder of a user who is not root; `None` where the tests run as somebody else.
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn folder_of_the_service() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().unwrap();
        let given = chown(folder.path(), Some(SERVICE), Some(SERVICE));
        if given.is_err() {
            println!("SKIPPED: only root can come into somebody else's folder");
        }
        given.ok().map(|()| folder)
    }

    #[test]
    fn whoever_swaps_the_draft_for_a_link_leads_root_nowhere() {
        let Some(theirs) = folder_of_the_service() else { return };
        let roots = tempfile::tempdir().unwrap();
        let (to, target) = (theirs.path().join("backup.db"), roots.path().join("target"));
        let (draft, is_over) = (beside(&to, DRAFT), AtomicBool::new(false));
        let is_swapped = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    if draft.symlink_metadata().is_ok_and(|there| there.is_file()) {
                        std::fs::remove_file(&draft).ok();
                        is_swapped.fetch_or(symlink(&target, &draft).is_ok(), Ordering::Relaxed);
                    }
                }
            });
            for _ in 0..200 {
                copy(&to).ok();
                std::fs::remove_file(&draft).ok();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        assert!(is_swapped.into_inner(), "nobody led it anywhere");
        assert!(!target.exists(), "root wrote where it was led to");
    }

    #[test]
    fn a_draft_that_is_not_the_one_that_was_begun_is_not_put_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("backup.db");
        let swap = |_: &Connection| {
            let draft = beside(&to, DRAFT);
            std::fs::rename(&draft, folder.path().join("away")).unwrap();
            std::fs::write(&draft, "another").unwrap();
            Ok(())
        };
        let why = write(&mut database(), &to, Existing::Keep, swap).unwrap_err();
        assert!(why.contains("somebody else changed"), "{why}");
        assert!(!to.exists());
    }

    #[test]
    fn what_another_user_left_in_the_drafts_place_does_not_stop_a_copy() {
        let folder = folder_of_the_service();
        let theirs = folder.as_ref().map(|folder| folder.path().join("roots.db"));
        let own = tempfile::tempdir().unwrap();
        let (linked, piped) = (own.path().join("linked.db"), own.path().join("piped.db"));
        let elsewhere = own.path().join("elsewhere");
        symlink(&elsewhere, beside(&linked, DRAFT)).unwrap();
        std::fs::create_dir(beside(&piped, DRAFT)).unwrap();
        if let Some(theirs) = &theirs {
            std::fs::write(beside(theirs, DRAFT), "root's").unwrap();
        }
        for to in [linked, piped].into_iter().chain(theirs) {
            copy(&to).unwrap();
            let word: String = read_only(&to)
                .unwrap()
                .query_row("SELECT word FROM words", [], |row| row.get(0))
                .unwrap();
            assert_eq!(word, "here");
            assert!(beside(&to, DRAFT).symlink_metadata().is_ok(), "it is not ours");
            assert!(beside(&to, ".part-2").symlink_metadata().is_err(), "{}", to.display());
        }
        assert!(!elsewhere.exists());
    }

    #[test]
    fn where_every_name_is_taken_it_is_told_whose_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("backup.db");
        for n in 1..=DRAFTS {
            std::fs::create_dir(beside(&to, &draft_ending(n))).unwrap();
        }
        let why = copy(&to).unwrap_err();
        let own = folder.path().metadata().unwrap().uid();
        assert!(why.contains(&format!("belong to user {own}")) && why.contains("delete"), "{why}");
    }

    #[test]
    fn a_draft_that_is_being_written_is_left_alone_and_one_that_was_cut_short_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("backup.db");
        std::fs::write(beside(&to, DRAFT), "cut short").unwrap();
        let held = File::open(beside(&to, DRAFT)).unwrap();
        held.lock().unwrap();
        let why = copy(&to).unwrap_err();
        assert!(why.contains("is being written by another program"), "{why}");
        assert_eq!(names(folder.path()), ["backup.db.part"]);
        drop(held);
        copy(&to).unwrap();
        assert_eq!(names(folder.path()), ["backup.db"]);
    }
}
