//! Notifies jobs when their cron rules fire. The callbacks do no work, as the database holds what is due; so
//! it is harmless that tokio-cron-scheduler lets them overlap and does not wait for them at shutdown.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler};
use tokio_util::task::AbortOnDropHandle;

use super::worker::{Job, JobNotifier};
use crate::clock::{Clock, SystemClock};
use crate::config::Schedule;

/// How often to compare the clock with the next firing: the clock can be set, and the machine can be suspended.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Twice the time between two polls of tokio-cron-scheduler, and a little more.
const FIRE_TIME: Duration = Duration::from_millis(1100);

/// The rules in use. They fire until [`Self::stop`].
pub struct Scheduler {
    scheduler: JobScheduler,
    idle: AbortOnDropHandle<()>,
}

impl Scheduler {
    /// Starts to fire. An error names the configuration key of the invalid rule.
    pub async fn start(schedule: &Schedule, notifier: &Arc<JobNotifier>) -> anyhow::Result<Self> {
        let scheduler = JobScheduler::new().await.context("failed to create the scheduler")?;
        for (job, key, rule) in rules(schedule) {
            let notifier = Arc::clone(notifier);
            let cron_job = CronJob::new(rule, move |_, _| notifier.notify(job))
                .with_context(|| not_a_rule(key, rule))?;
            scheduler.add(cron_job).await.with_context(|| not_a_rule(key, rule))?;
        }
        scheduler.start().await.context("failed to start the scheduler")?;
        let idle = AbortOnDropHandle::new(tokio::spawn(idle_between_firings(scheduler.clone())));
        Ok(Self { scheduler, idle })
    }

    /// Stops firing within half a second.
    pub async fn stop(self) {
        let Self { mut scheduler, idle } = self;
        drop(idle);
        if let Err(error) = scheduler.shutdown().await {
            tracing::warn!(%error, "failed to stop the scheduler");
        }
    }
}

/// Keeps tokio-cron-scheduler from polling twice a second while no rule is due, which would be most of an
/// idle daemon's work: each poll needs the lock that this holds.
async fn idle_between_firings(scheduler: JobScheduler) {
    let rules = Arc::clone(&scheduler.context().metadata_storage);
    loop {
        let mut locked = rules.write().await;
        loop {
            let next = locked.list_next_ticks().await.unwrap_or_default();
            // 0 is never.
            let next = next.iter().map(|rule| rule.next_tick).filter(|at| *at > 0).min();
            let now = SystemClock.now().as_second().unsigned_abs();
            match next.map(|next| Duration::from_secs(next.saturating_sub(now))) {
                Some(Duration::ZERO) => break,
                wait => SystemClock.sleep(wait.unwrap_or(POLL_INTERVAL).min(POLL_INTERVAL)).await,
            }
        }
        drop(locked);
        SystemClock.sleep(FIRE_TIME).await;
    }
}

/// One sentence per invalid rule.
pub fn validate(schedule: &Schedule) -> Vec<String> {
    let invalid =
        rules(schedule).into_iter().filter(|(.., rule)| CronJob::new(*rule, |_, _| ()).is_err());
    invalid.map(|(_, key, rule)| not_a_rule(key, rule)).collect()
}

fn rules(schedule: &Schedule) -> [(Job, &'static str, &str); 4] {
    [
        (Job::SyncFollows, "schedule.follows", &schedule.follows),
        (Job::FetchHints, "schedule.hints", &schedule.hints),
        (Job::CheckArtists, "schedule.releases", &schedule.releases),
        (Job::SendEmails, "schedule.letters", &schedule.letters),
    ]
}

fn not_a_rule(key: &str, rule: &str) -> String {
    format!(
        "`{key}` is `{rule}`, and must be a cron rule of six fields (second, minute, hour, day, \
         month, weekday), such as 0 */5 * * * *"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn every_second() -> Schedule {
        let keys = [
            ("SPOTIFY__CLIENT_ID", "demo-client"),
            ("MAIL__SMTP_URL", "smtp://mail.example.com"),
            ("MAIL__FROM", "dropday@example.com"),
        ];
        let keys = keys.map(|(key, value)| (format!("DROPDAY_{key}"), value.to_owned()));
        let defaults = crate::config::load(None, keys).unwrap().schedule;
        let rule = || "* * * * * *".to_owned();
        let (follows, hints, releases, letters) = (rule(), rule(), rule(), rule());
        Schedule { follows, hints, releases, letters, ..defaults }
    }

    /// In real time: the library reads the machine's clock.
    #[tokio::test]
    async fn jobs_are_notified_repeatedly_until_scheduler_stops() {
        let notifier = Arc::default();
        let scheduler = Scheduler::start(&every_second(), &notifier).await.unwrap();
        for job in Job::ALL.repeat(2) {
            notifier.notified(job).await;
        }
        scheduler.stop().await;
        // A running poll may fire once more.
        SystemClock.sleep(Duration::from_millis(600)).await;
        for job in Job::ALL {
            timeout(Duration::ZERO, notifier.notified(job)).await.ok();
        }
        let again = timeout(Duration::from_millis(1200), notifier.notified(Job::SendEmails)).await;
        assert!(again.is_err(), "a stopped scheduler fires");
    }
}
