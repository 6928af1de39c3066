//! Secrets: in the configuration, in a file of their own, or handed over as credentials.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use url::Url;

use super::credentials::Credentials;
use super::rules::Errors;
use super::{KeyOrigin, KeySource};

/// A secret that stands in `key`, in the file that `key_file` names, or in a credential of the key's name;
/// `None` where there is none of them.
pub(super) fn find(
    key: &str,
    inline: String,
    file: &str,
    credentials: &Credentials,
    faults: &mut Errors,
) -> Option<SecretString> {
    let handed = credentials.find(key);
    match (inline.is_empty(), file.is_empty(), handed) {
        (true, true, None) => None,
        (false, true, None) => Some(SecretString::from(inline)),
        (true, false, None) => {
            let said = || format!("`{key}_file` names {file}");
            read(Path::new(file), said, faults)
        }
        (true, true, Some(handed)) => {
            let said = || format!("the credential `{key}` is {}", handed.display());
            read(&handed, said, faults)
        }
        (_, _, None) => {
            faults.add(format!("`{key}` and `{key}_file` are both set: keep one of them"));
            None
        }
        (_, _, Some(handed)) => {
            faults.add(format!(
                "`{key}` or `{key}_file` is set, and there is a credential of that name as well ({}): \
                 keep one of them",
                handed.display()
            ));
            None
        }
    }
}

fn read(file: &Path, said: impl Fn() -> String, faults: &mut Errors) -> Option<SecretString> {
    match std::fs::read_to_string(file) {
        Ok(text) => Some(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(why) => {
            faults.add(format!("{}, which cannot be read: {why}", said()));
            None
        }
    }
}

/// The SMTP URL with the password that stands apart from it, as it is and not as %XX.
pub(super) fn with_password(
    smtp_url: &SecretString,
    password: Option<&SecretString>,
    faults: &mut Errors,
) -> Option<SecretString> {
    let Some(password) = password else { return Some(smtp_url.clone()) };
    // What is no URL is for the mailer to name, with words of its own.
    let Ok(mut url) = Url::parse(smtp_url.expose_secret().trim()) else {
        return Some(smtp_url.clone());
    };
    if url.username().is_empty() || url.password().is_some() {
        faults.add(
            "`mail.smtp_password` is given, so `mail.smtp_url` must have a user name and no password, such \
             as smtps://user@mail.example.com",
        );
        return None;
    }
    let escaped = utf8_percent_encode(password.expose_secret(), NON_ALPHANUMERIC).to_string();
    url.set_password(Some(&escaped)).ok();
    Some(SecretString::from(String::from(url)))
}

/// The key: given, in a file, or to be made beside the database.
pub(super) fn key(
    inline: &str,
    file: &str,
    credentials: &Credentials,
    database: Option<&Path>,
    faults: &mut Errors,
) -> Option<KeySource> {
    let is_set = !inline.is_empty() || !file.is_empty();
    let giver = match credentials.find("secrets.key") {
        None if !is_set => return Some(KeySource::BesideDatabase(beside(database?))),
        Some(file) if !is_set => KeyOrigin::Credential(file),
        _ => KeyOrigin::Configuration,
    };
    let text = find("secrets.key", inline.to_owned(), file, credentials, faults)?;
    let key = decode(&text);
    if key.is_none() {
        faults.add(
            "`secrets.key` must be 32 bytes in base64: make one with `openssl rand -base64 32`",
        );
    }
    key.map(|key| KeySource::Given(Arc::new(key), giver))
}

/// Reads a key as it stands in a file.
pub fn decode(text: &SecretString) -> Option<SecretBox<[u8; 32]>> {
    let bytes = STANDARD.decode(text.expose_secret().trim()).ok()?;
    Some(SecretBox::new(Box::new(bytes.try_into().ok()?)))
}

fn beside(database: &Path) -> PathBuf {
    database.with_extension("key")
}
