//! Logs to standard error, or to systemd's journal. `docs/logs.md` lists what is logged, and what never is.

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// The filter in use, to change the level at runtime.
static FILTER: OnceLock<Handle<Targets, Registry>> = OnceLock::new();

/// The log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Journal if systemd has connected standard error to it, else text.
    Auto,
    /// A line each: time, level, message, then fields as `name=value`.
    Text,
    /// A JSON object per line.
    Json,
    /// Entries with fields in systemd's journal.
    Journal,
}

impl std::str::FromStr for Format {
    type Err = ();

    fn from_str(raw: &str) -> Result<Self, ()> {
        Ok(match raw {
            "auto" => Self::Auto,
            "text" => Self::Text,
            "json" => Self::Json,
            "journal" => Self::Journal,
            _ => return Err(()),
        })
    }
}

/// Starts logging Dropday's events at `level`, and warnings and errors of other crates. A second call has no effect.
pub fn start(level: Level, format: Format) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let (layer, journal_error) = layer(format);
    if tracing_subscriber::registry().with(filter).with(layer).try_init().is_ok() {
        FILTER.set(handle).ok();
    }
    if let Some(error) = journal_error {
        tracing::warn!(%error, "cannot connect to the journal, logging text to standard error");
    }
}

/// Changes the level of Dropday's events.
pub fn change_level(level: Level) {
    if let Some(handle) = FILTER.get() {
        handle.reload(filter(level)).ok();
    }
}

fn filter(level: Level) -> Targets {
    Targets::new().with_default(Level::WARN).with_target("dropday", level)
}

type Boxed<S> = Box<dyn Layer<S> + Send + Sync>;

fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(
    format: Format,
) -> (Boxed<S>, Option<std::io::Error>) {
    let is_for_journal = match format {
        Format::Journal => true,
        Format::Auto => is_journal(),
        Format::Text | Format::Json => false,
    };
    if !is_for_journal {
        return (if format == Format::Json { json() } else { text() }, None);
    }
    match tracing_journald::layer() {
        Ok(journal) => (Box::new(journal.with_field_prefix(Some("DROPDAY".to_owned()))), None),
        Err(error) => (text(), Some(error)),
    }
}

fn text<S: Subscriber + for<'a> LookupSpan<'a>>() -> Boxed<S> {
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    Box::new(lines.with_ansi(stderr().is_terminal()).with_target(false))
}

fn json<S: Subscriber + for<'a> LookupSpan<'a>>() -> Boxed<S> {
    Box::new(tracing_subscriber::fmt::layer().with_writer(stderr).json().flatten_event(true))
}

/// Whether standard error is still the one that systemd connected to the journal
/// (<https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#%24JOURNAL_STREAM>).
fn is_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    let ours = rustix::fs::fstat(stderr());
    ours.is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino))
}
