//! Where the database lies if nothing names a place.

use std::path::{Path, PathBuf};

/// The variable in which a supervisor names the folder that it keeps for a service; with colons, if it keeps several
/// (<https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=>).
const VARIABLE: &str = "STATE_DIRECTORY";

/// The folder of the usual installation, for commands that root runs beside the daemon.
const USUAL_FOLDER: &str = "/var/lib/dropday";

/// The database in the folder that the environment names; else, for the usual installation, in the usual one, where
/// that is there. `None` is for the default of the configuration.
pub(super) fn database(environment: &[(String, String)], is_usual: bool) -> Option<PathBuf> {
    let usual = Some(Path::new(USUAL_FOLDER)).filter(|folder| is_usual && is_there(folder));
    folder(environment).or(usual.map(Path::to_owned)).map(|folder| folder.join("dropday.db"))
}

fn folder(environment: &[(String, String)]) -> Option<PathBuf> {
    let (_, named) = environment.iter().find(|(name, _)| name == VARIABLE)?;
    let first = named.split(':').find(|folder| !folder.is_empty())?;
    Some(PathBuf::from(first))
}

/// Also where it may not be looked into: it is then said so, and no other database is made.
fn is_there(folder: &Path) -> bool {
    folder.symlink_metadata().is_ok()
}
