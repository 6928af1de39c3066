//! Cron rules ring bells, and do nothing else: what is due is in the database.
//!
//! tokio-cron-scheduler starts each firing as a task of its own, lets runs overlap and does not
//! wait for them at shutdown; a body that awaits no work makes all of that harmless. It remembers the time
//! of the next firing: after a clock that stepped back it would wait for that one for as long as the step
//! was, and so it is begun anew.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::Clock;
use crate::config::Schedule;
use crate::worker::{Bells, Job};

/// How often to look whether the clock stepped back.
const LOOK: Duration = Duration::from_secs(10);

/// Rings for as long as it lives.
pub struct Ringer(#[expect(dead_code, reason = "its end ends the ringing")] DropGuard);

/// Starts ringing, by the machine's clock, which is also `clock`.
///
/// # Errors
/// With the key of a rule that is no cron rule.
pub async fn start(
    schedule: &Schedule,
    bells: &Arc<Bells>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Ringer> {
    let (first, stop) = (ring(schedule, bells).await?, CancellationToken::new());
    let ringer = Ringer(stop.clone().drop_guard());
    let (schedule, bells, clock) = (schedule.clone(), Arc::clone(bells), Arc::clone(clock));
    tokio::spawn(async move { keep_ringing(first, &schedule, &bells, &*clock, &stop).await });
    Ok(ringer)
}

async fn keep_ringing(
    mut ringing: JobScheduler,
    schedule: &Schedule,
    bells: &Arc<Bells>,
    clock: &dyn Clock,
    stop: &CancellationToken,
) {
    let mut before = clock.now();
    while stop.run_until_cancelled(clock.sleep(LOOK)).await.is_some() {
        let now = clock.now();
        if now < before {
            tracing::warn!("the clock stepped back; the schedule begins anew");
            match ring(schedule, bells).await {
                Ok(next) => drop(std::mem::replace(&mut ringing, next).shutdown().await),
                Err(error) => tracing::error!("the schedule cannot begin anew: {error:#}"),
            }
            // What nobody rang for meanwhile.
            Job::ALL.into_iter().for_each(|job| bells.ring(job));
        }
        before = now;
    }
    ringing.shutdown().await.ok();
}

async fn ring(schedule: &Schedule, bells: &Arc<Bells>) -> anyhow::Result<JobScheduler> {
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
