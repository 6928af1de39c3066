//! Guards against clock jumps: if the clock moves forward by more than eight days, nothing expires until it has kept
//! that time for two days. A machine may wake up with a clock that is years ahead, and what was deleted by it would be
//! gone when the clock is corrected.

use jiff::{SignedDuration, Timestamp};

/// How long Dropday may be off without its clock becoming suspect.
pub const MAX_FORWARD_JUMP: SignedDuration = SignedDuration::from_hours(24 * 8);

/// How long a suspect clock must keep its time: by then it has been noticed by somebody or set by the network.
pub const PROBATION: SignedDuration = SignedDuration::from_hours(24 * 2);

/// The longest time between two observations of the same probation.
const MAX_GAP: SignedDuration = SignedDuration::from_hours(24 * 31);

/// What is known of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockState {
    /// The last time that was trusted.
    pub trusted: Timestamp,
    /// The first and the last suspect time since then.
    pub suspect: Option<(Timestamp, Timestamp)>,
}

impl ClockState {
    /// A clock that is not suspect.
    pub fn trusted(at: Timestamp) -> Self {
        Self { trusted: at, suspect: None }
    }

    /// Whether what has expired by this clock has expired.
    pub fn is_trusted(&self) -> bool {
        self.suspect.is_none()
    }

    /// The last time that was observed.
    pub fn last_seen(&self) -> Timestamp {
        self.suspect.map_or(self.trusted, |(_, last)| last)
    }

    /// The state after the clock was read.
    #[must_use]
    pub fn observe(self, now: Timestamp) -> Self {
        if now <= self.trusted + MAX_FORWARD_JUMP {
            return Self::trusted(now);
        }
        let continues = |(_, last): &(Timestamp, Timestamp)| now <= *last + MAX_GAP;
        // A step back during the probation does not extend it.
        let since = self.suspect.filter(continues).map_or(now, |(since, _)| since.min(now));
        match now.duration_since(since) >= PROBATION {
            true => Self::trusted(now),
            false => Self { suspect: Some((since, now)), ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::constant(1_795_000_000, 0);

    fn hours(hours: i64) -> SignedDuration {
        SignedDuration::from_hours(hours)
    }

    /// Whether the clock is trusted when it is read so many hours after the start.
    fn observed(at: impl IntoIterator<Item = i64>) -> Vec<bool> {
        let mut state = ClockState::trusted(START);
        let observe = |at| {
            state = state.observe(START + hours(at));
            state.is_trusted()
        };
        at.into_iter().map(observe).collect()
    }

    const YEAR: i64 = 400 * 24;

    #[test]
    fn clock_that_jumped_is_trusted_after_two_days() {
        assert_eq!(observed([1, 2, 8 * 24, 16 * 24]), [true; 4]);
        assert_eq!(observed([YEAR, YEAR + 1, YEAR + 47, YEAR + 48]), [false, false, false, true]);
        assert_eq!(observed([9 * 24, 10 * 24, 11 * 24]), [false, false, true]);
    }

    #[test]
    fn corrected_clock_is_trusted_at_once() {
        assert_eq!(
            observed([YEAR, YEAR + 1, 3, YEAR, YEAR + 1]),
            [false, false, true, false, false]
        );
        assert_eq!(observed([YEAR, 2 * YEAR, 3 * YEAR]), [false; 3], "two jumps are no probation");
        assert_eq!(observed([-YEAR, 0]), [true, false], "back and forth");
    }

    #[test]
    fn monthly_starts_are_not_suspect_forever() {
        let months: Vec<i64> = (1..=6).map(|month| month * 30 * 24).collect();
        assert_eq!(observed(months), [false, true, false, true, false, true]);
    }

    proptest! {
        #[test]
        fn single_jump_is_never_trusted(
            steps in prop::collection::vec(1..24 * 8_i64, 0..50),
            jump in 24 * 40..24 * 4000_i64,
        ) {
            let mut at = 0;
            let mut state = ClockState::trusted(START);
            for step in steps {
                at += step;
                state = state.observe(START + hours(at));
                prop_assert!(state.is_trusted());
            }
            let jumped = state.observe(START + hours(at + jump));
            prop_assert!(!jumped.is_trusted());
            prop_assert!(jumped.observe(START + hours(at + 1)).is_trusted());
        }

        #[test]
        fn any_clock_is_trusted_after_two_steady_days(
            before in prop::collection::vec(-24 * 4000..24 * 4000_i64, 0..20),
        ) {
            let state = before.iter().fold(ClockState::trusted(START), |state, at| state.observe(START + hours(*at)));
            let from = START + hours(before.last().copied().unwrap_or(0));
            let state = (0..=48).fold(state, |state, hour| state.observe(from + hours(hour)));
            prop_assert!(state.is_trusted());
        }
    }
}
