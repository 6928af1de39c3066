//! `[secrets]`: where the encryption key comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::settings::Settings;

#[derive(Debug, Clone)]
pub enum KeySource {
    Given(Arc<SecretBox<[u8; 32]>>, KeyOrigin),
    /// Not configured: in this file, which is created on first start.
    BesideDatabase(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// `secrets.key` or `secrets.key_file`.
    Configuration,
    /// The credential `secrets.key`, which is this file.
    Credential(PathBuf),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration => {
                f.write_str("set in the configuration (secrets.key or secrets.key_file)")
            }
            Self::Credential(file) => {
                write!(f, "passed as the credential secrets.key ({})", file.display())
            }
        }
    }
}

impl KeySource {
    pub(super) fn read(settings: &mut Settings, database: Option<&Path>) -> Option<Self> {
        let is_set = !settings.text("secrets.key").is_empty()
            || !settings.text("secrets.key_file").is_empty();
        let origin = match settings.credential("secrets.key") {
            None if !is_set => return Some(Self::BesideDatabase(database?.with_extension("key"))),
            Some(file) if !is_set => KeyOrigin::Credential(file),
            _ => KeyOrigin::Configuration,
        };
        let key = decode_key(&settings.secret("secrets.key")?);
        if key.is_none() {
            settings.error(
                "`secrets.key` must be 32 bytes in base64: create one with `openssl rand -base64 32`",
            );
        }
        key.map(|key| Self::Given(Arc::new(key), origin))
    }
}

/// Decodes the text of a key file.
pub fn decode_key(text: &SecretString) -> Option<SecretBox<[u8; 32]>> {
    let bytes = STANDARD.decode(text.expose_secret().trim()).ok()?;
    Some(SecretBox::new(Box::new(bytes.try_into().ok()?)))
}
