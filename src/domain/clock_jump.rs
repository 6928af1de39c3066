//! A clock that leapt ahead is not believed at once when it says that something is over: a machine may wake up
//! years ahead, and what it deleted would be gone when its clock is put right.

use jiff::{SignedDuration, Timestamp};

/// Dropday may rest for so long without its clock being doubted.
pub const MAX_FORWARD_JUMP: SignedDuration = SignedDuration::from_hours(24 * 8);

/// A clock that is ahead by more must go on from there for so long: who runs a machine, and whatever else sets
/// clocks, has noticed by then.
pub const PROBATION: SignedDuration = SignedDuration::from_hours(24 * 2);

/// Looks that lie farther apart are no going on.
const MAX_GAP: SignedDuration = SignedDuration::from_hours(24 * 31);

/// What is remembered of the clock from one look to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockState {
    /// The last time that was believed.
    pub believed: Timestamp,
    /// When it was doubted first, and last, since then.
    pub doubted: Option<(Timestamp, Timestamp)>,
}

impl ClockState {
    /// A clock that nothing speaks against.
    pub fn believed(at: Timestamp) -> Self {
        Self { believed: at, doubted: None }
    }

    /// Whether what is over by this clock is over.
    pub fn is_believed(&self) -> bool {
        self.doubted.is_none()
    }

    /// What a look at the clock makes of it.
    #[must_use]
    pub fn look(self, now: Timestamp) -> Self {
        if now <= self.believed + MAX_FORWARD_JUMP {
            return Self::believed(now);
        }
        let goes_on = |(_, last): &(Timestamp, Timestamp)| now <= *last + MAX_GAP;
        // A step back while it is doubted makes no probation longer.
        let since = self.doubted.filter(goes_on).map_or(now, |(since, _)| since.min(now));
        match now.duration_since(since) >= PROBATION {
            true => Self::believed(now),
            false => Self { doubted: Some((since, now)), ..self },
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

    /// Looks at so many hours after the start; whether each was believed.
    fn looks(at: impl IntoIterator<Item = i64>) -> Vec<bool> {
        let mut seen = ClockState::believed(START);
        let look = |at| {
            seen = seen.look(START + hours(at));
            seen.is_believed()
        };
        at.into_iter().map(look).collect()
    }

    const YEAR: i64 = 400 * 24;

    #[test]
    fn a_clock_that_leapt_ahead_is_believed_once_it_has_gone_on_for_two_days() {
        assert_eq!(looks([1, 2, 8 * 24, 16 * 24]), [true; 4]);
        assert_eq!(looks([YEAR, YEAR + 1, YEAR + 47, YEAR + 48]), [false, false, false, true]);
        assert_eq!(looks([9 * 24, 10 * 24, 11 * 24]), [false, false, true]);
    }

    #[test]
    fn a_clock_that_is_put_right_is_believed_and_the_leap_forgotten() {
        assert_eq!(looks([YEAR, YEAR + 1, 3, YEAR, YEAR + 1]), [false, false, true, false, false]);
        assert_eq!(looks([YEAR, 2 * YEAR, 3 * YEAR]), [false; 3], "no two leaps make a probation");
        assert_eq!(looks([-YEAR, 0]), [true, false], "back, and on again");
    }

    #[test]
    fn who_starts_it_once_a_month_is_not_doubted_for_ever() {
        let months: Vec<i64> = (1..=6).map(|month| month * 30 * 24).collect();
        assert_eq!(looks(months), [false, true, false, true, false, true]);
    }

    proptest! {
        #[test]
        fn a_time_that_no_other_time_agrees_with_is_never_believed(
            steps in prop::collection::vec(1..24 * 8_i64, 0..50),
            leap in 24 * 40..24 * 4000_i64,
        ) {
            let mut at = 0;
            let mut seen = ClockState::believed(START);
            for step in steps {
                at += step;
                seen = seen.look(START + hours(at));
                prop_assert!(seen.is_believed());
            }
            let leapt = seen.look(START + hours(at + leap));
            prop_assert!(!leapt.is_believed());
            prop_assert!(leapt.look(START + hours(at + 1)).is_believed());
        }

        #[test]
        fn whatever_it_did_a_clock_that_goes_on_is_believed_within_two_days(
            before in prop::collection::vec(-24 * 4000..24 * 4000_i64, 0..20),
        ) {
            let seen = before.iter().fold(ClockState::believed(START), |seen, at| seen.look(START + hours(*at)));
            let from = START + hours(before.last().copied().unwrap_or(0));
            let seen = (0..=48).fold(seen, |seen, hour| seen.look(from + hours(hour)));
            prop_assert!(seen.is_believed());
        }
    }
}
