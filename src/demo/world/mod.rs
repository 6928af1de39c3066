//! What the stand-in for Spotify knows, and the strings that tests and the demo pull.
//!
//! A [`World`] is a handle: clones share one state. Nothing in here does I/O, so a test can read
//! and change the world while the daemon talks to it over HTTP.

mod album;
mod consent;
mod faults;
mod grants;
mod journal;
mod listing;
mod music;
mod state;
mod users;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::clock::{Chance, Clock, random};

pub use album::{Album, Artist, Group, NewAlbum};
pub use faults::Fault;
pub use grants::Rotation;
pub use journal::{Endpoint, Request};
pub use users::{FakeUser, FakeUserId, FollowingLie};

pub(super) use consent::field;
pub(super) use grants::{Bearer, Issued, Refusal, Scope};

use state::State;

/// A made-up Spotify. Cheap to clone; clones share one state.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    state: Arc<Mutex<State>>,
}

impl World {
    /// A world without users or music, whose app has the client id `demo-client` and no secret.
    pub fn new(clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Self {
        Self { clock, chance, state: Arc::default() }
    }

    /// What the world's clock says.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `length` random characters of the alphabet that Spotify's ids are written in.
    fn base62(&self, length: usize) -> String {
        const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        // A remainder is a little biased, which is of no account for ids of a made-up world.
        let digit = || char::from(DIGITS[usize::from(random::<1>(&*self.chance)[0]) % 62]);
        std::iter::repeat_with(digit).take(length).collect()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(in crate::demo) mod testing {
    use super::*;
    use crate::clock::{ManualClock, SeededChance};

    /// A world whose clock stands at noon of 23 November 2026 until it is moved.
    pub(in crate::demo) fn world() -> (World, Arc<ManualClock>) {
        let clock = ManualClock::at("2026-11-23T12:00:00Z".parse().unwrap());
        (World::new(clock.clone(), SeededChance::new(7)), clock)
    }
}
