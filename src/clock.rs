//! Time and randomness, which everything else takes as arguments. The only file that reads them from the system.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

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
