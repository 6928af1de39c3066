//! Time and chance, handed in. The only place that asks the machine for either.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// A future that ends when some time has passed.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// 1 November 2026, when this version was not made yet: a clock that stands before it is wrong. To be moved on
/// with releases.
pub const NOT_BEFORE: Timestamp = Timestamp::constant(1_793_491_200, 0);

/// Where "now" comes from.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Waits for `time` to pass on this clock.
    fn sleep(&self, time: Duration) -> Sleep<'_>;
}

/// How long this process has used a processor so far: what tells work from waiting, on a slow disk too.
pub fn processor_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(used).unwrap_or_default()
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "here is where time comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "here is where waiting happens")]
    fn sleep(&self, time: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// A clock that stands still until it is moved; to sleep on it is to move it.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(start)))
    }

    /// Moves the clock on.
    pub fn advance(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }

    /// Puts the clock to `now`, backwards if need be.
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

/// Where randomness comes from.
pub trait Chance: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` random bytes.
pub fn random<const N: usize>(chance: &dyn Chance) -> [u8; N] {
    let mut bytes = [0; N];
    chance.fill(&mut bytes);
    bytes
}

/// A number from 0 up to, and without, 1.
pub fn fraction(chance: &dyn Chance) -> f64 {
    f64::from(u32::from_le_bytes(random(chance))) / (f64::from(u32::MAX) + 1.0)
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    #[expect(clippy::disallowed_methods, reason = "here is where randomness comes in")]
    #[expect(clippy::expect_used, reason = "no secret may be made without randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives no randomness");
    }
}

/// The same bytes for the same seed: SHA-256 of the seed and a counter. For tests and simulations.
#[derive(Debug)]
pub struct SeededChance {
    seed: u64,
    drawn: Mutex<u64>,
}

impl SeededChance {
    /// Chance that repeats itself for the same `seed`.
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { seed, drawn: Mutex::new(0) })
    }
}

impl Chance for SeededChance {
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
