//! A fake world around Dropday: Spotify, open catalogues and a mail server, all on this machine.
//!
//! `dropday demo`, the tests and the benchmarks share it. It behaves as Spotify's Development Mode
//! does, including its quota, its errors and its known faults. It talks to the rest of the crate
//! only over sockets, except for the clock; [`runner`] and [`services`] put the two together.
//!
//! - [`world`]: users, artists, albums, scripted faults, and a log of requests.
//! - [`spotify`]: serves the world over HTTP: accounts service, Web API, covers, controls.
//! - [`hints`]: open catalogues that know the world's albums.
//! - [`inbox`]: an SMTP server that keeps its emails, and pages to read them.
//! - [`services`]: all of these on one address, and the configuration to use them.
//! - [`browser`]: a browser for scripts.
//! - [`catalogue`]: invented artists and albums.
//! - [`runner`]: the demo for users; [`scripted`]: the demo without users.

pub mod browser;
pub mod catalogue;
pub mod clock;
pub mod hints;
pub mod inbox;
pub mod runner;
pub mod scripted;
pub mod services;
pub mod spotify;
pub mod world;
