//! Cron rules ring bells, and do nothing else: what is due is in the database.
//!
//! tokio-cron-scheduler starts each firing as a task of its own, lets runs overlap and does not
//! wait for them at shutdown; a body that awaits no work makes all of that harmless. It looks twice a second
//! for what is due, and most of its tasks hold one another and outlive its shutdown. Hence it has a runtime
//! of its own, which runs for moments when something is due, rests otherwise, and takes every task
//! along when it goes. It remembers the time of the next firing: after a clock that stepped back it would wait
//! for that one for as long as the step was, and so it is begun anew.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler};

use crate::clock::{Clock, SystemClock};
use crate::config::Schedule;
use crate::worker::{Job, JobNotifier};

/// How often to look at the clock at least: it can be set, and the time that a machine sleeps is not waited.
const LOOK: Duration = Duration::from_secs(10);

/// What is due rings within the scheduler's half second; who waits longer looks at the clock again.
const LONGEST_TURN: Duration = Duration::from_secs(2);

/// Between two looks whether it rang.
const MOMENT: Duration = Duration::from_millis(20);

/// Rings for as long as it lives.
pub struct Ringer(
    #[expect(dead_code, reason = "its end ends the ringing")] mpsc::Sender<Infallible>,
);

/// Starts ringing, by the machine's clock, which is also `clock`.
///
/// # Errors
/// With the key of a rule that is no cron rule.
pub async fn start(
    schedule: &Schedule,
    notifier: &Arc<JobNotifier>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Ringer> {
    start_looking(schedule, notifier, clock, LOOK).await
}

async fn start_looking(
    schedule: &Schedule,
    notifier: &Arc<JobNotifier>,
    clock: &Arc<dyn Clock>,
    look: Duration,
) -> anyhow::Result<Ringer> {
    let ((hold, end), (begun, told)) = (mpsc::channel(), oneshot::channel());
    let (schedule, notifier, clock) = (schedule.clone(), Arc::clone(notifier), Arc::clone(clock));
    let work = move || match Ringing::begin(&schedule, &notifier, &clock) {
        Ok(first) => {
            begun.send(Ok(())).ok();
            keep_ringing(first, &schedule, &notifier, &clock, look, &end);
        }
        Err(error) => _ = begun.send(Err(error)),
    };
    let thread = std::thread::Builder::new().name("cron".to_owned()).spawn(work);
    thread.context("the scheduler has no thread")?;
    told.await.context("the scheduler cannot start")??;
    Ok(Ringer(hold))
}

fn keep_ringing(
    mut ringing: Ringing,
    schedule: &Schedule,
    notifier: &Arc<JobNotifier>,
    clock: &Arc<dyn Clock>,
    look: Duration,
    end: &Receiver<Infallible>,
) {
    loop {
        let rest = ringing.next_in(clock.now()).map_or(look, |next| next.min(look));
        let Err(RecvTimeoutError::Timeout) = end.recv_timeout(rest) else { return };
        let why = if ringing.is_ahead_of(clock.now()) {
            "the clock stepped back"
        } else if ringing.ring_what_is_due(&**clock) {
            continue;
        } else {
            "the scheduler did not ring for what was due"
        };
        tracing::warn!("{why}; the schedule begins anew");
        match Ringing::begin(schedule, notifier, clock) {
            Ok(next) => ringing = next,
            Err(error) => tracing::error!("the schedule cannot begin anew: {error:#}"),
        }
        // What nobody rang for meanwhile.
        Job::ALL.into_iter().for_each(|job| notifier.notify(job));
    }
}

/// The rules at work.
struct Ringing {
    runtime: Runtime,
    scheduler: JobScheduler,
    /// How often they rang.
    rung: Arc<AtomicUsize>,
    /// The latest time, in seconds, that the next firing was reckoned from.
    latest: Arc<AtomicI64>,
}

impl Ringing {
    fn begin(
        schedule: &Schedule,
        notifier: &Arc<JobNotifier>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.context("the scheduler cannot start")?;
        let (rung, latest) =
            (Arc::<AtomicUsize>::default(), Arc::new(AtomicI64::new(clock.now().as_second())));
        let scheduler = runtime.block_on(async {
            let scheduler = JobScheduler::new().await.context("the scheduler cannot start")?;
            for (job, key, rule) in rules(schedule) {
                let (notifier, clock) = (Arc::clone(notifier), Arc::clone(clock));
                let (rung, latest) = (Arc::clone(&rung), Arc::clone(&latest));
                let ring = CronJob::new(rule, move |_, _| {
                    latest.fetch_max(clock.now().as_second(), Ordering::Relaxed);
                    notifier.notify(job);
                    rung.fetch_add(1, Ordering::Relaxed);
                })
                .with_context(|| not_a_rule(key, rule))?;
                scheduler.add(ring).await.with_context(|| not_a_rule(key, rule))?;
            }
            scheduler.start().await.context("the scheduler cannot start")?;
            // Its half second begins now, and not when something is due.
            tokio::task::yield_now().await;
            anyhow::Ok(scheduler)
        })?;
        Ok(Self { runtime, scheduler, rung, latest })
    }

    fn is_ahead_of(&self, now: Timestamp) -> bool {
        now.as_second() < self.latest.load(Ordering::Relaxed)
    }

    /// How long it is until a rule is due; `None` if none ever will be.
    fn next_in(&self, now: Timestamp) -> Option<Duration> {
        let next = self.runtime.block_on(firings(&self.scheduler)).into_iter().min()?;
        let next = Timestamp::from_second(next).ok()?;
        Some(next.duration_since(now).try_into().unwrap_or_default())
    }

    /// Lets the scheduler run until it rang for every rule that is due; whether it did, in time.
    fn ring_what_is_due(&self, clock: &dyn Clock) -> bool {
        let is_due = async || {
            let now = clock.now().as_second();
            firings(&self.scheduler).await.into_iter().filter(|at| *at <= now).count()
        };
        let all_rang = async {
            let all = self.rung.load(Ordering::Relaxed) + is_due().await;
            while is_due().await > 0 || self.rung.load(Ordering::Relaxed) < all {
                SystemClock.sleep(MOMENT).await;
            }
        };
        self.runtime.block_on(async { tokio::time::timeout(LONGEST_TURN, all_rang).await.is_ok() })
    }
}

/// When each rule is due next, in seconds since 1970.
async fn firings(scheduler: &JobScheduler) -> Vec<i64> {
    let context = scheduler.context();
    let rules = context.metadata_storage.write().await.list_next_ticks().await.unwrap_or_default();
    // 0 is never.
    let seconds = rules.into_iter().filter(|rule| rule.next_tick > 0);
    seconds.filter_map(|rule| i64::try_from(rule.next_tick).ok()).collect()
}

/// What is wrong with the rules, a sentence for each.
pub fn faults(schedule: &Schedule) -> Vec<String> {
    let bad =
        rules(schedule).into_iter().filter(|(.., rule)| CronJob::new(*rule, |_, _| ()).is_err());
    bad.map(|(_, key, rule)| not_a_rule(key, rule)).collect()
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
    use tokio::runtime::Handle;

    use super::*;
    use crate::clock::Sleep;

    const SHORT: Duration = Duration::from_millis(20);

    fn every_second() -> Schedule {
        let keys = [
            ("SPOTIFY__CLIENT_ID", "demo-client"),
            ("MAIL__SMTP_URL", "smtp://mail.example.com"),
            ("MAIL__FROM", "dropday@example.com"),
        ];
        let keys = keys.map(|(key, value)| (format!("DROPDAY_{key}"), value.to_owned()));
        let usual = crate::config::load(None, keys).unwrap().schedule;
        let rule = || "* * * * * *".to_owned();
        let (follows, hints, releases, letters) = (rule(), rule(), rule(), rule());
        Schedule { follows, hints, releases, letters, ..usual }
    }

    fn machine() -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }

    /// The machine's clock, wrong by so many seconds.
    struct Wrong(Arc<AtomicI64>);

    impl Clock for Wrong {
        fn now(&self) -> Timestamp {
            SystemClock.now() + Duration::from_secs(self.0.load(Ordering::Relaxed) as u64)
        }

        fn sleep(&self, time: Duration) -> Sleep<'_> {
            SystemClock.sleep(time)
        }
    }

    async fn eventually(what: &str, is_so: impl Fn() -> bool) {
        let so = async {
            while !is_so() {
                SystemClock.sleep(SHORT).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), so).await.expect(what);
    }

    #[tokio::test]
    async fn every_job_is_rung_for_again_and_again() {
        let notifier = Arc::new(JobNotifier::default());
        let _ringer = start(&every_second(), &notifier, &machine()).await.unwrap();
        for job in Job::ALL.repeat(3) {
            notifier.notified(job).await;
        }
    }

    #[tokio::test]
    async fn a_schedule_that_is_not_used_any_more_leaves_nothing_behind() {
        let (notifier, tasks) = (Arc::new(JobNotifier::default()), Handle::current().metrics());
        let before = tasks.num_alive_tasks();
        for _ in 0..5 {
            let ringer = start(&every_second(), &notifier, &machine()).await.unwrap();
            notifier.notified(Job::SendEmails).await;
            drop(ringer);
        }
        eventually("rules that hold no bell", || Arc::strong_count(&notifier) == 1).await;
        eventually("no task more than before", || tasks.num_alive_tasks() <= before).await;
    }

    #[tokio::test]
    async fn after_a_clock_that_stepped_back_it_rings_on_and_leaves_nothing_behind() {
        let (notifier, ahead) = (Arc::new(JobNotifier::default()), Arc::new(AtomicI64::new(0)));
        let clock: Arc<dyn Clock> = Arc::new(Wrong(Arc::clone(&ahead)));
        let ringer = start_looking(&every_second(), &notifier, &clock, SHORT).await.unwrap();
        notifier.notified(Job::SendEmails).await;
        let held = Arc::strong_count(&notifier);
        for _ in 0..3 {
            ahead.store(3600, Ordering::Relaxed);
            for _ in 0..2 {
                notifier.notified(Job::SendEmails).await;
            }
            ahead.store(0, Ordering::Relaxed);
            for _ in 0..3 {
                notifier.notified(Job::SendEmails).await;
            }
        }
        eventually("one schedule, and no more", || Arc::strong_count(&notifier) == held).await;
        drop(ringer);
    }
}
