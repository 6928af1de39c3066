//! The key file beside the database, and the file that `key rotate` writes a new key to.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::{Rng, random};
use crate::config::decode_key;
use crate::store::files::{beside, create_private, sync_folder};
use crate::store::key_rotation::Key;

/// The key beside the database; created, with mode 0600, if there is no database yet.
pub(super) fn kept(file: &Path, database: &Path, rng: &dyn Rng) -> anyhow::Result<Key> {
    // Checked first: another process may be creating both, the key before the database.
    let has_database = database.metadata().is_ok_and(|database| database.len() > 0);
    let is_missing = file.symlink_metadata().is_err_and(|why| why.kind() == ErrorKind::NotFound);
    if is_missing && has_database {
        bail!(
            "the database {} exists, but its key {} does not. Restore the key file, or set \
             secrets.key_file to where it is",
            database.display(),
            file.display()
        );
    }
    if is_missing {
        make(file, &draw(rng)).with_context(|| {
            format!(
                "cannot create the key file {}. Make sure that its folder exists and that \
                 Dropday's user may write there, or set database.path",
                file.display()
            )
        })?;
        tracing::info!(file = %file.display(), "created the key that encrypts tokens: back it up");
    }
    read(file)?.with_context(|| format!("the key file {} has disappeared", file.display()))
}

/// The key in a file; `None` if there is no such file.
pub(super) fn read(file: &Path) -> anyhow::Result<Option<Key>> {
    let text = match std::fs::read_to_string(file) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| format!("cannot read the key file {}", file.display()))?,
    };
    let key = decode_key(&SecretString::from(text)).with_context(|| {
        format!(
            "the key file {} does not hold 32 bytes in base64. Restore it; if there is no database \
             yet, delete it, and Dropday creates a new one",
            file.display()
        )
    })?;
    Ok(Some(key))
}

/// The key in a file, which is created with a new key if it does not exist.
pub(super) fn read_or_make(file: &Path, rng: &dyn Rng) -> anyhow::Result<Key> {
    if let Some(key) = read(file)? {
        return Ok(key);
    }
    make(file, &draw(rng))
        .with_context(|| format!("cannot write the new key to {}", file.display()))?;
    read(file)?.with_context(|| format!("the key file {} has disappeared", file.display()))
}

/// Writes a key to a file that does not exist. If two processes do so at once, one of them creates it and the
/// other's key is dropped.
fn make(file: &Path, key: &Key) -> io::Result<()> {
    // Written to a draft and linked when it is complete, so that a crash leaves no half of a key.
    let draft = beside(file, &format!(".{}", std::process::id()));
    std::fs::remove_file(&draft).ok();
    let mut made = create_private(&draft)?;
    writeln!(made, "{}", STANDARD.encode(key.expose_secret()))?;
    made.sync_all()?;
    match std::fs::hard_link(&draft, file) {
        Ok(()) => std::fs::remove_file(&draft)?,
        Err(why) if why.kind() == ErrorKind::AlreadyExists => std::fs::remove_file(&draft)?,
        // The file system has no hard links.
        Err(_) => std::fs::rename(&draft, file)?,
    }
    sync_folder(file)
}

fn draw(rng: &dyn Rng) -> Key {
    Key::new(Box::new(random::<32>(rng)))
}

/// Where a rotation writes the new key until the database uses it.
pub(super) fn waiting(file: &Path) -> PathBuf {
    beside(file, ".new")
}

/// Moves the new key into place and keeps the old one, which earlier backups need. Returns where.
pub(super) fn put_in_place(file: &Path) -> io::Result<PathBuf> {
    let old = keep_old(file)?;
    match std::fs::rename(waiting(file), file) {
        // Another process that started at the same time was faster.
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    sync_folder(file)?;
    Ok(old)
}

/// Copies the key to `.old`, or `.old-2` and so on. An existing copy of the same key will do.
fn keep_old(file: &Path) -> io::Result<PathBuf> {
    let key = std::fs::read(file)?;
    for n in 1.. {
        let ending = if n == 1 { ".old".to_owned() } else { format!(".old-{n}") };
        let name = beside(file, &ending);
        match create_private(&name) {
            Err(why) if why.kind() == ErrorKind::AlreadyExists => {
                if std::fs::read(&name)? == key {
                    return Ok(name);
                }
            }
            Err(why) => return Err(why),
            Ok(mut copy) => {
                copy.write_all(&key)?;
                copy.sync_all()?;
                sync_folder(file)?;
                return Ok(name);
            }
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropday::test_clock::SeededRng;

    #[test]
    fn concurrent_processes_finish_a_rotation_without_losing_a_key() {
        for _ in 0..200 {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("dropday.key");
            std::fs::write(&file, "earlier").unwrap();
            std::fs::write(waiting(&file), "new").unwrap();
            std::thread::scope(|threads| {
                for _ in 0..8 {
                    threads.spawn(|| put_in_place(&file).unwrap());
                }
            });
            assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
            assert!(!waiting(&file).exists());
            let old = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().path());
            let mut old = old.map(|path| std::fs::read_to_string(path).unwrap());
            assert!(old.any(|key| key == "earlier"));
        }
    }

    #[test]
    fn earlier_keys_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dropday.key");
        for (n, kept) in [".old", ".old-2", ".old-3"].into_iter().enumerate() {
            std::fs::write(&file, format!("key {n}")).unwrap();
            std::fs::write(waiting(&file), format!("key {}", n + 1)).unwrap();
            assert_eq!(put_in_place(&file).unwrap(), beside(&file, kept));
        }
        for (n, kept) in [".old", ".old-2", ".old-3"].into_iter().enumerate() {
            assert_eq!(std::fs::read_to_string(beside(&file, kept)).unwrap(), format!("key {n}"));
        }
    }

    #[test]
    fn existing_key_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (file, rng) = (folder.path().join("dropday.key"), SeededRng::new(1));
        make(&file, &draw(&*rng)).unwrap();
        let first = read(&file).unwrap().unwrap();
        make(&file, &draw(&*rng)).unwrap();
        let now = read_or_make(&file, &*rng).unwrap();
        assert_eq!(now.expose_secret(), first.expose_secret());
    }
}
