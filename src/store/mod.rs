//! SQLite: the only files with SQL. One file for each family of tables, plain functions over a
//! transaction; [`Db`] runs the transactions, each under a name and with one timestamp.

pub mod access_requests;
pub mod api_calls;
pub mod artist_lists;
pub mod artists;
pub mod backup;
pub mod clock_guard;
mod columns;
pub mod confirmation_links;
mod connection;
pub mod consents;
mod db;
pub mod editions;
mod encryption;
mod error;
pub mod export;
pub mod feeds;
pub mod files;
pub mod followed_artists;
pub mod follows;
pub mod goodbye_emails;
pub mod hint_sources;
pub mod hints;
pub mod identities;
pub mod invitations;
pub mod job_runs;
pub mod key_rotation;
mod keys;
pub mod metrics;
mod migrations;
pub mod oauth_states;
pub mod outbox;
pub mod overdue;
pub mod preferences;
mod process_lock;
pub mod releases;
pub mod retention;
mod serialize;
pub mod sessions;
mod snapshot;
pub mod status;
pub mod tokens;
pub mod users;

pub use db::{Db, Tx};
pub use encryption::Cipher;
pub use error::StoreError;

/// What the functions of this layer return.
pub type Result<T> = std::result::Result<T, StoreError>;
