//! How many calls per day Spotify really allows, learned from quota lockouts.

use jiff::{SignedDuration, Timestamp};

/// After a lockout the limit drops to this share of the calls spent, in per cent.
const DROPS_TO: u32 = 90;

/// A lockout after fewer calls than this share of the ceiling, in per cent, was caused by another app of the
/// same developer and says nothing about the limit.
const MIN: u32 = 10;

/// How long it takes to return to the ceiling; doubled with each lockout on the way.
const RECOVERY: SignedDuration = SignedDuration::from_hours(28 * 24);

const MAX_RECOVERY: SignedDuration = SignedDuration::from_hours(32 * 7 * 24);

/// The last lockout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLockout {
    /// Calls in the rolling day before it. If that [`is_inconclusive`], those before an earlier lockout, or
    /// the ceiling.
    pub spent: u32,
    pub at: Timestamp,
    /// Lockouts without a full recovery in between, this one included.
    pub in_a_row: u32,
}

impl QuotaLockout {
    /// A lockout after `spent` calls; `before` is the previous one and `ceiling` the operator's limit.
    pub fn learn(spent: u32, ceiling: u32, before: Option<Self>, now: Timestamp) -> Self {
        let before = before.filter(|quota_lockout| {
            now.duration_since(quota_lockout.at) < quota_lockout.recovery()
        });
        let in_a_row = before.map_or(1, |quota_lockout| quota_lockout.in_a_row.saturating_add(1));
        let spent = match is_inconclusive(spent, ceiling) {
            true => before.map_or(ceiling, |quota_lockout| quota_lockout.spent),
            false => spent,
        };
        Self { spent, at: now, in_a_row }
    }

    fn recovery(&self) -> SignedDuration {
        let doublings = self.in_a_row.saturating_sub(1).min(10);
        (RECOVERY * (1 << doublings)).min(MAX_RECOVERY)
    }

    /// The progress of the recovery, from 0 to 1.
    fn progress(&self, now: Timestamp) -> f64 {
        (now.duration_since(self.at).as_secs_f64() / self.recovery().as_secs_f64()).clamp(0.0, 1.0)
    }
}

/// Whether another app must have caused a lockout after `spent` calls.
pub fn is_inconclusive(spent: u32, ceiling: u32) -> bool {
    spent < per_cent(ceiling, MIN)
}

/// Calls per rolling day that are allowed now.
pub fn allowed(ceiling: u32, quota_lockout: Option<QuotaLockout>, now: Timestamp) -> u32 {
    let Some(quota_lockout) = quota_lockout else { return ceiling };
    let dropped = per_cent(quota_lockout.spent, DROPS_TO);
    let bottom = dropped.max(per_cent(ceiling, MIN)).max(1).min(ceiling);
    bottom + (f64::from(ceiling - bottom) * quota_lockout.progress(now)) as u32
}

/// Rounded down, but at least 1.
fn per_cent(of: u32, share: u32) -> u32 {
    let part = u64::from(of) * u64::from(share) / 100;
    u32::try_from(part).unwrap_or(u32::MAX).max(u32::from(of > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + n * 86_400).unwrap()
    }

    #[test]
    fn lockout_lowers_quota_which_recovers_slowly() {
        let quota_lockout = QuotaLockout::learn(60, 80, None, day(0));
        let at = |n| allowed(80, Some(quota_lockout), day(n));
        assert_eq!([at(0), at(7), at(14), at(28), at(400)], [54, 60, 67, 80, 80]);
        assert_eq!(allowed(80, None, day(0)), 80);
    }

    #[test]
    fn second_lockout_during_recovery_slows_recovery() {
        let first = QuotaLockout::learn(60, 80, None, day(0));
        let second = QuotaLockout::learn(61, 80, Some(first), day(10));
        assert_eq!(second.in_a_row, 2);
        assert!(allowed(80, Some(second), day(38)) < 80);
        assert_eq!(QuotaLockout::learn(61, 80, Some(second), day(400)).in_a_row, 1, "long ago");
    }

    #[test]
    fn lockout_after_few_calls_is_inconclusive() {
        let after = |spent, ceiling| {
            allowed(ceiling, Some(QuotaLockout::learn(spent, ceiling, None, day(0))), day(0))
        };
        assert_eq!([after(0, 80), after(7, 80), after(8, 80)], [72, 72, 8]);
        assert_eq!([after(0, 4), after(1, 4), after(5, 0)], [3, 1, 0]);
        let first = QuotaLockout::learn(60, 80, None, day(0));
        let second = QuotaLockout::learn(0, 80, Some(first), day(3));
        assert_eq!(
            second,
            QuotaLockout { spent: 60, at: day(3), in_a_row: 2 },
            "what was known stays"
        );
        assert_eq!(QuotaLockout::learn(0, 80, Some(first), day(300)).spent, 80, "it is long ago");
    }

    #[test]
    fn extreme_numbers_do_not_overflow() {
        let quota_lockout = QuotaLockout::learn(u32::MAX, u32::MAX, None, day(0));
        assert!(allowed(u32::MAX, Some(quota_lockout), day(0)) > u32::MAX / 10 * 8);
    }

    proptest! {
        #[test]
        fn quota_rises_and_never_exceeds_configured_limit(
            spent in 0u32..10_000, ceiling in 0u32..10_000, days in 0i64..1_000, more in 0i64..100
        ) {
            let quota_lockout = Some(QuotaLockout::learn(spent, ceiling, None, day(0)));
            let (now, later) = (allowed(ceiling, quota_lockout, day(days)), allowed(ceiling, quota_lockout, day(days + more)));
            prop_assert!(now <= later && later <= ceiling);
            if spent > ceiling / 5 && ceiling > 1 && spent > 1 {
                prop_assert!(allowed(ceiling, quota_lockout, day(0)) < spent);
            }
        }
    }
}
