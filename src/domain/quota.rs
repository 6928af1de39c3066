//! Spotify's two limits in our words: buckets of calls by the day, and pauses.
//!
//! Endpoints are grouped into quota buckets, counted per developer account over a rolling day
//! (<https://developer.spotify.com/documentation/web-api/concepts/quota-modes>); apart from that
//! a rate limit over 30 seconds holds for everything
//! (<https://developer.spotify.com/documentation/web-api/concepts/rate-limits>).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::learned_quota;

/// The window over which calls are counted.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// A group of calls that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// An artist's albums: the scarce one.
    ArtistAlbums,
    /// Whom a user follows.
    Following,
    /// Who a user is.
    Profile,
    /// The accounts service: exchanging codes, refreshing tokens.
    Tokens,
}

impl Bucket {
    /// Every bucket, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::ArtistAlbums, Self::Following, Self::Profile, Self::Tokens];

    /// The name in the database and in `dropday status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ArtistAlbums => "artist_albums",
            Self::Following => "following",
            Self::Profile => "profile",
            Self::Tokens => "tokens",
        }
    }
}

/// Why a call is made: what the ledger keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A user said "now".
    Manual,
    /// A hint speaks of the artist.
    Hint,
    /// The artist is asked about for the first time.
    InitialScan,
    /// It is the artist's turn.
    Scheduled,
    /// A list beside the artist's albums and singles.
    Secondary,
    /// Anything that is not about artists' albums.
    Other,
}

impl Purpose {
    /// The word in the database.
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

/// Why nothing is asked for a while.
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
    /// Our own: Spotify failed several times in a row.
    Outage,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] =
        [Self::RateLimit, Self::Quota, Self::Premium, Self::Endpoint, Self::Outage];

    /// The word in the database and in `dropday status --json`.
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

/// In words.
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

/// A time in which nothing is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Nothing is asked before.
    pub until: Timestamp,
    /// Why.
    pub cause: Cause,
}

/// How long to hold still where a 429 does not say: twice the rolling window of the rate limit.
pub const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(60);

/// How long a spent quota is left alone where the answer does not say: the length of its window.
pub const QUOTA_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// No pause that Spotify asks for is honoured for longer: beyond a month it is a mistake.
pub const MAX_PAUSE: SignedDuration = SignedDuration::from_hours(31 * 24);

/// How long everything rests where the app's owner has no Premium: Spotify says that it takes
/// "a few hours" until a renewed subscription is noticed.
pub const PREMIUM_PAUSE: Duration = Duration::from_secs(3600);

/// How long calls of a kind rest that Spotify forbids: what was taken away does not come back
/// within minutes.
pub const ENDPOINT_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// A lock-out that came after another within this time is the operator's matter.
pub const LOCK_OUTS_REMEMBERED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What `spotify.artist_albums_per_day` could be lowered to, where a lock-out came after so many calls
/// in a day had gone through: a fifth less than those, and than what is allowed now. `None` where so few
/// had that it was not our doing.
pub fn lower(per_day: u32, went_through: u32) -> Option<u32> {
    let lower = || (u64::from(per_day.min(went_through)) * 4 / 5).max(1) as u32;
    (!learned_quota::is_inconclusive(went_through, per_day)).then(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_number_is_a_fifth_below_what_went_through() {
        assert_eq!([lower(80, 60), lower(80, 500)], [Some(48), Some(64)]);
        assert_eq!(
            [lower(80, 0), lower(80, 7), lower(80, 8), lower(1, 9)],
            [None, None, Some(6), Some(1)]
        );
        assert_eq!(lower(u32::MAX, u32::MAX), Some(3_435_973_836));
    }
}
