//! Secrets that a supervisor hands over as files in a folder of its own
//! (<https://systemd.io/CREDENTIALS>), each under its key's name, such as `mail.smtp_password`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The variable that names the folder.
const VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// Where systemd takes them from; where root runs a command beside the daemon, that looks here itself.
pub const DEFAULT_FOLDER: &str = "/etc/dropday/credentials";

/// The folder, where there is one.
#[derive(Debug, Default)]
pub(super) struct Credentials(Option<PathBuf>);

impl Credentials {
    /// The folder that the environment names; else, for the usual installation, the usual one.
    pub(super) fn named(environment: &[(String, String)], is_usual: bool) -> Self {
        let named = environment.iter().find(|(name, _)| name == VARIABLE);
        let named = named.map(|(_, folder)| PathBuf::from(folder));
        // Root's alone: where somebody else runs a command, it is as if it were not there.
        let usual =
            || Some(PathBuf::from(DEFAULT_FOLDER)).filter(|folder| folder.read_dir().is_ok());
        Self(named.or_else(|| usual().filter(|_| is_usual)))
    }

    /// The file with a key's value. A blank one is none: a unit has to name a credential also where there is
    /// nothing to hand over.
    pub(super) fn find(&self, key: &str) -> Option<PathBuf> {
        let file = self.0.as_deref().map(|folder| folder.join(key))?;
        has_something(&file).then_some(file)
    }
}

/// What may not be read is there, and its reading will say so.
fn has_something(file: &Path) -> bool {
    match std::fs::read(file) {
        Ok(text) => !text.trim_ascii().is_empty(),
        Err(why) => why.kind() != ErrorKind::NotFound,
    }
}
