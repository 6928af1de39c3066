//! Which keys fit the database: a word that is sealed with the key, the signing key that outlives a change
//! of keys, and the key that a change was begun to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::{Result, Sealer, StoreError, tokens};
use crate::clock::Chance;
use crate::domain::user::UserId;

/// Sealed with the key, to find out whether it still opens.
const WORD: &str = "dropday";

/// So many users' tokens are tried where that word is gone: some may have been unreadable before.
const SAMPLE: u32 = 1000;

/// What is kept under `meta`, sealed, with its name there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row {
    /// [`WORD`].
    Check,
    /// What links in emails and Message-IDs are made with. It stays when the key changes, since those
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
    if !fits(conn, sealer)? {
        return Err(StoreError::WrongKey);
    }
    if find(conn, Row::Check)?.is_none() {
        keep_check(conn, sealer, chance)?;
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

/// Whether the key that the sealer seals with is this database's. One in which nothing is sealed yet fits
/// every key.
///
/// # Errors
/// [`StoreError`] where the database cannot be read.
pub(super) fn fits(conn: &Connection, sealer: &Sealer) -> Result<bool> {
    let Some(sealed) = find(conn, Row::Check)? else { return opens_something(conn, sealer) };
    // A key that was to come opens it too once it has come: to go on sealing with the earlier one would lose
    // what is sealed.
    let word = sealer.open_own(&sealed, &Row::Check.identity());
    Ok(word.is_ok_and(|word| word.expose_secret() == WORD))
}

/// Where the word is gone: whether the key opens what else is sealed, or there is nothing.
fn opens_something(conn: &Connection, sealer: &Sealer) -> Result<bool> {
    let mut sealed: Vec<(Vec<u8>, String)> = Vec::new();
    for row in [Row::Signing, Row::Next] {
        sealed.extend(find(conn, row)?.map(|value| (value, row.identity())));
    }
    for (user, access, refresh) in tokens::sealed(conn, UserId(0), SAMPLE)? {
        sealed.extend([access, refresh].into_iter().zip(tokens::identities(user)));
    }
    let opens = |(value, identity): &(Vec<u8>, String)| sealer.open_own(value, identity).is_ok();
    Ok(sealed.is_empty() || sealed.iter().any(opens))
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::migrations;
    use super::super::presence::Company;
    use super::*;
    use crate::clock::SeededChance;

    fn key(first: u8) -> SecretBox<[u8; 32]> {
        SecretBox::new(Box::new([first; 32]))
    }

    fn sealer(first: u8) -> Sealer {
        Sealer::new(&key(first))
    }

    /// A database that was opened with the first key.
    fn settled() -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        migrations::migrate(&mut conn, Path::new("x"), Company::Others).unwrap();
        settle(&conn, &mut sealer(1), &*SeededChance::new(1)).unwrap();
        conn
    }

    /// Somebody's tokens, sealed with the first key.
    fn with_tokens(conn: &Connection) {
        let user = "INSERT INTO people (id, spotify_id, display_name, created_at, consent, follows_next_at)
                          VALUES (1, 'm', 'Martha', 1, 'good', 1)";
        conn.execute(user, []).unwrap();
        let [access, refresh] = tokens::identities(UserId(1)).map(|identity| {
            sealer(1).seal(&SecretString::from("token"), &identity, &*SeededChance::new(2))
        });
        let sql = "INSERT INTO tokens (person, access_sealed, expires_at, refresh_sealed, authorized_at, version)
                       VALUES (1, ?1, 1, ?2, 1, 1)";
        conn.execute(sql, params![access, refresh]).unwrap();
    }

    #[test]
    fn without_the_word_that_tells_the_key_what_else_is_sealed_tells_it() {
        let conn = settled();
        for (gone, with) in [("'key_check'", None), ("'signing_key'", Some(with_tokens))] {
            if let Some(with) = with {
                with(&conn);
            }
            conn.execute(&format!("DELETE FROM meta WHERE key IN ('key_check', {gone})"), [])
                .unwrap();
            assert!(!fits(&conn, &sealer(2)).unwrap(), "{gone}");
            let refused = settle(&conn, &mut sealer(2), &*SeededChance::new(3));
            assert!(matches!(refused, Err(StoreError::WrongKey)), "{gone}: {refused:?}");
            assert!(fits(&conn, &sealer(1)).unwrap(), "{gone}");
        }
        settle(&conn, &mut sealer(1), &*SeededChance::new(4)).unwrap();
        assert!(find(&conn, Row::Check).unwrap().is_some(), "and the word is there again");
    }

    #[test]
    fn a_database_in_which_nothing_is_sealed_fits_every_key() {
        let conn = settled();
        conn.execute("DELETE FROM meta", []).unwrap();
        assert!(fits(&conn, &sealer(2)).unwrap());
    }

    #[test]
    fn the_earlier_key_does_not_fit_once_a_change_is_finished_though_the_next_one_is_known() {
        let conn = settled();
        begin(&conn, &key(2), &sealer(1), &*SeededChance::new(2)).unwrap();
        let mut waiting = sealer(1);
        settle(&conn, &mut waiting, &*SeededChance::new(3)).unwrap();
        assert!(fits(&conn, &waiting).unwrap());
        // Another process finishes the change.
        keep_check(&conn, &sealer(2), &*SeededChance::new(4)).unwrap();
        finish(&conn).unwrap();
        assert!(!fits(&conn, &waiting).unwrap(), "it would go on sealing with the earlier key");
    }
}
