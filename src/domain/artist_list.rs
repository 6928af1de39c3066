//! An artist's four lists of releases. The same rules decide for each of them when it is fetched and
//! what of it is news.

use jiff::{SignedDuration, Timestamp};

use super::day_of;
use super::detection::NewsWindow;

/// How often a secondary list is fetched. Most of a week's releases come out on its Friday, so once a
/// week is enough; a day is spared so that a check every Friday never comes a minute too early.
const SECONDARY_INTERVAL: SignedDuration = SignedDuration::from_hours(6 * 24);

/// The longest time between two checks of a secondary list, however many lists there are.
const MAX_SECONDARY_INTERVAL: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How long a deferred list is fetched alone: a little longer than it can take until a call becomes
/// free. After that the albums are due again.
const DEFERRAL: SignedDuration = SignedDuration::from_hours(30);

/// One of an artist's lists. Compilations and appearances are the secondary ones: they matter less and
/// cost a call each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// The artist's albums.
    Albums,
    /// The artist's singles and EPs.
    Singles,
    /// The artist's compilations.
    Compilations,
    /// Other artists' releases on which the artist appears.
    Appearances,
}

impl ListKind {
    /// Every list, in the order in which they are fetched.
    pub const ALL: [Self; 4] = [Self::Albums, Self::Singles, Self::Compilations, Self::Appearances];

    /// The lists that are fetched rarely, and only with calls that nothing else needs.
    pub const SECONDARY: [Self; 2] = [Self::Compilations, Self::Appearances];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Albums => "albums",
            Self::Singles => "singles",
            Self::Compilations => "compilations",
            Self::Appearances => "appearances",
        }
    }
}

/// What is known of one list of an artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListState {
    /// Which list.
    pub kind: ListKind,
    /// Since when a follower wants it; `None` if none does.
    pub wanted_since: Option<Timestamp>,
    /// When a check last found that no follower wants it.
    pub unwanted_at: Option<Timestamp>,
    /// When it was last fetched completely.
    pub checked_at: Option<Timestamp>,
    /// It is not fetched before this time, except for an initial scan.
    pub next_check_at: Option<Timestamp>,
    /// When a check last ended before it came to this list.
    pub deferred_at: Option<Timestamp>,
    /// Spotify's `total` at the last check.
    pub total: Option<u64>,
    /// Consecutive failed checks.
    pub failures: u32,
}

impl ListState {
    /// The state of a list that was never fetched and that no follower wants.
    pub fn new(kind: ListKind) -> Self {
        Self {
            kind,
            wanted_since: None,
            unwanted_at: None,
            checked_at: None,
            next_check_at: None,
            deferred_at: None,
            total: None,
            failures: 0,
        }
    }

    /// Since when a release on the list can be news for a follower; `None` if none wants the list.
    pub fn since(&self) -> Option<Timestamp> {
        self.wanted_since.map(|wanted| self.unwanted_at.map_or(wanted, |until| wanted.max(until)))
    }

    /// Whether no follower who wants the list now wanted it at the last check. The next check is then
    /// silent about everything that is older than their interest.
    pub fn is_initial_scan(&self) -> bool {
        self.checked_at.is_none_or(|at| self.since().is_some_and(|since| at < since))
    }

    /// Whether the list may be fetched now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let is_new = self.is_initial_scan() && self.failures == 0;
        self.wanted_since.is_some() && (is_new || self.next_check_at.is_none_or(|at| at <= now))
    }

    /// Whether the last check ended before this list, and the lists before it need not be fetched again.
    pub fn is_deferred(&self, now: Timestamp) -> bool {
        self.deferred_at.is_some_and(|at| at <= now && now <= at + DEFERRAL)
    }

    /// Which releases on the list are news at the next check. What came out since the last check is
    /// news however long ago that was.
    ///
    /// A check shows only some pages of a long list of appearances, which is in no order, and never the
    /// whole back catalogue. So an appearance is news only if it came out since the list is wanted.
    pub fn news_window(&self, now: Timestamp) -> NewsWindow {
        let since = day_of(self.since().unwrap_or(now));
        if self.is_initial_scan() {
            return NewsWindow::initial(since);
        }
        let later = NewsWindow::later(self.checked_at.map(day_of), day_of(now));
        match self.kind {
            ListKind::Appearances => NewsWindow { since: Some(since), ..later },
            ListKind::Albums | ListKind::Singles | ListKind::Compilations => later,
        }
    }
}

/// The four lists of an artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArtistLists {
    /// How many albums of the artist are known.
    pub known_albums: u64,
    lists: [ListState; 4],
}

impl ArtistLists {
    /// The lists in these states, in the order of [`ListKind::ALL`].
    pub fn new(known_albums: u64, lists: [ListState; 4]) -> Self {
        Self { known_albums, lists }
    }

    /// The state of one list.
    pub fn get(&self, kind: ListKind) -> &ListState {
        &self.lists[kind as usize]
    }

    /// The secondary lists that are due.
    pub fn due_secondary(&self, now: Timestamp) -> impl Iterator<Item = ListKind> {
        ListKind::SECONDARY.into_iter().filter(move |kind| self.get(*kind).is_due(now))
    }
}

/// The time between two checks of a secondary list, where there are so many in all and so many calls a
/// day for them: none is checked again before the others had their check.
pub fn secondary_interval(lists: u64, calls_a_day: u32) -> SignedDuration {
    let hours = lists.saturating_mul(24) / u64::from(calls_a_day.max(1));
    let hours = i64::try_from(hours).unwrap_or(i64::MAX).min(MAX_SECONDARY_INTERVAL.as_hours());
    SignedDuration::from_hours(hours).max(SECONDARY_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::release::ReleaseDate;
    use proptest::prelude::*;

    fn at(days: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * days)
    }

    fn dated(days: i64) -> ReleaseDate {
        ReleaseDate::Day(day_of(at(days)))
    }

    fn wanted(kind: ListKind, since: i64) -> ListState {
        ListState { wanted_since: Some(at(since)), ..ListState::new(kind) }
    }

    fn checked(kind: ListKind, since: i64, last: i64) -> ListState {
        let next_check_at = Some(at(last) + SECONDARY_INTERVAL);
        ListState { checked_at: Some(at(last)), next_check_at, ..wanted(kind, since) }
    }

    fn is_news(list: ListState, dated_at: i64, now: i64) -> bool {
        list.news_window(at(now)).contains(dated(dated_at), day_of(at(now)))
    }

    #[test]
    fn list_is_due_once_wanted_and_then_every_week() {
        for kind in ListKind::ALL {
            assert!(!ListState::new(kind).is_due(at(0)));
            assert!(wanted(kind, 0).is_due(at(0)));
            assert!(!checked(kind, 0, 1).is_due(at(6)) && checked(kind, 0, 1).is_due(at(7)));
            assert!(checked(kind, 3, 1).is_due(at(3)), "initial scan for those who want it now");
            let failing = ListState { failures: 1, next_check_at: Some(at(5)), ..wanted(kind, 0) };
            assert!(!failing.is_due(at(4)) && failing.is_due(at(5)));
        }
    }

    #[test]
    fn initial_scan_is_repeated_after_nobody_wanted_the_list() {
        for kind in ListKind::ALL {
            assert!(wanted(kind, 0).is_initial_scan());
            assert!(
                !checked(kind, 0, 0).is_initial_scan() && !checked(kind, 0, 5).is_initial_scan()
            );
            assert!(checked(kind, 6, 5).is_initial_scan());
            let muted = ListState { unwanted_at: Some(at(6)), ..checked(kind, 0, 5) };
            assert!(muted.is_initial_scan() && muted.since() == Some(at(6)));
        }
    }

    #[test]
    fn list_is_deferred_for_thirty_hours() {
        let singles = ListState { deferred_at: Some(at(1)), ..wanted(ListKind::Singles, 0) };
        assert!(singles.is_deferred(at(1)) && singles.is_deferred(at(2)));
        assert!(!singles.is_deferred(at(3)) && !singles.is_deferred(at(0)), "clock stepped back");
        assert!(!wanted(ListKind::Singles, 0).is_deferred(at(1)));
    }

    #[test]
    fn release_between_two_checks_is_news_however_far_apart_they_are() {
        for kind in ListKind::ALL {
            assert!(is_news(checked(kind, 0, 1), 2, 200), "{kind:?}");
            assert!(!is_news(checked(kind, 0, 1), -61, 200), "{kind:?}");
        }
    }

    #[test]
    fn backdated_compilation_is_news_but_backdated_appearance_is_not() {
        let is_news = |kind| is_news(checked(kind, 0, 8), -20, 15);
        assert!(is_news(ListKind::Compilations) && !is_news(ListKind::Appearances));
    }

    #[test]
    fn secondary_interval_lets_all_other_lists_have_their_check() {
        assert_eq!(secondary_interval(3, 40), SECONDARY_INTERVAL);
        assert_eq!(secondary_interval(80, 8), SignedDuration::from_hours(240));
        let longest = [secondary_interval(u64::MAX, 8), secondary_interval(5_000, 0)];
        assert_eq!(longest, [MAX_SECONDARY_INTERVAL; 2]);
    }

    proptest! {
        #[test]
        fn nothing_older_than_the_wish_for_it_is_news(
            since in 0i64..100, last in prop::option::of(0i64..100),
            unwanted in prop::option::of(0i64..100), dated_at in -300i64..300, kind in 0usize..4,
        ) {
            let kind = ListKind::ALL[kind];
            let list = ListState {
                checked_at: last.map(at),
                unwanted_at: unwanted.map(at),
                ..wanted(kind, since)
            };
            let is_news = is_news(list, dated_at, 100);
            if list.is_initial_scan() || kind == ListKind::Appearances {
                prop_assert!(!is_news || dated_at >= since.max(unwanted.unwrap_or(0)));
            }
            if dated_at >= 100 {
                prop_assert!(is_news, "a release from now on is always news");
            }
        }

        #[test]
        fn secondary_lists_never_need_more_calls_than_there_are(
            lists in 0u64..700, calls in 8u32..80,
        ) {
            let days = secondary_interval(lists, calls).as_secs_f64() / 86_400.0;
            prop_assert!(lists as f64 / days <= f64::from(calls) + 1.0 || lists < 8);
        }
    }
}
