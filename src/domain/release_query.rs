//! Which of an artist's lists to look at, and how many calls that takes: one where one can do.
//! Of lists that matter less see [`super::secondary_list`].

use super::secondary_list::SecondaryList;

/// Entries that must find room on a page besides the albums that are known, for albums and singles
/// to be asked for together: an album that is new, and a single behind it, and one to spare.
const ROOM: u64 = 3;

/// One question about an artist's releases, with pages of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseQuery {
    /// The albums alone.
    Albums,
    /// The singles and EPs alone.
    Singles,
    /// The albums, and behind the last of them the singles.
    AlbumsAndSingles,
    /// A list beside these.
    Secondary(SecondaryList),
}

impl ReleaseQuery {
    /// Whether it shows albums.
    pub fn has_albums(self) -> bool {
        matches!(self, Self::Albums | Self::AlbumsAndSingles)
    }

    /// Whether it shows singles.
    pub fn has_singles(self) -> bool {
        matches!(self, Self::Singles | Self::AlbumsAndSingles)
    }

    /// Whether it shows what is others', on which the artist appears.
    pub fn is_of_others(self) -> bool {
        self == Self::Secondary(SecondaryList::Appearances)
    }
}

/// What decides how an artist is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// How many albums were seen so far.
    pub albums: u64,
    /// Whether anybody who follows the artist wants singles.
    pub wants_singles: bool,
    /// Whether albums and singles had their first, silent look each.
    pub had_initial_scans: bool,
    /// Whether the albums were read a moment ago, and the singles had to be left for later.
    pub only_singles_are_left: bool,
}

impl Known {
    /// The looks to make, in turn, where a page holds `page` entries.
    ///
    /// A check that got no further than the albums goes on with the singles: where calls become
    /// free one at a time, beginning anew would never come to an end.
    ///
    /// Together albums come first, so that a long list of them would hide every single; and a first
    /// look must show as many singles as a page can hold, or the rest would seem new later.
    pub fn looks(self, page: u64) -> &'static [ReleaseQuery] {
        if !self.wants_singles {
            return &[ReleaseQuery::Albums];
        }
        if self.only_singles_are_left {
            return &[ReleaseQuery::Singles];
        }
        match self.had_initial_scans && self.albums.saturating_add(ROOM) <= page {
            true => &[ReleaseQuery::AlbumsAndSingles],
            false => &[ReleaseQuery::Albums, ReleaseQuery::Singles],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(albums: u64, wants_singles: bool, had_initial_scans: bool) -> Known {
        Known { albums, wants_singles, had_initial_scans, only_singles_are_left: false }
    }

    #[test]
    fn seven_albums_and_three_singles_fill_a_page() {
        assert_eq!(known(7, true, true).looks(10), [ReleaseQuery::AlbumsAndSingles]);
        assert_eq!(known(8, true, true).looks(10), [ReleaseQuery::Albums, ReleaseQuery::Singles]);
        assert_eq!(known(0, true, false).looks(10), [ReleaseQuery::Albums, ReleaseQuery::Singles]);
    }

    #[test]
    fn what_was_left_for_later_is_looked_at_alone_while_somebody_wants_it() {
        let left = |wants| Known { only_singles_are_left: true, ..known(2, wants, true) };
        assert_eq!(left(true).looks(10), [ReleaseQuery::Singles]);
        assert_eq!(left(false).looks(10), [ReleaseQuery::Albums]);
    }

    proptest! {
        #[test]
        fn every_list_that_is_wanted_is_looked_at_once_and_no_other(
            albums in any::<u64>(), wants in any::<bool>(), had in any::<bool>(), page in 0u64..60,
        ) {
            let queries = known(albums, wants, had).looks(page);
            prop_assert_eq!(queries.iter().filter(|query| query.has_albums()).count(), 1);
            prop_assert_eq!(queries.iter().filter(|query| query.has_singles()).count(), usize::from(wants));
            prop_assert!(queries[0].has_albums(), "albums are always on, and come first");
        }

        #[test]
        fn singles_are_never_hidden_behind_the_albums_that_are_known(
            albums in 0u64..60, had in any::<bool>(), page in 0u64..60,
        ) {
            if known(albums, true, had).looks(page) == [ReleaseQuery::AlbumsAndSingles] {
                prop_assert!(had && albums + ROOM <= page);
            }
        }
    }
}
