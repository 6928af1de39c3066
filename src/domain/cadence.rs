//! When an artist is worth the next call.
//!
//! Calls are the scarce good: some 80 in a rolling day for all users together. So the artists
//! take turns, the one that waited longest first, at the pace that the day's calls allow.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// However few artists are watched, none is asked about more often: an album does not come out
/// twice a day, and the calls kept back are there for the artists followed next.
pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// The share of the day's calls that turns are planned with. The rest is for second pages and for
/// artists followed next; without it every call more than one an artist would push all others back.
const PLANNED_SHARE: f64 = 0.8;

/// How long to wait before an artist that was just asked about is due again, where `watched`
/// artists share `calls_per_day`. One call for each turn stays well within the day's calls.
pub fn interval(watched: u64, calls_per_day: u32) -> Duration {
    let planned = f64::from(calls_per_day.max(1)) * PLANNED_SHARE;
    let sweep = DAY.mul_f64(watched as f64 / planned);
    sweep.max(SHORTEST_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn five_hundred_artists_on_eighty_calls_wait_about_a_week() {
        assert_eq!(interval(500, 80), Duration::from_secs(7 * 86_400 + 70_200));
        assert_eq!(interval(3, 80), SHORTEST_INTERVAL);
    }

    proptest! {
        #[test]
        fn turns_never_ask_for_more_than_the_days_calls(watched in 0u64..100_000, calls in 1u32..5_000) {
            let a_day = watched as f64 * DAY.as_secs_f64() / interval(watched, calls).as_secs_f64();
            prop_assert!(a_day <= f64::from(calls) * PLANNED_SHARE + 1e-6);
        }
    }
}
