//! A value that is computed when somebody needs it, and then reused for a while.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::clock::Clock;

pub(super) struct Cached<T> {
    clock: Arc<dyn Clock>,
    ttl: SignedDuration,
    timeout: Duration,
    last: Arc<Mutex<Option<(Timestamp, T)>>>,
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unavailable {
    TimedOut,
    Panicked,
}

impl<T: Clone + Send + 'static> Cached<T> {
    /// A value is reused for `ttl`; no caller waits longer than `timeout` for it.
    pub(super) fn new(clock: Arc<dyn Clock>, ttl: SignedDuration, timeout: Duration) -> Self {
        Self { clock, ttl, timeout, last: Arc::default() }
    }

    /// The value. One caller computes it while the others wait; the computation goes on if the caller leaves.
    pub(super) async fn get<F>(&self, compute: impl FnOnce() -> F) -> Result<T, Unavailable>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let value = tokio::time::timeout(self.timeout, self.find(compute)).await;
        value.unwrap_or(Err(Unavailable::TimedOut))
    }

    async fn find<F>(&self, compute: impl FnOnce() -> F) -> Result<T, Unavailable>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut last = Arc::clone(&self.last).lock_owned().await;
        if let Some((at, value)) = &*last
            && self.clock.now().duration_since(*at).abs() < self.ttl
        {
            return Ok(value.clone());
        }
        let (clock, computing) = (Arc::clone(&self.clock), compute());
        // The task holds the lock, so that a computation that hangs is not started a second time.
        let task = tokio::spawn(async move {
            let value = computing.await;
            *last = Some((clock.now(), value.clone()));
            value
        });
        task.await.map_err(|_| Unavailable::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;
    use dropday::test_clock::ManualClock;

    /// A computation that counts its runs, each of which needs a permit to finish.
    struct Slow {
        clock: Arc<ManualClock>,
        cached: Cached<&'static str>,
        permits: Arc<Semaphore>,
        runs: Arc<AtomicUsize>,
    }

    impl Slow {
        fn new(permits: usize) -> Self {
            let clock = ManualClock::at("2026-11-26T12:00:00Z".parse().unwrap());
            let ttl = SignedDuration::from_secs(1);
            let cached = Cached::new(clock.clone(), ttl, Duration::from_millis(50));
            let permits = Arc::new(Semaphore::new(permits));
            Self { clock, cached, permits, runs: Arc::default() }
        }

        async fn get(&self) -> Result<&'static str, Unavailable> {
            let (permits, runs) = (Arc::clone(&self.permits), Arc::clone(&self.runs));
            let compute = move || async move {
                runs.fetch_add(1, Ordering::Relaxed);
                permits.acquire().await.unwrap().forget();
                "value"
            };
            self.cached.get(compute).await
        }

        async fn get_a_hundred_times(&self) -> Vec<Result<&'static str, Unavailable>> {
            join_all((0..100).map(|_| self.get())).await
        }

        fn runs(&self) -> usize {
            self.runs.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_computation_per_ttl() {
        let slow = Slow::new(1000);
        for runs in 1..=3 {
            for _ in 0..2 {
                assert!(slow.get_a_hundred_times().await.iter().all(Result::is_ok));
            }
            assert_eq!(slow.runs(), runs);
            slow.clock.advance(Duration::from_secs(1));
        }
    }

    #[tokio::test]
    async fn hanging_computation_is_not_started_twice() {
        let slow = Slow::new(0);
        for _ in 0..2 {
            slow.clock.advance(Duration::from_secs(1));
            let values = slow.get_a_hundred_times().await;
            assert!(values.iter().all(|value| *value == Err(Unavailable::TimedOut)));
        }
        assert_eq!(slow.runs(), 1);
        slow.permits.add_permits(1);
        assert_eq!(slow.get().await, Ok("value"), "although every caller had left");
        assert_eq!(slow.runs(), 1);
    }

    #[tokio::test]
    async fn panicking_computation_is_tried_again() {
        let slow = Slow::new(1);
        let panics = slow.cached.get(|| async { panic!("on purpose") }).await;
        assert_eq!(panics, Err(Unavailable::Panicked));
        assert_eq!(slow.get().await, Ok("value"));
    }
}
