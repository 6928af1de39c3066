//! Files for Dropday alone, in the folder of the database.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use rustix::fs::OFlags;

use super::files::folder_of;

/// Opens a file to write at its end; made, as [`make`] does, if it is not there. A link is not followed: root
/// may do this in a folder of somebody else's.
pub(super) fn open(path: &Path) -> io::Result<File> {
    match make(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let no_link = OFlags::NOFOLLOW.bits().cast_signed();
            OpenOptions::new().append(true).custom_flags(no_link).open(path)
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
    give_to_owner_of(&file, folder_of(path))?;
    Ok(file)
}

/// Gives what root has made to whoever `other` belongs to. It may lie in a folder of theirs, so a link is not
/// followed, nor a file given away that has a second name.
///
/// # Errors
/// Where one of them cannot be looked at.
pub fn give(made: &Path, other: &Path) -> io::Result<()> {
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(no_link).open(made)?;
    let has_one_name = file.metadata()?.nlink() == 1;
    if has_one_name { give_to_owner_of(&file, other) } else { Ok(()) }
}

fn give_to_owner_of(file: &File, other: &Path) -> io::Result<()> {
    let (own, owner) = (file.metadata()?, other.metadata()?);
    if own.uid() == 0 && owner.uid() != 0 {
        // A root that may not give files away, as in some containers, may not need to.
        fchown(file, Some(owner.uid()), Some(owner.gid())).ok();
    }
    Ok(())
}
