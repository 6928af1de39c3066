//! The connection pool: how many connections there may be, and the idle ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::session::Session;
use crate::clock::Clock;

/// Servers and routers drop connections that are idle for longer.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// Limits the number of connections. The holder of a [`Permit`] may open one or take an idle one.
pub(super) struct ConnectionPool {
    free: Semaphore,
    most: usize,
    /// By how many the pool is shrunk because the server accepts fewer connections at present.
    withheld: AtomicUsize,
    kept: Mutex<Vec<Idle>>,
    clock: Arc<dyn Clock>,
}

/// Permission to use one connection.
pub(super) struct Permit<'a>(SemaphorePermit<'a>);

/// An idle connection, whose last email was answered with 250.
struct Idle {
    session: Session,
    since: Timestamp,
}

impl ConnectionPool {
    pub(super) fn new(most: usize, clock: Arc<dyn Clock>) -> Self {
        let withheld = AtomicUsize::new(0);
        Self { free: Semaphore::new(most), most, withheld, kept: Mutex::default(), clock }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Waits for a free place; never `None`, because the semaphore is never closed.
    pub(super) async fn take(&self) -> Option<Permit<'_>> {
        self.free.acquire().await.ok().map(Permit)
    }

    /// Shrinks the pool by one until [`Self::empty`], because the server accepts no further connection while it
    /// serves others of ours; many allow only a few. Returns the place if no other connection is in use, so the
    /// server accepts none at all.
    pub(super) fn shrink<'a>(&self, place: Permit<'a>) -> Result<(), Permit<'a>> {
        let one_more = |withheld: usize| {
            let taken = self.most.saturating_sub(withheld + self.free.available_permits());
            (taken >= 2).then_some(withheld + 1)
        };
        match self.withheld.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more) {
            Err(_) => Err(place),
            Ok(_) => {
                place.0.forget();
                Ok(())
            }
        }
    }

    /// Keeps a connection for the next email.
    pub(super) fn keep(&self, session: Session) {
        let kept = Idle { session, since: self.clock.now() };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }

    /// Takes the connection that was used last, and closes those that were idle for too long.
    pub(super) fn kept(&self) -> Option<Session> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        all.retain(|kept| {
            // If the clock was set back, the idle time is unknown: the connection is closed too.
            let idle = Duration::try_from(now.duration_since(kept.since));
            idle.is_ok_and(|idle| idle <= MAX_IDLE)
        });
        all.pop().map(|kept| kept.session)
    }

    /// Takes all idle connections and restores the pool's size.
    pub(super) fn empty(&self) -> Vec<Session> {
        self.free.add_permits(self.withheld.swap(0, Ordering::SeqCst));
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.drain(..).map(|kept| kept.session).collect()
    }
}
