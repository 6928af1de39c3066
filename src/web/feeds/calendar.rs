//! The calendar of new releases (RFC 5545), with an all-day event on each release date.

use icalendar::{Calendar, Component, Event, Property};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::context::Ctx;
use crate::domain::feed::Entry;
use crate::domain::release::ReleaseDate;
use crate::domain::release_filter;
use crate::domain::text::one_line;

/// How often programs should fetch it.
const CHECK_INTERVAL: &str = "PT1H";

/// Renders the calendar. Releases without an exact day are left out.
pub(super) fn write(ctx: &Ctx, entries: &[Entry]) -> String {
    let mut calendar = Calendar::empty();
    for (name, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//Dropday//New releases//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("NAME", "New releases"),
        ("X-WR-CALNAME", "New releases"),
        ("X-PUBLISHED-TTL", CHECK_INTERVAL),
    ] {
        calendar.append_property(Property::new(name, value));
    }
    let interval =
        Property::new("REFRESH-INTERVAL", CHECK_INTERVAL).add_parameter("VALUE", "DURATION").done();
    calendar.append_property(interval);
    for entry in entries {
        if let ReleaseDate::Day(day) = entry.release.date {
            calendar.push(event(entry, day, &ctx.mail_domain));
        }
    }
    calendar.to_string()
}

fn event(entry: &Entry, day: Date, domain: &str) -> Event {
    let release = &entry.release;
    let (title, artists) = (one_line(release.shown_title()), one_line(&release.artist_line()));
    let summary = if artists.is_empty() { title } else { format!("{artists}: {title}") };
    let link = one_line(&release.link);
    let mut event = Event::with_uid(&format!("release-{}@{domain}", release.id));
    event
        .summary(&summary)
        .description(&format!("{}\n{link}", describe(entry)))
        .append_property(
            Property::new("DTSTART", day.strftime("%Y%m%d").to_string())
                .add_parameter("VALUE", "DATE")
                .done(),
        )
        // The event does not block time.
        .add_property("TRANSP", "TRANSPARENT")
        .add_property("DTSTAMP", moment(entry.changed_at))
        .add_property("LAST-MODIFIED", moment(entry.changed_at))
        .add_property("CREATED", moment(entry.seen_at))
        .add_property("URL", link);
    event
}

/// What a release is, capitalised.
pub(super) fn describe(entry: &Entry) -> &'static str {
    release_filter::category(&entry.release, entry.appears).label(entry.release.tracks)
}

fn moment(at: Timestamp) -> String {
    TimeZone::UTC.to_datetime(at).strftime("%Y%m%dT%H%M%SZ").to_string()
}
