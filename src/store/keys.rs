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

/// The row with [`KEY_CHECK`].
const CHECK: &str = "key_check";

/// The row with the key that signs links in emails and Message-IDs. It stays the same when the operator's key is
/// rotated, so that links in emails sent earlier stay valid.
const SIGNING: &str = "signing_key";

/// Checks the key and loads the signing key into the cipher. In a new database, stores both.
///
/// # Errors
/// [`StoreError::WrongKey`]
pub(super) fn settle(conn: &Connection, cipher: &mut Cipher, rng: &dyn Rng) -> Result<()> {
    if !matches(conn, cipher)? {
        return Err(StoreError::WrongKey);
    }
    if find(conn, CHECK)?.is_none() {
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
    let Some(sealed) = find(conn, CHECK)? else { return Ok(true) };
    let word = cipher.open(&sealed, &associated_data(CHECK));
    Ok(word.is_ok_and(|word| word.expose_secret() == KEY_CHECK))
}

/// Makes the cipher's key the database's key.
pub(super) fn keep_check(conn: &Connection, cipher: &Cipher, rng: &dyn Rng) -> Result<()> {
    keep(conn, CHECK, &SecretString::from(KEY_CHECK), cipher, rng)
}

pub(super) fn keep_signing(
    conn: &Connection,
    key: &SecretBox<[u8; 64]>,
    cipher: &Cipher,
    rng: &dyn Rng,
) -> Result<()> {
    let text = STANDARD.encode(key.expose_secret());
    keep(conn, SIGNING, &SecretString::from(text), cipher, rng)
}

fn signing_key(conn: &Connection, cipher: &Cipher) -> Result<Option<SecretBox<[u8; 64]>>> {
    let Some(sealed) = find(conn, SIGNING)? else { return Ok(None) };
    let text = cipher.open(&sealed, &associated_data(SIGNING))?;
    let bytes = STANDARD.decode(text.expose_secret()).map_err(|_| StoreError::WrongKey)?;
    let key: [u8; 64] = bytes.try_into().map_err(|_| StoreError::WrongKey)?;
    Ok(Some(SecretBox::new(Box::new(key))))
}

fn associated_data(row: &str) -> String {
    format!("meta/{row}")
}

fn find(conn: &Connection, row: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    Ok(conn.query_row(sql, [row], |found| found.get(0)).optional()?)
}

fn keep(
    conn: &Connection,
    row: &str,
    secret: &SecretString,
    cipher: &Cipher,
    rng: &dyn Rng,
) -> Result<()> {
    let sealed = cipher.seal(secret, &associated_data(row), rng);
    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
    conn.execute(sql, params![row, sealed])?;
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
