//! Which keys fit the database: a word that is sealed with the key, the signing key that outlives a change
//! of keys, and the key that a change was begun to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::{Result, Sealer, StoreError};
use crate::clock::Chance;

/// Sealed with the key, to find out whether it still opens.
const WORD: &str = "dropday";

/// What is kept under `meta`, sealed, with its name there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row {
    /// [`WORD`].
    Check,
    /// What links in letters and Message-IDs are made with. It stays when the key changes, since those
    /// that are out must stay good.
    Signing,
    /// The key that a change was begun to and is not finished.
    Next,
}

impl Row {
    fn name(self) -> &'static str {
        match self {
            Self::Check => "key_check",
            Self::Signing => "signing_key",
            Self::Next => "next_key",
        }
    }

    fn identity(self) -> String {
        format!("meta/{}", self.name())
    }
}

/// Tries the key, and lets the sealer sign and open as this database wants it. In a database that is
/// new, keeps what is to be tried at the next start.
///
/// # Errors
/// [`StoreError::WrongKey`] if it is another database's key.
pub(super) fn settle(conn: &Connection, sealer: &mut Sealer, chance: &dyn Chance) -> Result<()> {
    if find(conn, Row::Check)?.is_none() {
        keep_check(conn, sealer, chance)?;
    } else if !fits(conn, sealer)? {
        return Err(StoreError::WrongKey);
    }
    match read(conn, Row::Signing, sealer)? {
        Some(key) => sealer.sign_with(key),
        None => keep_signing(conn, sealer.signing_key(), sealer, chance)?,
    }
    if let Some(next) = read(conn, Row::Next, sealer)? {
        tracing::warn!("a change of keys was begun and is not finished: run dropday key rotate");
        sealer.open_also(&next);
    }
    Ok(())
}

/// Whether the key is this database's. One that nobody has opened yet fits every key.
///
/// # Errors
/// [`StoreError`] where the database cannot be read.
pub(super) fn fits(conn: &Connection, sealer: &Sealer) -> Result<bool> {
    let Some(sealed) = find(conn, Row::Check)? else { return Ok(true) };
    let word = sealer.open(&sealed, &Row::Check.identity());
    Ok(word.is_ok_and(|word| word.expose_secret() == WORD))
}

/// Keeps the word, sealed with this key from now on.
pub(super) fn keep_check(conn: &Connection, sealer: &Sealer, chance: &dyn Chance) -> Result<()> {
    keep(conn, Row::Check, &SecretString::from(WORD), sealer, chance)
}

/// Keeps what links are signed with from now on.
pub(super) fn keep_signing(
    conn: &Connection,
    key: &SecretBox<[u8; 64]>,
    sealer: &Sealer,
    chance: &dyn Chance,
) -> Result<()> {
    let text = STANDARD.encode(key.expose_secret());
    keep(conn, Row::Signing, &SecretString::from(text), sealer, chance)
}

/// The key that a change was begun to.
///
/// # Errors
/// [`StoreError::WrongKey`] if the sealer's is not the one that it was begun from.
pub(super) fn next(conn: &Connection, sealer: &Sealer) -> Result<Option<SecretBox<[u8; 32]>>> {
    read(conn, Row::Next, sealer)
}

/// Notes the key that a change is begun to.
pub(super) fn begin(
    conn: &Connection,
    next: &SecretBox<[u8; 32]>,
    sealer: &Sealer,
    chance: &dyn Chance,
) -> Result<()> {
    let text = STANDARD.encode(next.expose_secret());
    keep(conn, Row::Next, &SecretString::from(text), sealer, chance)
}

/// Notes that a change is finished.
pub(super) fn finish(conn: &Connection) -> Result<()> {
    conn.execute("DELETE FROM meta WHERE key = ?1", [Row::Next.name()])?;
    Ok(())
}

fn find(conn: &Connection, row: Row) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    Ok(conn.query_row(sql, [row.name()], |found| found.get(0)).optional()?)
}

fn read<const N: usize>(
    conn: &Connection,
    row: Row,
    sealer: &Sealer,
) -> Result<Option<SecretBox<[u8; N]>>> {
    let Some(sealed) = find(conn, row)? else { return Ok(None) };
    let text = sealer.open(&sealed, &row.identity())?;
    let bytes = STANDARD.decode(text.expose_secret()).map_err(|_| StoreError::WrongKey)?;
    let key: [u8; N] = bytes.try_into().map_err(|_| StoreError::WrongKey)?;
    Ok(Some(SecretBox::new(Box::new(key))))
}

fn keep(
    conn: &Connection,
    row: Row,
    secret: &SecretString,
    sealer: &Sealer,
    chance: &dyn Chance,
) -> Result<()> {
    let sealed = sealer.seal(secret, &row.identity(), chance);
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    conn.execute(sql, params![row.name(), sealed])?;
    Ok(())
}
