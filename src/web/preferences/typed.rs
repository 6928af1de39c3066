//! Parses the preferences form.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::Fields;
use crate::domain::artist::ArtistId;
use crate::domain::digest::{DigestFrequency, DigestSchedule};
use crate::domain::preferences::Preferences;
use crate::domain::release_filter::Categories;

/// The hour if none or an invalid one was chosen.
const DEFAULT_HOUR: i8 = 8;

const CHOOSE: &str = "Please choose when to get emails.";
const NO_ZONE: &str =
    "We don’t know that time zone. Please choose one from the list, such as Europe/Berlin.";
const NOTHING: &str = "Please pick at least one kind of release, or choose Never.";

/// The submitted form, with defaults for invalid values.
pub(super) struct PreferencesForm {
    pub(super) wanted: Preferences,
    /// 0 is Monday. Kept even if emails are not weekly.
    pub(super) weekday: i8,
    pub(super) zone: String,
    pub(super) unmuted: Vec<ArtistId>,
    /// The error to show.
    pub(super) fault: Option<&'static str>,
}

pub(super) fn read(fields: &Fields) -> PreferencesForm {
    let categories = Categories {
        albums: fields.has("albums"),
        singles: fields.has("singles"),
        compilations: fields.has("compilations"),
        live: fields.has("live"),
        remixes: fields.has("remixes"),
        appearances: fields.has("appearances"),
    };
    let ((digest_schedule, is_subscribed), fault) = read_timetable(fields);
    let is_nothing = is_subscribed && categories == Categories::default();
    let wanted = Preferences {
        categories,
        editions: fields.has("editions"),
        digest_schedule,
        is_subscribed,
    };
    PreferencesForm {
        wanted,
        weekday: weekday(fields).unwrap_or(Weekday::Friday).to_monday_zero_offset(),
        zone: fields.value("zone").to_owned(),
        unmuted: fields.values("unmute").filter_map(ArtistId::parse).collect(),
        fault: fault.or(is_nothing.then_some(NOTHING)),
    }
}

/// The schedule, whether the user is subscribed, and the error to show.
pub(super) fn read_timetable(fields: &Fields) -> ((DigestSchedule, bool), Option<&'static str>) {
    let emails = fields.value("letters");
    let frequency = match emails {
        "at_once" | "none" => Some(DigestFrequency::AtOnce),
        "daily" => Some(DigestFrequency::Daily),
        "weekly" => weekday(fields).map(DigestFrequency::Weekly),
        _ => None,
    };
    let hour = fields.value("hour").parse().ok().filter(|hour| (0..24).contains(hour));
    let zone = TimeZone::get(fields.value("zone")).ok().filter(|zone| zone.iana_name().is_some());
    let fault = match (frequency, hour, &zone) {
        (None, ..) | (_, None, _) => Some(CHOOSE),
        (.., None) => Some(NO_ZONE),
        _ => None,
    };
    let digest_schedule = DigestSchedule {
        frequency: frequency.unwrap_or(DigestFrequency::AtOnce),
        hour: hour.unwrap_or(DEFAULT_HOUR),
        zone: zone.unwrap_or(TimeZone::UTC),
    };
    ((digest_schedule, emails != "none"), fault)
}

fn weekday(fields: &Fields) -> Option<Weekday> {
    let offset = fields.value("weekday").parse().ok()?;
    Weekday::from_monday_zero_offset(offset).ok()
}
