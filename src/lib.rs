//! Dropday: an e-mail when an artist you follow on Spotify puts out a new album.
//!
//! The map, the invariants and two walks of a datum are in `ARCHITECTURE.md`.

pub mod access;
pub mod accounts;
pub mod clock;
pub mod ctx;
pub mod domain;
pub mod mail;
pub mod pipeline;
pub mod spotify;
pub mod store;
