//! The status as a table.

use comfy_table::{Table, presets};

use crate::domain::quota::Bucket;
use crate::store::hint_sources::Health;
use crate::store::job_runs::{JobRun, RunResult};
use crate::store::status::{Calls, Consent, Emails, Group, Mailbox, Status, UserStatus};

/// How many users are listed; `--json` lists all of them.
const MAX_USERS_LISTED: usize = 50;

pub(super) fn render(status: &Status) -> Table {
    let mut rows = Rows(Table::new());
    rows.0.load_style(presets::NOTHING);
    alerts(&mut rows, status);
    users(&mut rows, status);
    artists(&mut rows, status);
    calls(&mut rows, status);
    hints(&mut rows, status);
    emails(&mut rows, &status.emails);
    jobs(&mut rows, status);
    rows.0
}

struct Rows(Table);

impl Rows {
    fn add(&mut self, what: &str, how: impl ToString) {
        self.0.add_row([what.to_owned(), how.to_string()]);
    }

    fn add_unless_zero(&mut self, what: &str, n: u64) {
        if n > 0 {
            self.add(what, n);
        }
    }
}

fn alerts(rows: &mut Rows, status: &Status) {
    for alert in &status.alerts {
        rows.add("Action needed", &alert.title);
        rows.add("  what happened", &alert.what_happened);
        rows.add("  what to do", &alert.what_to_do);
    }
    for email in &status.alert_emails {
        rows.add("Alert email", format!("{}: {} ({})", email.at, email.what, email.state));
    }
}

fn users(rows: &mut Rows, status: &Status) {
    let users = &status.users;
    rows.add("Users", format!("{} ({} with a confirmed email)", users.all, users.confirmed));
    rows.add("  connected", users.connected);
    rows.add("  must reconnect", users.must_sign_in_again);
    rows.add("  rejected by Spotify", users.rejected);
    rows.add_unless_zero("  suspended (mass refusal)", users.suspended);
    rows.add_unless_zero("  bouncing", users.bouncing);
    for request in &status.access_requests {
        let (name, email, at) = (&request.name, request.address.as_str(), request.asked_at);
        rows.add("  access request", format!("{name}, {email}, since {at}"));
    }
    for user in users.list.iter().take(MAX_USERS_LISTED) {
        rows.add(&format!("  {} ({})", user.name, user.spotify_id), describe_user(user));
    }
    let others = users.list.len().saturating_sub(MAX_USERS_LISTED);
    if others > 0 {
        rows.add("  others", format!("{others}; dropday status --json lists all of them"));
    }
}

/// `connected until 2027-05-23T12:00:00Z, email confirmed, 3 artists, member since …, last visit …`
fn describe_user(user: &UserStatus) -> String {
    let consent = match &user.consent {
        Consent::Valid { until } => format!("connected until {until}"),
        Consent::Rejected { reason } => format!("rejected: {reason}"),
        Consent::Suspended => "suspended (mass refusal)".to_owned(),
        Consent::Ended => "must reconnect".to_owned(),
        Consent::Revoked { deleted_at } => {
            format!("revoked Spotify access, will be deleted at {deleted_at}")
        }
    };
    let email = match user.email {
        Mailbox::None => "no email".to_owned(),
        Mailbox::AwaitingConfirmation => "email not confirmed yet".to_owned(),
        Mailbox::Confirmed => "email confirmed".to_owned(),
        Mailbox::Bouncing { since } => format!("email bouncing since {since}"),
    };
    let visit = user.last_visit.map_or("long ago".to_owned(), |at| at.to_string());
    let (artists, since) = (user.artists, user.since);
    format!("{consent}, {email}, {artists} artists, member since {since}, last visit {visit}")
}

fn artists(rows: &mut Rows, status: &Status) {
    let artists = &status.artists;
    rows.add("Artists tracked", artists.tracked);
    rows.add("  never checked", artists.never_checked);
    rows.add("  checked in the last 24 h", artists.checked_last_day);
    rows.add("  checked in the last 7 days", artists.checked_last_week);
    rows.add("  overdue", artists.overdue);
    for artist in &status.overdue {
        let since = artist.checked_at.map_or("never checked".into(), |at| format!("checked {at}"));
        rows.add("    such as", format!("{}, {since}: {}", artist.name, artist.why));
    }
    rows.add("  last check failed", artists.failing);
    rows.add("  last check", artists.last_check.map_or("never".into(), |at| at.to_string()));
}

fn calls(rows: &mut Rows, status: &Status) {
    let calls = &status.calls;
    rows.add("Calls in the last 24 h", "");
    for (bucket, used) in &calls.used {
        let limit = describe_limit(*bucket, calls);
        rows.add(&format!("  {}", bucket.as_str()), format!("{used}{limit}"));
    }
    rows.add("Calls by day (UTC)", "");
    for history in &calls.by_day {
        let days: Vec<_> = history.days.iter().map(|day| day.calls.to_string()).collect();
        let days = format!("{} (today last)", days.join(" "));
        rows.add(&format!("  {}", history.bucket.as_str()), days);
    }
    if let Some(lockout) = calls.last_lockout {
        let (at, spent, in_a_row) = (lockout.at, lockout.spent, lockout.in_a_row);
        rows.add("Last lockout", format!("{at}, after {spent} calls; {in_a_row} in a row"));
    }
    for (scope, pause) in &status.pauses {
        rows.add("Paused", format!("{scope} until {}: {}", pause.until, pause.cause));
    }
}

/// ` of 80, 12 left`
fn describe_limit(bucket: Bucket, calls: &Calls) -> String {
    let (allowed, per_day, left) =
        (calls.artist_albums_allowed, calls.artist_albums_per_day, calls.artist_albums_left);
    match bucket {
        Bucket::ArtistAlbums if allowed < per_day => {
            format!(" of {allowed} (because of a lockout; {per_day} are configured), {left} left")
        }
        Bucket::ArtistAlbums => format!(" of {per_day}, {left} left"),
        _ => String::new(),
    }
}

fn hints(rows: &mut Rows, status: &Status) {
    for health in &status.hint_sources {
        rows.add(&format!("Hints from {}", health.source), describe_source(health));
    }
    if status.hint_sources.iter().any(|health| health.calls > 0) {
        let (mbids, deezer) = status.known_elsewhere;
        rows.add("  artists known there", format!("{mbids} at MusicBrainz, {deezer} at Deezer"));
    }
}

/// `12 hints open, 40 confirmed, 2 dropped; last answer 2026-11-23T12:00:00Z`
fn describe_source(health: &Health) -> String {
    let Health { hints, failures, next_at, .. } = health;
    let last_ok = health.last_ok_at.map_or("never".into(), |at| at.to_string());
    let mut text = format!(
        "{} hints open, {} confirmed, {} dropped; last answer {last_ok}",
        hints.open, hints.confirmed, hints.dropped
    );
    if let (1.., Some(error)) = (failures, &health.last_error) {
        let (reason, at) = (&error.reason, error.at);
        text += &format!("; failed {failures} times, at {at}: {reason}; next attempt {next_at}");
    }
    text
}

fn emails(rows: &mut Rows, emails: &Emails) {
    rows.add("Notifications queued", emails.queued);
    rows.add("  deferred at least once", emails.deferred);
    if let Some(reason) = &emails.deferred_reason {
        rows.add("  latest reason", reason);
    }
    for Group { kind, reason, count, oldest, at } in &emails.queued_by_reason {
        let reason = reason.as_deref().unwrap_or("scheduled for later");
        let text = format!("{count} since {oldest}, next attempt {at}: {reason}");
        rows.add(&format!("  {kind}"), text);
    }
    rows.add_unless_zero("  for other reasons", emails.queued_other);
    rows.add("Rejected by the mail server", emails.rejected);
    for Group { kind, reason, count, at, .. } in &emails.rejected_by_reason {
        let reason = reason.as_deref().unwrap_or("no reason given");
        rows.add(&format!("  {kind}"), format!("{count}, last at {at}: {reason}"));
    }
    rows.add_unless_zero("  for other reasons", emails.rejected_other);
    rows.add("Sent", emails.sent);
}

fn jobs(rows: &mut Rows, status: &Status) {
    if !status.jobs.is_empty() {
        rows.add("Jobs", "");
    }
    for runs in status.jobs() {
        rows.add(&format!("  {}", runs[0].job), describe_job(runs));
    }
    if let Some(disk) = status.disk {
        let (free, total) = (disk.free / 1_000_000, disk.total / 1_000_000);
        rows.add("Disk of the database", format!("{free} of {total} MB free"));
    }
}

/// `2026-11-23T12:00:00Z, took 1s 20ms: 3 emails sent`
fn describe_job(runs: &[JobRun]) -> String {
    let Some(last) = runs.first() else { return String::new() };
    let report = if last.is_idle { "nothing to do" } else { &last.did };
    let mut text = format!("{}, took {:#}: {report}", last.ended_at, last.took());
    if last.result != RunResult::Ok {
        let last_ok = runs.iter().find(|run| run.result == RunResult::Ok);
        let last_ok = last_ok.map_or("never".into(), |run| run.ended_at.to_string());
        let result = last.result.as_str().replace('_', " ");
        text += &format!(" ({result}; last success {last_ok})");
    }
    text
}
