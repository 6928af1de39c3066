//! Rereads the configuration on SIGHUP. Keys that can change at runtime take effect, others are named in the log,
//! and an invalid configuration changes nothing.

use std::convert::Infallible;
use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::Context;
use sd_notify::NotifyState::{self, Ready, Reloading};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::systemd;
use crate::config::{Config, ConfigError, Fingerprints};
use crate::jobs::scheduler::{self, Scheduler};
use crate::jobs::worker::JobNotifier;
use crate::logging;

/// Loads the configuration.
pub type Source = Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

const LOG_LEVEL: &str = "log.level";
const RULES: [&str; 4] =
    ["schedule.follows", "schedule.hints", "schedule.releases", "schedule.letters"];

/// Starts listening for SIGHUP. `None` on a terminal, where it still ends the process: there it means that the
/// window was closed.
pub fn sighup_stream() -> anyhow::Result<Option<Signal>> {
    if std::io::stderr().is_terminal() {
        return Ok(None);
    }
    signal(SignalKind::hangup()).map(Some).context("cannot listen for signals")
}

/// The settings in use, and what changes them.
pub struct Reload {
    sighups: Option<Signal>,
    source: Source,
    keys: Fingerprints,
    log_level: tracing::Level,
    scheduler: Scheduler,
    notifier: Arc<JobNotifier>,
}

impl Reload {
    /// `config` is what everything was started with.
    pub fn new(
        sighups: Option<Signal>,
        source: Source,
        config: &Config,
        scheduler: Scheduler,
        notifier: &Arc<JobNotifier>,
    ) -> Self {
        let (keys, log_level) = (config.keys.clone(), config.log_level);
        Self { sighups, source, keys, log_level, scheduler, notifier: Arc::clone(notifier) }
    }

    /// Reloads on every SIGHUP.
    pub async fn run(&mut self) -> Infallible {
        loop {
            let received = match &mut self.sighups {
                Some(sighups) => sighups.recv().await,
                None => None,
            };
            match received {
                Some(()) => self.reload().await,
                None => return std::future::pending().await,
            }
        }
    }

    async fn reload(&mut self) {
        let mut states = vec![Reloading];
        states.extend(NotifyState::monotonic_usec_now());
        systemd::notify(&states);
        match (self.source)().and_then(with_valid_rules) {
            Ok(config) => self.apply(&config).await,
            Err(ConfigError(errors)) => {
                for error in errors {
                    tracing::error!("invalid configuration, keeping the current one: {error}");
                }
            }
        }
        systemd::notify(&[Ready]);
    }

    async fn apply(&mut self, config: &Config) {
        let changed = self.keys.changed(&config.keys);
        if changed.is_empty() {
            tracing::info!("reloaded the configuration: nothing has changed");
        }
        let (mut live, fixed): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|key| key == LOG_LEVEL || RULES.contains(&key.as_str()));
        if live.iter().any(|key| key != LOG_LEVEL) && !self.apply_schedule(config).await {
            // They still count as changed, and the next reload tries again.
            live.retain(|key| key == LOG_LEVEL);
        }
        if !live.is_empty() {
            self.apply_log_level(config.log_level, &live);
        }
        if !fixed.is_empty() {
            tracing::warn!("restart Dropday to apply: {}", fixed.join(", "));
        }
        self.keys.adopt(&config.keys, live);
    }

    /// Returns whether the new schedule is in use.
    async fn apply_schedule(&mut self, config: &Config) -> bool {
        match Scheduler::start(&config.schedule, &self.notifier).await {
            Ok(scheduler) => {
                std::mem::replace(&mut self.scheduler, scheduler).stop().await;
                true
            }
            Err(error) => {
                tracing::error!("failed to apply the schedule, keeping the current one: {error:#}");
                false
            }
        }
    }

    /// Logs what is in use now at the more verbose of the two levels, so that the message appears.
    fn apply_log_level(&mut self, level: tracing::Level, live: &[String]) {
        let is_quieter = level < self.log_level;
        if !is_quieter {
            logging::change_level(level);
        }
        // In the message, because `journalctl` does not show fields by default.
        tracing::info!("applied: {}", live.join(", "));
        if is_quieter {
            logging::change_level(level);
        }
        self.log_level = level;
    }
}

fn with_valid_rules(config: Config) -> Result<Config, ConfigError> {
    let errors = scheduler::validate(&config.schedule);
    if errors.is_empty() { Ok(config) } else { Err(ConfigError(errors)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn config_with(changes: &[(&str, &str)]) -> Config {
        let required = [
            ("SPOTIFY__CLIENT_ID", "demo-client"),
            ("MAIL__SMTP_URL", "smtp://mail.example.com"),
            ("MAIL__FROM", "dropday@example.com"),
        ];
        let keys = required.iter().chain(changes);
        config::load(None, keys.map(|(key, value)| (format!("DROPDAY_{key}"), (*value).to_owned())))
            .unwrap()
    }

    #[tokio::test]
    async fn schedule_that_fails_to_start_still_counts_as_changed() {
        let (old, notifier) = (config_with(&[]), Arc::default());
        let scheduler = Scheduler::start(&old.schedule, &notifier).await.unwrap();
        let source = Box::new(|| Ok(config_with(&[])));
        let mut reload = Reload::new(None, source, &old, scheduler, &notifier);
        // As if the scheduler failed: `reload` rejects invalid rules before this.
        let bad = config_with(&[("SCHEDULE__LETTERS", "soon"), ("LOG__LEVEL", "warn")]);
        reload.apply(&bad).await;
        assert_eq!(reload.keys.changed(&bad.keys), ["schedule.letters"], "the level is in use");
        let good = config_with(&[("SCHEDULE__LETTERS", "0 0 * * * *"), ("LOG__LEVEL", "warn")]);
        reload.apply(&good).await;
        assert!(reload.keys.changed(&good.keys).is_empty());
        reload.apply(&old).await;
    }
}
