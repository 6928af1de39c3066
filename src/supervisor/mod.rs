//! The supervisor (systemd, or whatever speaks its protocol): it is told that Dropday is ready, what it
//! does or waits for, and, for as long as that is true, that it is alive. Where there is none, nothing
//! is done. The protocol: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

mod dog;
mod reload;
mod words;

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState::{self, ExtendTimeoutUsec, Ready, Status, Stopping, Watchdog};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::context::Ctx;
use crate::store::{StoreError, ledger};
use crate::worker::{Job, JobNotifier};

pub use dog::Dog;
pub use reload::{Reload, Source, hear_hangups};
pub use words::{Scene, in_words};

/// Between two looks where no watchdog asks for more.
const ROUND: Duration = Duration::from_secs(60);

/// Rounds within the time that the watchdog waits for a look that went well. Three in a row may fail, whatever
/// each takes: four rounds with their looks are shorter.
const ROUNDS_A_WATCH: u32 = 6;

/// The longest that a look may take is the round's length by this.
const LOOKS_A_ROUND: u32 = 3;

/// Beyond what the configuration lets a worker wait for, a worker's silence means nothing yet for so long.
const SLACK: Duration = Duration::from_secs(5 * 60);

/// Turns at the gate that a worker may have to wait for: other workers', other processes'.
const TURNS_AHEAD: u32 = 10;

/// Looks after Dropday for its supervisor.
pub struct Watch {
    ctx: Arc<Ctx>,
    notifier: Arc<JobNotifier>,
    round: Duration,
    dog: Dog,
}

impl Watch {
    /// Watches what works with `ctx` and `bells`; `None` where no supervisor wants to know.
    pub fn for_supervisor(
        config: &Config,
        ctx: &Arc<Ctx>,
        notifier: &Arc<JobNotifier>,
    ) -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        let round = sd_notify::watchdog_enabled().map_or(ROUND, |watch| watch / ROUNDS_A_WATCH);
        Some(Self::new(config, ctx, notifier, round))
    }

    /// Watches what works with `ctx` and `bells`, with a look every `round`, that gives up after a third of it.
    pub fn new(
        config: &Config,
        ctx: &Arc<Ctx>,
        notifier: &Arc<JobNotifier>,
        round: Duration,
    ) -> Self {
        let dog = Dog::new(round, longest_silence(config));
        Self { ctx: Arc::clone(ctx), notifier: Arc::clone(notifier), round, dog }
    }

    /// Says that Dropday is ready once its database answers, and then, until `stop`, what it does and
    /// that it is alive.
    pub async fn run(mut self, stop: CancellationToken) {
        let (clock, round) = (Arc::clone(&self.ctx.clock), self.round);
        rounds(&*clock, round, &stop, &mut self, tell).await;
    }

    /// What Dropday does or waits for, if its database answers and all its workers turn.
    ///
    /// # Errors
    /// What does not, in words.
    pub async fn look(&mut self) -> Result<String, String> {
        let scene = self.ask_database().await?;
        let beats = Job::ALL.map(|job| {
            let pulse = self.notifier.heartbeat(job);
            let beats = pulse.beats();
            pulse.ask();
            beats
        });
        match self.dog.look(beats) {
            None => Ok(in_words(&scene, &self.ctx.zone, &self.ctx.page("/"))),
            Some(job) => Err(format!("the work on {} does not move any more", job.as_str())),
        }
    }

    /// A read that goes through, and a sign of the thread that writes. Whether that one can write is no
    /// question here: a full disk, or somebody else's lock, is not mended by a restart.
    async fn ask_database(&self) -> Result<Scene, String> {
        let per_day = self.ctx.cadence.calls_per_day;
        let read = self.ctx.db.read("supervisor", move |tx| words::read(tx, per_day));
        let write = self.ctx.db.write("supervisor", |_| Ok(()));
        let answers = async { tokio::join!(read, write) };
        let patience = longest_look(self.round);
        match timeout(patience, answers).await {
            Err(_) => Err(format!("the database has not answered for {patience:.1?}")),
            Ok((_, Err(StoreError::Closed))) => Err("the database's thread has ended".to_owned()),
            Ok((read, _)) => read.map_err(|error| format!("the database cannot be read: {error}")),
        }
    }
}

/// Who looks whether all is well.
trait Look: Send {
    /// What there is to say of it.
    fn look(&mut self) -> impl Future<Output = Result<String, String>> + Send;
}

impl Look for Watch {
    async fn look(&mut self) -> Result<String, String> {
        Self::look(self).await
    }
}

/// Looks again and again, `round` after the last look ended, and tells what was seen.
async fn rounds(
    clock: &dyn Clock,
    round: Duration,
    stop: &CancellationToken,
    watch: &mut impl Look,
    tell: impl Fn(&[NotifyState<'_>]),
) {
    let mut is_ready = false;
    loop {
        match watch.look().await {
            Ok(words) if is_ready => tell(&[Watchdog, Status(&words)]),
            Ok(words) => {
                tell(&[Ready, Watchdog, Status(&words)]);
                is_ready = true;
            }
            Err(why) => {
                tracing::error!("not fit to go on: {why}");
                tell(&[Status(&format!("Not fit to go on: {why}"))]);
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(round) => {}
        }
    }
}

fn longest_look(round: Duration) -> Duration {
    round / LOOKS_A_ROUND
}

/// A worker that has not been woken up for so long waits for what never comes.
fn longest_silence(config: &Config) -> Duration {
    let turns = config.spotify.request_interval.saturating_mul(TURNS_AHEAD);
    // A clock that steps back leaves calls booked ahead, and whoever waits for one in its sleep.
    let booked = ledger::BOOKED_AHEAD.unsigned_abs();
    SLACK + config.mail.timeout + config.hints.timeout + turns + booked
}

/// Says what a start that takes long does, and, where there is `patience`, that it moves and wants as much
/// before more is heard.
pub fn starting(doing: &str, patience: Option<Duration>) {
    let words = format!("Starting: {doing}");
    let mut news = vec![Status(&words)];
    let patience = patience.map(|time| u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    news.extend(patience.map(ExtendTimeoutUsec));
    tell(&news);
}

/// Says that Dropday is about to end.
pub fn stopping() {
    tell(&[Stopping, Status("Finishing the work in hand")]);
}

/// What cannot be told is lost: a supervisor that misses it does what it does without.
fn tell(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        tracing::warn!(%error, "the supervisor cannot be told anything");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::clock::ManualClock;

    const WATCHDOG: Duration = Duration::from_secs(180);

    /// Looks that end as is said, each after the longest time that one may take.
    struct Slow<'a> {
        clock: &'a ManualClock,
        ends: std::slice::Iter<'a, bool>,
        stop: CancellationToken,
    }

    impl Look for Slow<'_> {
        async fn look(&mut self) -> Result<String, String> {
            self.clock.advance(longest_look(WATCHDOG / ROUNDS_A_WATCH));
            match self.ends.next() {
                Some(true) => Ok(String::new()),
                Some(false) => Err(String::new()),
                None => {
                    self.stop.cancel();
                    Err(String::new())
                }
            }
        }
    }

    /// The longest that the watchdog has to wait for food.
    async fn longest_wait(ends: &[bool]) -> Duration {
        let clock = ManualClock::at("2026-11-26T12:00:00Z".parse().unwrap());
        let (stop, fed) = (CancellationToken::new(), Mutex::new(Vec::new()));
        let mut watch = Slow { clock: &clock, ends: ends.iter(), stop: stop.clone() };
        let tell = |news: &[NotifyState<'_>]| {
            if news.iter().any(|news| matches!(news, Watchdog)) {
                fed.lock().unwrap().push(clock.now());
            }
        };
        rounds(&*clock, WATCHDOG / ROUNDS_A_WATCH, &stop, &mut watch, tell).await;
        let fed = fed.into_inner().unwrap();
        let waits = fed.windows(2).map(|pair| pair[1].duration_since(pair[0]).unsigned_abs());
        waits.max().unwrap()
    }

    #[tokio::test]
    async fn three_looks_in_a_row_that_fail_as_slowly_as_they_can_are_survived_and_four_are_not() {
        assert!(longest_wait(&[true, true]).await < WATCHDOG / 4);
        let three = [true, false, false, false, true, false, false, false, true];
        assert!(longest_wait(&three).await < WATCHDOG);
        assert!(longest_wait(&[true, false, false, false, false, true]).await > WATCHDOG);
    }
}
