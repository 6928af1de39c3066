//! Notifies systemd's watchdog while the database answers and every worker makes progress.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState::{Ready, Status, Watchdog as Ping};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::status_line::{self, DaemonStatus};
use super::systemd;
use crate::config::Config;
use crate::context::Ctx;
use crate::jobs::worker::{IDLE_INTERVAL, Job, JobNotifier};
use crate::store::{StoreError, api_calls};

/// The time between two pings if no watchdog asks for more.
const PING_INTERVAL: Duration = Duration::from_secs(60);

/// Pings in the watchdog's time. Three checks in a row may fail or time out before systemd restarts Dropday.
const PINGS_PER_WATCHDOG: u32 = 6;

/// A check may take the ping interval divided by this.
const CHECK_SHARE: u32 = 3;

/// The time without progress that a worker is allowed beyond the waits that the configuration explains.
const GRACE: Duration = Duration::from_secs(5 * 60);

/// Calls of other jobs and processes that a worker may have to wait for at the rate limiter.
const CALLS_AHEAD: u32 = 10;

/// Checks the daemon, and reports to systemd.
pub struct Watchdog {
    ctx: Arc<Ctx>,
    notifier: Arc<JobNotifier>,
    /// The time between two checks.
    pub interval: Duration,
    /// The longest that a worker may go without progress.
    pub limit: Duration,
}

impl Watchdog {
    /// `None` if no supervisor started this process.
    pub fn for_supervisor(
        config: &Config,
        ctx: &Arc<Ctx>,
        notifier: &Arc<JobNotifier>,
    ) -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        let watchdog = Self::new(config, ctx, notifier);
        let interval = sd_notify::watchdog_enabled().map_or(PING_INTERVAL, ping_interval);
        Some(Self { interval, ..watchdog })
    }

    /// A watchdog with default intervals.
    pub fn new(config: &Config, ctx: &Arc<Ctx>, notifier: &Arc<JobNotifier>) -> Self {
        let (ctx, notifier) = (Arc::clone(ctx), Arc::clone(notifier));
        Self { ctx, notifier, interval: PING_INTERVAL, limit: progress_limit(config) }
    }

    /// Reports that Dropday is ready after the first check that succeeds, and that it is alive after each.
    pub async fn run(self, stop: CancellationToken) {
        let mut is_ready = false;
        loop {
            match self.check().await {
                Ok(line) if is_ready => systemd::notify(&[Ping, Status(&line)]),
                Ok(line) => {
                    systemd::notify(&[Ready, Ping, Status(&line)]);
                    is_ready = true;
                }
                Err(reason) => {
                    tracing::error!(reason, "watchdog check failed");
                    systemd::status(&format!("Watchdog check failed: {reason}"));
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.ctx.clock.sleep(self.interval) => {}
            }
        }
    }

    /// The status line, or what is wrong.
    pub async fn check(&self) -> Result<String, String> {
        let status = self.query_database().await?;
        let is_stuck = |job: &Job| self.notifier.heartbeat(*job).age() > self.limit;
        match Job::ALL.into_iter().find(is_stuck) {
            None => Ok(status_line::describe(&status, &self.ctx.zone, &self.ctx.url("/"))),
            Some(job) => {
                Err(format!("the {} job has made no progress for {:.0?}", job.as_str(), self.limit))
            }
        }
    }

    /// Reads from the database, and gets an answer from its writing thread. Whether that thread can write does
    /// not matter here: a restart fixes neither a full disk nor another process's lock.
    async fn query_database(&self) -> Result<DaemonStatus, String> {
        let per_day = self.ctx.cadence.calls_per_day;
        let read = self.ctx.db.read("check database", move |tx| status_line::load(tx, per_day));
        let write = self.ctx.db.write("check database", |_| Ok(()));
        let max = check_timeout(self.interval);
        match timeout(max, async { tokio::join!(read, write) }).await {
            Err(_) => Err(format!("the database has not answered for {max:.1?}")),
            Ok((_, Err(StoreError::Closed))) => Err("the database's thread has ended".to_owned()),
            Ok((status, _)) => status.map_err(|error| format!("cannot read the database: {error}")),
        }
    }
}

fn ping_interval(watchdog: Duration) -> Duration {
    watchdog / PINGS_PER_WATCHDOG
}

fn check_timeout(interval: Duration) -> Duration {
    interval / CHECK_SHARE
}

/// The longest that any single wait of a worker takes, plus [`GRACE`].
fn progress_limit(config: &Config) -> Duration {
    let rate_limiter = config.spotify.request_interval.saturating_mul(CALLS_AHEAD);
    // After the clock is set back, calls may be booked that far ahead.
    let booked = api_calls::BOOKED_AHEAD.unsigned_abs();
    GRACE + IDLE_INTERVAL + config.mail.timeout + config.hints.timeout + rate_limiter + booked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchdog_survives_three_failed_checks_but_not_four() {
        let watchdog = Duration::from_secs(180);
        let interval = ping_interval(watchdog);
        let slow_check = interval + check_timeout(interval);
        assert!(slow_check * 4 < watchdog && slow_check * 5 > watchdog);
    }
}
