//! What needs the operator's attention now, whatever emails were sent.

use super::Status;
use crate::domain::operator_alert::{AlertDetails, AlertText, OperatorAlert};
use crate::domain::quota::{self, Bucket, Cause, Pause};
use crate::store::job_runs::{JobRun, RunResult};
use crate::store::{Result, Tx, api_calls};

/// Consecutive failures of a hint source, which is queried several times a day, before it is reported.
const MIN_SOURCE_FAILURES: u32 = 5;

/// An alert and its details.
type Alert = (OperatorAlert, AlertDetails);

/// The most serious first.
pub(super) fn current(tx: &Tx<'_>, status: &Status) -> Result<Vec<AlertText>> {
    let Status { users, artists, access_requests, emails, calls, .. } = status;
    let mut alerts = Vec::new();
    if let Some(disk) = status.disk.filter(|disk| disk.is_nearly_full()) {
        let details = AlertDetails { disk: Some(disk), ..AlertDetails::default() };
        alerts.push((OperatorAlert::DiskNearlyFull, details));
    }
    for (scope, pause) in &status.pauses {
        alerts.extend(paused(tx, scope, *pause, calls.artist_albums_per_day)?);
    }
    alerts.extend(count(OperatorAlert::MassRefusal, users.suspended));
    let rejected = users.rejected.saturating_sub(users.suspended);
    alerts.extend(count(OperatorAlert::UsersRejected, rejected));
    alerts.extend(count(OperatorAlert::AccessRequests, access_requests.len() as u64));
    let is_nobody_connected = users.all > 0 && users.connected == 0;
    alerts.extend(count(OperatorAlert::NobodyConnected, is_nobody_connected.into()));
    let reason = emails.deferred_reason.as_deref();
    alerts.extend(count_with(OperatorAlert::EmailsDeferred, emails.deferred, reason));
    alerts.extend(failed_jobs(&status.jobs));
    alerts.extend(count(OperatorAlert::EmailsRejected, emails.rejected_recently));
    alerts.extend(count(OperatorAlert::EmailsBouncing, users.bouncing));
    let reason = status.overdue.first().map(|artist| artist.why.to_string());
    alerts.extend(count_with(OperatorAlert::ChecksOverdue, artists.overdue, reason.as_deref()));
    alerts.extend(status.hint_sources.iter().filter_map(|health| {
        let last_error =
            health.last_error.as_ref().filter(|_| health.failures >= MIN_SOURCE_FAILURES)?;
        let alert = OperatorAlert::HintSourceFailing(health.source);
        count_with(alert, health.failures.into(), Some(&last_error.reason))
    }));
    Ok(alerts.into_iter().map(|(alert, details)| alert.text(&details)).collect())
}

fn count(alert: OperatorAlert, count: u64) -> Option<Alert> {
    count_with(alert, count, Some(""))
}

/// `None` where there is nothing to count or no reason is known.
fn count_with(alert: OperatorAlert, count: u64, reason: Option<&str>) -> Option<Alert> {
    let reason = reason.filter(|_| count > 0)?.to_owned();
    Some((alert, AlertDetails { count, reason, ..AlertDetails::default() }))
}

/// A rate limit lasts minutes, and an outage is for Spotify to fix.
fn paused(tx: &Tx<'_>, scope: &str, pause: Pause, calls_per_day: u32) -> Result<Option<Alert>> {
    let bucket = Bucket::ALL.into_iter().find(|bucket| bucket.as_str() == scope);
    Ok(match (pause.cause, bucket) {
        (Cause::Premium, _) => Some((OperatorAlert::PremiumLapsed, AlertDetails::default())),
        (Cause::Endpoint, Some(bucket)) => {
            Some((OperatorAlert::EndpointForbidden(bucket), AlertDetails::default()))
        }
        (Cause::Quota, Some(bucket)) => {
            let spent = api_calls::lock_out(tx, bucket)?.map(|lockout| lockout.spent);
            let details = AlertDetails {
                until: Some(pause.until),
                calls_per_day,
                lower_limit: spent.and_then(|spent| quota::lower(calls_per_day, spent)),
                ..AlertDetails::default()
            };
            Some((OperatorAlert::QuotaExhausted(bucket), details))
        }
        _ => None,
    })
}

fn failed_jobs(runs: &[JobRun]) -> impl Iterator<Item = Alert> {
    let last = runs.chunk_by(|one, next| one.job == next.job).filter_map(<[JobRun]>::first);
    last.filter(|run| run.result == RunResult::Failed)
        .filter_map(|run| count_with(OperatorAlert::JobFailed(run.job.clone()), 1, Some(&run.did)))
}
