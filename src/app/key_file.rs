//! The key that lies beside the database, or in a file that a change of keys is to.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::{Chance, random};
use crate::config::decode_key;
use crate::store::files::{beside, sync_folder};
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
/// where.
///
/// # Errors
/// Where the system cannot.
pub(super) fn put_in_place(file: &Path) -> io::Result<PathBuf> {
    let waiting = waiting(file);
    private::give(&waiting, file)?;
    let old = keep_old(file)?;
    sync_folder(file)?;
    std::fs::rename(&waiting, file)?;
    sync_folder(file)?;
    Ok(old)
}

/// Under `.old`, or `.old-2` and so on; a name that holds this very key already will do.
fn keep_old(file: &Path) -> io::Result<PathBuf> {
    let key = std::fs::read(file)?;
    for n in 1.. {
        let ending = if n == 1 { ".old".to_owned() } else { format!(".old-{n}") };
        let name = beside(file, &ending);
        match std::fs::hard_link(file, &name) {
            Ok(()) => return Ok(name),
            Err(why) if why.kind() == ErrorKind::AlreadyExists => {
                if std::fs::read(&name)? == key {
                    return Ok(name);
                }
            }
            // A file system without links.
            Err(_) => return std::fs::copy(file, &name).map(|_| name),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}
