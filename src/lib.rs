//! Dropday: an e-mail when an artist you follow on Spotify puts out a new album.
//!
//! The map, the invariants and two walks of a datum are in `ARCHITECTURE.md`.

pub mod access;
pub mod accounts;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod ctx;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
pub mod hints;
pub mod lifecycle;
pub mod mail;
pub mod meters;
pub mod pipeline;
pub mod pulse;
pub mod schedule;
pub mod spotify;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod terminal;
pub mod web;
pub mod worker;
