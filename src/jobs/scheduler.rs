//! Notifies jobs when their cron rules fire. Cron bodies do no work: what is due is in the database. So it does
//! no harm that tokio-cron-scheduler lets firings overlap and does not wait for them at shutdown.

use std::sync::Arc;

use anyhow::Context;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler};

use super::worker::{Job, JobNotifier};
use crate::config::Schedule;

/// The rules in use. They fire until [`Self::stop`].
pub struct Scheduler(JobScheduler);

impl Scheduler {
    /// Starts to fire.
    ///
    /// # Errors
    /// Names the configuration key of the rule that is not a cron rule.
    pub async fn start(schedule: &Schedule, notifier: &Arc<JobNotifier>) -> anyhow::Result<Self> {
        let scheduler = JobScheduler::new().await.context("failed to create the scheduler")?;
        for (job, key, rule) in rules(schedule) {
            let notifier = Arc::clone(notifier);
            let cron_job = CronJob::new(rule, move |_, _| notifier.notify(job))
                .with_context(|| not_a_rule(key, rule))?;
            scheduler.add(cron_job).await.with_context(|| not_a_rule(key, rule))?;
        }
        scheduler.start().await.context("failed to start the scheduler")?;
        Ok(Self(scheduler))
    }

    /// Ends within half a second, the time between two polls.
    pub async fn stop(mut self) {
        if let Err(error) = self.0.shutdown().await {
            tracing::warn!(%error, "failed to stop the scheduler");
        }
    }
}

/// What is wrong with the rules, a sentence each.
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
    use crate::clock::{Clock, SystemClock};

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
        // The poll that is under way may fire once more.
        SystemClock.sleep(Duration::from_millis(600)).await;
        for job in Job::ALL {
            timeout(Duration::ZERO, notifier.notified(job)).await.ok();
        }
        let again = timeout(Duration::from_millis(1200), notifier.notified(Job::SendEmails)).await;
        assert!(again.is_err(), "a stopped scheduler fires");
    }
}
