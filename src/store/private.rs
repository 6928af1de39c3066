//! Files for Dropday alone, in the folder of the database.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

/// Opens a file to write at its end; made, as [`make`] does, if it is not there.
pub(super) fn open(path: &Path) -> io::Result<File> {
    match make(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            OpenOptions::new().create(true).append(true).mode(0o600).open(path)
        }
        made => made,
    }
}

/// Makes a file with mode 0600. If root does so in a folder of somebody else's, as
/// `sudo dropday check` may in the service's, it belongs to them: they could not open it otherwise.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] above all: a file or link that was there is not given away.
pub fn make(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create_new(true).append(true).mode(0o600).open(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).metadata()?;
    if file.metadata()?.uid() == 0 && folder.uid() != 0 {
        // A root that may not give files away, as in some containers, may not need to.
        fchown(&file, Some(folder.uid()), Some(folder.gid())).ok();
    }
    Ok(file)
}
