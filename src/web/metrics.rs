//! `/metrics` in Prometheus' text format, on its own listener: what this process counted, and what the
//! database says now.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::SignedDuration;
use prometheus::{Encoder, GaugeVec, Opts, Registry, TextEncoder};

use super::cached::{Cached, Unavailable};
use crate::context::Ctx;
use crate::domain::quota::Bucket;
use crate::jobs::worker::Job;
use crate::store::metrics::{
    self, CHECK_AGES_DAYS, CONSENT_DAYS, MetricsSnapshot, PENDING_AGES_MINUTES,
};

/// Loading everything takes the database some work.
const CACHE_TTL: SignedDuration = SignedDuration::from_secs(5);

/// Less than Prometheus' default scrape timeout of ten seconds.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Every scope that can be paused.
const SCOPES: [&str; 6] = ["all", "artist_albums", "checks", "following", "profile", "tokens"];

struct Scrape {
    ctx: Arc<Ctx>,
    /// `None` if it failed, which is logged.
    page: Cached<Option<String>>,
}

/// The only route of that listener.
pub fn router(ctx: Arc<Ctx>) -> Router {
    let page = Cached::new(Arc::clone(&ctx.clock), CACHE_TTL, TIMEOUT);
    Router::new().route("/metrics", get(show)).with_state(Arc::new(Scrape { ctx, page }))
}

async fn show(State(scrape): State<Arc<Scrape>>) -> Response {
    let ctx = Arc::clone(&scrape.ctx);
    let page = scrape.page.get(|| async move {
        render(&ctx)
            .await
            .inspect_err(|error| tracing::error!(%error, "failed to collect metrics"))
            .ok()
    });
    match page.await {
        Ok(Some(page)) => {
            ([(header::CONTENT_TYPE, TextEncoder::new().format_type().to_owned())], page)
                .into_response()
        }
        Ok(None) | Err(Unavailable::Panicked) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the log says why\n").into_response()
        }
        Err(Unavailable::TimedOut) => {
            tracing::warn!("collecting metrics timed out: the database is busy");
            (StatusCode::SERVICE_UNAVAILABLE, "the database is busy\n").into_response()
        }
    }
}

async fn render(ctx: &Ctx) -> anyhow::Result<String> {
    let settings = ctx.cadence.clone();
    let snapshot = ctx.db.read("load metrics", move |tx| metrics::load(tx, &settings)).await?;
    let mut families = ctx.metrics.load();
    families.extend(gauges(&snapshot)?.gather());
    families.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(TextEncoder::new().encode_to_string(&families)?)
}

/// Gauges with the values of one moment.
struct Gauges(Registry);

impl Gauges {
    fn set<'a>(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> prometheus::Result<()> {
        let labels = if label.is_empty() { &[][..] } else { &[label][..] };
        let gauge = GaugeVec::new(Opts::new(format!("dropday_{name}"), help), labels)?;
        for (value, number) in values {
            gauge.with_label_values(&[value][..labels.len()]).set(number);
        }
        self.0.register(Box::new(gauge))
    }

    fn one(&self, name: &str, help: &str, value: f64) -> prometheus::Result<()> {
        self.set(name, help, "", [("", value)])
    }
}

fn gauges(snapshot: &MetricsSnapshot) -> prometheus::Result<Registry> {
    let gauges = Gauges(Registry::new());
    add_users(&gauges, snapshot)?;
    add_artists(&gauges, snapshot)?;
    add_calls(&gauges, snapshot)?;
    add_emails(&gauges, snapshot)?;
    add_hints(&gauges, snapshot)?;
    add_instance(&gauges, snapshot)?;
    Ok(gauges.0)
}

fn add_users(gauges: &Gauges, snapshot: &MetricsSnapshot) -> prometheus::Result<()> {
    let users = &snapshot.users;
    let states = [
        ("all", users.all),
        ("connected", users.connected),
        ("confirmed", users.confirmed),
        ("must_sign_in_again", users.must_sign_in_again),
        ("rejected", users.rejected),
        ("suspended", users.suspended),
    ];
    gauges.set(
        "users",
        "Users by state; a user can be in several.",
        "state",
        states.map(|(state, count)| (state, count as f64)),
    )?;
    let days = CONSENT_DAYS.map(|days| days.to_string());
    gauges.set(
        "consents_ending",
        "Valid consents that end within this many days.",
        "within_days",
        days.iter().map(String::as_str).zip(snapshot.consents.map(|count| count as f64)),
    )
}

fn add_artists(gauges: &Gauges, snapshot: &MetricsSnapshot) -> prometheus::Result<()> {
    let artists = &snapshot.artists;
    let states = [
        ("tracked", artists.tracked),
        ("never_checked", artists.never_checked),
        ("overdue", artists.overdue),
        ("failing", artists.failing),
    ];
    gauges.set(
        "artists",
        "Tracked artists by state: watched (all), never_checked, overdue (not checked within the \
         maximum interval, or failing), failing.",
        "state",
        states.map(|(state, count)| (state, count as f64)),
    )?;
    let days = CHECK_AGES_DAYS.map(|days| days.to_string());
    gauges.set(
        "artists_unchecked",
        "Tracked artists that were last checked more than this many days ago.",
        "longer_than_days",
        days.iter().map(String::as_str).zip(snapshot.unchecked.map(|count| count as f64)),
    )
}

fn add_calls(gauges: &Gauges, snapshot: &MetricsSnapshot) -> prometheus::Result<()> {
    gauges.set(
        "spotify_calls_last_day",
        "Calls to Spotify in the last 24 hours by bucket, including those of other processes.",
        "bucket",
        snapshot.calls.iter().map(|(bucket, count)| (bucket.as_str(), *count as f64)),
    )?;
    let budget = &snapshot.budget;
    let left = budget.allowed.saturating_sub(budget.spent);
    let bucket = Bucket::ArtistAlbums.as_str();
    gauges.set(
        "spotify_calls_allowed",
        "Calls allowed in any 24 hours: the configured number, or fewer after a lock-out.",
        "bucket",
        [(bucket, f64::from(budget.allowed))],
    )?;
    gauges.set(
        "spotify_calls_left",
        "Calls left of those allowed.",
        "bucket",
        [(bucket, f64::from(left))],
    )?;
    let left_of = |scope| {
        let pause = snapshot.pauses.iter().find(|(name, _)| name == scope);
        pause.map_or(0.0, |(_, pause)| pause.until.duration_since(snapshot.now).as_secs_f64())
    };
    gauges.set(
        "spotify_pause_seconds",
        "Seconds until a pause ends by scope, or 0 if there is none. The scope checks is paused by \
         Dropday itself while Spotify is down.",
        "scope",
        SCOPES.map(|scope| (scope, left_of(scope))),
    )
}

fn add_emails(gauges: &Gauges, snapshot: &MetricsSnapshot) -> prometheus::Result<()> {
    let minutes = PENDING_AGES_MINUTES.map(|minutes| minutes.to_string());
    gauges.set(
        "emails_pending",
        "Notifications that have been queued for longer than this many minutes; those for a weekly \
         email wait for up to a week.",
        "longer_than_minutes",
        minutes.iter().map(String::as_str).zip(snapshot.pending.map(|count| count as f64)),
    )?;
    let help = "Queued notifications that failed to send at least once.";
    gauges.one("emails_deferred", help, snapshot.deferred as f64)
}

fn add_hints(gauges: &Gauges, snapshot: &MetricsSnapshot) -> prometheus::Result<()> {
    let help = "Hints of the last 90 days by source and state.";
    let gauge = GaugeVec::new(Opts::new("dropday_hints", help), &["source", "state"])?;
    for (source, counts) in &snapshot.hints {
        for (state, count) in
            [("open", counts.open), ("confirmed", counts.confirmed), ("dropped", counts.dropped)]
        {
            gauge.with_label_values(&[source.as_str(), state]).set(count as f64);
        }
    }
    gauges.0.register(Box::new(gauge))
}

fn add_instance(gauges: &Gauges, snapshot: &MetricsSnapshot) -> prometheus::Result<()> {
    let last_ok = |job: Job| {
        let time = snapshot.last_ok.iter().find(|(name, _)| name == job.as_str());
        time.map_or(0.0, |(_, at)| at.as_second() as f64)
    };
    gauges.set(
        "job_last_success_timestamp_seconds",
        "Unix time at which a job last succeeded, to within ten minutes; 0 if it never did.",
        "name",
        Job::ALL.map(|job| (job.as_str(), last_ok(job))),
    )?;
    gauges.set(
        "database_size_bytes",
        "Size of the database: file (in total), unused (free pages in the file), log (write-ahead \
         log).",
        "part",
        [("file", snapshot.size), ("unused", snapshot.unused), ("log", snapshot.log)]
            .map(|(part, bytes)| (part, bytes as f64)),
    )?;
    if let Some(room) = snapshot.room {
        let help = "Free space on the disk with the database.";
        gauges.one("disk_free_bytes", help, room.free as f64)?;
    }
    gauges.set(
        "build_info",
        "Always 1; the label is the version of Dropday.",
        "version",
        [(env!("CARGO_PKG_VERSION"), 1.0)],
    )
}
