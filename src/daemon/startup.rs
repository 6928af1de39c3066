//! Opens the database while signals are handled. This can take minutes when a large database is upgraded on a
//! slow disk.

use std::sync::Arc;

use anyhow::Context;
use tokio::task::spawn_blocking;

use super::lifecycle::Signals;
use super::systemd;
use crate::app;
use crate::clock::{Clock, Rng};
use crate::config::Config;
use crate::context::Ctx;

/// Builds the context as [`app::build`] does. `None` if a signal arrives first: then the process can exit at
/// once, and SQLite discards an unfinished upgrade when the database is opened next.
pub async fn build(
    config: &Config,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    signals: &mut Signals,
) -> anyhow::Result<Option<Ctx>> {
    systemd::status("Starting: opening the database");
    let config = config.clone();
    let building = spawn_blocking(move || app::build(&config, clock, rng));
    tokio::select! {
        built = building => Ok(Some(built.context("startup panicked; this is a bug")??)),
        signal = signals.next() => {
            systemd::stopping();
            tracing::info!(signal, "stopping during startup; an unfinished upgrade is discarded");
            Ok(None)
        }
    }
}
