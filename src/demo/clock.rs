//! A clock that can be moved forward.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::{Clock, Sleep, SystemClock};

/// The system clock plus an offset. Sleeping takes real time.
#[derive(Debug, Default)]
pub struct FastClock {
    system: SystemClock,
    offset: Mutex<Duration>,
}

impl FastClock {
    /// A clock without an offset.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn advance(&self, time: Duration) {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.system.now() + *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, time: Duration) -> Sleep<'_> {
        self.system.sleep(time)
    }
}
