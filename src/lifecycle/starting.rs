//! The start under way. To open the database blocks, for minutes where a large one is brought up to date on a
//! slow disk: meanwhile signals are heard, the supervisor is asked for patience, and whoever comes is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{Front, Signals, listen};
use crate::clock::{Chance, Clock, SystemClock, processor_time};
use crate::config::Config;
use crate::context::Ctx;
use crate::store::Db;
use crate::web::server::Door;
use crate::web::starting::{self, Start};
use crate::{app, supervisor};

/// Until then nobody need be told: nearly every start is over.
const QUICK: Duration = Duration::from_secs(3);

/// Between two looks whether the start moves.
const LOOK: Duration = Duration::from_secs(10);

/// What a start that moves uses of a processor between two looks, however slow the disk is. One that waits for
/// a lock, or for a disk that is gone, uses less.
const LEAST_WORK: Duration = Duration::from_millis(10);

/// What to answer somebody meanwhile costs at most, more or less.
const ANSWER: Duration = Duration::from_millis(2);

/// Beyond that it is lost. As long as the unit's `TimeoutStartSec=`.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// To undo what is under way, when told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Puts the parts together, as [`app::build`] does. The front is there already if it took long. `None` where
/// a signal came first: the database is as it was then.
///
/// # Errors
/// With the remedy, for the operator.
pub async fn build(
    config: &Config,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    signals: &mut Signals,
) -> anyhow::Result<Option<(Ctx, Option<Front>)>> {
    let (stop, given) = (CancellationToken::new(), config.clone());
    let (told, (look, looked)) = (stop.clone(), oneshot::channel());
    let mut building = spawn_blocking(move || {
        look.send(Db::look_at(&given.database).unwrap_or(false)).ok();
        app::build_until(&given, clock, chance, &told)
    });
    let mut front = None;
    let given_up = tokio::select! {
        built = &mut building => return Ok(Some((built.context("the start broke down")??, front))),
        error = accompany(config, looked, &mut front) => Err(error),
        name = signals.next() => {
            supervisor::stopping();
            tracing::info!(signal = name, "stopping amid the start, which is undone");
            Ok(None)
        }
    };
    stop.cancel();
    tokio::select! {
        () = ended(building) => {}
        _ = signals.next() => {}
    }
    given_up
}

async fn ended(building: JoinHandle<anyhow::Result<Ctx>>) {
    match tokio::time::timeout(GRACE, building).await {
        Ok(_) => {}
        // As after a crash: SQLite ignores what was not committed.
        Err(_) => tracing::warn!("the start did not end in time; the next one takes it up"),
    }
}

/// Goes beside the start, for as long as it takes; why to give it up. `looked` says whether the database is to be
/// brought up to date.
async fn accompany(
    config: &Config,
    looked: oneshot::Receiver<bool>,
    front: &mut Option<Front>,
) -> anyhow::Error {
    let is_due = matches!(tokio::time::timeout(QUICK, looked).await, Ok(Ok(true)));
    let doing = if is_due { "bringing the database up to date" } else { "opening the database" };
    let start = Arc::new(Start::new(doing));
    if is_due {
        supervisor::starting(doing, Some(PATIENCE));
    }
    SystemClock.sleep(QUICK).await;
    match open_front(config, &start).await {
        Ok(opened) => *front = Some(opened),
        Err(error) => return error,
    }
    supervisor::starting(doing, None);
    let mut progress = Progress { used: processor_time(), idle: 0 };
    loop {
        SystemClock.sleep(LOOK).await;
        let answers = start.answers.swap(0, Ordering::Relaxed);
        if progress.moves(processor_time(), answers) {
            supervisor::starting(doing, Some(PATIENCE));
        }
        let was_lost = start.is_lost.swap(progress.is_lost(), Ordering::Relaxed);
        if progress.is_lost() && !was_lost {
            tracing::error!("the start does not move any more: {doing}");
        }
    }
}

async fn open_front(config: &Config, start: &Arc<Start>) -> anyhow::Result<Front> {
    let listener = listen(config.web.listen).await?;
    let settings = app::web_settings(config);
    let pages = starting::router(Arc::clone(start), &config.web.public_url, &settings);
    let front = Front::open(listener, Door::with(pages))?;
    tracing::info!(listen = %front.address, "still {}; the pages say so meanwhile", start.doing);
    Ok(front)
}

/// Whether a start moves, by the processor time that the process has used.
#[derive(Debug, Default)]
struct Progress {
    used: Duration,
    idle: u32,
}

impl Progress {
    /// `answers` were given meanwhile to those who asked: that is no work on the start.
    fn moves(&mut self, used: Duration, answers: u32) -> bool {
        let moves = used.saturating_sub(self.used) >= LEAST_WORK + ANSWER * answers;
        self.idle = if moves { 0 } else { self.idle + 1 };
        self.used = used;
        moves
    }

    fn is_lost(&self) -> bool {
        LOOK * self.idle >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_on_a_slow_disk_is_given_time_without_end_and_one_that_waits_is_not() {
        let (mut progress, mut used) = (Progress::default(), Duration::ZERO);
        for _ in 0..1000 {
            used += LEAST_WORK;
            assert!(progress.moves(used, 0) && !progress.is_lost());
        }
        let looks = PATIENCE.as_secs() / LOOK.as_secs();
        for look in 1..=looks {
            used += LEAST_WORK / 100;
            assert!(!progress.moves(used, 0));
            assert_eq!(progress.is_lost(), look == looks, "{look}");
        }
        used += LEAST_WORK;
        assert!(progress.moves(used, 0) && !progress.is_lost(), "it was only slow");
        used += LEAST_WORK;
        assert!(!progress.moves(used, 50), "that was for those who asked");
    }

    #[test]
    fn work_uses_processor_time() {
        let before = processor_time();
        while processor_time() < before + LEAST_WORK {
            std::hint::black_box(sha2::Sha256::default());
        }
    }
}
