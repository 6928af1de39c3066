//! Commands that root runs beside a service (`sudo dropday check`) continue as the owner of the database's folder, so
//! that they leave no file behind that the service cannot open, and a link in that folder cannot lead them to write
//! where only root may.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;

/// Takes the rights of the folder's owner for good, if root runs this. Threads inherit rights from the thread that
/// starts them, so this comes before any other thread is started.
///
/// It may still read what root may read: credentials, a backup in a folder of root's, and the state of a service
/// with a dynamic user, which lies under a folder of root's (`/var/lib/private`).
pub fn become_owner_of(folder: &Path) -> anyhow::Result<()> {
    let Ok(owner) = folder.metadata() else { return Ok(()) };
    if owner.uid() == 0 || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    take_rights_of(&owner).with_context(|| {
        format!(
            "{} belongs to user {uid}, and root may not switch to that user here. Run this as user {uid}",
            folder.display(),
            uid = owner.uid()
        )
    })
}

/// Whether root owns a folder, so that nobody else can put links there.
pub fn is_of_root(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|folder| folder.uid() == 0)
}

#[cfg(target_os = "linux")]
fn take_rights_of(owner: &Metadata) -> std::io::Result<()> {
    use rustix::thread::{
        CapabilitySet, Gid, Uid, capabilities, set_capabilities, set_keep_capabilities,
        set_thread_groups, set_thread_res_gid, set_thread_res_uid,
    };
    let (uid, gid) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    set_keep_capabilities(true)?;
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    let mut left = capabilities(None)?;
    left.permitted &= CapabilitySet::DAC_READ_SEARCH;
    left.effective = left.permitted;
    left.inheritable = CapabilitySet::empty();
    Ok(set_capabilities(None, left)?)
}

#[cfg(not(target_os = "linux"))]
fn take_rights_of(_: &Metadata) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::ErrorKind;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    const SERVICE: u32 = 61_234;

    #[test]
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    fn root_writes_only_what_the_owner_may_write() {
        let (theirs, roots) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        if chown(theirs.path(), Some(SERVICE), Some(SERVICE)).is_err() {
            return println!("SKIPPED: only root can become another user");
        }
        let secret = roots.path().join("secret");
        std::fs::write(&secret, "s").unwrap();
        for path in [roots.path(), &secret] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)).unwrap();
        }
        let (made, link) = (theirs.path().join("made"), theirs.path().join("link"));
        symlink(roots.path().join("elsewhere"), &link).unwrap();
        // Rights are a thread's own on Linux.
        std::thread::scope(|threads| {
            let other = || {
                become_owner_of(theirs.path()).unwrap();
                std::fs::write(&made, "x").unwrap();
                assert_eq!(std::fs::read(&secret).unwrap(), b"s");
                for path in [&secret, &link] {
                    let why = std::fs::write(path, "x").unwrap_err();
                    assert_eq!(why.kind(), ErrorKind::PermissionDenied);
                }
                let inherited = std::thread::spawn(|| rustix::process::geteuid().as_raw());
                assert_eq!(inherited.join().unwrap(), SERVICE);
            };
            threads.spawn(other).join().unwrap();
        });
        let made = made.metadata().unwrap();
        assert_eq!((made.uid(), made.gid()), (SERVICE, SERVICE));
    }
}
