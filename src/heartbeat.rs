//! Whether a worker turns. A pass may take hours, most of which it waits for Spotify's distance between
//! calls, so nobody can ask when it ends; but whatever it waits for wakes it up, and that is counted.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// The pulse of one worker: it beats whenever its pass is woken up, and, between two passes, whenever
/// somebody asks. One that blocks its thread, or waits for what never comes, has none.
#[derive(Debug, Default)]
pub struct Pulse {
    beats: AtomicU64,
    questions: Notify,
}

impl Pulse {
    /// How often it beat so far.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Asks for a sign of life. Who is at work need not answer: the work is the sign.
    pub fn ask(&self) {
        self.questions.notify_one();
    }

    /// Answers the next question. For a worker that rests.
    pub async fn answer(&self) {
        self.questions.notified().await;
        self.beat();
    }

    /// Does `work`, and beats each time that it is woken up.
    pub async fn of<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            // Afterwards: work that never comes back from this has stopped beating.
            self.beat();
            polled
        })
        .await
    }

    fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::task::yield_now;

    use super::*;

    async fn others_have_their_turn() {
        for _ in 0..100 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_pass_that_is_woken_up_again_and_again_beats_and_one_that_waits_for_ever_does_not() {
        let pulse = Arc::new(Pulse::default());
        pulse.of(others_have_their_turn()).await;
        assert!(pulse.beats() >= 100, "{}", pulse.beats());
        let waiting = Arc::clone(&pulse);
        let lost = tokio::spawn(async move { waiting.of(std::future::pending::<()>()).await });
        others_have_their_turn().await;
        let before = pulse.beats();
        others_have_their_turn().await;
        assert_eq!(pulse.beats(), before);
        lost.abort();
    }

    #[tokio::test]
    async fn who_rests_answers_and_a_question_nobody_heard_yet_is_not_lost() {
        let pulse = Arc::new(Pulse::default());
        pulse.ask();
        pulse.ask();
        assert_eq!(pulse.beats(), 0);
        pulse.answer().await;
        assert_eq!(pulse.beats(), 1);
        let resting = Arc::clone(&pulse);
        let answer = tokio::spawn(async move { resting.answer().await });
        others_have_their_turn().await;
        assert!(!answer.is_finished(), "it was asked twice before, and that is one question");
        pulse.ask();
        answer.await.unwrap();
        assert_eq!(pulse.beats(), 2);
    }
}
