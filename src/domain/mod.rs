//! Types and rules. No I/O, no async, no wire formats: time and randomness are arguments.

pub mod allowance;
pub mod artist;
pub mod artist_list;
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
pub mod matter;
pub mod preferences;
pub mod quota;
pub mod recording;
pub mod release;
pub mod release_query;
pub mod room;
pub mod text;
pub mod token;
pub mod user;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The day in UTC, for everything that does not depend on a user's time zone.
pub fn day_of(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now).date()
}
