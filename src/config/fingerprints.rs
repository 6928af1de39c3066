//! Hashes of the values of all keys: they show which keys change on reload, without a second copy of the
//! secrets.

use std::collections::BTreeMap;

use config::Value;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

#[derive(Clone, Default)]
pub struct Fingerprints(BTreeMap<String, [u8; 32]>);

impl Fingerprints {
    pub(super) fn of(values: &BTreeMap<String, Value>) -> Self {
        let digest = |value: &Value| Sha256::digest(value.to_string()).into();
        Self(values.iter().map(|(key, value)| (key.clone(), digest(value))).collect())
    }

    /// Adds the value of a secret, wherever it was found.
    pub(super) fn with(mut self, key: &str, secret: Option<&SecretString>) -> Self {
        let value = secret.map_or("", |secret| secret.expose_secret());
        self.0.insert(key.to_owned(), Sha256::digest(value).into());
        self
    }

    /// The keys whose values differ in `new`.
    pub fn changed(&self, new: &Self) -> Vec<String> {
        let differs = |(key, value): &(&String, &[u8; 32])| self.0.get(*key) != Some(*value);
        new.0.iter().filter(differs).map(|(key, _)| key.clone()).collect()
    }

    /// Copies some keys from `new`.
    pub fn adopt(&mut self, new: &Self, keys: impl IntoIterator<Item = String>) {
        for key in keys {
            if let Some(value) = new.0.get(&key) {
                self.0.insert(key, *value);
            }
        }
    }
}

/// Omits the hashes, which would allow guessing secrets.
impl std::fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
