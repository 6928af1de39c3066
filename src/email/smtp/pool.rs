//! Connections: how many there may be at once, and those that wait for an email.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::session::Session;
use crate::clock::Clock;

/// The longest that a connection is kept without an email: servers and routers forget idle ones.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// The room for connections. Whoever has a [`Place`] may open one, or take one that was kept.
pub(super) struct Places {
    free: Semaphore,
    most: usize,
    /// How many of them the server does not let us have at present.
    withheld: AtomicUsize,
    kept: Mutex<Vec<Kept>>,
    clock: Arc<dyn Clock>,
}

/// The right to one connection.
pub(super) struct Place<'a>(SemaphorePermit<'a>);

/// A connection whose last email was answered with 250.
struct Kept {
    session: Session,
    since: Timestamp,
}

impl Places {
    pub(super) fn new(most: usize, clock: Arc<dyn Clock>) -> Self {
        let withheld = AtomicUsize::new(0);
        Self { free: Semaphore::new(most), most, withheld, kept: Mutex::default(), clock }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Waits until a place is free; `None` cannot happen, since places are never closed.
    pub(super) async fn take(&self) -> Option<Place<'_>> {
        self.free.acquire().await.ok().map(Place)
    }

    /// Gives a place up until [`Self::empty`], since the server took no further connection while it
    /// serves others of ours: many allow few at once. Gives the place back where nobody else is at
    /// work, and the server therefore lets nobody in at all.
    pub(super) fn withhold<'a>(&self, place: Place<'a>) -> Result<(), Place<'a>> {
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
        let kept = Kept { session, since: self.clock.now() };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }

    /// Takes out the connection that was used last, closing those that nobody should trust any more.
    pub(super) fn kept(&self) -> Option<Session> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        all.retain(|kept| {
            // A clock that was set back says nothing about the connection: not trusted either.
            let idle = Duration::try_from(now.duration_since(kept.since));
            idle.is_ok_and(|idle| idle <= MAX_IDLE)
        });
        all.pop().map(|kept| kept.session)
    }

    /// Takes all connections out, and gives every place free again.
    pub(super) fn empty(&self) -> Vec<Session> {
        self.free.add_permits(self.withheld.swap(0, Ordering::SeqCst));
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.drain(..).map(|kept| kept.session).collect()
    }
}
