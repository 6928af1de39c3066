//! How many calls a day Spotify really allows: it does not say, so lock-outs teach it.

use jiff::{SignedDuration, Timestamp};

/// After a lock-out the allowance drops to this share of what was spent, in per cent.
const DROPS_TO: u32 = 90;

/// A lock-out after fewer calls than this share of the ceiling, in per cent, was somebody else's
/// doing: another app of the same developer.
const LEAST: u32 = 10;

/// How long the way back to the ceiling takes; twice as long with each lock-out on the way.
const WAY_BACK: SignedDuration = SignedDuration::from_hours(28 * 24);

/// No way back is longer.
const LONGEST_WAY: SignedDuration = SignedDuration::from_hours(32 * 7 * 24);

/// What the last lock-out taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lesson {
    /// Calls in the rolling day before it.
    pub spent: u32,
    /// When it came.
    pub at: Timestamp,
    /// How many came before the way back was over, this one included.
    pub in_a_row: u32,
}

impl Lesson {
    /// The lesson of a lock-out after `spent` calls, where `before` was the last one.
    pub fn learn(spent: u32, before: Option<Self>, now: Timestamp) -> Self {
        let is_on_the_way = |lesson: &Self| now.duration_since(lesson.at) < lesson.way_back();
        let in_a_row = before.filter(is_on_the_way).map_or(1, |lesson| lesson.in_a_row + 1);
        Self { spent, at: now, in_a_row }
    }

    fn way_back(&self) -> SignedDuration {
        let doublings = self.in_a_row.saturating_sub(1).min(10);
        (WAY_BACK * (1 << doublings)).min(LONGEST_WAY)
    }

    /// How far back up it is, from 0 to 1.
    fn progress(&self, now: Timestamp) -> f64 {
        (now.duration_since(self.at).as_secs_f64() / self.way_back().as_secs_f64()).clamp(0.0, 1.0)
    }
}

/// Calls in a rolling day that may be made now, where the operator allows `ceiling` and `lesson` was
/// the last. `None` for no limit.
pub fn allowed(ceiling: Option<u32>, lesson: Option<Lesson>, now: Timestamp) -> Option<u32> {
    let Some(lesson) = lesson else { return ceiling };
    let progress = lesson.progress(now);
    let dropped = (u64::from(lesson.spent) * u64::from(DROPS_TO) / 100) as u32;
    let Some(ceiling) = ceiling else {
        // Without a ceiling it climbs to twice what it dropped to, and is forgotten.
        let climbed = f64::from(dropped.max(1)) * (1.0 + progress);
        return (progress < 1.0).then_some(climbed as u32);
    };
    let bottom = dropped.max(ceiling * LEAST / 100).max(1).min(ceiling);
    Some(bottom + (f64::from(ceiling - bottom) * progress) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + n * 86_400).unwrap()
    }

    #[test]
    fn after_a_lock_out_fewer_calls_are_made_than_were_spent_and_slowly_more_again() {
        let lesson = Lesson::learn(60, None, day(0));
        let at = |n| allowed(Some(80), Some(lesson), day(n)).unwrap();
        assert_eq!([at(0), at(7), at(14), at(28), at(400)], [54, 60, 67, 80, 80]);
        assert_eq!(allowed(None, Some(lesson), day(14)), Some(81));
        assert_eq!(allowed(None, Some(lesson), day(28)), None);
        assert_eq!(allowed(Some(80), None, day(0)), Some(80));
    }

    #[test]
    fn a_second_lock_out_on_the_way_makes_the_way_longer() {
        let first = Lesson::learn(60, None, day(0));
        let second = Lesson::learn(61, Some(first), day(10));
        assert_eq!(second.in_a_row, 2);
        assert!(allowed(Some(80), Some(second), day(38)).unwrap() < 80);
        assert_eq!(Lesson::learn(61, Some(second), day(400)).in_a_row, 1, "long ago");
    }

    #[test]
    fn a_lock_out_after_a_handful_of_calls_does_not_stop_everything() {
        assert_eq!(allowed(Some(80), Some(Lesson::learn(1, None, day(0))), day(0)), Some(8));
        assert_eq!(allowed(Some(4), Some(Lesson::learn(0, None, day(0))), day(0)), Some(1));
        assert_eq!(allowed(Some(0), Some(Lesson::learn(5, None, day(0))), day(0)), Some(0));
    }

    proptest! {
        #[test]
        fn the_ceiling_is_never_passed_and_the_way_leads_up(
            spent in 0u32..10_000, ceiling in 0u32..10_000, days in 0i64..1_000, more in 0i64..100
        ) {
            let lesson = Some(Lesson::learn(spent, None, day(0)));
            let (now, later) = (allowed(Some(ceiling), lesson, day(days)), allowed(Some(ceiling), lesson, day(days + more)));
            prop_assert!(now <= later && later <= Some(ceiling));
            if spent > ceiling / 5 && ceiling > 1 && spent > 1 {
                prop_assert!(allowed(Some(ceiling), lesson, day(0)).unwrap() < spent);
            }
        }
    }
}
