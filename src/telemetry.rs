//! Logs: one line an event, on standard error.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing::Level;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;

/// What lets events through, for as long as the process runs.
static FILTER: OnceLock<Handle<Targets, Registry>> = OnceLock::new();

/// Starts logging our own events at `level`, and other crates' from warnings up. A second call
/// changes nothing.
pub fn start(level: Level) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        FILTER.set(handle).ok();
    }
}

/// Goes on logging our own events at another level.
pub fn change_level(level: Level) {
    if let Some(handle) = FILTER.get() {
        handle.reload(filter(level)).ok();
    }
}

fn filter(level: Level) -> Targets {
    Targets::new().with_default(Level::WARN).with_target("dropday", level)
}
