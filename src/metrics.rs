//! Counters of this process for `/metrics`. State that outlives the process is read from the database at
//! each scrape (`store/metrics.rs`).
//!
//! Every series exists from the start, at zero, so that the first event is an increase. No label is a user, an
//! artist or anything else whose number grows.

use jiff::SignedDuration;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, Result};

use crate::domain::hint::SourceName;
use crate::domain::quota::Bucket;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// From a quarter of an hour after midnight to the default of `schedule.max_check_interval`.
const DETECTION: [f64; 11] = [
    15.0 * MINUTE,
    HOUR,
    3.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
    DAY,
    2.0 * DAY,
    4.0 * DAY,
    7.0 * DAY,
    14.0 * DAY,
    21.0 * DAY,
];

/// From an immediate email to a weekly digest.
const DELIVERY: [f64; 9] =
    [MINUTE, 5.0 * MINUTE, 20.0 * MINUTE, HOUR, 6.0 * HOUR, DAY, 2.0 * DAY, 4.0 * DAY, 7.5 * DAY];

/// The outcome of a call to Spotify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    Ok,
    RateLimited,
    /// The daily quota of this kind of call is used up.
    QuotaExhausted,
    /// An expired token or consent, or a user or app without permission.
    Rejected,
    /// No response, or an invalid one.
    Failed,
}

/// The outcome of an attempt to send an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailOutcome {
    /// Accepted by the mail server.
    Sent,
    /// To be retried.
    Deferred,
    /// Rejected for good.
    Rejected,
}

/// Label values that `domain` does not define.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    pub jobs: &'a [&'a str],
    pub results: &'a [&'a str],
    pub emails: &'a [&'a str],
}

/// The counters.
pub struct Metrics {
    registry: Registry,
    calls: IntCounterVec,
    hint_calls: IntCounterVec,
    runs: IntCounterVec,
    emails: IntCounterVec,
    detection: Histogram,
    delivery: HistogramVec,
}

impl CallOutcome {
    const ALL: [Self; 5] =
        [Self::Ok, Self::RateLimited, Self::QuotaExhausted, Self::Rejected, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

impl EmailOutcome {
    const ALL: [Self; 3] = [Self::Sent, Self::Deferred, Self::Rejected];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred => "deferred",
            Self::Rejected => "rejected",
        }
    }
}

impl Metrics {
    /// All at zero. Fails only if a name or a label is invalid, which is a bug.
    pub fn new(labels: Labels<'_>) -> Result<Self> {
        let registry = Registry::new();
        let counter = |name, help, labels: &[&str]| {
            register(&registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let metrics = Self {
            calls: counter(
                "dropday_spotify_calls_total",
                "Calls to Spotify by bucket and outcome.",
                &["bucket", "outcome"],
            )?,
            hint_calls: counter(
                "dropday_hint_calls_total",
                "Calls to open catalogues by source and outcome.",
                &["source", "outcome"],
            )?,
            runs: counter(
                "dropday_job_runs_total",
                "Job runs by name and result, including runs with nothing to do.",
                &["name", "result"],
            )?,
            emails: counter(
                "dropday_emails_total",
                "Attempts to send an email by kind and outcome.",
                &["kind", "outcome"],
            )?,
            detection: register(
                &registry,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "dropday_detection_delay_seconds",
                        "From midnight of the release date to detection.",
                    )
                    .buckets(DETECTION.to_vec()),
                )?,
            )?,
            delivery: register(
                &registry,
                HistogramVec::new(
                    HistogramOpts::new(
                        "dropday_email_delay_seconds",
                        "From enqueueing an email's first notification to sending the email.",
                    )
                    .buckets(DELIVERY.to_vec()),
                    &["kind"],
                )?,
            )?,
            registry,
        };
        metrics.begin_at_zero(labels);
        Ok(metrics)
    }

    pub fn record_call(&self, bucket: Bucket, outcome: CallOutcome) {
        self.calls.with_label_values(&[bucket.as_str(), outcome.as_str()]).inc();
    }

    pub fn record_hint_call(&self, source: SourceName, is_ok: bool) {
        self.hint_calls.with_label_values(&[source.as_str(), hint_outcome(is_ok)]).inc();
    }

    pub fn record_run(&self, job: &str, result: &str) {
        self.runs.with_label_values(&[job, result]).inc();
    }

    pub fn record_email(&self, kind: &str, outcome: EmailOutcome) {
        self.emails.with_label_values(&[kind, outcome.as_str()]).inc();
    }

    /// `delay`: from enqueueing its first notification to sending the email.
    pub fn record_delivery(&self, kind: &str, delay: SignedDuration) {
        self.delivery.with_label_values(&[kind]).observe(seconds(delay));
    }

    /// `delay`: from midnight of the release date.
    pub fn record_detection(&self, delay: SignedDuration) {
        self.detection.observe(seconds(delay));
    }

    pub fn load(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    fn begin_at_zero(&self, labels: Labels<'_>) {
        for bucket in Bucket::ALL {
            for outcome in CallOutcome::ALL {
                self.calls.with_label_values(&[bucket.as_str(), outcome.as_str()]);
            }
        }
        for source in SourceName::ALL {
            for is_ok in [true, false] {
                self.hint_calls.with_label_values(&[source.as_str(), hint_outcome(is_ok)]);
            }
        }
        for job in labels.jobs {
            for result in labels.results {
                self.runs.with_label_values(&[*job, *result]);
            }
        }
        for kind in labels.emails {
            self.delivery.with_label_values(&[*kind]);
            for outcome in EmailOutcome::ALL {
                self.emails.with_label_values(&[*kind, outcome.as_str()]);
            }
        }
    }
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn hint_outcome(is_ok: bool) -> &'static str {
    if is_ok { "ok" } else { "failed" }
}

/// Zero if the clock was set back.
fn seconds(delay: SignedDuration) -> f64 {
    delay.as_secs_f64().max(0.0)
}
