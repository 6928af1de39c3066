//! Logs: one event a line on standard error, or an entry in systemd's journal. What is logged, and what never
//! is, is in `docs/logs.md`.

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// What lets events through, for as long as the process runs.
static FILTER: OnceLock<Handle<Targets, Registry>> = OnceLock::new();

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// To the journal where systemd has tied standard error to it, else as text.
    Auto,
    /// A line for users: time, level, message, then fields as `name=value`.
    Text,
    /// A JSON object a line.
    Json,
    /// Entries in systemd's journal, with fields.
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

/// Starts logging our own events at `level`, and other crates' from warnings up. A second call
/// changes nothing.
pub fn start(level: Level, format: Format) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let (layer, trouble) = layer(format);
    if tracing_subscriber::registry().with(filter).with(layer).try_init().is_ok() {
        FILTER.set(handle).ok();
    }
    if let Some(error) = trouble {
        tracing::warn!(%error, "the journal cannot be reached; the log is text on standard error");
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

/// Whether standard error still is what systemd tied to the journal
/// (<https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#%24JOURNAL_STREAM>).
fn is_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    let ours = rustix::fs::fstat(stderr());
    ours.is_ok_and(|stat| named == format!("{}:{}", stat.st_dev, stat.st_ino))
}
