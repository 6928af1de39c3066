//! Secrets: in the configuration, or in a file of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{SecretBox, SecretString};

use super::KeySource;
use super::rules::Faults;

/// A secret that stands in `key` or in the file that `key_file` names; `None` where neither does.
pub(super) fn twin(
    key: &str,
    inline: String,
    file: &str,
    faults: &mut Faults,
) -> Option<SecretString> {
    match (inline.is_empty(), file.is_empty()) {
        (true, true) => None,
        (false, true) => Some(SecretString::from(inline)),
        (true, false) => match std::fs::read_to_string(file) {
            Ok(text) => Some(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(why) => {
                faults.add(format!("`{key}_file` names {file}, which cannot be read: {why}"));
                None
            }
        },
        (false, false) => {
            faults.add(format!("`{key}` and `{key}_file` are both set: keep one of them"));
            None
        }
    }
}

/// The key: given, in a file, or to be made beside the database.
pub(super) fn key(
    inline: &str,
    file: &str,
    database: Option<&Path>,
    faults: &mut Faults,
) -> Option<KeySource> {
    if inline.is_empty() && file.is_empty() {
        return Some(KeySource::BesideDatabase(beside(database?)));
    }
    let text = twin("secrets.key", inline.to_owned(), file, faults)?;
    let key = decode(&text);
    if key.is_none() {
        faults.add(
            "`secrets.key` must be 32 bytes in base64: make one with `openssl rand -base64 32`",
        );
    }
    key.map(|key| KeySource::Given(Arc::new(key)))
}

/// Reads a key as it stands in a file.
pub fn decode(text: &SecretString) -> Option<SecretBox<[u8; 32]>> {
    use secrecy::ExposeSecret;
    let bytes = STANDARD.decode(text.expose_secret().trim()).ok()?;
    Some(SecretBox::new(Box::new(bytes.try_into().ok()?)))
}

fn beside(database: &Path) -> PathBuf {
    database.with_extension("key")
}
