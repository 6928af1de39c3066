//! Files that lie beside the database.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Flags to open with what others may have put there: a link is not followed, and nobody is waited for at a pipe.
pub(super) const AS_IT_LIES: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits().cast_signed();

/// How the names of the files end that SQLite keeps beside a database.
pub(super) const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The path of a file that belongs to another: the other's with this ending.
pub fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Sees to it that the names in a file's folder are on the disk too.
///
/// # Errors
/// Where the system cannot.
pub fn sync_folder(of: &Path) -> io::Result<()> {
    File::open(folder_of(of))?.sync_all()
}

/// The folder that a file lies in.
pub fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Whether a path leads to this very file, and not by a link.
pub fn is_at(file: &File, path: &Path) -> bool {
    let identity = |file: Metadata| (file.dev(), file.ino());
    let (own, there) = (file.metadata().map(identity), path.symlink_metadata().map(identity));
    matches!((own, there), (Ok(own), Ok(there)) if own == there)
}
