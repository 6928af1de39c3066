//! Dropday emails you when an artist you follow on Spotify releases an album.
//!
//! `ARCHITECTURE.md` has the map, the invariants and two walkthroughs.

// The files in `tests/support` name this crate, because examples, benchmarks and integration tests use them too.
#[cfg(test)]
extern crate self as dropday;
#[cfg(test)]
#[path = "../tests/support/clock.rs"]
mod test_clock;

pub mod accounts;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod daemon;
#[cfg(feature = "demo")]
pub mod demo;
pub mod domain;
pub mod email;
pub mod gateway;
pub mod hints;
pub mod jobs;
pub mod logging;
pub mod metrics;
pub mod spotify;
pub mod store;
pub mod terminal;
pub mod web;
