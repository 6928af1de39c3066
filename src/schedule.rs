//! Cron rules ring bells, and do nothing else: what is due is in the database.
//!
//! tokio-cron-scheduler starts each firing as a task of its own, lets runs overlap and does not
//! wait for them at shutdown; a body that awaits no work makes all of that harmless.

use std::sync::Arc;

use anyhow::Context;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler};

use crate::config::Schedule;
use crate::worker::{Bells, Job};

/// Starts ringing. The scheduler that is returned rings for as long as it lives.
///
/// # Errors
/// With the key of a rule that is no cron rule.
pub async fn start(schedule: &Schedule, bells: &Arc<Bells>) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new().await.context("the scheduler cannot start")?;
    for (job, key, rule) in rules(schedule) {
        let bells = Arc::clone(bells);
        let ring = CronJob::new(rule, move |_, _| bells.ring(job))
            .with_context(|| not_a_rule(key, rule))?;
        scheduler.add(ring).await.with_context(|| not_a_rule(key, rule))?;
    }
    scheduler.start().await.context("the scheduler cannot start")?;
    Ok(scheduler)
}

/// What is wrong with the rules, a sentence for each.
pub fn faults(schedule: &Schedule) -> Vec<String> {
    let bad =
        rules(schedule).into_iter().filter(|(.., rule)| CronJob::new(*rule, |_, _| ()).is_err());
    bad.map(|(_, key, rule)| not_a_rule(key, rule)).collect()
}

fn rules(schedule: &Schedule) -> [(Job, &'static str, &str); 4] {
    [
        (Job::Follows, "schedule.follows", &schedule.follows),
        (Job::Hints, "schedule.hints", &schedule.hints),
        (Job::Releases, "schedule.releases", &schedule.releases),
        (Job::Letters, "schedule.letters", &schedule.letters),
    ]
}

fn not_a_rule(key: &str, rule: &str) -> String {
    format!(
        "`{key}` is `{rule}`, and must be a cron rule of six fields (second, minute, hour, day, \
         month, weekday), such as 0 */5 * * * *"
    )
}
