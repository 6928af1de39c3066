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
use crate::worker::JobNotifier;
use crate::{logging, schedule};

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
    notifier: Arc<JobNotifier>,
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
        notifier: &Arc<JobNotifier>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let (keys, level) = (in_use.keys.clone(), in_use.log_level);
        let (notifier, clock) = (Arc::clone(notifier), Arc::clone(clock));
        Self { hangups, source, keys, level, ringer, notifier, clock }
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
        let (mut live, fixed): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|key| key == LEVEL || RULES.contains(&key.as_str()));
        if live.iter().any(|key| key != LEVEL) && !self.rings_by(config).await {
            // They have changed still, and are tried again with the next reload.
            live.retain(|key| key == LEVEL);
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

    /// Whether the new schedule is in use now.
    async fn rings_by(&mut self, config: &Config) -> bool {
        match schedule::start(&config.schedule, &self.notifier, &self.clock).await {
            Ok(ringer) => {
                self.ringer = ringer;
                true
            }
            Err(error) => {
                tracing::error!("the old schedule stays in use, until the next reload: {error:#}");
                false
            }
        }
    }

    /// Says what is in use at whichever level tells more, the old one or the new.
    fn log_at(&mut self, level: tracing::Level, live: &[String]) {
        let is_quieter = level < self.level;
        if !is_quieter {
            logging::change_level(level);
        }
        // In the words: the journal shows no fields by itself.
        tracing::info!("these have changed, and are in use now: {}", live.join(", "));
        if is_quieter {
            logging::change_level(level);
        }
        self.level = level;
    }
}

fn with_good_rules(config: Config) -> Result<Config, ConfigError> {
    let faults = schedule::faults(&config.schedule);
    if faults.is_empty() { Ok(config) } else { Err(ConfigError(faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::config;

    fn configured(changes: &[(&str, &str)]) -> Config {
        let needed = [
            ("SPOTIFY__CLIENT_ID", "demo-client"),
            ("MAIL__SMTP_URL", "smtp://mail.example.com"),
            ("MAIL__FROM", "dropday@example.com"),
        ];
        let keys = needed.iter().chain(changes);
        config::load(None, keys.map(|(key, value)| (format!("DROPDAY_{key}"), (*value).to_owned())))
            .unwrap()
    }

    #[tokio::test]
    async fn a_schedule_that_cannot_be_used_is_not_taken_for_the_one_in_use() {
        let (old, notifier) = (configured(&[]), Arc::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ringer = schedule::start(&old.schedule, &notifier, &clock).await.unwrap();
        let source = Box::new(|| Ok(configured(&[])));
        let mut reload = Reload::new(None, source, &old, ringer, &notifier, &clock);
        // As if the scheduler could not start: rules are looked at before they come this far.
        let bad = configured(&[("SCHEDULE__LETTERS", "soon"), ("LOG__LEVEL", "warn")]);
        reload.take_over(&bad).await;
        assert_eq!(reload.keys.changed(&bad.keys), ["schedule.letters"], "the level is in use");
        let good = configured(&[("SCHEDULE__LETTERS", "0 0 * * * *"), ("LOG__LEVEL", "warn")]);
        reload.take_over(&good).await;
        assert!(reload.keys.changed(&good.keys).is_empty());
        reload.take_over(&old).await;
    }
}
