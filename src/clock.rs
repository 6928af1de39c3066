//! Time and randomness, which everything else takes as arguments. The only file that reads them from the system.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// What [`Clock::sleep`] returns.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// 1 November 2026, before this version was built: an earlier time is wrong. Move it forward with each release.
pub const BUILD_EPOCH: Timestamp = Timestamp::constant(1_793_491_200, 0);

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// Waits until `time` has passed on this clock.
    fn sleep(&self, time: Duration) -> Sleep<'_>;
}

/// The system clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
    fn sleep(&self, time: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// A clock that stands still until it is moved. Sleeping moves it.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub fn at(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(start)))
    }

    pub fn advance(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, now: Timestamp) {
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

/// A source of randomness.
pub trait Rng: Send + Sync + 'static {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` random bytes.
pub fn random<const N: usize>(rng: &dyn Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill(&mut bytes);
    bytes
}

/// A number from 0 to below 1.
pub fn fraction(rng: &dyn Rng) -> f64 {
    f64::from(u32::from_le_bytes(random(rng))) / (f64::from(u32::MAX) + 1.0)
}

/// The operating system's random number generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    #[expect(clippy::expect_used, reason = "without randomness no secret is safe")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides no randomness");
    }
}

/// Yields the same bytes for the same seed: SHA-256 of the seed and a counter. For tests and simulations.
#[derive(Debug)]
pub struct SeededRng {
    seed: u64,
    drawn: Mutex<u64>,
}

impl SeededRng {
    pub fn new(seed: u64) -> Arc<Self> {
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
