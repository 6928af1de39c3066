//! What Dropday does or waits for, in a line for `systemctl status`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::quota::{Bucket, Cause, Pause};
use crate::store::{StoreError, Tx, allowance, artists, ledger, outbox};

/// What there is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// When it was so.
    pub now: Timestamp,
    /// Artists that somebody follows.
    pub artists: u64,
    /// Things that are owed to users in emails.
    pub owed: u64,
    /// The pauses that hold.
    pub pauses: Vec<Pause>,
    /// When the next call for albums is free, where the day's are used.
    pub next_call: Option<Timestamp>,
}

pub(super) fn read(tx: &Tx<'_>, per_day: u32) -> Result<Scene, StoreError> {
    let allowed = allowance::of(tx, Bucket::ArtistAlbums, per_day)?;
    Ok(Scene {
        now: tx.now(),
        artists: artists::count_watched(tx)?,
        owed: outbox::count_owed(tx)?,
        pauses: ledger::pauses(tx)?.into_iter().map(|(_, pause)| pause).collect(),
        next_call: ledger::spent_until(tx, Bucket::ArtistAlbums, allowed)?,
    })
}

/// A line such as `Watching 312 artists; 3 things owed in emails; waiting for Spotify's daily limit until
/// 14:05 CET`, with times of day in `zone`. `home` is where users connect.
pub fn in_words(scene: &Scene, zone: &TimeZone, home: &str) -> String {
    if scene.artists == 0 && scene.pauses.is_empty() {
        return format!("Waiting for somebody to connect at {home}");
    }
    let mut words = format!("Watching {}", counted(scene.artists, "artist", "artists"));
    if scene.owed > 0 {
        words += &format!("; {} owed in letters", counted(scene.owed, "thing", "things"));
    }
    let at = |at: Timestamp| time_of_day(at, scene.now, zone);
    if let Some(pause) = scene.pauses.iter().max_by_key(|pause| pause.until) {
        words += &format!("; {} {}", waits_for(pause.cause), at(pause.until));
    } else if let Some(next_call) = scene.next_call {
        words += &format!("; the day's calls are used, the next is free at {}", at(next_call));
    }
    words
}

/// To be followed by a time.
fn waits_for(cause: Cause) -> &'static str {
    match cause {
        Cause::RateLimit => "waiting for Spotify's rate limit until",
        Cause::Quota => "waiting for Spotify's daily limit until",
        Cause::Premium => "the app's owner needs Premium, asking again at",
        Cause::Endpoint => "Spotify forbids some calls to this app, asking again at",
        Cause::Outage => "Spotify does not answer, asking again at",
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `14:05 CET`, with the day before it if that is another.
fn time_of_day(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone.clone()));
    let form = if at.date() == now.date() { "%H:%M %Z" } else { "%-d %b %H:%M %Z" };
    at.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(artists: u64, owed: u64, pauses: &[(&str, Cause)], next_call: Option<&str>) -> String {
        let at = |at: &str| -> Timestamp { at.parse().unwrap() };
        let pauses = pauses.iter().map(|(until, cause)| Pause { until: at(until), cause: *cause });
        let scene = Scene {
            now: at("2026-11-26T12:00:00Z"),
            artists,
            owed,
            pauses: pauses.collect(),
            next_call: next_call.map(at),
        };
        in_words(&scene, &TimeZone::get("Europe/Berlin").unwrap(), "http://127.0.0.1:8888/")
    }

    #[test]
    fn the_line_says_what_is_done_and_what_is_waited_for() {
        assert_eq!(
            said(0, 0, &[], None),
            "Waiting for somebody to connect at http://127.0.0.1:8888/"
        );
        assert_eq!(said(1, 1, &[], None), "Watching 1 artist; 1 thing owed in letters");
        let quota = ("2026-11-26T13:05:00Z", Cause::Quota);
        assert_eq!(
            said(312, 3, &[quota], Some("2026-11-26T12:30:00Z")),
            "Watching 312 artists; 3 things owed in letters; waiting for Spotify's daily limit until \
             14:05 CET"
        );
        let premium = ("2026-11-26T23:05:00Z", Cause::Premium);
        assert_eq!(
            said(312, 0, &[premium, quota], None),
            "Watching 312 artists; the app's owner needs Premium, asking again at 27 Nov 00:05 CET"
        );
        assert_eq!(
            said(312, 0, &[], Some("2026-11-26T12:30:00Z")),
            "Watching 312 artists; the day's calls are used, the next is free at 13:30 CET"
        );
    }

    #[test]
    fn another_day_is_named_and_the_zone_always() {
        let at = |at: &str, zone: &str| {
            let now = "2026-11-26T12:00:00Z".parse().unwrap();
            time_of_day(at.parse().unwrap(), now, &TimeZone::get(zone).unwrap())
        };
        assert_eq!(at("2026-11-26T13:05:00Z", "Europe/Berlin"), "14:05 CET");
        assert_eq!(at("2026-11-26T23:05:00Z", "Europe/Berlin"), "27 Nov 00:05 CET");
        assert_eq!(at("2026-11-26T23:05:00Z", "UTC"), "23:05 UTC");
    }
}
