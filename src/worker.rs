//! Bell or timer → one pass. Never two of a kind at once, stoppable between units of work.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ctx::Ctx;
use crate::pipeline::{
    Scope, Watch, check_artists, deliver, gather_hints, mind_consents, mind_disk, sync_follows,
    tidy_up,
};
use crate::store::StoreError;

/// The kinds of background work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Reading lists of follows, and minding the consents to do so.
    Follows,
    /// Asking open catalogues.
    Hints,
    /// Asking about artists.
    Releases,
    /// Sending letters.
    Letters,
}

impl Job {
    /// Every job, in the order in which a new album passes through them.
    pub const ALL: [Self; 4] = [Self::Follows, Self::Hints, Self::Releases, Self::Letters];

    /// The name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Follows => "follows",
            Self::Hints => "hints",
            Self::Releases => "releases",
            Self::Letters => "letters",
        }
    }
}

/// One bell for each job. A bell rung twice before it is heard rings once; one rung while its job
/// runs makes it run again.
#[derive(Debug, Default)]
pub struct Bells {
    follows: Notify,
    hints: Notify,
    releases: Notify,
    letters: Notify,
}

impl Bells {
    /// Rings for a job.
    pub fn ring(&self, job: Job) {
        self.of(job).notify_one();
    }

    fn of(&self, job: Job) -> &Notify {
        match job {
            Job::Follows => &self.follows,
            Job::Hints => &self.hints,
            Job::Releases => &self.releases,
            Job::Letters => &self.letters,
        }
    }
}

/// Starts a worker for each job: they run at once, and then whenever their bell rings, until
/// `stop`. A pass in hand ends its unit of work first.
pub fn start(ctx: &Arc<Ctx>, bells: &Arc<Bells>, stop: &CancellationToken, tasks: &TaskTracker) {
    for job in Job::ALL {
        bells.ring(job);
        tasks.spawn(work(job, Arc::clone(ctx), Arc::clone(bells), stop.clone()));
    }
}

async fn work(job: Job, ctx: Arc<Ctx>, bells: Arc<Bells>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = bells.of(job).notified() => {}
        }
        let (ctx, told, stop) = (Arc::clone(&ctx), Arc::clone(&bells), stop.clone());
        // A task of its own: a panic ends this pass, and no other.
        let pass = tokio::spawn(async move { one_pass(job, &ctx, &told, &stop).await });
        match pass.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(job = job.as_str(), %error, "a pass ended early"),
            Err(panic) => {
                tracing::error!(job = job.as_str(), %panic, "a pass panicked; this is a bug")
            }
        }
    }
}

async fn one_pass(
    job: Job,
    ctx: &Ctx,
    bells: &Bells,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let watch = Watch { stop, progress: &|_, _| {} };
    match job {
        Job::Follows => {
            if mind_disk::pass(ctx).await? {
                bells.ring(Job::Letters);
            }
            let outcome = mind_consents::pass(ctx).await?;
            log(job, &outcome, outcome == mind_consents::Outcome::default());
            if outcome.reminded > 0 {
                bells.ring(Job::Letters);
            }
            let outcome = sync_follows::pass(ctx, Scope::Due, &watch).await?;
            log(job, &outcome, outcome == sync_follows::Outcome::default());
            if outcome.change.added > 0 {
                bells.ring(Job::Hints);
                bells.ring(Job::Releases);
            }
            if outcome.refused > 0 {
                // The first refusal makes everybody's list due.
                bells.ring(Job::Follows);
                bells.ring(Job::Letters);
            }
            if let Some(outcome) = tidy_up::pass(ctx, stop).await? {
                log(job, &outcome, outcome == tidy_up::Outcome::default());
            }
        }
        Job::Hints => {
            let outcome = gather_hints::pass(ctx, &watch).await?;
            log(job, &outcome, outcome == gather_hints::Outcome::default());
            if outcome.given > 0 {
                bells.ring(Job::Releases);
            }
        }
        Job::Releases => {
            let outcome = check_artists::pass(ctx, Scope::Due, &watch).await?;
            log(job, &outcome, outcome.is_idle());
            if outcome.owed > 0 {
                bells.ring(Job::Letters);
            }
        }
        Job::Letters => {
            let outcome = deliver::pass(ctx, Scope::Due, &watch).await?;
            log(job, &outcome, outcome == deliver::Outcome::default());
        }
    }
    Ok(())
}

/// A line for each pass that did something; one that found nothing to do is for debugging.
fn log(job: Job, outcome: &dyn std::fmt::Display, is_idle: bool) {
    if is_idle {
        tracing::debug!(job = job.as_str(), "{outcome}");
    } else {
        tracing::info!(job = job.as_str(), "{outcome}");
    }
}
