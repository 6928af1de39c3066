//! What users start: sign in, confirm an address, change preferences, read feeds, delete the account.

pub mod address;
pub mod artists;
pub mod callers;
pub mod email_links;
pub mod export;
pub mod feeds;
pub mod invitations;
pub mod leave;
pub mod preferences;
pub mod sample;
mod secret;
pub mod session;
pub mod sign_in;
