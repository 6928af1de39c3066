//! Logs: one line an event, on standard error.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging our own events at `level`, and other crates' from warnings up. A second call
/// changes nothing.
pub fn start(level: Level) {
    let filter = Targets::new().with_default(Level::WARN).with_target("dropday", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    tracing_subscriber::registry().with(lines).with(filter).try_init().ok();
}
