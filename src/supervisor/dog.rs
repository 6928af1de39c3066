//! The watchdog's judgement: who has been silent for too long.

use std::time::Duration;

use crate::worker::Job;

const JOBS: usize = Job::ALL.len();

/// Counts its own rounds, and asks no clock: one that steps makes nobody look dead, and a machine that
/// slept has no rounds to miss.
#[derive(Debug)]
pub struct Dog {
    patience: u64,
    heard: [u64; JOBS],
    silent: [u64; JOBS],
}

impl Dog {
    /// A dog with a look every `round`, that takes nobody for dead who has been silent for less than
    /// `longest_silence`.
    pub fn new(round: Duration, longest_silence: Duration) -> Self {
        let rounds = longest_silence.as_millis().div_ceil(round.as_millis().max(1));
        // One more, since silence can begin right after a look.
        let patience = u64::try_from(rounds).unwrap_or(u64::MAX).saturating_add(1);
        // So many beats nobody has: whoever is silent from the start is heard of once.
        Self { patience, heard: [u64::MAX; JOBS], silent: [0; JOBS] }
    }

    /// Takes in how often each job's pulse beat so far, once a round. The first job that has been silent
    /// for too long.
    pub fn look(&mut self, beats: [u64; JOBS]) -> Option<Job> {
        for (n, beats) in beats.into_iter().enumerate() {
            self.silent[n] = if beats == self.heard[n] { self.silent[n] + 1 } else { 0 };
            self.heard[n] = beats;
        }
        Job::ALL.into_iter().find(|job| self.silent[*job as usize] > self.patience)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROUND: Duration = Duration::from_secs(30);

    #[test]
    fn one_who_is_silent_for_longer_than_anything_can_take_is_named() {
        let mut dog = Dog::new(ROUND, ROUND * 4);
        for round in 0..6 {
            assert_eq!(dog.look([round, round, 7, round]), None, "{round}");
        }
        assert_eq!(dog.look([6, 6, 7, 6]), Some(Job::CheckArtists));
        assert_eq!(dog.look([7, 7, 8, 7]), None, "it was only slow");
    }

    proptest! {
        #[test]
        fn nobody_is_taken_for_dead_before_the_longest_silence_is_over(
            round_s in 1u64..200, silence_s in 0u64..5000, beats: [bool; 200]
        ) {
            let (round, longest) = (Duration::from_secs(round_s), Duration::from_secs(silence_s));
            let (mut dog, mut count, mut silent) = (Dog::new(round, longest), 0, Duration::ZERO);
            dog.look([0; JOBS]);
            for beat in beats {
                count += u64::from(beat);
                silent = if beat { Duration::ZERO } else { silent + round };
                let named = dog.look([count; JOBS]).is_some();
                prop_assert!(!named || silent > longest, "silent for {silent:?} of {longest:?}");
                prop_assert!(named || silent <= longest + round * 3, "{silent:?} of {longest:?}");
            }
        }
    }
}
