//! `dropday serve`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{self, Config, ConfigError};
use crate::supervisor::{self, Reload};
use crate::{app, lifecycle, schedule};

/// Runs with `config`, which was read from `file` or where it usually is.
pub(super) async fn run(config: &Config, file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let faults = schedule::faults(&config.schedule);
    if !faults.is_empty() {
        return Err(ConfigError(faults).into());
    }
    let (clock, chance) = super::machine();
    let ctx = Arc::new(app::build(config, clock, chance)?);
    for warning in ctx.mailer.warnings() {
        tracing::warn!("{warning}");
    }
    // From here on, and so before anybody can see that it runs.
    let signals = lifecycle::Signals::listen()?;
    let hangups = supervisor::hear_hangups()?;
    let running = lifecycle::start(Arc::clone(&ctx), config).await?;
    if let Some(listen) = config.metrics_listen {
        running.serve_metrics(Arc::clone(&ctx), listen).await?;
    }
    let ringer = schedule::start(&config.schedule, &running.bells, &ctx.clock).await?;
    running.watch(supervisor::Watch::for_supervisor(config, &ctx, &running.bells));
    let source = Box::new(move || config::load(file.as_deref(), super::environment()));
    let mut reload = Reload::new(hangups, source, config, ringer, &running.bells, &ctx.clock);
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
