//! A world to try Dropday in: a Spotify that is not Spotify, and an email box on this machine.
//!
//! `dropday demo` shows it to newcomers and every integration test drives it, so it behaves as
//! Spotify's Development Mode does, quota, refusals and known lies included. It knows nothing of
//! the rest of the crate but its clock: whatever passes between the two goes over a socket.
//! Only the stage and the play on it know both sides.
//!
//! - [`world`]: who follows whom and what came out; faults, lies and the journal of requests.
//! - [`spotify`]: the world as an HTTP server: consent page, token endpoint, Web API, covers.
//! - [`hints`]: open catalogues that know of the world's albums.
//! - [`inbox`]: an SMTP server that keeps what it is given, and pages to read it on.
//! - [`catalogue`]: invented artists and albums to fill a world with.
//! - [`stage`]: the world and the real Dropday, put together; [`headless`]: a play on it.

pub mod catalogue;
pub mod clock;
pub mod headless;
pub mod hints;
pub mod inbox;
pub mod spotify;
pub mod stage;
pub mod world;
