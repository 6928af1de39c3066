//! What `meta` keeps under the operator's key: a known word that tells whether a key is the right one, and the
//! key that signs links.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::{Cipher, Result, StoreError};
use crate::clock::Rng;

/// The known word.
const KEY_CHECK: &str = "dropday";

/// Encrypted values of `meta`.
#[derive(Debug, Clone, Copy)]
enum Row {
    /// [`KEY_CHECK`].
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

    fn associated_data(self) -> String {
        format!("meta/{}", self.name())
    }
}

/// Checks the key and loads the signing key into the sealer. In a new database, stores both.
///
/// # Errors
/// [`StoreError::WrongKey`]
pub(super) fn settle(conn: &Connection, cipher: &mut Cipher, rng: &dyn Rng) -> Result<()> {
    if !matches(conn, cipher)? {
        return Err(StoreError::WrongKey);
    }
    if find(conn, Row::Check)?.is_none() {
        keep_check(conn, cipher, rng)?;
    }
    match signing_key(conn, cipher)? {
        Some(key) => cipher.sign_with(key),
        None => keep_signing(conn, cipher.signing_key(), cipher, rng)?,
    }
    Ok(())
}

/// Whether this is the database's key. A new database accepts any.
pub(super) fn matches(conn: &Connection, cipher: &Cipher) -> Result<bool> {
    let Some(sealed) = find(conn, Row::Check)? else { return Ok(true) };
    let word = cipher.open(&sealed, &Row::Check.associated_data());
    Ok(word.is_ok_and(|word| word.expose_secret() == KEY_CHECK))
}

/// Makes the sealer's key the database's key.
pub(super) fn keep_check(conn: &Connection, cipher: &Cipher, rng: &dyn Rng) -> Result<()> {
    keep(conn, Row::Check, &SecretString::from(KEY_CHECK), cipher, rng)
}

pub(super) fn keep_signing(
    conn: &Connection,
    key: &SecretBox<[u8; 64]>,
    cipher: &Cipher,
    rng: &dyn Rng,
) -> Result<()> {
    let text = STANDARD.encode(key.expose_secret());
    keep(conn, Row::Signing, &SecretString::from(text), cipher, rng)
}

fn signing_key(conn: &Connection, cipher: &Cipher) -> Result<Option<SecretBox<[u8; 64]>>> {
    let Some(sealed) = find(conn, Row::Signing)? else { return Ok(None) };
    let text = cipher.open(&sealed, &Row::Signing.associated_data())?;
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
    cipher: &Cipher,
    rng: &dyn Rng,
) -> Result<()> {
    let sealed = cipher.seal(secret, &row.associated_data(), rng);
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    conn.execute(sql, params![row.name(), sealed])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropday::test_clock::SeededRng;

    fn cipher(first: u8) -> Cipher {
        Cipher::new(&SecretBox::new(Box::new([first; 32])))
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
        assert!(matches(&conn, &cipher(1)).unwrap() && matches(&conn, &cipher(2)).unwrap());
        settle(&conn, &mut cipher(1), &*SeededRng::new(1)).unwrap();
        assert!(matches(&conn, &cipher(1)).unwrap() && !matches(&conn, &cipher(2)).unwrap());
        let refused = settle(&conn, &mut cipher(2), &*SeededRng::new(2));
        assert!(matches!(refused, Err(StoreError::WrongKey)), "{refused:?}");
    }

    #[test]
    fn signing_key_outlives_a_change_of_keys() {
        let (conn, rng) = (empty(), SeededRng::new(1));
        let mut first = cipher(1);
        settle(&conn, &mut first, &*rng).unwrap();
        let mut second = cipher(2);
        keep_signing(&conn, first.signing_key(), &second, &*rng).unwrap();
        keep_check(&conn, &second, &*rng).unwrap();
        settle(&conn, &mut second, &*rng).unwrap();
        assert_eq!(second.sign("confirm/1"), first.sign("confirm/1"));
    }
}
