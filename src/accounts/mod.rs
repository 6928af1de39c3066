//! What people start: sign in, give an address and confirm it, leave.

pub mod address;
pub mod leave;
mod secret;
pub mod session;
pub mod sign_in;
