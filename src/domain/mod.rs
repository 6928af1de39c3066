//! Types and rules. No I/O, no async, no wire formats: time and randomness are arguments.

pub mod account_health;
pub mod artist;
pub mod artist_list;
pub mod backoff;
pub mod check_planner;
pub mod clock_jump;
pub mod consent;
pub mod detection;
pub mod digest;
pub mod disk_space;
pub mod edition;
pub mod feed;
pub mod follows;
pub mod hint;
pub mod instance;
pub mod learned_quota;
pub mod live_or_remix;
pub mod operator_alert;
pub mod overdue;
pub mod preferences;
pub mod quota;
pub mod release;
pub mod release_filter;
pub mod release_query;
pub mod signup_policy;
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
