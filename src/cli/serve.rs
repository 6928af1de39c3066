//! `dropday serve`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{self, Config, ConfigError};
use crate::lifecycle::{self, starting};
use crate::schedule;
use crate::supervisor::{self, Reload};

/// Runs with `config`, which was read from `file` or where it usually is.
pub(super) async fn run(config: &Config, file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let faults = schedule::faults(&config.schedule);
    if !faults.is_empty() {
        return Err(ConfigError(faults).into());
    }
    // First of all: the first process of a container hears no signal that it does not listen for.
    let mut signals = lifecycle::Signals::listen()?;
    let hangups = supervisor::hear_hangups()?;
    let (clock, chance) = super::machine();
    let Some((ctx, front)) = starting::build(config, clock, chance, &mut signals).await? else {
        tracing::info!("Dropday has stopped before it was up");
        return Ok(ExitCode::SUCCESS);
    };
    let ctx = Arc::new(ctx);
    for warning in ctx.mailer.warnings() {
        tracing::warn!("{warning}");
    }
    let running = match front {
        Some(front) => front.admit(&ctx, config),
        None => lifecycle::start(Arc::clone(&ctx), config).await?,
    };
    if let Some(listen) = config.metrics_listen {
        running.serve_metrics(Arc::clone(&ctx), listen).await?;
    }
    let ringer = schedule::start(&config.schedule, &running.notifier, &ctx.clock).await?;
    running.watch(supervisor::Watch::for_supervisor(config, &ctx, &running.notifier));
    let source = Box::new(move || config::load(file.as_deref(), super::environment()));
    let mut reload = Reload::new(hangups, source, config, ringer, &running.notifier, &ctx.clock);
    tracing::info!(
        listen = %running.address,
        public_url = %config.web.public_url,
        version = env!("CARGO_PKG_VERSION"),
        "Dropday is up"
    );
    let ended = tokio::select! {
        ended = lifecycle::run_until_signal(&running, signals) => ended,
        never = reload.run() => match never {},
    };
    drop(reload);
    ctx.db.checkpoint().await.ok();
    tracing::info!("Dropday has stopped");
    Ok(super::code(!ended))
}
