//! The key that lies beside the database, or in a file that a change of keys is to.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::{Chance, random};
use crate::config::decode_key;
use crate::store::files::{beside, is_at, sync_folder};
use crate::store::private;
use crate::store::rotation::Key;

/// The key that lies beside the database; made, with mode 0600, if there is no database yet.
///
/// # Errors
/// With the remedy, for the operator.
pub(super) fn kept(file: &Path, database: &Path, chance: &dyn Chance) -> anyhow::Result<Key> {
    // Looked at first: another start may make both meanwhile, the key before the database.
    let has_database = database.metadata().is_ok_and(|database| database.len() > 0);
    let is_missing = file.symlink_metadata().is_err_and(|why| why.kind() == ErrorKind::NotFound);
    if is_missing && has_database {
        bail!(
            "the database {} is there, but its key {} is not. Restore the key file, or set \
             secrets.key_file to where it is",
            database.display(),
            file.display()
        );
    }
    if is_missing {
        make(file, &draw(chance)).with_context(|| {
            format!(
                "the key file {} cannot be made. Make sure that its folder exists and that \
                 Dropday's user may write there, or set database.path",
                file.display()
            )
        })?;
        tracing::info!(file = %file.display(), "made the key that tokens are sealed with: back it up");
    }
    read(file)?.with_context(|| format!("the key file {} is gone again", file.display()))
}

/// The key in a file; `None` where there is no such file.
///
/// # Errors
/// With the remedy, for the operator.
pub(super) fn read(file: &Path) -> anyhow::Result<Option<Key>> {
    let text = match std::fs::read_to_string(file) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| format!("the key file {} cannot be read", file.display()))?,
    };
    let key = decode_key(&SecretString::from(text)).with_context(|| {
        format!(
            "the key file {} does not hold 32 bytes in base64. Restore it; if there is no database \
             yet, delete it, and it is made anew",
            file.display()
        )
    })?;
    Ok(Some(key))
}

/// A key that nobody has had.
pub(super) fn draw(chance: &dyn Chance) -> Key {
    Key::new(Box::new(random::<32>(chance)))
}

/// Writes a key to a file that is not there. Of two that do so at once one makes it, and the other's is
/// forgotten.
///
/// # Errors
/// Where the system cannot.
pub(super) fn make(file: &Path, key: &Key) -> io::Result<()> {
    // Written aside and linked to its name when it is whole: a start that is cut short leaves no half a
    // key behind.
    let draft = beside(file, &format!(".{}", std::process::id()));
    // Of a process that had our number, and was cut short.
    std::fs::remove_file(&draft).ok();
    let mut made = private::make(&draft)?;
    writeln!(made, "{}", STANDARD.encode(key.expose_secret()))?;
    made.sync_all()?;
    match std::fs::hard_link(&draft, file) {
        Ok(()) => std::fs::remove_file(&draft)?,
        Err(why) if why.kind() == ErrorKind::AlreadyExists => std::fs::remove_file(&draft)?,
        // A file system without links.
        Err(_) => std::fs::rename(&draft, file)?,
    }
    sync_folder(file)
}

/// Where the key of a change waits until the database has it.
pub(super) fn waiting(file: &Path) -> PathBuf {
    beside(file, ".new")
}

/// Puts the key that waits in the place of the other, which is kept: backups from before need it. Returns
/// where; `None` if another process has done all this, as one that starts at the same time does.
///
/// # Errors
/// Where the system cannot.
pub(super) fn put_in_place(file: &Path) -> io::Result<Option<PathBuf>> {
    let waiting = waiting(file);
    let Some(_held) = hold(&waiting)? else { return Ok(None) };
    let placed = private::give(&waiting, file).and_then(|()| {
        let old = keep_old(file, file)?;
        sync_folder(file)?;
        std::fs::rename(&waiting, file)?;
        sync_folder(file)?;
        Ok(old)
    });
    match placed {
        // Where the file system knows no locks.
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        placed => placed.map(Some),
    }
}

/// Keeps a key that waits for a change that came to nothing: somebody may have a backup that needs it. Returns
/// where.
///
/// # Errors
/// Where the system cannot.
pub(super) fn put_aside(file: &Path) -> io::Result<PathBuf> {
    let waiting = waiting(file);
    let kept = keep_old(&waiting, file)?;
    sync_folder(file)?;
    std::fs::remove_file(&waiting)?;
    Ok(kept)
}

/// A lock on the key that waits, for as long as it does; `None` where none waits any more.
fn hold(waiting: &Path) -> io::Result<Option<File>> {
    let held = match File::open(waiting) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    // Where the file system knows no locks, it is tried all the same.
    held.lock().ok();
    Ok(is_at(&held, waiting).then_some(held))
}

/// Under `.old`, or `.old-2` and so on; a name that holds this very key already will do.
fn keep_old(key: &Path, file: &Path) -> io::Result<PathBuf> {
    let words = std::fs::read(key)?;
    for n in 1.. {
        let ending = if n == 1 { ".old".to_owned() } else { format!(".old-{n}") };
        let name = beside(file, &ending);
        match link_or_copy(key, &words, &name) {
            Err(why) if why.kind() == ErrorKind::AlreadyExists => {
                if std::fs::read(&name)? == words {
                    return Ok(name);
                }
            }
            kept => return kept.map(|()| name),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn link_or_copy(key: &Path, words: &[u8], name: &Path) -> io::Result<()> {
    match std::fs::hard_link(key, name) {
        Err(why) if why.kind() != ErrorKind::AlreadyExists => {
            // A file system without links.
            let mut copy = private::make(name)?;
            copy.write_all(words)?;
            copy.sync_all()
        }
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededChance;

    /// A folder with a key, and the one that waits for its place.
    fn waiting_key() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dropday.key");
        std::fs::write(&file, "earlier").unwrap();
        std::fs::write(waiting(&file), "new").unwrap();
        (folder, file)
    }

    fn read_all(folder: &Path) -> Vec<(String, String)> {
        let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap());
        let name = |entry: &std::fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut all: Vec<_> = entries
            .map(|entry| (name(&entry), std::fs::read_to_string(entry.path()).unwrap()))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn of_many_who_finish_a_change_at_once_one_does_and_no_key_is_lost() {
        for _ in 0..200 {
            let (folder, file) = waiting_key();
            let done = std::thread::scope(|threads| {
                let starts: Vec<_> =
                    (0..8).map(|_| threads.spawn(|| put_in_place(&file).unwrap())).collect();
                starts.into_iter().filter_map(|start| start.join().unwrap()).count()
            });
            assert_eq!(done, 1);
            let kept = [("dropday.key", "new"), ("dropday.key.old", "earlier")];
            let kept = kept.map(|(name, key)| (name.to_owned(), key.to_owned()));
            assert_eq!(read_all(folder.path()), kept);
        }
    }

    #[test]
    fn a_key_that_waited_for_nothing_is_kept_beside_earlier_ones() {
        let (folder, file) = waiting_key();
        std::fs::write(beside(&file, ".old"), "older").unwrap();
        assert_eq!(put_aside(&file).unwrap(), beside(&file, ".old-2"));
        let kept = [
            ("dropday.key", "earlier"),
            ("dropday.key.old", "older"),
            ("dropday.key.old-2", "new"),
        ];
        let kept = kept.map(|(name, key)| (name.to_owned(), key.to_owned()));
        assert_eq!(read_all(folder.path()), kept);
    }

    #[test]
    fn a_key_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let (file, chance) = (folder.path().join("dropday.key"), SeededChance::new(1));
        make(&file, &draw(&*chance)).unwrap();
        let first = read(&file).unwrap().unwrap();
        make(&file, &draw(&*chance)).unwrap();
        let now = read(&file).unwrap().unwrap();
        assert_eq!(now.expose_secret(), first.expose_secret());
    }
}
