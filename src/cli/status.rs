//! `dropday status`

use std::process::ExitCode;

use comfy_table::{Table, presets};
use serde_json::json;

use crate::app;
use crate::config::Config;
use crate::domain::quota::{Bucket, Pause};
use crate::store::hint_sources::Health;
use crate::store::status::{self, Status};
use crate::terminal::say;

pub(super) async fn run(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let db = super::existing_database(config)?;
    let cadence = app::cadence(config);
    let status = db.read("status", move |tx| status::of(tx, &cadence)).await?;
    let per_day = config.spotify.artist_albums_per_day;
    match as_json {
        true => say(&serde_json::to_string_pretty(&as_value(&status, per_day))?),
        false => as_table(&status, per_day).lines().for_each(|line| say(line.trim_end())),
    }
    Ok(ExitCode::SUCCESS)
}

fn left(status: &Status) -> u64 {
    let used = status.calls.iter().find(|(bucket, _)| *bucket == Bucket::ArtistAlbums);
    u64::from(status.allowed).saturating_sub(used.map_or(0, |(_, used)| *used))
}

fn as_value(status: &Status, per_day: u32) -> serde_json::Value {
    let Status { people, artists, .. } = status;
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
    let callers: Vec<_> = status
        .callers
        .iter()
        .map(|caller| {
            let (address, asked_at) = (caller.address.as_str(), caller.asked_at.to_string());
            json!({ "name": caller.name, "address": address, "asked_at": asked_at })
        })
        .collect();
    let hints: serde_json::Map<_, _> = status
        .hint_sources
        .iter()
        .map(|health| (health.source.as_str().to_owned(), health_as_value(health)))
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
        "people": {
            "all": people.all, "connected": people.connected, "confirmed": people.confirmed,
            "must_sign_in_again": people.must_sign_in_again, "in_trouble": people.in_trouble,
            "held_by_the_brake": people.held,
        },
        "artists": {
            "watched": artists.watched, "never_asked": artists.never_asked,
            "checked_last_day": artists.checked_last_day, "checked_last_week": artists.checked_last_week,
            "overdue": artists.overdue, "waited_longest": waited,
            "failing": artists.failing, "last_check": artists.last_check.map(|at| at.to_string()),
        },
        "calls": {
            "used": calls, "artist_albums_per_day": per_day, "artist_albums_left": left(status),
            "artist_albums_allowed": status.allowed,
        },
        "waiting_to_be_entered": callers,
        "pauses": pauses,
        "hints": hints,
        "letters": {
            "owed": status.owed, "put_off": status.put_off, "put_off_because": status.put_off_because,
            "refused": status.refused, "sent": status.sent,
        },
    })
}

fn health_as_value(health: &Health) -> serde_json::Value {
    let Health { hints, last_error, .. } = health;
    json!({
        "calls": health.calls, "next_at": health.next_at.to_string(), "failures": health.failures,
        "last_ok": health.last_ok_at.map(|at| at.to_string()),
        "last_error": last_error.as_ref().map(|(why, _)| why),
        "last_error_at": last_error.as_ref().map(|(_, at)| at.to_string()),
        "open": hints.open, "confirmed": hints.confirmed, "dropped": hints.dropped,
    })
}

/// `12 hints open, 40 confirmed, 2 dropped; last answered 2026-11-23T12:00:00Z`
fn health_in_words(health: &Health) -> String {
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

fn as_table(status: &Status, per_day: u32) -> Table {
    let Status { people, artists, .. } = status;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut row = |what: &str, how: String| {
        table.add_row([what.to_owned(), how]);
    };
    row("People", format!("{} ({} with a confirmed address)", people.all, people.confirmed));
    row("  connected", people.connected.to_string());
    row("  must sign in again", people.must_sign_in_again.to_string());
    row("  refused by Spotify", people.in_trouble.to_string());
    if people.held > 0 {
        row("  held: many refused at once", people.held.to_string());
    }
    for caller in &status.callers {
        let (name, address, at) = (&caller.name, caller.address.as_str(), caller.asked_at);
        row("  asks to be entered at Spotify", format!("{name}, {address}, since {at}"));
    }
    row("Artists watched", artists.watched.to_string());
    row("  never asked about yet", artists.never_asked.to_string());
    row("  checked in the last 24 h", artists.checked_last_day.to_string());
    row("  checked in the last 7 days", artists.checked_last_week.to_string());
    row("  overdue", artists.overdue.to_string());
    for artist in &status.overdue {
        let since = artist.checked_at.map_or("never checked".into(), |at| format!("checked {at}"));
        row("    such as", format!("{}, {since}: {}", artist.name, artist.why));
    }
    row("  last check failed", artists.failing.to_string());
    row("  last check", artists.last_check.map_or("never".into(), |at| at.to_string()));
    row("Calls in the last 24 h", String::new());
    for (bucket, used) in &status.calls {
        let of = match bucket {
            Bucket::ArtistAlbums if status.allowed < per_day => format!(
                " of {} (a lock-out taught so; {per_day} are configured), {} left",
                status.allowed,
                left(status)
            ),
            Bucket::ArtistAlbums => format!(" of {per_day}, {} left", left(status)),
            _ => String::new(),
        };
        row(&format!("  {}", bucket.as_str()), format!("{used}{of}"));
    }
    for (scope, pause) in &status.pauses {
        row("Paused", format!("{scope} until {}: {}", pause.until, pause.cause));
    }
    for health in &status.hint_sources {
        row(&format!("Hints of {}", health.source), health_in_words(health));
    }
    if status.hint_sources.iter().any(|health| health.calls > 0) {
        let (mbids, deezer) = status.known_elsewhere;
        row("  artists known there", format!("{mbids} at MusicBrainz, {deezer} at Deezer"));
    }
    row("Letters owed (things in them)", status.owed.to_string());
    row("  put off at least once", status.put_off.to_string());
    if let Some(why) = &status.put_off_because {
        row("  the latest because", why.clone());
    }
    row("Refused by the mail server", status.refused.to_string());
    row("Sent", status.sent.to_string());
    table
}
