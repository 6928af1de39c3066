//! What users start: sign in, confirm an address, change preferences, read feeds, delete the account.

pub mod access_requests;
pub mod address;
pub mod artists;
pub mod delete_account;
pub mod email_links;
pub mod export;
pub mod feeds;
pub mod invitations;
pub mod preferences;
pub mod sample;
mod secret;
pub mod session;
pub mod sign_in;
