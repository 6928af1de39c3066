//! How domain types appear in `dropday status --json`.

use serde::{Serialize, Serializer};
use serde_json::json;

use super::History;
use crate::domain::disk_space::DiskSpace;
use crate::domain::learned_quota::QuotaLockout;
use crate::domain::operator_alert::AlertText;
use crate::domain::quota::{Bucket, Pause};
use crate::store::hint_sources::Health;
use crate::store::job_runs::{JobRun, RunResult};

/// `{"artist_albums": 12}`
pub(super) fn buckets<S: Serializer>(
    used: &[(Bucket, u64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(used.iter().map(|(bucket, used)| (bucket.as_str(), used)))
}

/// `{"artist_albums": [{"day": "2026-11-23", "calls": 12}]}`
pub(super) fn histories<S: Serializer>(
    histories: &[History],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(histories.iter().map(|of| (of.bucket.as_str(), &of.days)))
}

pub(super) fn lockout<S: Serializer>(
    lockout: &Option<QuotaLockout>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let lockout = lockout.map(|lockout| {
        let QuotaLockout { at, spent, in_a_row } = lockout;
        json!({ "at": at, "calls_before": spent, "consecutive": in_a_row })
    });
    lockout.serialize(serializer)
}

/// `{"all": {"until": "…", "cause": "premium", "reason": "…"}}`
pub(super) fn pauses<S: Serializer>(
    pauses: &[(String, Pause)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pauses.iter().map(|(scope, Pause { until, cause })| {
        let reason = cause.to_string();
        (scope, json!({ "until": until, "cause": cause.as_str(), "reason": reason }))
    }))
}

pub(super) fn hint_sources<S: Serializer>(
    sources: &[Health],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(sources.iter().map(|health| (health.source.as_str(), health)))
}

/// `{"emails": {"last_ok": "…", "runs": […]}}`
pub(super) fn jobs<S: Serializer>(runs: &[JobRun], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(runs.chunk_by(|one, next| one.job == next.job).map(|runs| {
        let last_ok = runs.iter().find(|run| run.result == RunResult::Ok);
        (&runs[0].job, json!({ "last_ok": last_ok.map(|run| run.ended_at), "runs": runs }))
    }))
}

pub(super) fn disk<S: Serializer>(
    disk: &Option<DiskSpace>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    disk.map(|disk| json!({ "free": disk.free, "total": disk.total })).serialize(serializer)
}

pub(super) fn alerts<S: Serializer>(
    alerts: &[AlertText],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(alerts.iter().map(|alert| {
        let AlertText { key, title, what_happened, what_to_do, .. } = alert;
        json!({
            "key": key, "title": title, "what_happened": what_happened, "what_to_do": what_to_do,
        })
    }))
}
