//! `dropday serve`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{self, Config, ConfigError};
use crate::daemon::lifecycle::{self, Signals};
use crate::daemon::reload::{Reload, sighup_stream};
use crate::daemon::watchdog::Watchdog;
use crate::jobs::scheduler::{self, Scheduler};

/// Runs with `config`, which was read from `file` or its default path.
pub(super) async fn run(config: &Config, file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let errors = scheduler::validate(&config.schedule);
    if !errors.is_empty() {
        return Err(ConfigError(errors).into());
    }
    // Before anything slow: as process 1 of a container, Dropday receives only the signals it listens for.
    let mut signals = Signals::listen()?;
    let sighups = sighup_stream()?;
    let (clock, rng) = super::machine();
    let Some(ctx) = lifecycle::build(config, clock, rng, &mut signals).await? else {
        return Ok(ExitCode::SUCCESS);
    };
    let ctx = Arc::new(ctx);
    for warning in ctx.mailer.warnings() {
        tracing::warn!("{warning}");
    }
    let running = lifecycle::start(Arc::clone(&ctx), config).await?;
    let scheduler = Scheduler::start(&config.schedule, &running.notifier).await?;
    if let Some(watchdog) = Watchdog::for_supervisor(config, &ctx, &running.notifier) {
        running.watch(watchdog);
    }
    let source = Box::new(move || config::load(file.as_deref(), super::environment()));
    let mut reload = Reload::new(sighups, source, config, scheduler, &running.notifier);
    tracing::info!(
        listen = %running.address,
        public_url = %config.web.public_url,
        version = env!("CARGO_PKG_VERSION"),
        "Dropday is up"
    );
    let has_ended = tokio::select! {
        has_ended = lifecycle::run_until_signal(&running, signals) => has_ended,
        never = reload.run() => match never {},
    };
    ctx.db.checkpoint().await.ok();
    tracing::info!("Dropday has stopped");
    Ok(super::code(!has_ended))
}
