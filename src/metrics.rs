//! Counters of this process for `/metrics`. State that outlives the process is read from the database at
//! each scrape (`store/metrics.rs`).
//!
//! Every series exists from the start, at zero, so that the first event is an increase. No label is a user, an
//! artist or anything else whose number grows.

use jiff::SignedDuration;
use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, HistogramVec, IntCounterVec, Registry, Result, register_histogram_vec_with_registry,
    register_histogram_with_registry, register_int_counter_vec_with_registry,
};

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
    /// All at zero, for these jobs, results of runs and kinds of email. Fails only if a name or a label is invalid,
    /// which is a bug.
    pub fn new(jobs: &[&str], results: &[&str], emails: &[&str]) -> Result<Self> {
        let registry = Registry::new();
        let metrics = Self {
            calls: register_int_counter_vec_with_registry!(
                "dropday_spotify_calls_total",
                "Calls to Spotify by bucket and outcome.",
                &["bucket", "outcome"],
                registry
            )?,
            hint_calls: register_int_counter_vec_with_registry!(
                "dropday_hint_calls_total",
                "Calls to open catalogues by source and outcome.",
                &["source", "outcome"],
                registry
            )?,
            runs: register_int_counter_vec_with_registry!(
                "dropday_job_runs_total",
                "Job runs by name and result, including runs with nothing to do.",
                &["name", "result"],
                registry
            )?,
            emails: register_int_counter_vec_with_registry!(
                "dropday_emails_total",
                "Attempts to send an email by kind and outcome.",
                &["kind", "outcome"],
                registry
            )?,
            detection: register_histogram_with_registry!(
                "dropday_detection_delay_seconds",
                "From midnight of the release date to detection.",
                DETECTION.to_vec(),
                registry
            )?,
            delivery: register_histogram_vec_with_registry!(
                "dropday_email_delay_seconds",
                "From enqueueing an email's first notification to sending the email.",
                &["kind"],
                DELIVERY.to_vec(),
                registry
            )?,
            registry,
        };
        metrics.begin_at_zero(jobs, results, emails);
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

    fn begin_at_zero(&self, jobs: &[&str], results: &[&str], emails: &[&str]) {
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
        for job in jobs {
            for result in results {
                self.runs.with_label_values(&[*job, *result]);
            }
        }
        for kind in emails {
            self.delivery.with_label_values(&[*kind]);
            for outcome in EmailOutcome::ALL {
                self.emails.with_label_values(&[*kind, outcome.as_str()]);
            }
        }
    }
}

fn hint_outcome(is_ok: bool) -> &'static str {
    if is_ok { "ok" } else { "failed" }
}

/// Zero if the clock was set back.
fn seconds(delay: SignedDuration) -> f64 {
    delay.as_secs_f64().max(0.0)
}
