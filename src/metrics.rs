//! What this process has done since it started, counted for `/metrics`. Everything that outlives it is read
//! from the database when somebody asks (`store/metrics.rs`).
//!
//! Every series is there from the beginning, at zero, so that the first event is an increase; none is named
//! after a user, an artist or anything else that there may be more of tomorrow.

use jiff::SignedDuration;
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, Result};

use crate::domain::hint::SourceName;
use crate::domain::quota::Bucket;

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// From Friday's first quarter of an hour to the longest turn, `schedule.max_wait` as it comes.
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

/// From an email that leaves at once to a weekly one.
const EMAILS: [f64; 9] =
    [MINUTE, 5.0 * MINUTE, 20.0 * MINUTE, HOUR, 6.0 * HOUR, DAY, 2.0 * DAY, 4.0 * DAY, 7.5 * DAY];

/// What became of a call to Spotify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// It was answered.
    Ok,
    /// Too many calls in a short time.
    RateLimited,
    /// The day's calls of this kind are spent.
    QuotaSpent,
    /// Spotify did not want to: a token or a consent that is over, a user or an app that may not.
    Refused,
    /// There was no answer, or none that makes sense.
    Failed,
}

/// What became of an email at an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailOutcome {
    /// The mail server took it.
    Sent,
    /// It is tried again.
    Deferred,
    /// It never leaves.
    Rejected,
}

/// The words that label what is counted, beside those of `domain`.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// The names of the jobs.
    pub jobs: &'a [&'a str],
    /// How their runs can end.
    pub results: &'a [&'a str],
    /// The kinds of emails.
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
        [Self::Ok, Self::RateLimited, Self::QuotaSpent, Self::Refused, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::RateLimited => "rate_limited",
            Self::QuotaSpent => "quota_spent",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl EmailOutcome {
    const ALL: [Self; 3] = [Self::Sent, Self::Deferred, Self::Rejected];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Deferred => "put_off",
            Self::Rejected => "refused",
        }
    }
}

impl Metrics {
    /// All at zero.
    ///
    /// # Errors
    /// Where a name or a label is none: a bug.
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
                "Passes by the job's name and result, those with nothing to do included.",
                &["name", "result"],
            )?,
            emails: counter(
                "dropday_emails_total",
                "Attempts to send a letter by kind and outcome.",
                &["kind", "outcome"],
            )?,
            detection: register(
                &registry,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "dropday_detection_delay_seconds",
                        "From the midnight of a release's day to when it became news here.",
                    )
                    .buckets(DETECTION.to_vec()),
                )?,
            )?,
            delivery: register(
                &registry,
                HistogramVec::new(
                    HistogramOpts::new(
                        "dropday_email_delay_seconds",
                        "From when the first thing in a letter was owed to when the letter was sent.",
                    )
                    .buckets(EMAILS.to_vec()),
                    &["kind"],
                )?,
            )?,
            registry,
        };
        metrics.begin_at_zero(labels);
        Ok(metrics)
    }

    /// A call to Spotify was made.
    pub fn record_call(&self, bucket: Bucket, outcome: CallOutcome) {
        self.calls.with_label_values(&[bucket.as_str(), outcome.as_str()]).inc();
    }

    /// A call to an open catalogue was made.
    pub fn record_hint_call(&self, source: SourceName, has_answered: bool) {
        self.hint_calls.with_label_values(&[source.as_str(), answered(has_answered)]).inc();
    }

    /// A pass of a job ended.
    pub fn record_run(&self, job: &str, result: &str) {
        self.runs.with_label_values(&[job, result]).inc();
    }

    /// An attempt to send an email ended.
    pub fn record_email(&self, kind: &str, outcome: EmailOutcome) {
        self.emails.with_label_values(&[kind, outcome.as_str()]).inc();
    }

    /// An email left so long after it was owed.
    pub fn record_delivery(&self, kind: &str, delay: SignedDuration) {
        self.delivery.with_label_values(&[kind]).observe(seconds(delay));
    }

    /// A release became news so long after its day began.
    pub fn record_detection(&self, delay: SignedDuration) {
        self.detection.observe(seconds(delay));
    }

    /// Everything that was counted.
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    fn begin_at_zero(&self, labels: Labels<'_>) {
        for bucket in Bucket::ALL {
            for outcome in CallOutcome::ALL {
                self.calls.with_label_values(&[bucket.as_str(), outcome.as_str()]);
            }
        }
        for source in SourceName::ALL {
            for has_answered in [true, false] {
                self.hint_calls.with_label_values(&[source.as_str(), answered(has_answered)]);
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

fn answered(has_answered: bool) -> &'static str {
    if has_answered { "ok" } else { "failed" }
}

/// A clock that stepped back took no time.
fn seconds(delay: SignedDuration) -> f64 {
    delay.as_secs_f64().max(0.0)
}
