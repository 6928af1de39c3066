//! Dropday: an e-mail when an artist you follow on Spotify puts out a new album.
//!
//! The map, the invariants and two walks of a datum are in `ARCHITECTURE.md`.

pub mod accounts;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
pub mod email;
pub mod gateway;
pub mod heartbeat;
pub mod hints;
pub mod jobs;
pub mod lifecycle;
pub mod logging;
pub mod metrics;
pub mod schedule;
pub mod spotify;
pub mod store;
pub mod supervisor;
pub mod terminal;
pub mod web;
pub mod worker;
