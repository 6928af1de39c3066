//! Spotify's two limits: quotas per day and bucket, and a rate limit.
//!
//! Endpoints are grouped into quota buckets, counted per developer account over a rolling day
//! (<https://developer.spotify.com/documentation/web-api/concepts/quota-modes>). Besides, a rate limit over
//! 30 seconds applies to everything
//! (<https://developer.spotify.com/documentation/web-api/concepts/rate-limits>).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::learned_quota;

pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Calls that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// The scarce one.
    ArtistAlbums,
    Following,
    Profile,
    /// The accounts service: exchanging codes and refreshing tokens.
    Tokens,
}

impl Bucket {
    /// In the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::ArtistAlbums, Self::Following, Self::Profile, Self::Tokens];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ArtistAlbums => "artist_albums",
            Self::Following => "following",
            Self::Profile => "profile",
            Self::Tokens => "tokens",
        }
    }
}

/// Why a call is made; the ledger counts them separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    Manual,
    Hint,
    InitialScan,
    Scheduled,
    Secondary,
    /// Any call except for artists' albums.
    Other,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Hint => "hint",
            Self::InitialScan => "initial_scan",
            Self::Scheduled => "scheduled",
            Self::Secondary => "secondary",
            Self::Other => "other",
        }
    }
}

/// Why requests are paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A 429 for too many calls in 30 seconds.
    RateLimit,
    /// A 429 for too many calls of one bucket in a day.
    Quota,
    /// The app's owner has no Premium.
    Premium,
    /// Spotify forbids calls of one bucket.
    Endpoint,
    /// Spotify failed several times in a row.
    Outage,
}

impl Cause {
    pub const ALL: [Self; 5] =
        [Self::RateLimit, Self::Quota, Self::Premium, Self::Endpoint, Self::Outage];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::Quota => "quota",
            Self::Premium => "premium",
            Self::Endpoint => "endpoint",
            Self::Outage => "outage",
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RateLimit => "Spotify's rate limit was reached",
            Self::Quota => "Spotify's daily quota for these calls is used up",
            Self::Premium => "the app owner's Spotify Premium has lapsed",
            Self::Endpoint => "Spotify no longer allows these calls",
            Self::Outage => "Spotify failed several times in a row",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    pub until: Timestamp,
    pub cause: Cause,
}

/// The pause after a 429 that does not say how long: twice the window of the rate limit.
pub const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(60);

/// The pause after a used-up quota if the response does not say how long: the length of its window.
pub const QUOTA_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// The longest pause that is honoured: beyond a month it must be a mistake.
pub const MAX_PAUSE: SignedDuration = SignedDuration::from_hours(31 * 24);

/// The pause if the app's owner has no Premium: Spotify says that it takes "a few hours" to notice a renewed
/// subscription.
pub const PREMIUM_PAUSE: Duration = Duration::from_secs(3600);

/// The pause for a bucket that Spotify forbids: this does not change within minutes.
pub const ENDPOINT_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// A second lockout within this time is worth an alert.
pub const LOCK_OUTS_REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A limit that would have avoided a lockout: a fifth less than the calls that `went_through` that day and
/// than what is allowed now. `None` if there were so few that Dropday did not cause it.
pub fn lower(per_day: u32, went_through: u32) -> Option<u32> {
    let lower = || (u64::from(per_day.min(went_through)) * 4 / 5).max(1) as u32;
    (!learned_quota::is_inconclusive(went_through, per_day)).then(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggested_limit_is_a_fifth_below_successful_calls() {
        assert_eq!([lower(80, 60), lower(80, 500)], [Some(48), Some(64)]);
        assert_eq!(
            [lower(80, 0), lower(80, 7), lower(80, 8), lower(1, 9)],
            [None, None, Some(6), Some(1)]
        );
        assert_eq!(lower(u32::MAX, u32::MAX), Some(3_435_973_836));
    }
}
