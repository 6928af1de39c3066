//! Spotify as it is: the Web API and the token endpoint, in domain types and typed errors.
//!
//! Nothing here retries, sleeps or keeps a tally: pacing, the ledger of calls, cool-downs and the
//! choice of a token belong to the layer above. Base addresses are handed in, so that a fake world
//! can stand in for Spotify. The file that tells one failure from another is `error.rs`.

pub mod auth;
mod classify;
pub mod client;
pub mod error;
pub mod http;
mod retry_after;
#[cfg(test)]
mod testing;
mod token_body;
mod wire;

pub use auth::Accounts;
pub use client::{AlbumsPage, Client, FollowingPage, PAGE};
pub use error::Error;
pub use http::http_client;
