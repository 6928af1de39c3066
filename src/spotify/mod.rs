//! Spotify's Web API and token endpoint, in domain types and typed errors.
//!
//! Nothing here retries, sleeps or counts calls; the gateway does. Base URLs are parameters, so that a fake
//! world can replace Spotify.

mod answer;
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
