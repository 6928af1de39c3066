//! Background jobs. Each is a function that does what is due and reports the result; loops and timers are
//! elsewhere.

pub mod check_artists;
mod compose;
pub mod consent_reminders;
pub mod disk_space;
pub mod fetch_hints;
mod fetch_releases;
pub mod heartbeat;
pub mod maintenance;
mod record_releases;
pub mod scheduler;
pub mod send_emails;
pub mod sync_follows;
pub mod worker;

use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Due,
    /// Everything, due or not, because a user asked for it.
    All,
}

/// Observes and stops a run.
pub struct RunControl<'a> {
    /// Cancelled when no further unit of work may begin.
    pub stop: &'a CancellationToken,
    /// Called after each unit of work with the number of finished units and of all units.
    pub progress: &'a (dyn Fn(u64, u64) + Send + Sync),
}
