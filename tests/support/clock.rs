//! Time and randomness under a test's control, for unit tests, integration tests and benchmarks.
#![allow(dead_code, reason = "each of them uses a part")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dropday::clock::{Clock, Rng, Sleep};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// A clock that stands still until it is moved. Sleeping moves it.
#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub(crate) fn at(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(start)))
    }

    pub(crate) fn advance(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }

    /// Sets the clock, backwards too.
    pub(crate) fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, time: Duration) -> Sleep<'_> {
        self.advance(time);
        Box::pin(std::future::ready(()))
    }
}

/// Yields the same bytes for the same seed: SHA-256 of the seed and a counter.
#[derive(Debug)]
pub(crate) struct SeededRng {
    seed: u64,
    drawn: Mutex<u64>,
}

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { seed, drawn: Mutex::new(0) })
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(32) {
            *drawn += 1;
            let block = Sha256::new()
                .chain_update(self.seed.to_le_bytes())
                .chain_update(drawn.to_le_bytes())
                .finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
