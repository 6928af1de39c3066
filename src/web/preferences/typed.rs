//! What somebody typed into the form, as far as it makes sense, and what does not.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::Fields;
use crate::domain::artist::ArtistId;
use crate::domain::audience::Kinds;
use crate::domain::digest::{Rhythm, Timetable};
use crate::domain::preferences::Preferences;

/// The hour where none was chosen that a clock knows.
const USUAL_HOUR: i8 = 8;

const CHOOSE: &str = "Please choose when letters come.";
const NO_ZONE: &str =
    "There is no such time zone. Please choose one from the list, such as Europe/Berlin.";
const NOTHING: &str = "Nothing is ticked that letters could tell of. Please tick something, or \
                       choose to have no letters.";

/// A form, with the usual where it makes no sense.
pub(super) struct Typed {
    pub(super) wanted: Preferences,
    /// 0 is Monday; chosen even where emails are not weekly.
    pub(super) weekday: i8,
    pub(super) zone: String,
    pub(super) unmuted: Vec<ArtistId>,
    /// Why it cannot be taken.
    pub(super) fault: Option<&'static str>,
}

pub(super) fn read(fields: &Fields) -> Typed {
    let kinds = Kinds {
        albums: fields.has("albums"),
        singles: fields.has("singles"),
        compilations: fields.has("compilations"),
        live: fields.has("live"),
        remixes: fields.has("remixes"),
        appearances: fields.has("appearances"),
    };
    let ((timetable, is_subscribed), fault) = read_timetable(fields);
    let is_nothing = is_subscribed && kinds == Kinds::none();
    let wanted = Preferences { kinds, editions: fields.has("editions"), timetable, is_subscribed };
    Typed {
        wanted,
        weekday: weekday(fields).unwrap_or(Weekday::Friday).to_monday_zero_offset(),
        zone: fields.value("zone").to_owned(),
        unmuted: fields.values("unmute").filter_map(ArtistId::parse).collect(),
        fault: fault.or(is_nothing.then_some(NOTHING)),
    }
}

/// When emails come, and whether they do; and what of it makes no sense.
pub(super) fn read_timetable(fields: &Fields) -> ((Timetable, bool), Option<&'static str>) {
    let emails = fields.value("letters");
    let rhythm = match emails {
        "at_once" | "none" => Some(Rhythm::AtOnce),
        "daily" => Some(Rhythm::Daily),
        "weekly" => weekday(fields).map(Rhythm::Weekly),
        _ => None,
    };
    let hour = fields.value("hour").parse().ok().filter(|hour| (0..24).contains(hour));
    let zone = TimeZone::get(fields.value("zone")).ok().filter(|zone| zone.iana_name().is_some());
    let fault = match (rhythm, hour, &zone) {
        (None, ..) | (_, None, _) => Some(CHOOSE),
        (.., None) => Some(NO_ZONE),
        _ => None,
    };
    let timetable = Timetable {
        rhythm: rhythm.unwrap_or(Rhythm::AtOnce),
        hour: hour.unwrap_or(USUAL_HOUR),
        zone: zone.unwrap_or(TimeZone::UTC),
    };
    ((timetable, emails != "none"), fault)
}

fn weekday(fields: &Fields) -> Option<Weekday> {
    let offset = fields.value("weekday").parse().ok()?;
    Weekday::from_monday_zero_offset(offset).ok()
}
