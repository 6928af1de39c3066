//! The line that `systemctl status` shows: what Dropday does, or what it waits for.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::quota::{Bucket, Cause, Pause};
use crate::store::{StoreError, Tx, api_calls, artists, outbox};

/// The state of the daemon at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DaemonStatus {
    now: Timestamp,
    /// How many artists have followers.
    artists: u64,
    /// How many notifications are pending.
    pending: u64,
    /// The pauses in force.
    pauses: Vec<Pause>,
    /// When the next call for albums is free, if the quota is used up.
    next_call: Option<Timestamp>,
}

pub(super) fn load(tx: &Tx<'_>, calls_per_day: u32) -> Result<DaemonStatus, StoreError> {
    let allowed = api_calls::allowed(tx, Bucket::ArtistAlbums, calls_per_day)?;
    Ok(DaemonStatus {
        now: tx.now(),
        artists: artists::count_tracked(tx)?,
        pending: outbox::count_pending(tx)?,
        pauses: api_calls::pauses(tx)?.into_iter().map(|(_, pause)| pause).collect(),
        next_call: api_calls::spent_until(tx, Bucket::ArtistAlbums, allowed)?,
    })
}

/// A line such as `Tracking 312 artists; 3 notifications pending; waiting for Spotify's daily limit until 14:05
/// CET`, with times in `zone`. `home` is where users sign in.
pub(super) fn describe(status: &DaemonStatus, zone: &TimeZone, home: &str) -> String {
    if status.artists == 0 && status.pauses.is_empty() {
        return format!("Waiting for the first user to sign in at {home}");
    }
    let mut line = format!("Tracking {}", counted(status.artists, "artist", "artists"));
    if status.pending > 0 {
        line += &format!("; {} pending", counted(status.pending, "notification", "notifications"));
    }
    let at = |at: Timestamp| time_of_day(at, status.now, zone);
    if let Some(pause) = status.pauses.iter().max_by_key(|pause| pause.until) {
        line += &format!("; {} {}", describe_pause(pause.cause), at(pause.until));
    } else if let Some(next_call) = status.next_call {
        line += &format!("; quota used up, next call at {}", at(next_call));
    }
    line
}

/// To be followed by a time.
fn describe_pause(cause: Cause) -> &'static str {
    match cause {
        Cause::RateLimit => "waiting for Spotify's rate limit until",
        Cause::Quota => "waiting for Spotify's daily limit until",
        Cause::Premium => "the app's owner needs Spotify Premium, next try at",
        Cause::Endpoint => "Spotify denies some calls to this app, next try at",
        Cause::Outage => "Spotify is not responding, next try at",
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `14:05 CET`, preceded by the date if it is not today.
fn time_of_day(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone.clone()));
    let format = if at.date() == now.date() { "%H:%M %Z" } else { "%-d %b %H:%M %Z" };
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(
        artists: u64,
        pending: u64,
        pauses: &[(&str, Cause)],
        next_call: Option<&str>,
    ) -> String {
        let at = |at: &str| -> Timestamp { at.parse().unwrap() };
        let pauses = pauses.iter().map(|(until, cause)| Pause { until: at(until), cause: *cause });
        let status = DaemonStatus {
            now: at("2026-11-26T12:00:00Z"),
            artists,
            pending,
            pauses: pauses.collect(),
            next_call: next_call.map(at),
        };
        describe(&status, &TimeZone::get("Europe/Berlin").unwrap(), "http://127.0.0.1:8888/")
    }

    #[test]
    fn line_names_current_work_and_pauses() {
        assert_eq!(
            line(0, 0, &[], None),
            "Waiting for the first user to sign in at http://127.0.0.1:8888/"
        );
        assert_eq!(line(1, 1, &[], None), "Tracking 1 artist; 1 notification pending");
        let quota = ("2026-11-26T13:05:00Z", Cause::Quota);
        assert_eq!(
            line(312, 3, &[quota], Some("2026-11-26T12:30:00Z")),
            "Tracking 312 artists; 3 notifications pending; waiting for Spotify's daily limit until \
             14:05 CET"
        );
        let premium = ("2026-11-26T23:05:00Z", Cause::Premium);
        assert_eq!(
            line(312, 0, &[premium, quota], None),
            "Tracking 312 artists; the app's owner needs Spotify Premium, next try at 27 Nov 00:05 CET"
        );
        assert_eq!(
            line(312, 0, &[], Some("2026-11-26T12:30:00Z")),
            "Tracking 312 artists; quota used up, next call at 13:30 CET"
        );
    }

    #[test]
    fn time_shows_zone_and_other_days_date() {
        let at = |at: &str, zone: &str| {
            let now = "2026-11-26T12:00:00Z".parse().unwrap();
            time_of_day(at.parse().unwrap(), now, &TimeZone::get(zone).unwrap())
        };
        assert_eq!(at("2026-11-26T13:05:00Z", "Europe/Berlin"), "14:05 CET");
        assert_eq!(at("2026-11-26T23:05:00Z", "Europe/Berlin"), "27 Nov 00:05 CET");
        assert_eq!(at("2026-11-26T23:05:00Z", "UTC"), "23:05 UTC");
    }
}
