//! How long to wait before a retry.

use std::time::Duration;

use jiff::SignedDuration;

/// Exponential backoff: `first`, doubled with each further failure, up to `longest`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

/// A failed artist check: 10 min, 20 min, 40 min … a day.
pub const CHECK: Backoff =
    Backoff { first: Duration::from_secs(10 * 60), longest: Duration::from_secs(24 * 3600) };

/// All checks while Spotify is down: 10 min, 20 min … 2 h. Every call counts against the quota, answered or
/// not.
pub const OUTAGE: Backoff =
    Backoff { first: Duration::from_secs(10 * 60), longest: Duration::from_secs(2 * 3600) };

/// A follow list that could not be fetched or looks truncated: 5 min, 10 min … 6 h.
pub const FOLLOWS: Backoff =
    Backoff { first: Duration::from_secs(5 * 60), longest: Duration::from_secs(6 * 3600) };

/// A secondary list that could not be fetched: a day, two days … a week. The failure cost a call, and the
/// list waits for the artist's next check anyway.
pub const SECONDARY_LIST: Backoff =
    Backoff { first: Duration::from_secs(24 * 3600), longest: Duration::from_secs(7 * 24 * 3600) };

/// An email that could not be sent: 1 min, 2 min, 4 min … 4 h. Greylisting servers expect a retry within
/// minutes.
pub const EMAIL: Backoff =
    Backoff { first: Duration::from_secs(60), longest: Duration::from_secs(4 * 3600) };

/// The attempts after which [`EMAIL`] no longer grows.
pub const EMAIL_CEILING: u32 = 9;

/// An email that the server defers is given up once it has been pending for so long and tried so many times;
/// with [`EMAIL`] that takes 68 hours, less up to a quarter of jitter. Both must hold: it may have been
/// pending for days before it was due, or someone may have requested all emails again and again.
pub const EMAIL_TIMEOUT: SignedDuration = SignedDuration::from_hours(72);

/// See [`EMAIL_TIMEOUT`].
pub const EMAIL_ATTEMPTS: u32 = 25;

/// A failed hint source: 2 min, 4 min, 8 min … 6 h.
pub const HINTS: Backoff =
    Backoff { first: Duration::from_secs(2 * 60), longest: Duration::from_secs(6 * 3600) };

impl Backoff {
    /// The wait after `failures` consecutive failures (1 is the first). `rng` (0 to 1) shortens it by up to a
    /// quarter, so that things that failed together are not retried together.
    pub fn wait(&self, failures: u32, rng: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let wait = self.first.saturating_mul(1 << doublings).min(self.longest);
        wait.mul_f64(1.0 - rng.clamp(0.0, 1.0) / 4.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn email_backoff_matches_documentation() {
        let minutes = |n| EMAIL.wait(n, 0.0).as_secs() / 60;
        assert_eq!([1, 2, 3, 8, 9, 10, 99].map(minutes), [1, 2, 4, 128, 240, 240, 240]);
    }

    #[test]
    fn email_is_given_up_after_three_days_of_attempts() {
        let tried_for = |rng: f64| -> Duration {
            (1..EMAIL_ATTEMPTS).map(|failures| EMAIL.wait(failures, rng)).sum()
        };
        let hours = [0.0, 1.0].map(|rng| tried_for(rng).as_secs() / 3600);
        assert_eq!(hours, [68, 51], "before the last attempt");
        assert_eq!(EMAIL.wait(EMAIL_CEILING, 0.0), EMAIL.longest);
        assert!(EMAIL.wait(EMAIL_CEILING - 1, 0.0) < EMAIL.longest);
    }

    proptest! {
        #[test]
        fn wait_is_positive_and_at_most_the_maximum(n in any::<u32>(), rng in 0.0..1.0) {
            for ladder in [CHECK, OUTAGE, FOLLOWS, SECONDARY_LIST, EMAIL, HINTS] {
                let wait = ladder.wait(n, rng);
                prop_assert!(wait >= ladder.first.mul_f64(0.75) && wait <= ladder.longest);
            }
        }
    }
}
