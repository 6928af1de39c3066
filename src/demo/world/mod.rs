//! The state of the fake Spotify, and the controls that tests and the demo use to change it.
//!
//! A [`World`] is a handle: clones share one state. Nothing in this module does I/O, so a test can
//! read and change the world while Dropday talks to it over HTTP.

mod album;
mod consent;
mod faults;
mod grants;
mod listing;
mod music;
mod request_log;
mod state;
mod users;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::clock::{Clock, Rng, random};

pub use album::{Album, Artist, Group, NewAlbum};
pub use faults::Fault;
pub use request_log::{Endpoint, Request};
pub use users::{FakeUser, FakeUserId, FollowListFault};

pub(super) use consent::field;
pub(super) use grants::{ACCESS_TOKEN_TTL, Bearer, Issued, OAuthError, Scope};

use state::State;

/// A fake Spotify. Cheap to clone; clones share one state.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    state: Arc<Mutex<State>>,
}

impl World {
    /// An empty world. Its app has the client id `demo-client` and no secret.
    pub fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { clock, rng, state: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `length` random characters of the alphabet that Spotify uses for ids.
    fn base62(&self, length: usize) -> String {
        const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        // The modulo bias does not matter for fake ids.
        let digit = || char::from(DIGITS[usize::from(random::<1>(&*self.rng)[0]) % 62]);
        std::iter::repeat_with(digit).take(length).collect()
    }
}

#[cfg(test)]
pub(in crate::demo) mod testing {
    use super::*;
    use dropday::test_clock::{ManualClock, SeededRng};

    /// A world with a manual clock, set to noon UTC on 23 November 2026.
    pub(in crate::demo) fn world() -> (World, Arc<ManualClock>) {
        let clock = ManualClock::at("2026-11-23T12:00:00Z".parse().unwrap());
        (World::new(clock.clone(), SeededRng::new(7)), clock)
    }
}
