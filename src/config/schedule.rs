//! `[schedule]`

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::settings::Settings;
use crate::domain::check_planner::calendar::Market;

/// Cron rules with seconds, in UTC, and how artists take turns.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub follows: String,
    pub hints: String,
    pub releases: String,
    pub letters: String,
    /// The longest an artist may go unchecked while there are enough calls.
    pub max_check_interval: SignedDuration,
    /// Where new albums appear at midnight.
    pub market: Market,
}

impl Schedule {
    pub(super) fn read(settings: &mut Settings) -> Option<Self> {
        // An album is news for 60 days.
        let max_check_interval =
            settings.duration_within("schedule.max_check_interval", "1day"..="60days");
        let expected = "a time zone such as Europe/Berlin, unknown, or empty";
        let market = settings.check("schedule.zone", expected, market);
        Some(Self {
            follows: settings.text("schedule.follows"),
            hints: settings.text("schedule.hints"),
            releases: settings.text("schedule.releases"),
            letters: settings.text("schedule.letters"),
            max_check_interval: max_check_interval?,
            market: market?,
        })
    }
}

/// The machine's time zone if empty, except UTC, which is the zone of machines without a setting.
fn market(zone: &str) -> Option<Market> {
    match zone {
        "unknown" => Some(Market::Unknown),
        "" => {
            let system = TimeZone::try_system().unwrap_or(TimeZone::UTC);
            let is_utc = system.iana_name().is_none_or(|name| {
                matches!(
                    name,
                    "UTC" | "Etc/UTC" | "Etc/UCT" | "Etc/Universal" | "Etc/Zulu" | "Etc/Unknown"
                )
            });
            Some(if is_utc { Market::Unknown } else { Market::In(system) })
        }
        zone => TimeZone::get(zone).ok().map(Market::In),
    }
}
