//! What every key is set to, as fingerprints: enough to see which have changed, and no second copy of
//! a secret.

use std::collections::BTreeMap;

use config::{Value, ValueKind};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A fingerprint of every key's value.
#[derive(Clone, Default)]
pub struct Fingerprints(BTreeMap<String, [u8; 32]>);

impl Fingerprints {
    /// Of everything that was merged.
    pub(super) fn of(merged: &Value) -> Self {
        let mut keys = Self::default();
        keys.take("", merged);
        keys
    }

    /// The same with what a secret is, wherever it was found.
    pub(super) fn with(mut self, key: &str, secret: Option<&SecretString>) -> Self {
        let value = secret.map_or("", |secret| secret.expose_secret());
        self.0.insert(key.to_owned(), Sha256::digest(value).into());
        self
    }

    /// The keys that `new` has otherwise.
    pub fn changed(&self, new: &Self) -> Vec<String> {
        let differs = |(key, value): &(&String, &[u8; 32])| self.0.get(*key) != Some(*value);
        new.0.iter().filter(differs).map(|(key, _)| key.clone()).collect()
    }

    /// Takes some keys over from `new`.
    pub fn adopt(&mut self, new: &Self, keys: impl IntoIterator<Item = String>) {
        for key in keys {
            if let Some(value) = new.0.get(&key) {
                self.0.insert(key, *value);
            }
        }
    }

    fn take(&mut self, key: &str, value: &Value) {
        if let ValueKind::Table(table) = &value.kind {
            for (name, value) in table {
                let dot = if key.is_empty() { "" } else { "." };
                self.take(&format!("{key}{dot}{name}"), value);
            }
        } else {
            self.0.insert(key.to_owned(), Sha256::digest(value.to_string()).into());
        }
    }
}

/// A secret's fingerprint lets guesses be tried.
impl std::fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
