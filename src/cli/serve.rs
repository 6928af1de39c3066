//! `dropday serve`

use std::process::ExitCode;
use std::sync::Arc;

use crate::config::{Config, ConfigError};
use crate::{app, lifecycle, schedule};

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
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
    let running = lifecycle::start(Arc::clone(&ctx), config).await?;
    if let Some(listen) = config.metrics_listen {
        running.serve_metrics(Arc::clone(&ctx), listen).await?;
    }
    let mut bells = schedule::start(&config.schedule, &running.bells).await?;
    tracing::info!(
        listen = %running.address,
        public_url = %config.web.public_url,
        version = env!("CARGO_PKG_VERSION"),
        "Dropday is up"
    );
    let ended = lifecycle::run_until_signal(&running, signals).await;
    bells.shutdown().await.ok();
    ctx.db.checkpoint().await.ok();
    tracing::info!("Dropday has stopped");
    Ok(super::code(!ended))
}
