//! What people start: sign in, give an address and confirm it, choose, read elsewhere, leave.

pub mod address;
pub mod artists;
pub mod export;
pub mod feeds;
pub mod leave;
pub mod letter_links;
pub mod preferences;
mod secret;
pub mod session;
pub mod sign_in;
