//! Files that lie beside the database.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

/// The path of a file that belongs to another: the other's with this ending.
pub fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What root makes beside a service's files must be the service's: gives `file` to whoever owns `other`,
/// or its folder where that is not there.
pub fn give_to_owner_of(file: &File, other: &Path) {
    let owner = other.metadata().or_else(|_| folder_of(other).metadata());
    if let (Ok(owner), Ok(own)) = (owner, file.metadata())
        && own.uid() != owner.uid()
    {
        fchown(file, Some(owner.uid()), Some(owner.gid())).ok();
    }
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
