//! What `meta` keeps under the operator's key: a known word that tells whether a key is the right one, and the
//! key that signs links.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::{Result, Sealer, StoreError};
use crate::clock::Chance;

/// The known word.
const WORD: &str = "dropday";

/// Encrypted values of `meta`.
#[derive(Debug, Clone, Copy)]
enum Row {
    /// [`WORD`].
    Check,
    /// Signs links in emails and Message-IDs. It stays the same when the key is rotated, so that links
    /// in emails sent earlier stay valid.
    Signing,
}

impl Row {
    fn name(self) -> &'static str {
        match self {
            Self::Check => "key_check",
            Self::Signing => "signing_key",
        }
    }

    fn identity(self) -> String {
        format!("meta/{}", self.name())
    }
}

/// Checks the key and loads the signing key into the sealer. In a new database, stores both.
///
/// # Errors
/// [`StoreError::WrongKey`]
pub(super) fn settle(conn: &Connection, sealer: &mut Sealer, chance: &dyn Chance) -> Result<()> {
    if !fits(conn, sealer)? {
        return Err(StoreError::WrongKey);
    }
    if find(conn, Row::Check)?.is_none() {
        keep_check(conn, sealer, chance)?;
    }
    match signing_key(conn, sealer)? {
        Some(key) => sealer.sign_with(key),
        None => keep_signing(conn, sealer.signing_key(), sealer, chance)?,
    }
    Ok(())
}

/// Whether this is the database's key. A new database accepts any.
pub(super) fn fits(conn: &Connection, sealer: &Sealer) -> Result<bool> {
    let Some(sealed) = find(conn, Row::Check)? else { return Ok(true) };
    let word = sealer.open(&sealed, &Row::Check.identity());
    Ok(word.is_ok_and(|word| word.expose_secret() == WORD))
}

/// Makes the sealer's key the database's key.
pub(super) fn keep_check(conn: &Connection, sealer: &Sealer, chance: &dyn Chance) -> Result<()> {
    keep(conn, Row::Check, &SecretString::from(WORD), sealer, chance)
}

pub(super) fn keep_signing(
    conn: &Connection,
    key: &SecretBox<[u8; 64]>,
    sealer: &Sealer,
    chance: &dyn Chance,
) -> Result<()> {
    let text = STANDARD.encode(key.expose_secret());
    keep(conn, Row::Signing, &SecretString::from(text), sealer, chance)
}

fn signing_key(conn: &Connection, sealer: &Sealer) -> Result<Option<SecretBox<[u8; 64]>>> {
    let Some(sealed) = find(conn, Row::Signing)? else { return Ok(None) };
    let text = sealer.open(&sealed, &Row::Signing.identity())?;
    let bytes = STANDARD.decode(text.expose_secret()).map_err(|_| StoreError::WrongKey)?;
    let key: [u8; 64] = bytes.try_into().map_err(|_| StoreError::WrongKey)?;
    Ok(Some(SecretBox::new(Box::new(key))))
}

fn find(conn: &Connection, row: Row) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    Ok(conn.query_row(sql, [row.name()], |found| found.get(0)).optional()?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededChance;

    fn sealer(first: u8) -> Sealer {
        Sealer::new(&SecretBox::new(Box::new([first; 32])))
    }

    fn empty() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
            .unwrap();
        conn
    }

    #[test]
    fn first_key_is_accepted_and_no_other_afterwards() {
        let conn = empty();
        assert!(fits(&conn, &sealer(1)).unwrap() && fits(&conn, &sealer(2)).unwrap());
        settle(&conn, &mut sealer(1), &*SeededChance::new(1)).unwrap();
        assert!(fits(&conn, &sealer(1)).unwrap() && !fits(&conn, &sealer(2)).unwrap());
        let refused = settle(&conn, &mut sealer(2), &*SeededChance::new(2));
        assert!(matches!(refused, Err(StoreError::WrongKey)), "{refused:?}");
    }

    #[test]
    fn signing_key_outlives_a_change_of_keys() {
        let (conn, chance) = (empty(), SeededChance::new(1));
        let mut first = sealer(1);
        settle(&conn, &mut first, &*chance).unwrap();
        let mut second = sealer(2);
        keep_signing(&conn, first.signing_key(), &second, &*chance).unwrap();
        keep_check(&conn, &second, &*chance).unwrap();
        settle(&conn, &mut second, &*chance).unwrap();
        assert_eq!(second.sign("confirm/1"), first.sign("confirm/1"));
    }
}
