//! Where the database lies if nothing names a place.

use std::path::{Path, PathBuf};

/// The variable in which a supervisor names the folder that it keeps for a service; with colons, if it keeps several
/// (<https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=>).
const VARIABLE: &str = "STATE_DIRECTORY";

/// The folder of the usual installation, for commands that root runs beside the daemon.
const DEFAULT_FOLDER: &str = "/var/lib/dropday";

/// The database in the folder that the environment names; else, for the usual installation, in the usual one, where
/// that is there. `None` is for the default of the configuration.
pub(super) fn database(environment: &[(String, String)], is_usual: bool) -> Option<PathBuf> {
    database_in(environment, Path::new(DEFAULT_FOLDER), is_usual)
}

fn database_in(environment: &[(String, String)], usual: &Path, is_usual: bool) -> Option<PathBuf> {
    let named = environment.iter().find(|(name, _)| name == VARIABLE);
    let named = named.and_then(|(_, folders)| folders.split(':').find(|name| !name.is_empty()));
    // Also where it may not be looked into: that is said then, and no other database is made.
    let is_there = || is_usual && usual.symlink_metadata().is_ok();
    let folder = named.map(Path::new).or_else(|| is_there().then_some(usual));
    folder.map(|folder| folder.join("dropday.db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_commands_find_the_services_database_without_its_environment() {
        let folder = tempfile::tempdir().unwrap();
        let (usual, gone) = (folder.path(), folder.path().join("gone"));
        let named = [(VARIABLE.to_owned(), "/srv/state".to_owned())];
        let named_one = Some(PathBuf::from("/srv/state/dropday.db"));
        assert_eq!(database_in(&[], usual, true), Some(usual.join("dropday.db")));
        assert_eq!(
            database_in(&[], usual, false),
            None,
            "another configuration is another Dropday's"
        );
        assert_eq!(database_in(&[], &gone, true), None);
        assert_eq!(database_in(&named, usual, true), named_one);
        assert_eq!(database_in(&named, usual, false), named_one);
        // A link to a folder of root's, as systemd makes it.
        std::os::unix::fs::symlink(&gone, usual.join("link")).unwrap();
        let link = usual.join("link");
        assert_eq!(database_in(&[], &link, true), Some(link.join("dropday.db")));
    }
}
