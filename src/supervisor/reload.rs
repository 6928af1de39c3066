//! SIGHUP: the configuration is read again. What can change while Dropday runs does, what cannot is
//! named, and a configuration that is wrong changes nothing.

use std::convert::Infallible;
use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::Context;
use sd_notify::NotifyState::{self, Ready, Reloading};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::tell;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Fingerprints};
use crate::schedule::Ringer;
use crate::worker::Bells;
use crate::{schedule, telemetry};

/// Reads the configuration as it is now.
pub type Source = Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

const LEVEL: &str = "log.level";
const RULES: [&str; 4] =
    ["schedule.follows", "schedule.hints", "schedule.releases", "schedule.letters"];

/// Starts hearing SIGHUP, which ends the process otherwise. At a terminal it goes on doing that: there it
/// says that the window was closed.
///
/// # Errors
/// Where signals cannot be heard.
pub fn hear_hangups() -> anyhow::Result<Option<Signal>> {
    if std::io::stderr().is_terminal() {
        return Ok(None);
    }
    signal(SignalKind::hangup()).map(Some).context("signals cannot be heard")
}

/// What is in use, and what changes it.
pub struct Reload {
    hangups: Option<Signal>,
    source: Source,
    keys: Fingerprints,
    level: tracing::Level,
    ringer: Ringer,
    bells: Arc<Bells>,
    clock: Arc<dyn Clock>,
}

impl Reload {
    /// Reads from `source` at each of `hangups`, where `in_use` is what everything was started with, and
    /// `ringer` rings `bells`.
    pub fn new(
        hangups: Option<Signal>,
        source: Source,
        in_use: &Config,
        ringer: Ringer,
        bells: &Arc<Bells>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let (keys, level) = (in_use.keys.clone(), in_use.log_level);
        let (bells, clock) = (Arc::clone(bells), Arc::clone(clock));
        Self { hangups, source, keys, level, ringer, bells, clock }
    }

    /// Rereads at every SIGHUP, for ever.
    pub async fn run(&mut self) -> Infallible {
        loop {
            let heard = match &mut self.hangups {
                Some(hangups) => hangups.recv().await,
                None => None,
            };
            match heard {
                Some(()) => self.reread().await,
                None => return std::future::pending().await,
            }
        }
    }

    /// Reads the configuration again, and says in the log what came of it.
    async fn reread(&mut self) {
        let mut news = vec![Reloading];
        news.extend(NotifyState::monotonic_usec_now());
        tell(&news);
        match (self.source)().and_then(with_good_rules) {
            Ok(config) => self.take_over(&config).await,
            Err(ConfigError(faults)) => {
                for fault in faults {
                    tracing::error!(
                        "the configuration is wrong, and nothing of it is used: {fault}"
                    );
                }
            }
        }
        tell(&[Ready]);
    }

    async fn take_over(&mut self, config: &Config) {
        let changed = self.keys.changed(&config.keys);
        if changed.is_empty() {
            tracing::info!("the configuration was read again: nothing has changed");
        }
        let (live, fixed): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|key| key == LEVEL || RULES.contains(&key.as_str()));
        if live.iter().any(|key| key != LEVEL) {
            self.ring_by(config).await;
        }
        if !live.is_empty() {
            self.log_at(config.log_level, &live);
        }
        if !fixed.is_empty() {
            let keys = fixed.join(", ");
            tracing::warn!("these have changed, and need a restart to be used: {keys}");
        }
        self.keys.adopt(&config.keys, live);
    }

    async fn ring_by(&mut self, config: &Config) {
        match schedule::start(&config.schedule, &self.bells, &self.clock).await {
            Ok(ringer) => self.ringer = ringer,
            Err(error) => tracing::error!("the old schedule stays in use: {error:#}"),
        }
    }

    /// Says what is in use at whichever level tells more, the old one or the new.
    fn log_at(&mut self, level: tracing::Level, live: &[String]) {
        let is_quieter = level < self.level;
        if !is_quieter {
            telemetry::change_level(level);
        }
        // In the words: the journal shows no fields by itself.
        tracing::info!("these have changed, and are in use now: {}", live.join(", "));
        if is_quieter {
            telemetry::change_level(level);
        }
        self.level = level;
    }
}

fn with_good_rules(config: Config) -> Result<Config, ConfigError> {
    let faults = schedule::faults(&config.schedule);
    if faults.is_empty() { Ok(config) } else { Err(ConfigError(faults)) }
}
