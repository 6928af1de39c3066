//! SQLite: the only files with SQL. One file for each family of tables, plain functions over a
//! transaction; [`Db`] runs the transactions, each under a name and with one timestamp.

pub mod allowance;
pub mod artist_lists;
pub mod artists;
pub mod backup;
pub mod callers;
pub mod clock_guard;
mod columns;
mod connection;
pub mod consents;
mod copy;
mod db;
pub mod editions;
mod error;
pub mod export;
pub mod farewells;
pub mod feeds;
pub mod files;
pub mod following;
pub mod follows;
pub mod hint_sources;
pub mod hints;
pub mod identities;
pub mod invitations;
pub mod job_runs;
mod keys;
pub mod ledger;
pub mod leftovers;
pub mod links;
pub mod metrics;
mod migrations;
pub mod outbox;
pub mod overdue;
pub mod preferences;
mod presence;
pub mod releases;
pub mod restore;
pub mod retention;
pub mod rotation;
mod seal;
pub mod sessions;
pub mod sign_ins;
pub mod status;
pub mod tokens;
pub mod users;

pub use db::{Db, Tx};
pub use error::StoreError;
pub use seal::Sealer;

/// What the functions of this layer return.
pub type Result<T> = std::result::Result<T, StoreError>;
