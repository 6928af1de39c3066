//! Backups: one file that holds everything but the key.

pub mod expiry;
pub mod restore;

use std::path::Path;

use rusqlite::Connection;

use crate::store::connection::connect_plainly;
use crate::store::process_lock::ProcessLock;
use crate::store::snapshot::{self, IfExists};
use crate::store::{Result, StoreError, migrations};

/// A summary for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// The schema version.
    pub version: i64,
    pub users: u64,
    pub artists: u64,
    /// Pending notifications.
    pub pending: u64,
}

impl Contents {
    pub(in crate::store) fn of(conn: &Connection, path: &Path) -> Result<Self> {
        let number = |sql: &str| conn.query_row(sql, [], |row| row.get(0));
        Ok(Self {
            version: migrations::schema_version(conn, path)?,
            users: number("SELECT count(*) FROM users")?,
            artists: number("SELECT count(*) FROM artists")?,
            pending: number("SELECT count(*) FROM outbox WHERE state = 'pending'")?,
        })
    }
}

/// Writes everything but the key to one file, mode 0600, and checks it. A daemon may run and write meanwhile.
/// Changes nothing in the database, whatever its version.
///
/// # Errors
/// [`StoreError::CannotBackUp`] if `to` exists and `replaces` is not set, or if it cannot be written.
pub fn write(database: &Path, to: &Path, replaces: bool) -> Result<Contents> {
    let mut contents = None;
    let _presence = ProcessLock::beside_others(database);
    let mut conn = connect_plainly(database)?;
    migrations::schema_version(&conn, database)?;
    let existing = if replaces { IfExists::Replace } else { IfExists::Keep };
    let written = snapshot::write(&mut conn, to, existing, |copy| {
        contents = Some(Contents::of(copy, to)?);
        Ok(())
    });
    let cannot = |why| StoreError::CannotBackUp { path: to.to_owned(), why };
    written.map_err(cannot)?;
    contents.ok_or_else(|| cannot("it is empty".into()))
}
