//! Where the database is if its path is not configured.

use std::path::{Path, PathBuf};

/// The variable with the state directories of a systemd service, separated by colons
/// (<https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=>).
const VARIABLE: &str = "STATE_DIRECTORY";

/// The state directory of the packaged service, for commands that root runs beside it.
const DEFAULT_FOLDER: &str = "/var/lib/dropday";

/// The database in the directory that the environment names, or, with the default configuration file, in
/// the default directory if that exists. `None` means the configured default.
pub(super) fn database(environment: &[(String, String)], is_default: bool) -> Option<PathBuf> {
    database_in(environment, Path::new(DEFAULT_FOLDER), is_default)
}

fn database_in(
    environment: &[(String, String)],
    usual: &Path,
    is_default: bool,
) -> Option<PathBuf> {
    let named = environment.iter().find(|(name, _)| name == VARIABLE);
    let named = named.and_then(|(_, folders)| folders.split(':').find(|name| !name.is_empty()));
    // Even if it is not readable: opening it then fails, and no other database is created.
    let is_there = || is_default && usual.symlink_metadata().is_ok();
    let folder = named.map(Path::new).or_else(|| is_there().then_some(usual));
    folder.map(|folder| folder.join("dropday.db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_finds_database_of_service_without_its_environment() {
        let folder = tempfile::tempdir().unwrap();
        let (usual, gone) = (folder.path(), folder.path().join("gone"));
        let named = [(VARIABLE.to_owned(), "/srv/state".to_owned())];
        let named_one = Some(PathBuf::from("/srv/state/dropday.db"));
        assert_eq!(database_in(&[], usual, true), Some(usual.join("dropday.db")));
        assert_eq!(
            database_in(&[], usual, false),
            None,
            "another configuration belongs to another instance"
        );
        assert_eq!(database_in(&[], &gone, true), None);
        assert_eq!(database_in(&named, usual, true), named_one);
        assert_eq!(database_in(&named, usual, false), named_one);
        // A link to a directory of root, as systemd creates it.
        std::os::unix::fs::symlink(&gone, usual.join("link")).unwrap();
        let link = usual.join("link");
        assert_eq!(database_in(&[], &link, true), Some(link.join("dropday.db")));
    }
}
