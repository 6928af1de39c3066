//! Words and rules. No I/O, no async, no wire formats: "now" and chance are arguments.

pub mod allowance;
pub mod artist;
pub mod audience;
pub mod backoff;
pub mod cadence;
pub mod condition;
pub mod consent;
pub mod detection;
pub mod digest;
pub mod edition;
pub mod feed;
pub mod follows;
pub mod hint;
pub mod house;
pub mod leap;
pub mod look;
pub mod operator_alert;
pub mod preferences;
pub mod quota;
pub mod recording;
pub mod release;
pub mod room;
pub mod side_list;
pub mod text;
pub mod token;
pub mod user;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The day it is in UTC, by which days are reckoned wherever no user's zone is known.
pub fn day_of(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now).date()
}
