//! Runs background jobs. Each job has one worker, which runs when notified or when its schedule fires. A job
//! never runs concurrently with itself and stops only between units of work.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::heartbeat::Heartbeat;
use super::{
    RunControl, Scope, check_artists, consent_reminders, disk_space, fetch_hints, maintenance,
    send_emails, sync_follows,
};
use crate::clock::Clock;
use crate::context::Ctx;
use crate::store::StoreError;
use crate::store::job_runs::{self, JobRun, RunResult};

/// How often an idle worker beats and checks the clock.
pub const IDLE_INTERVAL: Duration = Duration::from_secs(60);

/// The background jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Reads lists of followed artists, reminds users of expiring consents, and cleans up the database.
    SyncFollows,
    /// Queries open catalogues.
    FetchHints,
    /// Fetches artists' releases from Spotify.
    CheckArtists,
    /// Sends what is pending in the outbox.
    SendEmails,
}

impl Job {
    /// All jobs, in the order in which a new album passes through them.
    pub const ALL: [Self; 4] =
        [Self::SyncFollows, Self::FetchHints, Self::CheckArtists, Self::SendEmails];

    /// The name in logs, in `job_runs` and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SyncFollows => "follows",
            Self::FetchHints => "hints",
            Self::CheckArtists => "releases",
            Self::SendEmails => "emails",
        }
    }
}

/// Wakes the workers. Notifications that arrive before the job runs count as one; a notification during a run
/// makes the job run again.
#[derive(Debug)]
pub struct JobNotifier {
    notifications: [Notify; Job::ALL.len()],
    heartbeats: [Heartbeat; Job::ALL.len()],
    idle_interval: Duration,
}

impl Default for JobNotifier {
    fn default() -> Self {
        Self::with_idle_interval(IDLE_INTERVAL)
    }
}

impl JobNotifier {
    /// Like the default, but with another interval than [`IDLE_INTERVAL`].
    pub fn with_idle_interval(idle_interval: Duration) -> Self {
        Self { notifications: Default::default(), heartbeats: Default::default(), idle_interval }
    }

    /// Makes a job run as soon as its worker is free.
    pub fn notify(&self, job: Job) {
        self.notifications[job as usize].notify_one();
    }

    /// Whether a job's worker makes progress.
    pub fn heartbeat(&self, job: Job) -> &Heartbeat {
        &self.heartbeats[job as usize]
    }

    /// Waits for a notification.
    pub(crate) async fn notified(&self, job: Job) {
        self.notifications[job as usize].notified().await;
    }
}

/// Starts a worker for each job. They run at once, and then whenever notified, until `stop`. A run that is under
/// way then finishes its unit of work first.
pub fn start(
    ctx: &Arc<Ctx>,
    notifier: &Arc<JobNotifier>,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) {
    for job in Job::ALL {
        notifier.notify(job);
        tasks.spawn(work(job, Arc::clone(ctx), Arc::clone(notifier), stop.clone()));
    }
}

async fn work(job: Job, ctx: Arc<Ctx>, notifier: Arc<JobNotifier>, stop: CancellationToken) {
    let mut latest = ctx.clock.now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = next_run(job, &notifier, &*ctx.clock, latest) => {}
        }
        let started_at = ctx.clock.now();
        latest = latest.max(started_at);
        let report = run_to_end(job, &ctx, &notifier, &stop).await;
        record(&ctx, job, started_at, report).await;
    }
}

/// Waits until a job should run. `latest` is the latest time at which it has run: after the clock was set back
/// the scheduler does not fire until the clock gets there again, so meanwhile the job runs every minute.
async fn next_run(job: Job, notifier: &JobNotifier, clock: &dyn Clock, latest: Timestamp) {
    while timeout(notifier.idle_interval, notifier.notified(job)).await.is_err() {
        notifier.heartbeat(job).beat();
        if clock.now() < latest {
            return;
        }
    }
}

/// Runs a job in a task of its own, so that a panic ends only this run.
async fn run_to_end(
    job: Job,
    ctx: &Arc<Ctx>,
    notifier: &Arc<JobNotifier>,
    stop: &CancellationToken,
) -> JobReport {
    let (ctx, notifier, stop) = (Arc::clone(ctx), Arc::clone(notifier), stop.clone());
    let run =
        async move { notifier.heartbeat(job).track(run_job(job, &ctx, &notifier, &stop)).await };
    match tokio::spawn(run).await {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => {
            tracing::error!(job = job.as_str(), %error, "job failed");
            JobReport::failed(error.to_string())
        }
        Err(panic) => {
            tracing::error!(job = job.as_str(), %panic, "job panicked; this is a bug");
            JobReport::failed("the job panicked; this is a bug".to_owned())
        }
    }
}

/// What a run did.
struct JobReport {
    summary: String,
    result: RunResult,
    is_idle: bool,
}

impl JobReport {
    /// Logs the outcome: at `info` if the run did something, else at `debug`.
    fn log(job: Job, outcome: &dyn std::fmt::Display, result: RunResult, is_idle: bool) -> Self {
        if is_idle {
            tracing::debug!(job = job.as_str(), "{outcome}");
        } else {
            tracing::info!(job = job.as_str(), result = result.as_str(), "{outcome}");
        }
        Self { summary: outcome.to_string(), result, is_idle }
    }

    fn failed(summary: String) -> Self {
        Self { summary, result: RunResult::Failed, is_idle: false }
    }

    /// Adds the report of the run's next step.
    fn and(self, next: Self) -> Self {
        match (self.is_idle, next.is_idle) {
            (true, _) => next,
            (false, true) => self,
            (false, false) => {
                Self { summary: format!("{}; {}", self.summary, next.summary), ..next }
            }
        }
    }
}

/// Records a run for `dropday status`, the admin page and `/metrics`.
async fn record(ctx: &Ctx, job: Job, started_at: Timestamp, report: JobReport) {
    let JobReport { summary, result, is_idle } = report;
    ctx.metrics.record_run(job.as_str(), result.as_str());
    let (job, ended_at) = (job.as_str().to_owned(), ctx.clock.now());
    let run = JobRun { job, started_at, ended_at, result, is_idle, did: summary };
    if let Err(error) = ctx.db.write("record job run", move |tx| job_runs::note(tx, &run)).await {
        tracing::warn!(%error, "failed to record job run");
    }
}

fn result(has_failed: bool, is_held_up: bool) -> RunResult {
    match (has_failed, is_held_up) {
        (_, true) => RunResult::HeldUp,
        (true, false) => RunResult::Failed,
        (false, false) => RunResult::Ok,
    }
}

async fn run_job(
    job: Job,
    ctx: &Ctx,
    notifier: &JobNotifier,
    stop: &CancellationToken,
) -> Result<JobReport, StoreError> {
    let watch = RunControl { stop, progress: &|_, _| {} };
    match job {
        Job::SyncFollows => {
            if disk_space::run(ctx).await? {
                notifier.notify(Job::SendEmails);
            }
            let consents = remind_of_consents(ctx, notifier).await?;
            let follows = sync_all_follows(ctx, notifier, &watch).await?;
            Ok(consents.and(follows).and(clean_up(ctx, stop).await?))
        }
        Job::FetchHints => {
            let outcome = fetch_hints::run(ctx, &watch).await?;
            if outcome.given > 0 {
                notifier.notify(Job::CheckArtists);
            }
            let is_idle = outcome == fetch_hints::HintReport::default();
            Ok(JobReport::log(job, &outcome, RunResult::Ok, is_idle))
        }
        Job::CheckArtists => {
            let outcome = check_artists::run(ctx, Scope::Due, &watch).await?;
            if outcome.pending > 0 {
                notifier.notify(Job::SendEmails);
            }
            let is_held_up = outcome.held_up.is_some() && !outcome.is_app_refused;
            let result = result(outcome.has_failed(), is_held_up);
            Ok(JobReport::log(job, &outcome, result, outcome.is_idle()))
        }
        Job::SendEmails => {
            let outcome = send_emails::run(ctx, Scope::Due, &watch).await?;
            let result = result(outcome.has_failed(), false);
            Ok(JobReport::log(
                job,
                &outcome,
                result,
                outcome == send_emails::DeliveryReport::default(),
            ))
        }
    }
}

async fn remind_of_consents(ctx: &Ctx, notifier: &JobNotifier) -> Result<JobReport, StoreError> {
    let outcome = consent_reminders::run(ctx).await?;
    if outcome.reminded > 0 {
        notifier.notify(Job::SendEmails);
    }
    let is_idle = outcome == consent_reminders::ReminderReport::default();
    Ok(JobReport::log(Job::SyncFollows, &outcome, RunResult::Ok, is_idle))
}

async fn sync_all_follows(
    ctx: &Ctx,
    notifier: &JobNotifier,
    watch: &RunControl<'_>,
) -> Result<JobReport, StoreError> {
    let outcome = sync_follows::run(ctx, Scope::Due, watch).await?;
    if outcome.change.added > 0 {
        notifier.notify(Job::FetchHints);
        notifier.notify(Job::CheckArtists);
    }
    if outcome.refused > 0 {
        // The first refusal makes every user's list due.
        notifier.notify(Job::SyncFollows);
        notifier.notify(Job::SendEmails);
    }
    let is_held_up = outcome.held_up.is_some() && !outcome.is_app_refused;
    let result = result(outcome.has_failed(), is_held_up);
    let is_idle = outcome == sync_follows::SyncReport::default();
    Ok(JobReport::log(Job::SyncFollows, &outcome, result, is_idle))
}

async fn clean_up(ctx: &Ctx, stop: &CancellationToken) -> Result<JobReport, StoreError> {
    let outcome = maintenance::run(ctx, stop).await?.unwrap_or_default();
    let is_idle = outcome == maintenance::MaintenanceReport::default();
    Ok(JobReport::log(Job::SyncFollows, &outcome, RunResult::Ok, is_idle))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use dropday::test_clock::ManualClock;

    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn job_runs_regularly_after_clock_is_set_back() {
        let notifier = JobNotifier::with_idle_interval(SHORT);
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let latest = Timestamp::from_second(3600).unwrap();
        let next = || next_run(Job::SendEmails, &notifier, &*clock, latest);
        // The clock is behind: no notification is needed.
        next().await;
        next().await;
        clock.set(latest);
        assert!(timeout(SHORT * 20, next()).await.is_err(), "ran without notification");
        notifier.notify(Job::SendEmails);
        next().await;
    }

    #[tokio::test]
    async fn idle_worker_beats() {
        let (hour, clock) = (Duration::from_secs(3600), ManualClock::at(Timestamp::UNIX_EPOCH));
        let heartbeats = std::array::from_fn(|_| Heartbeat::since(Instant::now() - hour));
        let notifier = JobNotifier { heartbeats, ..JobNotifier::with_idle_interval(SHORT) };
        let beat = async {
            while notifier.heartbeat(Job::SendEmails).age() >= hour {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = next_run(Job::SendEmails, &notifier, &*clock, clock.now()) => {
                panic!("ran without notification")
            }
            () = beat => {}
        }
    }
}
