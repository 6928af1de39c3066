//! Shows whether a worker makes progress. A run may take hours, most of which it waits for its turn to call
//! Spotify, so no limit on its duration would tell a slow run from a stuck one. But whatever it waits for wakes it up.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When one worker last made progress. It beats each time a run is woken up, and every minute between runs.
#[derive(Debug)]
pub struct Heartbeat(Mutex<Instant>);

impl Default for Heartbeat {
    fn default() -> Self {
        Self::since(Instant::now())
    }
}

impl Heartbeat {
    pub(crate) fn since(last_beat: Instant) -> Self {
        Self(Mutex::new(last_beat))
    }

    /// Records progress.
    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The time since the last beat. Changes to the wall clock and suspends do not affect it.
    pub fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Does `work`, and beats each time it has been polled. Work that blocks its thread, or waits for an event
    /// that never comes, does not beat.
    pub async fn track<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            self.beat();
            polled
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    const LONG_AGO: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn each_wake_up_of_a_run_beats() {
        let heartbeat = Heartbeat::since(Instant::now() - LONG_AGO);
        assert!(heartbeat.age() >= LONG_AGO);
        heartbeat.track(yield_now()).await;
        assert!(heartbeat.age() < LONG_AGO);
    }

    #[tokio::test]
    async fn waiting_run_does_not_beat() {
        let heartbeat = Heartbeat::default();
        let mut run = pin!(heartbeat.track(std::future::pending::<()>()));
        assert!(futures_util::poll!(run.as_mut()).is_pending());
        *heartbeat.0.lock().unwrap() -= LONG_AGO;
        yield_now().await;
        assert!(heartbeat.age() >= LONG_AGO);
    }
}
