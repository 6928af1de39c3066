//! Cron rules ring bells, and do nothing else: what is due is in the database.
//!
//! tokio-cron-scheduler starts each firing as a task of its own, lets runs overlap and does not
//! wait for them at shutdown; a body that awaits no work makes all of that harmless. It remembers the time
//! of the next firing: after a clock that stepped back it would wait for that one for as long as the step
//! was, and so it is begun anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
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
    let (first, stop) = (Ringing::begin(schedule, bells, clock).await?, CancellationToken::new());
    let ringer = Ringer(stop.clone().drop_guard());
    let (schedule, bells, clock) = (schedule.clone(), Arc::clone(bells), Arc::clone(clock));
    tokio::spawn(async move { keep_ringing(first, &schedule, &bells, &clock, &stop).await });
    Ok(ringer)
}

async fn keep_ringing(
    mut ringing: Ringing,
    schedule: &Schedule,
    bells: &Arc<Bells>,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) {
    while stop.run_until_cancelled(clock.sleep(LOOK)).await.is_some() {
        if !ringing.is_ahead_of(clock.now()) {
            continue;
        }
        tracing::warn!("the clock stepped back; the schedule begins anew");
        match Ringing::begin(schedule, bells, clock).await {
            Ok(next) => std::mem::replace(&mut ringing, next).end().await,
            Err(error) => tracing::error!("the schedule cannot begin anew: {error:#}"),
        }
        // What nobody rang for meanwhile.
        Job::ALL.into_iter().for_each(|job| bells.ring(job));
    }
    ringing.end().await;
}

/// The rules at work.
struct Ringing {
    scheduler: JobScheduler,
    /// The latest time, in seconds, that the next firing was reckoned from.
    latest: Arc<AtomicI64>,
}

impl Ringing {
    async fn begin(
        schedule: &Schedule,
        bells: &Arc<Bells>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let scheduler = JobScheduler::new().await.context("the scheduler cannot start")?;
        let latest = Arc::new(AtomicI64::new(clock.now().as_second()));
        for (job, key, rule) in rules(schedule) {
            let (bells, clock, latest) =
                (Arc::clone(bells), Arc::clone(clock), Arc::clone(&latest));
            let ring = CronJob::new(rule, move |_, _| {
                latest.fetch_max(clock.now().as_second(), Ordering::Relaxed);
                bells.ring(job);
            })
            .with_context(|| not_a_rule(key, rule))?;
            scheduler.add(ring).await.with_context(|| not_a_rule(key, rule))?;
        }
        scheduler.start().await.context("the scheduler cannot start")?;
        Ok(Self { scheduler, latest })
    }

    fn is_ahead_of(&self, now: Timestamp) -> bool {
        now.as_second() < self.latest.load(Ordering::Relaxed)
    }

    async fn end(mut self) {
        self.scheduler.shutdown().await.ok();
    }
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
