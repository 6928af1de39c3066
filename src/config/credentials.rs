//! Secrets passed as systemd credentials (<https://systemd.io/CREDENTIALS>): files named after their
//! key, such as `mail.smtp_password`, in one directory.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The variable that names the directory.
const VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// Where systemd reads them from. Commands that root runs beside the daemon read them here directly.
pub const DEFAULT_FOLDER: &str = "/etc/dropday/credentials";

#[derive(Debug, Default)]
pub(super) struct Credentials(Option<PathBuf>);

impl Credentials {
    /// The directory that the environment names, or, with the default configuration file, the default one.
    pub(super) fn named(environment: &[(String, String)], is_default: bool) -> Self {
        let named = environment.iter().find(|(name, _)| name == VARIABLE);
        let named = named.map(|(_, folder)| PathBuf::from(folder));
        // Only root can read it; for anyone else it does not exist.
        let usual =
            || Some(PathBuf::from(DEFAULT_FOLDER)).filter(|folder| folder.read_dir().is_ok());
        Self(named.or_else(|| usual().filter(|_| is_default)))
    }

    /// The file with a key's value. Blank files do not count: a unit must list a credential even if there
    /// is nothing to pass.
    pub(super) fn find(&self, key: &str) -> Option<PathBuf> {
        let file = self.0.as_deref().map(|folder| folder.join(key))?;
        has_content(&file).then_some(file)
    }
}

/// True also for a file that is not readable, so that reading it reports the error.
fn has_content(file: &Path) -> bool {
    match std::fs::read(file) {
        Ok(text) => !text.trim_ascii().is_empty(),
        Err(why) => why.kind() != ErrorKind::NotFound,
    }
}
