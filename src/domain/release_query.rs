//! Which of an artist's lists to fetch, in as few calls as possible.

use jiff::Timestamp;

use super::artist_list::{ArtistLists, ListKind};

/// Albums and singles are fetched together only if a page has room for this many entries besides the
/// known albums: a new album, a single behind it, and one to spare.
const MIN_FREE_ENTRIES: u64 = 3;

/// One request for an artist's releases, with pages of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseQuery {
    /// The albums, and behind the last of them the singles.
    AlbumsAndSingles,
    /// One list alone.
    Only(ListKind),
}

impl ReleaseQuery {
    /// The lists that it returns.
    pub fn lists(&self) -> &[ListKind] {
        match self {
            Self::AlbumsAndSingles => &[ListKind::Albums, ListKind::Singles],
            Self::Only(list) => std::slice::from_ref(list),
        }
    }

    /// Whether it returns albums.
    pub fn has_albums(self) -> bool {
        self.lists().contains(&ListKind::Albums)
    }

    /// Whether it returns other artists' releases.
    pub fn is_appearances(self) -> bool {
        self == Self::Only(ListKind::Appearances)
    }

    /// Whether it returns a secondary list.
    pub fn is_secondary(self) -> bool {
        matches!(self, Self::Only(list) if ListKind::SECONDARY.contains(&list))
    }
}

impl ArtistLists {
    /// The queries for albums and singles, where a page holds `page` entries.
    ///
    /// A check that ended after the albums continues with the singles: where calls become free one at
    /// a time, starting again would never come to an end.
    ///
    /// In a common list the albums come first, and many of them would hide every single. An initial
    /// scan of singles must show as many as a page can hold, or the rest would look new later.
    pub fn main_queries(&self, page: u64, now: Timestamp) -> &'static [ReleaseQuery] {
        const ALBUMS: ReleaseQuery = ReleaseQuery::Only(ListKind::Albums);
        const SINGLES: ReleaseQuery = ReleaseQuery::Only(ListKind::Singles);
        let [albums, singles] = [ListKind::Albums, ListKind::Singles].map(|kind| self.get(kind));
        if !singles.is_due(now) {
            return &[ALBUMS];
        }
        if singles.is_deferred(now) {
            return &[SINGLES];
        }
        let is_known = !albums.is_initial_scan() && !singles.is_initial_scan();
        match is_known && self.known_albums.saturating_add(MIN_FREE_ENTRIES) <= page {
            true => &[ReleaseQuery::AlbumsAndSingles],
            false => &[ALBUMS, SINGLES],
        }
    }

    /// Spotify's `total` when `query` was last made, to tell by how much the catalogue grew.
    ///
    /// The total of albums and singles together is kept with the albums, and none with the singles. So
    /// a query that changes from one form to the other never looks as if it had grown.
    pub fn total_before(&self, query: ReleaseQuery) -> Option<u64> {
        let known = query.lists().iter().map(|kind| self.get(*kind));
        let totals = known.map(|list| list.total.filter(|_| !list.is_initial_scan()));
        totals.reduce(|first, second| first.map(|first| first + second.unwrap_or(0))).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::artist_list::ListState;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    const ALBUMS: ReleaseQuery = ReleaseQuery::Only(ListKind::Albums);
    const SINGLES: ReleaseQuery = ReleaseQuery::Only(ListKind::Singles);
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn lists(known_albums: u64, wants_singles: bool, was_checked: bool) -> ArtistLists {
        let list = |kind| ListState {
            wanted_since: (kind == ListKind::Albums || wants_singles).then_some(NOW),
            checked_at: was_checked.then_some(NOW),
            ..ListState::new(kind)
        };
        ArtistLists::new(known_albums, ListKind::ALL.map(list))
    }

    fn with(lists: ArtistLists, changed: ListState) -> ArtistLists {
        let list = |kind| if kind == changed.kind { changed } else { *lists.get(kind) };
        ArtistLists::new(lists.known_albums, ListKind::ALL.map(list))
    }

    #[test]
    fn seven_albums_and_three_singles_fill_a_page() {
        assert_eq!(lists(7, true, true).main_queries(10, NOW), [ReleaseQuery::AlbumsAndSingles]);
        assert_eq!(lists(8, true, true).main_queries(10, NOW), [ALBUMS, SINGLES]);
        assert_eq!(lists(0, true, false).main_queries(10, NOW), [ALBUMS, SINGLES]);
    }

    #[test]
    fn deferred_singles_are_fetched_alone_while_wanted() {
        let left = |wants| {
            let lists = lists(2, wants, true);
            let singles = lists.get(ListKind::Singles);
            with(lists, ListState { deferred_at: Some(NOW), ..*singles })
        };
        assert_eq!(left(true).main_queries(10, NOW), [SINGLES]);
        assert_eq!(left(false).main_queries(10, NOW), [ALBUMS]);
        let later = NOW + SignedDuration::from_hours(31);
        assert_eq!(left(true).main_queries(10, later), [ReleaseQuery::AlbumsAndSingles]);
    }

    #[test]
    fn totals_of_different_queries_never_look_like_growth() {
        let with_totals = |albums, singles| {
            let lists = lists(2, true, true);
            let list = |kind, total| ListState { total, ..*lists.get(kind) };
            let lists = with(lists, list(ListKind::Albums, albums));
            with(lists, list(ListKind::Singles, singles))
        };
        let before = |lists: ArtistLists| {
            [ReleaseQuery::AlbumsAndSingles, ALBUMS, SINGLES].map(|query| lists.total_before(query))
        };
        assert_eq!(before(with_totals(Some(12), Some(30))), [Some(42), Some(12), Some(30)]);
        let batch_window = with_totals(Some(42), None);
        assert_eq!(
            before(batch_window),
            [Some(42), Some(42), None],
            "12 albums are not more than 42"
        );
        assert_eq!(before(lists(2, true, false)), [None; 3]);
    }

    proptest! {
        #[test]
        fn wanted_lists_are_fetched_once_and_no_others(
            albums in any::<u64>(), wants in any::<bool>(), had in any::<bool>(), page in 0u64..60,
        ) {
            let queries = lists(albums, wants, had).main_queries(page, NOW);
            let count = |kind| queries.iter().filter(|query| query.lists().contains(&kind)).count();
            prop_assert_eq!(count(ListKind::Albums), 1);
            prop_assert_eq!(count(ListKind::Singles), usize::from(wants));
            prop_assert!(queries[0].has_albums(), "albums are always wanted, and come first");
            prop_assert!(!queries.iter().any(|query| query.is_secondary()));
        }

        #[test]
        fn known_albums_never_hide_the_singles(
            albums in 0u64..60, had in any::<bool>(), page in 0u64..60,
        ) {
            if lists(albums, true, had).main_queries(page, NOW) == [ReleaseQuery::AlbumsAndSingles] {
                prop_assert!(had && albums + MIN_FREE_ENTRIES <= page);
            }
        }
    }
}
