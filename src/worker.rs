//! Bell or timer → one pass. Never two of a kind at once, stoppable between units of work.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::context::Ctx;
use crate::heartbeat::Pulse;
use crate::jobs::{
    Scope, Watch, check_artists, consent_reminders, disk_space, fetch_hints, maintenance,
    send_emails, sync_follows,
};
use crate::store::StoreError;
use crate::store::job_runs::{self, JobRun, RunResult};

/// The kinds of background work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Reading lists of follows, and minding the consents to do so.
    SyncFollows,
    /// Asking open catalogues.
    FetchHints,
    /// Asking about artists.
    CheckArtists,
    /// Sending emails.
    SendEmails,
}

impl Job {
    /// Every job, in the order in which a new album passes through them.
    pub const ALL: [Self; 4] =
        [Self::SyncFollows, Self::FetchHints, Self::CheckArtists, Self::SendEmails];

    /// The name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SyncFollows => "follows",
            Self::FetchHints => "hints",
            Self::CheckArtists => "releases",
            Self::SendEmails => "emails",
        }
    }
}

/// One bell for each job. A bell rung twice before it is heard rings once; one rung while its job
/// runs makes it run again.
#[derive(Debug, Default)]
pub struct JobNotifier {
    follows: Notify,
    hints: Notify,
    releases: Notify,
    emails: Notify,
    pulses: [Pulse; Job::ALL.len()],
}

impl JobNotifier {
    /// Rings for a job.
    pub fn notify(&self, job: Job) {
        self.of(job).notify_one();
    }

    /// Whether a job's worker turns.
    pub fn heartbeat(&self, job: Job) -> &Pulse {
        &self.pulses[job as usize]
    }

    /// Waits until somebody rings for a job, unless somebody did already.
    pub(crate) async fn notified(&self, job: Job) {
        self.of(job).notified().await;
    }

    fn of(&self, job: Job) -> &Notify {
        match job {
            Job::SyncFollows => &self.follows,
            Job::FetchHints => &self.hints,
            Job::CheckArtists => &self.releases,
            Job::SendEmails => &self.emails,
        }
    }
}

/// Starts a worker for each job: they run at once, and then whenever their bell rings, until
/// `stop`. A pass in hand ends its unit of work first.
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
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = notifier.notified(job) => {}
            () = notifier.heartbeat(job).answer() => continue,
        }
        let started_at = ctx.clock.now();
        let (with, told, stop) = (Arc::clone(&ctx), Arc::clone(&notifier), stop.clone());
        // A task of its own: a panic ends this pass, and no other.
        let pass = tokio::spawn(async move {
            told.heartbeat(job).of(one_pass(job, &with, &told, &stop)).await
        });
        let did = match pass.await {
            Ok(Ok(did)) => did,
            Ok(Err(error)) => {
                tracing::error!(job = job.as_str(), %error, "a pass ended early");
                Did::broke(error.to_string())
            }
            Err(panic) => {
                tracing::error!(job = job.as_str(), %panic, "a pass panicked; this is a bug");
                Did::broke("the pass panicked; this is a bug".to_owned())
            }
        };
        note(&ctx, job, started_at, did).await;
    }
}

/// What a pass did.
struct Did {
    words: String,
    result: RunResult,
    is_idle: bool,
}

impl Did {
    /// Logged: a line for each pass that did something; one that found nothing to do is for debugging.
    fn log(job: Job, outcome: &dyn std::fmt::Display, result: RunResult, is_idle: bool) -> Self {
        if is_idle {
            tracing::debug!(job = job.as_str(), "{outcome}");
        } else {
            tracing::info!(job = job.as_str(), result = result.as_str(), "{outcome}");
        }
        Self { words: outcome.to_string(), result, is_idle }
    }

    fn broke(words: String) -> Self {
        Self { words, result: RunResult::Failed, is_idle: false }
    }

    /// With what a second part did.
    fn and(self, then: Self) -> Self {
        match (self.is_idle, then.is_idle) {
            (true, _) => then,
            (false, true) => self,
            (false, false) => Self { words: format!("{}; {}", self.words, then.words), ..then },
        }
    }
}

/// Keeps what a pass did, for `dropday status`, the pages and `/metrics`.
async fn note(ctx: &Ctx, job: Job, started_at: Timestamp, did: Did) {
    let Did { words, result, is_idle } = did;
    ctx.metrics.record_run(job.as_str(), result.as_str());
    let (job, ended_at) = (job.as_str().to_owned(), ctx.clock.now());
    let run = JobRun { job, started_at, ended_at, result, is_idle, did: words };
    if let Err(error) = ctx.db.write("note a run", move |tx| job_runs::note(tx, &run)).await {
        tracing::warn!(%error, "what a pass did could not be noted");
    }
}

fn result(has_failed: bool, is_held_up: bool) -> RunResult {
    match (has_failed, is_held_up) {
        (_, true) => RunResult::HeldUp,
        (true, false) => RunResult::Failed,
        (false, false) => RunResult::Ok,
    }
}

async fn one_pass(
    job: Job,
    ctx: &Ctx,
    notifier: &JobNotifier,
    stop: &CancellationToken,
) -> Result<Did, StoreError> {
    let watch = Watch { stop, progress: &|_, _| {} };
    match job {
        Job::SyncFollows => {
            if disk_space::pass(ctx).await? {
                notifier.notify(Job::SendEmails);
            }
            let outcome = consent_reminders::pass(ctx).await?;
            let is_idle = outcome == consent_reminders::Outcome::default();
            let consents = Did::log(job, &outcome, RunResult::Ok, is_idle);
            if outcome.reminded > 0 {
                notifier.notify(Job::SendEmails);
            }
            let outcome = sync_follows::pass(ctx, Scope::Due, &watch).await?;
            let is_idle = outcome == sync_follows::Outcome::default();
            let is_held_up = outcome.held_up.is_some() && !outcome.is_app_refused;
            let how = result(outcome.has_failed(), is_held_up);
            let follows = Did::log(job, &outcome, how, is_idle);
            if outcome.change.added > 0 {
                notifier.notify(Job::FetchHints);
                notifier.notify(Job::CheckArtists);
            }
            if outcome.refused > 0 {
                // The first refusal makes everybody's list due.
                notifier.notify(Job::SyncFollows);
                notifier.notify(Job::SendEmails);
            }
            Ok(match maintenance::pass(ctx, stop).await? {
                None => consents.and(follows),
                Some(outcome) => {
                    let is_idle = outcome == maintenance::Outcome::default();
                    consents.and(follows).and(Did::log(job, &outcome, RunResult::Ok, is_idle))
                }
            })
        }
        Job::FetchHints => {
            let outcome = fetch_hints::pass(ctx, &watch).await?;
            if outcome.given > 0 {
                notifier.notify(Job::CheckArtists);
            }
            let is_idle = outcome == fetch_hints::Outcome::default();
            Ok(Did::log(job, &outcome, RunResult::Ok, is_idle))
        }
        Job::CheckArtists => {
            let outcome = check_artists::pass(ctx, Scope::Due, &watch).await?;
            if outcome.owed > 0 {
                notifier.notify(Job::SendEmails);
            }
            let is_held_up = outcome.held_up.is_some() && !outcome.is_app_refused;
            let how = result(outcome.has_failed(), is_held_up);
            Ok(Did::log(job, &outcome, how, outcome.is_idle()))
        }
        Job::SendEmails => {
            let outcome = send_emails::pass(ctx, Scope::Due, &watch).await?;
            let how = result(outcome.has_failed(), false);
            Ok(Did::log(job, &outcome, how, outcome == send_emails::Outcome::default()))
        }
    }
}
