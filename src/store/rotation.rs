//! A change of keys: everything that is sealed is sealed anew, some rows at a time.
//!
//! The new key is kept in the database first, sealed with the old one. Until the last step whoever has the
//! old key can open everything, whichever rows are done; so a change that was cut short costs nothing,
//! and goes on where it was. The last step is one transaction: from there on the new key is the key.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use secrecy::SecretBox;

use super::connection::{connect, empty_the_log};
use super::migrations;
use super::presence::{Company, Presence};
use super::{Result, Sealer, StoreError, copy, keys, sign_ins, tokens};
use crate::clock::Chance;
use crate::domain::user::UserId;

/// So many users' tokens are sealed anew in one transaction.
const BATCH: u32 = 100;

/// A key of 32 bytes.
pub type Key = SecretBox<[u8; 32]>;

/// What was done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// Users whose tokens were sealed anew.
    pub users: u64,
    /// Whether this went on with a change that was cut short.
    pub was_begun: bool,
    /// Users whose tokens neither key opens, and which are left as they are.
    pub unreadable: u64,
}

/// Seals everything with another key, while nobody else works on the database.
///
/// `choose` is given the key that an earlier change was begun to, must make sure that the key it returns
/// is kept somewhere, and return that one if there is one.
///
/// # Errors
/// [`StoreError::InUse`] while anybody works on the database, [`StoreError::WrongKey`] if `old` is not its key,
/// and those of `choose`.
pub fn rotate<E: From<StoreError>>(
    database: &Path,
    old: &Key,
    chance: &dyn Chance,
    choose: impl FnOnce(Option<Key>) -> std::result::Result<Key, E>,
) -> std::result::Result<Rotated, E> {
    let _presence = Presence::alone(database)?;
    let mut conn = connect(database)?;
    let mut sealer = Sealer::new(old);
    if !keys::fits(&conn, &sealer)? {
        return Err(StoreError::WrongKey.into());
    }
    migrations::migrate(&mut conn, database, Company::Nobody)?;

    in_one(&mut conn, |tx| keys::settle(tx, &mut sealer, chance))?;
    let begun = keys::next(&conn, &sealer)?;
    let mut rotated = Rotated { was_begun: begun.is_some(), ..Rotated::default() };
    let next = choose(begun)?;
    in_one(&mut conn, |tx| keys::begin(tx, &next, &sealer, chance))?;
    let change = Change { from: sealer, to: Sealer::new(&next), chance };
    change.seal_tokens(&mut conn, &mut rotated)?;
    change.finish(&mut conn)?;
    // What was sealed with the old key is gone from the disk then. The change itself is done.
    if let Err(error) = empty_the_log(&conn) {
        tracing::warn!(
            %error,
            "another program reads the database: what was sealed with the old key is wiped from its log once that ends"
        );
    }
    Ok(rotated)
}

/// Whether a key is the database's.
///
/// # Errors
/// [`StoreError`]
pub fn fits(database: &Path, key: &Key) -> Result<bool> {
    keys::fits(&copy::read_only(database)?, &Sealer::new(key))
}

struct Change<'c> {
    from: Sealer,
    to: Sealer,
    chance: &'c dyn Chance,
}

impl Change<'_> {
    fn seal_tokens(&self, conn: &mut Connection, rotated: &mut Rotated) -> Result<()> {
        let mut last = UserId(0);
        loop {
            let done = in_one(conn, |tx| self.seal_some(tx, last))?;
            rotated.users += done.sealed;
            rotated.unreadable += done.unreadable;
            match done.last {
                Some(user) => last = user,
                None => return Ok(()),
            }
        }
    }

    fn seal_some(&self, tx: &Connection, after: UserId) -> Result<Batch> {
        let mut batch = Batch::default();
        for (user, access, refresh) in tokens::sealed(tx, after, BATCH)? {
            batch.last = Some(user);
            let [access_row, refresh_row] = tokens::identities(user);
            let anew = (self.anew(&access, &access_row), self.anew(&refresh, &refresh_row));
            match anew {
                (Anew::Done, Anew::Done) => {}
                (Anew::Unreadable, _) | (_, Anew::Unreadable) => batch.unreadable += 1,
                (access_anew, refresh_anew) => {
                    let (access, refresh) = (access_anew.or(access), refresh_anew.or(refresh));
                    tokens::keep_sealed(tx, user, &access, &refresh)?;
                    batch.sealed += 1;
                }
            }
        }
        Ok(batch)
    }

    /// Trips to Spotify that are under way, what links are signed with, and the word that tells the key.
    fn finish(&self, conn: &mut Connection) -> Result<()> {
        in_one(conn, |tx| {
            for (state_hash, sealed) in sign_ins::sealed(tx)? {
                if let Anew::Sealed(anew) = self.anew(&sealed, &sign_ins::identity(&state_hash)) {
                    sign_ins::keep_sealed(tx, &state_hash, &anew)?;
                }
            }
            keys::keep_signing(tx, self.from.signing_key(), &self.to, self.chance)?;
            keys::keep_check(tx, &self.to, self.chance)?;
            keys::finish(tx)
        })
    }

    fn anew(&self, sealed: &[u8], identity: &str) -> Anew {
        if self.to.open(sealed, identity).is_ok() {
            return Anew::Done;
        }
        match self.from.open(sealed, identity) {
            Ok(secret) => Anew::Sealed(self.to.seal(&secret, identity, self.chance)),
            Err(_) => Anew::Unreadable,
        }
    }
}

#[derive(Default)]
struct Batch {
    last: Option<UserId>,
    sealed: u64,
    unreadable: u64,
}

enum Anew {
    Done,
    Sealed(Vec<u8>),
    Unreadable,
}

impl Anew {
    fn or(self, before: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Sealed(anew) => anew,
            Self::Done | Self::Unreadable => before,
        }
    }
}

fn in_one<T>(conn: &mut Connection, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = work(&tx)?;
    tx.commit()?;
    Ok(done)
}
