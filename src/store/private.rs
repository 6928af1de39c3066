//! Files for Dropday alone, in the folder of the database.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use super::files::{AS_IT_LIES, folder_of};

/// Opens a file to write at its end; made, as [`make`] does, if it is not there. A link is not followed: root
/// may do this in a folder of somebody else's.
pub(super) fn open(path: &Path) -> io::Result<File> {
    match make(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            OpenOptions::new().append(true).custom_flags(AS_IT_LIES).open(path)
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
    let file = OpenOptions::new().read(true).custom_flags(AS_IT_LIES).open(made)?;
    let has_one_name = file.metadata()?.nlink() == 1;
    if has_one_name { give_to_owner_of(&file, other) } else { Ok(()) }
}

/// Works in a folder; where root does so in somebody else's, with that one's rights. They can put a link where root
/// is about to write by name, at any moment; it leads no further then than they could go themselves.
///
/// # Errors
/// Where the folder cannot be looked at, or root may not become its owner.
pub(super) fn as_owner_of<T: Send>(
    folder: &Path,
    work: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    let owner = folder.metadata()?;
    if owner.uid() == 0 || !rustix::process::geteuid().is_root() {
        return Ok(work());
    }
    // Rights are a thread's own on Linux, and end with it.
    let worked = std::thread::scope(|threads| {
        threads.spawn(|| take_rights_of(&owner).map(|()| work())).join()
    });
    let worked = worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    worked.map_err(|why| {
        let (uid, folder) = (owner.uid(), folder.display());
        io::Error::other(format!(
            "{folder} belongs to user {uid}, and root may not act for them here ({why}). Run this as that user"
        ))
    })
}

/// From here on this thread writes what that owner may write. It still reads what root reads: the state of a
/// service with a user of its own lies in a folder of root's (`/var/lib/private`).
#[cfg(target_os = "linux")]
fn take_rights_of(owner: &Metadata) -> io::Result<()> {
    use rustix::thread::{
        CapabilitySet, Gid, Uid, capabilities, set_capabilities, set_thread_groups,
        set_thread_res_gid, set_thread_res_uid,
    };
    set_thread_groups(&[])?;
    set_thread_res_gid(None, Gid::from_raw(owner.gid()), None)?;
    set_thread_res_uid(None, Uid::from_raw(owner.uid()), None)?;
    let mut left = capabilities(None)?;
    left.effective = CapabilitySet::DAC_READ_SEARCH & left.permitted;
    Ok(set_capabilities(None, left)?)
}

#[cfg(not(target_os = "linux"))]
fn take_rights_of(_: &Metadata) -> io::Result<()> {
    Ok(())
}

fn give_to_owner_of(file: &File, other: &Path) -> io::Result<()> {
    let (own, owner) = (file.metadata()?, other.metadata()?);
    if own.uid() == 0 && owner.uid() != 0 {
        // A root that may not give files away, as in some containers, may not need to.
        fchown(file, Some(owner.uid()), Some(owner.gid())).ok();
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    const SERVICE: u32 = 61_234;

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn in_somebody_elses_folder_root_writes_what_they_may_write_and_reads_what_root_may_read() {
        let (theirs, roots) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let inner = roots.path().join("theirs");
        std::fs::create_dir(&inner).unwrap();
        if chown(&inner, Some(SERVICE), Some(SERVICE)).is_err() {
            return println!("SKIPPED: only root can come into somebody else's folder");
        }
        std::fs::set_permissions(roots.path(), PermissionsExt::from_mode(0o700)).unwrap();
        chown(theirs.path(), Some(SERVICE), Some(SERVICE)).unwrap();
        let secret = roots.path().join("secret");
        std::fs::write(&secret, "s").unwrap();
        std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
        for folder in [theirs.path(), &inner] {
            let (read, wrote, made) = as_owner_of(folder, || {
                let made = folder.join("made");
                std::os::unix::fs::symlink(roots.path().join("elsewhere"), folder.join("link"))
                    .unwrap();
                let wrote =
                    std::fs::write(folder.join("link"), "x").or(std::fs::write(&secret, "x"));
                std::fs::write(&made, "x").unwrap();
                (std::fs::read(&secret), wrote, made)
            })
            .unwrap();
            assert_eq!(read.unwrap(), b"s");
            assert_eq!(wrote.unwrap_err().kind(), ErrorKind::PermissionDenied);
            let made = made.metadata().unwrap();
            assert_eq!((made.uid(), made.gid()), (SERVICE, SERVICE));
        }
        assert!(!roots.path().join("elsewhere").exists());
        // The other threads are root still.
        std::fs::write(&secret, "root").unwrap();
    }

    #[test]
    fn whoever_works_in_their_own_folder_keeps_their_rights() {
        let own = tempfile::tempdir().unwrap();
        let thread = std::thread::current().id();
        assert_eq!(as_owner_of(own.path(), || std::thread::current().id()).unwrap(), thread);
    }
}
