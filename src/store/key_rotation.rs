//! Key rotation: encrypts everything again with another key, in one transaction.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use secrecy::SecretBox;

use super::connection::{connect, empty_the_log};
use super::process_lock::{OtherProcesses, ProcessLock};
use super::{Cipher, Result, StoreError, keys, migrations, oauth_states, snapshot, tokens};
use crate::clock::Rng;

/// A key of 32 bytes.
pub type Key = SecretBox<[u8; 32]>;

/// What a rotation did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Users whose tokens were encrypted again.
    pub users: u64,
    /// Users whose tokens could not be decrypted. They are left as they are.
    pub unreadable: u64,
}

/// Replaces the database's key, while no other process uses it. The new key must be on disk already.
///
/// # Errors
/// [`StoreError::InUse`], and [`StoreError::WrongKey`] if `old` is not the database's key. Nothing is changed then.
pub fn rotate(database: &Path, old: &Key, new: &Key, rng: &dyn Rng) -> Result<Rotated> {
    let _presence = ProcessLock::acquire_exclusive(database)?;
    let mut conn = connect(database)?;
    let mut from = Cipher::new(old);
    if !keys::matches(&conn, &from)? {
        return Err(StoreError::WrongKey);
    }
    migrations::migrate(&mut conn, database, OtherProcesses::Nobody)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    keys::settle(&tx, &mut from, rng)?;
    let change = Change { from, to: Cipher::new(new), rng };
    let rotated = change.apply(&tx)?;
    tx.commit()?;
    // Values under the old key stay in the write-ahead log until it is emptied.
    if let Err(error) = empty_the_log(&conn) {
        tracing::warn!(%error, "failed to empty the write-ahead log after the key rotation");
    }
    Ok(rotated)
}

/// Whether this is the database's key.
pub fn matches_key(database: &Path, key: &Key) -> Result<bool> {
    keys::matches(&snapshot::read_only(database)?, &Cipher::new(key))
}

struct Change<'c> {
    from: Cipher,
    to: Cipher,
    rng: &'c dyn Rng,
}

impl Change<'_> {
    fn apply(&self, tx: &Connection) -> Result<Rotated> {
        let mut rotated = Rotated::default();
        for (user, access, refresh) in tokens::sealed(tx)? {
            let [access_row, refresh_row] = tokens::identities(user);
            match (self.again(&access, &access_row), self.again(&refresh, &refresh_row)) {
                (Some(access), Some(refresh)) => {
                    tokens::keep_sealed(tx, user, &access, &refresh)?;
                    rotated.users += 1;
                }
                _ => rotated.unreadable += 1,
            }
        }
        for (state_hash, sealed) in oauth_states::sealed(tx)? {
            if let Some(sealed) = self.again(&sealed, &oauth_states::associated_data(&state_hash)) {
                oauth_states::keep_sealed(tx, &state_hash, &sealed)?;
            }
        }
        keys::keep_signing(tx, self.from.signing_key(), &self.to, self.rng)?;
        keys::keep_check(tx, &self.to, self.rng)?;
        Ok(rotated)
    }

    /// The value under the new key; `None` if the old key does not decrypt it.
    fn again(&self, sealed: &[u8], associated_data: &str) -> Option<Vec<u8>> {
        let secret = self.from.open(sealed, associated_data).ok()?;
        Some(self.to.seal(&secret, associated_data, self.rng))
    }
}
