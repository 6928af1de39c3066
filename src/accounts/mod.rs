//! What users start: invite, sign in, give an address and confirm it, choose, ask for a sample, read
//! elsewhere, leave.

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
