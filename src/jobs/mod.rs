//! The way of a new album. Each step is a pass: a function that does what is due and reports what
//! it did. Loops and timers are not its business.

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

/// How much a pass takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What is due.
    Due,
    /// Everything, due or not: somebody asked for it now.
    All,
}

/// How a pass is watched and stopped.
pub struct RunControl<'a> {
    /// Cancelled when no further unit of work should begin.
    pub stop: &'a CancellationToken,
    /// Told after each unit how many of how many are done.
    pub progress: &'a (dyn Fn(u64, u64) + Send + Sync),
}
