//! The supervisor (systemd, or whatever speaks its protocol): it is told that Dropday is ready, what it
//! does or waits for, and, for as long as that is true, that it is alive. Where there is none, nothing
//! is done. The protocol: <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

mod dog;
mod reload;
mod words;

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState::{self, Ready, Status, Stopping, Watchdog};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::ctx::Ctx;
use crate::store::{StoreError, ledger};
use crate::worker::{Bells, Job};

pub use dog::Dog;
pub use reload::{Reload, Source, hear_hangups};
pub use words::{Scene, in_words};

/// Between two looks where no watchdog asks for more.
const ROUND: Duration = Duration::from_secs(60);

/// Looks within the time that the watchdog waits for one: three may fail.
const ROUNDS_A_WATCH: u32 = 4;

/// Beyond what the configuration lets a worker wait for, a worker's silence means nothing yet for so long.
const SLACK: Duration = Duration::from_secs(5 * 60);

/// Turns at the gate that a worker may have to wait for: other workers', other processes'.
const TURNS_AHEAD: u32 = 10;

/// Looks after Dropday for its supervisor.
pub struct Watch {
    ctx: Arc<Ctx>,
    bells: Arc<Bells>,
    round: Duration,
    dog: Dog,
}

impl Watch {
    /// Watches what works with `ctx` and `bells`; `None` where no supervisor wants to know.
    pub fn for_supervisor(config: &Config, ctx: &Arc<Ctx>, bells: &Arc<Bells>) -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        let round = sd_notify::watchdog_enabled().map_or(ROUND, |watch| watch / ROUNDS_A_WATCH);
        Some(Self::new(config, ctx, bells, round))
    }

    /// Watches what works with `ctx` and `bells`, with a look every `round`.
    pub fn new(config: &Config, ctx: &Arc<Ctx>, bells: &Arc<Bells>, round: Duration) -> Self {
        let dog = Dog::new(round, longest_silence(config));
        Self { ctx: Arc::clone(ctx), bells: Arc::clone(bells), round, dog }
    }

    /// Says that Dropday is ready once its database answers, and then, until `stop`, what it does and
    /// that it is alive.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut is_ready = false;
        loop {
            match self.look().await {
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
                () = self.ctx.clock.sleep(self.round) => {}
            }
        }
    }

    /// What Dropday does or waits for, if its database answers and all its workers turn.
    ///
    /// # Errors
    /// What does not, in words.
    pub async fn look(&mut self) -> Result<String, String> {
        let scene = self.ask_database().await?;
        let beats = Job::ALL.map(|job| {
            let pulse = self.bells.pulse(job);
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
        match timeout(self.round, answers).await {
            Err(_) => Err(format!("the database has not answered for {:?}", self.round)),
            Ok((_, Err(StoreError::Closed))) => Err("the database's thread has ended".to_owned()),
            Ok((read, _)) => read.map_err(|error| format!("the database cannot be read: {error}")),
        }
    }
}

/// A worker that has not been woken up for so long waits for what never comes.
fn longest_silence(config: &Config) -> Duration {
    let turns = config.spotify.request_interval.saturating_mul(TURNS_AHEAD);
    // A clock that steps back leaves calls booked ahead, and whoever waits for one in its sleep.
    let booked = ledger::BOOKED_AHEAD.unsigned_abs();
    SLACK + config.mail.timeout + config.hints.timeout + turns + booked
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
