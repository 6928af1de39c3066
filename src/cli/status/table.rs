//! As a table, for users.

use comfy_table::{Table, presets};

use super::last_ok;
use crate::domain::quota::Bucket;
use crate::store::hint_sources::Health;
use crate::store::job_runs::{JobRun, RunResult};
use crate::store::status::{Consent, Group, History, Mailbox, Report, Standing, Status};

/// So many users are listed; `--json` lists everybody.
const USERS_LISTED: usize = 50;

/// All of it.
pub(super) fn of(report: &Report) -> Table {
    let mut rows = Rows(Table::new());
    rows.0.load_style(presets::NOTHING);
    needs(&mut rows, report);
    users(&mut rows, report);
    artists(&mut rows, &report.status);
    calls(&mut rows, report);
    hints(&mut rows, &report.status);
    emails(&mut rows, report);
    jobs(&mut rows, report);
    rows.0
}

struct Rows(Table);

impl Rows {
    fn add(&mut self, what: &str, how: impl ToString) {
        self.0.add_row([what.to_owned(), how.to_string()]);
    }
}

fn needs(rows: &mut Rows, report: &Report) {
    for need in &report.needs {
        rows.add("Needs a hand", need);
        rows.add("  what to do", need.to_do());
    }
    for told in &report.told {
        rows.add("You were told", format!("{}: {} ({})", told.at, told.what, told.state));
    }
}

fn users(rows: &mut Rows, report: &Report) {
    let users = &report.status.users;
    rows.add("People", format!("{} ({} with a confirmed address)", users.all, users.confirmed));
    rows.add("  connected", users.connected);
    rows.add("  must sign in again", users.must_sign_in_again);
    rows.add("  refused by Spotify", users.in_trouble);
    if users.held > 0 {
        rows.add("  held: many refused at once", users.held);
    }
    if users.bouncing > 0 {
        rows.add("  letters come back", users.bouncing);
    }
    for access_request in &report.status.access_requests {
        let (name, address, at) =
            (&access_request.name, access_request.address.as_str(), access_request.asked_at);
        rows.add("  asks to be entered at Spotify", format!("{name}, {address}, since {at}"));
    }
    for user in report.users.iter().take(USERS_LISTED) {
        let Standing { name, spotify_id, .. } = user;
        rows.add(&format!("  {name} ({spotify_id})"), describe_user(user));
    }
    let besides = report.users.len().saturating_sub(USERS_LISTED);
    if besides > 0 {
        rows.add("  and others", format!("{besides}; dropday status --json lists them all"));
    }
}

/// `connected until 2027-05-23T12:00:00Z, address confirmed, 3 artists, here since …, last visit …`
fn describe_user(user: &Standing) -> String {
    let consent = match &user.consent {
        Consent::Good(until) => format!("connected until {until}"),
        Consent::Refused(why) => format!("refused: {why}"),
        Consent::Suspended => "held: many refused at once".to_owned(),
        Consent::Ended => "must sign in again".to_owned(),
        Consent::Withdrawn(at) => format!("took the permission back, is deleted at {at}"),
    };
    let mailbox = match user.mailbox {
        Mailbox::None => "no address".to_owned(),
        Mailbox::Awaiting => "address not confirmed yet".to_owned(),
        Mailbox::Confirmed => "address confirmed".to_owned(),
        Mailbox::Bouncing(since) => format!("letters come back since {since}"),
    };
    let visit = user.last_visit.map_or("long ago".to_owned(), |at| at.to_string());
    let (artists, since) = (user.artists, user.since);
    format!("{consent}, {mailbox}, {artists} artists, here since {since}, last visit {visit}")
}

fn artists(rows: &mut Rows, status: &Status) {
    let artists = &status.artists;
    rows.add("Artists watched", artists.watched);
    rows.add("  never asked about yet", artists.never_asked);
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

fn calls(rows: &mut Rows, report: &Report) {
    let (status, per_day) = (&report.status, report.per_day);
    rows.add("Calls in the last 24 h", "");
    for (bucket, used) in &status.calls {
        let of = match bucket {
            Bucket::ArtistAlbums if status.allowed < per_day => format!(
                " of {} (a lock-out taught so; {per_day} are configured), {} left",
                status.allowed,
                report.calls_left()
            ),
            Bucket::ArtistAlbums => format!(" of {per_day}, {} left", report.calls_left()),
            _ => String::new(),
        };
        rows.add(&format!("  {}", bucket.as_str()), format!("{used}{of}"));
    }
    rows.add("Calls by day (UTC)", "");
    for history in &report.calls {
        rows.add(&format!("  {}", history.bucket.as_str()), describe_days(history));
    }
    if let Some(quota_lockout) = report.quota_lockout {
        let how = format!(
            "after {} calls, at {}; {} in a row",
            quota_lockout.spent, quota_lockout.at, quota_lockout.in_a_row
        );
        rows.add("Last lock-out", how);
    }
    for (scope, pause) in &status.pauses {
        rows.add("Paused", format!("{scope} until {}: {}", pause.until, pause.cause));
    }
}

/// `0 0 12 80 until today`
fn describe_days(history: &History) -> String {
    let calls: Vec<_> = history.days.iter().map(|(_, calls)| calls.to_string()).collect();
    format!("{} (today last)", calls.join(" "))
}

fn hints(rows: &mut Rows, status: &Status) {
    for health in &status.hint_sources {
        rows.add(&format!("Hints of {}", health.source), describe_health(health));
    }
    if status.hint_sources.iter().any(|health| health.calls > 0) {
        let (mbids, deezer) = status.known_elsewhere;
        rows.add("  artists known there", format!("{mbids} at MusicBrainz, {deezer} at Deezer"));
    }
}

fn emails(rows: &mut Rows, report: &Report) {
    let status = &report.status;
    rows.add("Letters owed (things in them)", status.pending);
    rows.add("  put off at least once", status.deferred);
    if let Some(why) = &status.deferred_because {
        rows.add("  the latest because", why);
    }
    report
        .pending
        .iter()
        .for_each(|group| rows.add(&format!("  {}", group.kind), describe_pending(group)));
    besides(rows, report.pending_besides);
    rows.add("Refused by the mail server", status.refused);
    for group in &report.refused {
        let why = group.reason.as_deref().unwrap_or("no reason was given");
        let how = format!("{}, last at {}: {why}", group.count, group.at);
        rows.add(&format!("  {}", group.kind), how);
    }
    besides(rows, report.refused_besides);
    rows.add("Sent", status.sent);
}

fn describe_pending(group: &Group) -> String {
    let Group { count, oldest, at, reason, .. } = group;
    let why = reason.as_deref().unwrap_or("waiting for the hour");
    format!("{count} since {oldest}, next at {at}: {why}")
}

fn besides(rows: &mut Rows, n: u64) {
    if n > 0 {
        rows.add("  for other reasons", n);
    }
}

fn jobs(rows: &mut Rows, report: &Report) {
    if !report.status.jobs.is_empty() {
        rows.add("Jobs", "");
    }
    for runs in report.jobs() {
        rows.add(&format!("  {}", runs[0].job), describe_job(runs));
    }
    if let Some(room) = report.room {
        let (free, total) = (room.free / 1_000_000, room.total / 1_000_000);
        rows.add("Disk of the database", format!("{free} of {total} MB are free"));
    }
}

/// `2026-11-23T12:00:00Z, took 1s 20ms: 3 emails sent`
fn describe_job(runs: &[JobRun]) -> String {
    let Some(last) = runs.first() else { return String::new() };
    let what = if last.is_idle { "nothing to do" } else { &last.did };
    let mut words = format!("{}, took {:#}: {what}", last.ended_at, last.took());
    if last.result != RunResult::Ok {
        let ok = last_ok(runs).map_or("never".into(), |run| run.ended_at.to_string());
        words += &format!(" ({}; last went well {ok})", last.result.as_str().replace('_', " "));
    }
    words
}

/// `12 hints open, 40 confirmed, 2 dropped; last answered 2026-11-23T12:00:00Z`
fn describe_health(health: &Health) -> String {
    let Health { hints, last_error, .. } = health;
    let mut words = format!(
        "{} hints open, {} confirmed, {} dropped; last answered {}",
        hints.open,
        hints.confirmed,
        hints.dropped,
        health.last_ok_at.map_or("never".into(), |at| at.to_string())
    );
    if let (1.., Some((why, at))) = (health.failures, last_error) {
        words += &format!(
            "; failed {} times, at {at}: {why}; again at {}",
            health.failures, health.next_at
        );
    }
    words
}
