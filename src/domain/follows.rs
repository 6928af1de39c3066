//! Whether a follow list is complete.
//!
//! Spotify has sent lists that were empty, truncated or cyclic
//! (<https://github.com/jakubito/spotify-release-list/issues/42>,
//! <https://github.com/spotify/web-api/issues/429>). Every listed artist is followed; a missing one was
//! unfollowed only if the list is complete.

use std::time::Duration;

use jiff::Timestamp;

use super::artist::Artist;

/// A list may shrink by this many artists without being suspect.
const ORDINARY_DROP: u64 = 5;

/// A large drop is accepted if it is still there after this time.
const SHRUNK_FOR: Duration = Duration::from_secs(3600);

/// A list with missing names is accepted after this time: an artist that Spotify took down may stay null
/// forever.
const MISSING_NAMES_FOR: Duration = Duration::from_secs(24 * 3600);

/// An empty list is accepted after this time.
const EMPTY_FOR: Duration = Duration::from_secs(24 * 3600);

/// A user's follow list as fetched.
#[derive(Debug, Clone, Default)]
pub struct FollowList {
    pub artists: Vec<Artist>,
    /// Entries on all pages, including unreadable ones.
    pub entries: u64,
    pub total: Option<u64>,
    /// Whether the cursors loop.
    pub astray: bool,
}

/// Why a list may be incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuspectReason {
    /// A cursor was repeated, or the pages never ended.
    #[error("its pages repeat without end")]
    CursorLoop,
    #[error("it ended after {read} of {total} artists")]
    CutShort { read: u64, total: u64 },
    /// Null or repeated entries hide names.
    #[error("{0} of its entries name no artist")]
    MissingNames(u64),
    #[error("it is empty, but had {before} artists before")]
    Empty { before: u64 },
    #[error("it shrank from {before} artists to {now}")]
    Shrunk { before: u64, now: u64 },
}

impl FollowList {
    /// Why missing artists must not count as unfollowed; `None` if the list is accepted. `before` is the
    /// number of artists followed so far, `doubted_since` when the list became suspect.
    pub fn suspect_reason(
        &self,
        before: u64,
        doubted_since: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<SuspectReason> {
        if self.astray {
            return Some(SuspectReason::CursorLoop);
        }
        let count = self.artists.len() as u64;
        if let Some(total) = self.total.filter(|total| *total > self.entries) {
            return Some(SuspectReason::CutShort { read: count, total });
        }
        let stayed_so = doubted_since.map_or(Duration::ZERO, |since| {
            Duration::try_from(now.duration_since(since)).unwrap_or(Duration::ZERO)
        });
        let nameless = self.entries.saturating_sub(count);
        if nameless > 0 && before > 0 && stayed_so < MISSING_NAMES_FOR {
            return Some(SuspectReason::MissingNames(nameless));
        }
        let dropped = before.saturating_sub(count);
        if count == 0 && before > 0 {
            return (stayed_so < EMPTY_FOR).then_some(SuspectReason::Empty { before });
        }
        let is_large = dropped > ORDINARY_DROP && dropped * 5 > before;
        (is_large && stayed_so < SHRUNK_FOR).then_some(SuspectReason::Shrunk { before, now: count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::artist::ArtistId;

    fn list(count: usize, total: Option<u64>) -> FollowList {
        let artist = |n| Artist::new(ArtistId::parse(&format!("a{n}")).unwrap(), "A");
        let artists = (0..count).map(artist).collect();
        FollowList { artists, entries: count as u64, total, astray: false }
    }

    fn hours_ago(hours: i64) -> (Option<Timestamp>, Timestamp) {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        (Some(now - jiff::SignedDuration::from_hours(hours)), now)
    }

    #[test]
    fn list_shorter_than_total_is_never_applied() {
        let (since, now) = hours_ago(1_000);
        let suspect_reason = list(50, Some(183)).suspect_reason(183, since, now);
        assert_eq!(suspect_reason, Some(SuspectReason::CutShort { read: 50, total: 183 }));
        assert_eq!(
            list(50, None).suspect_reason(50, None, now),
            None,
            "no total, no contradiction"
        );
    }

    #[test]
    fn null_entry_delays_unfollowing_for_a_day() {
        let with_null = FollowList { entries: 2, ..list(1, Some(2)) };
        let (since, now) = hours_ago(23);
        assert_eq!(with_null.suspect_reason(2, since, now), Some(SuspectReason::MissingNames(1)));
        let (since, now) = hours_ago(24);
        assert_eq!(with_null.suspect_reason(2, since, now), None);
        assert_eq!(with_null.suspect_reason(0, None, now), None, "there is nobody to keep");
    }

    #[test]
    fn empty_list_is_applied_after_one_day() {
        let (since, now) = hours_ago(23);
        assert!(list(0, Some(0)).suspect_reason(7, None, now).is_some());
        assert!(list(0, Some(0)).suspect_reason(7, since, now).is_some());
        assert!(list(0, Some(0)).suspect_reason(7, hours_ago(24).0, now).is_none());
        assert!(list(0, Some(0)).suspect_reason(0, None, now).is_none());
    }

    #[test]
    fn large_drop_needs_second_reading_after_an_hour() {
        let (since, now) = hours_ago(1);
        assert!(list(20, Some(20)).suspect_reason(30, None, now).is_some());
        assert!(list(20, Some(20)).suspect_reason(30, since, now).is_none());
        assert!(
            list(25, Some(25)).suspect_reason(30, None, now).is_none(),
            "five fewer is an ordinary day"
        );
        assert!(
            list(190, Some(190)).suspect_reason(200, None, now).is_none(),
            "so are five per cent"
        );
    }
}
