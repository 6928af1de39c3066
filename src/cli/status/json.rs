//! As JSON, for programs.

use serde_json::{Value, json};

use super::last_ok;
use crate::domain::learned_quota::QuotaLockout;
use crate::domain::quota::Pause;
use crate::store::hint_sources::Health;
use crate::store::job_runs::JobRun;
use crate::store::status::{Consent, Group, Mailbox, Report, Standing, Status};

/// All of it. Keys stay what they are; more may come.
pub(super) fn of(report: &Report) -> Value {
    let status = &report.status;
    let Status { users, artists, .. } = status;
    let calls: serde_json::Map<_, _> = status
        .calls
        .iter()
        .map(|(bucket, used)| (bucket.as_str().to_owned(), json!(used)))
        .collect();
    let pauses: serde_json::Map<_, _> = status
        .pauses
        .iter()
        .map(|(scope, pause)| {
            let Pause { until, cause } = pause;
            let (until, reason) = (until.to_string(), cause.to_string());
            (scope.clone(), json!({ "until": until, "cause": cause.as_str(), "reason": reason }))
        })
        .collect();
    let hints: serde_json::Map<_, _> = status
        .hint_sources
        .iter()
        .map(|health| (health.source.as_str().to_owned(), health_as_value(health)))
        .collect();
    let jobs: serde_json::Map<_, _> =
        report.jobs().map(|runs| (runs[0].job.clone(), job_as_value(runs))).collect();
    let pending: Vec<_> = report.pending.iter().map(|group| as_group(group, "next_at")).collect();
    let refused: Vec<_> = report.refused.iter().map(|group| as_group(group, "last_at")).collect();
    let needs: Vec<_> = report
        .needs
        .iter()
        .map(|need| json!({ "what": need.to_string(), "to_do": need.to_do() }))
        .collect();
    let told: Vec<_> = report
        .told
        .iter()
        .map(|told| json!({ "at": told.at.to_string(), "what": told.what, "state": told.state }))
        .collect();
    let access_requests: Vec<_> = status
        .access_requests
        .iter()
        .map(|access_request| {
            let (address, asked_at) =
                (access_request.address.as_str(), access_request.asked_at.to_string());
            json!({ "name": access_request.name, "address": address, "asked_at": asked_at })
        })
        .collect();
    let waited: Vec<_> = status
        .overdue
        .iter()
        .map(|artist| {
            let last_check = artist.checked_at.map(|at| at.to_string());
            json!({ "artist": artist.name, "last_check": last_check, "why": artist.why.to_string() })
        })
        .collect();
    json!({
        "users": {
            "all": users.all, "connected": users.connected, "confirmed": users.confirmed,
            "must_sign_in_again": users.must_sign_in_again, "in_trouble": users.in_trouble,
            "held_by_the_brake": users.held, "bouncing": users.bouncing,
            "list": report.users.iter().map(standing).collect::<Vec<_>>(),
        },
        "artists": {
            "watched": artists.watched, "never_asked": artists.never_asked,
            "checked_last_day": artists.checked_last_day, "checked_last_week": artists.checked_last_week,
            "overdue": artists.overdue, "waited_longest": waited,
            "failing": artists.failing, "last_check": artists.last_check.map(|at| at.to_string()),
        },
        "calls": {
            "used": calls, "artist_albums_per_day": report.per_day,
            "artist_albums_left": report.calls_left(), "artist_albums_allowed": status.allowed,
            "by_day": by_day(report), "lesson": report.quota_lockout.map(quota_lockout),
        },
        "pauses": pauses,
        "hints": hints,
        "emails": {
            "pending": status.pending, "deferred": status.deferred, "deferred_because": status.deferred_because,
            "rejected": status.refused, "sent": status.sent,
            "owed_by_reason": pending, "owed_besides": report.pending_besides,
            "refused_lately": report.refused_lately(), "refused_lately_by_reason": refused,
            "refused_lately_besides": report.refused_besides,
        },
        "jobs": jobs,
        "disk": report.room.map(|room| json!({ "free": room.free, "total": room.total })),
        "needs_a_hand": needs,
        "told_operator": told,
        "access_requests": access_requests,
    })
}

fn job_as_value(runs: &[JobRun]) -> Value {
    let run = |run: &JobRun| {
        json!({
            "started_at": run.started_at.to_string(), "ended_at": run.ended_at.to_string(),
            "result": run.result.as_str(), "idle": run.is_idle, "did": run.did,
        })
    };
    json!({
        "last_ok": last_ok(runs).map(|run| run.ended_at.to_string()),
        "runs": runs.iter().map(run).collect::<Vec<_>>(),
    })
}

fn health_as_value(health: &Health) -> Value {
    let Health { hints, last_error, .. } = health;
    json!({
        "calls": health.calls, "next_at": health.next_at.to_string(), "failures": health.failures,
        "last_ok": health.last_ok_at.map(|at| at.to_string()),
        "last_error": last_error.as_ref().map(|(why, _)| why),
        "last_error_at": last_error.as_ref().map(|(_, at)| at.to_string()),
        "open": hints.open, "confirmed": hints.confirmed, "dropped": hints.dropped,
    })
}

/// `null` where there is nothing to say; no addresses.
fn standing(user: &Standing) -> Value {
    let (mut until, mut why, mut deleted_at) = (None, None, None);
    match &user.consent {
        Consent::Good(end) => until = Some(end.to_string()),
        Consent::Refused(reason) => why = Some(reason),
        Consent::Withdrawn(at) => deleted_at = Some(at.to_string()),
        Consent::Suspended | Consent::Ended => {}
    }
    let bouncing_since = match user.mailbox {
        Mailbox::Bouncing(since) => Some(since.to_string()),
        Mailbox::None | Mailbox::Awaiting | Mailbox::Confirmed => None,
    };
    json!({
        "name": user.name, "spotify_id": user.spotify_id, "since": user.since.to_string(),
        "consent": user.consent.as_str(), "consent_until": until, "refused_because": why,
        "deleted_at": deleted_at, "address": user.mailbox.as_str(), "bouncing_since": bouncing_since,
        "artists": user.artists, "last_visit": user.last_visit.map(|at| at.to_string()),
    })
}

/// `{"artist_albums": [{"day": "2026-11-23", "calls": 12}]}`
fn by_day(report: &Report) -> Value {
    let days = report.calls.iter().map(|history| {
        let days = history.days.iter();
        let days = days.map(|(day, calls)| json!({ "day": day.to_string(), "calls": calls }));
        (history.bucket.as_str().to_owned(), days.collect())
    });
    Value::Object(days.collect())
}

fn quota_lockout(quota_lockout: QuotaLockout) -> Value {
    json!({ "spent": quota_lockout.spent, "at": quota_lockout.at.to_string(), "consecutive": quota_lockout.in_a_row })
}

fn as_group(group: &Group, at: &str) -> Value {
    json!({
        "kind": group.kind, "reason": group.reason, "count": group.count,
        "oldest": group.oldest.to_string(), at: group.at.to_string(),
    })
}
