//! Pages of the lists of albums and of followed artists, with the faults that a test asked for.

use super::World;
use super::album::{Album, Artist, Group};
use super::users::{FakeUserId, FollowListFault};

/// A page of an artist's albums.
#[derive(Debug)]
pub(in crate::demo) struct AlbumPage {
    /// `None` is a `null`.
    pub(in crate::demo) items: Vec<Option<Album>>,
    pub(in crate::demo) total: u64,
    pub(in crate::demo) has_next: bool,
}

/// A page of the artists that a user follows.
#[derive(Debug)]
pub(in crate::demo) struct FollowingPage {
    /// `None` is a `null`.
    pub(in crate::demo) items: Vec<Option<Artist>>,
    pub(in crate::demo) total: u64,
    /// The cursor of the next page.
    pub(in crate::demo) after: Option<String>,
    /// Whether the answer has `cursors` and `total`.
    pub(in crate::demo) has_cursors: bool,
}

impl World {
    /// A page of the artist's albums, or `None` if there is no such artist.
    pub(in crate::demo) fn album_page(
        &self,
        artist: &str,
        groups: &[Group],
        offset: usize,
        limit: usize,
    ) -> Option<AlbumPage> {
        let state = self.state();
        let artist = state.artist(artist)?;
        let all = state.listing(&artist.id, groups);
        let nulls = std::iter::repeat_n(None, usize::from(artist.null_album));
        let page = all.iter().skip(offset).take(limit).copied().cloned().map(Some);
        Some(AlbumPage {
            items: nulls.chain(page).collect(),
            total: artist.claimed_total.unwrap_or(all.len() as u64),
            has_next: artist.claimed_total.is_some() || offset + limit < all.len(),
        })
    }

    /// A page of the artists that the user follows, ordered by id.
    pub(in crate::demo) fn following_page(
        &self,
        user: FakeUserId,
        after: Option<&str>,
        limit: usize,
    ) -> Option<FollowingPage> {
        let state = self.state();
        let user = state.users.get(user.0)?;
        let mut all: Vec<&Artist> = user.follows.iter().filter_map(|id| state.artist(id)).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let (mut total, mut nulls) = (all.len() as u64, 0);
        match user.follow_list_fault {
            Some(FollowListFault::TotalTooHigh(more)) => total += more,
            Some(FollowListFault::NullItem(more)) => (total, nulls) = (total + more, 1),
            Some(FollowListFault::EmptyList) => (total, all) = (0, Vec::new()),
            Some(FollowListFault::CutShortAfter(kept)) => all.truncate(kept),
            Some(FollowListFault::GapsInFirstPage) if after.is_none() => {
                all = all.into_iter().step_by(2).collect();
            }
            _ => {}
        }
        all.retain(|artist| after.is_none_or(|after| *artist.id > *after));
        let (has_next, page) = (all.len() > limit, &all[..limit.min(all.len())]);
        let last = page.last().map(|artist| artist.id.clone());
        Some(FollowingPage {
            items: std::iter::repeat_n(None, nulls)
                .chain(page.iter().copied().cloned().map(Some))
                .collect(),
            total,
            after: match user.follow_list_fault {
                Some(FollowListFault::RepeatedCursor) => after.map(str::to_owned).or(last),
                _ => last.filter(|_| has_next),
            },
            has_cursors: user.follow_list_fault != Some(FollowListFault::NoCursors),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::world;
    use super::super::{FollowListFault, Group, NewAlbum};

    #[test]
    fn album_lists_follow_each_other_newest_first() {
        use crate::domain::release::ReleaseKind::Single;
        let (world, _) = world();
        let artist = world.add_artist("Somebody");
        for (title, date) in [("old", "2001"), ("newest", "2026-11-20"), ("newer", "2026-11-02")] {
            world.publish(&artist, NewAlbum::titled(title).on(date));
        }
        world.publish(&artist, NewAlbum::titled("single").as_a(Single));
        let page = world.album_page(&artist, &Group::ALL, 0, 10).unwrap();
        let titles: Vec<_> = page.items.into_iter().flatten().map(|album| album.title).collect();
        assert_eq!(titles, ["newest", "newer", "old", "single"]);
    }

    #[test]
    fn appears_on_list_comes_last_in_no_order() {
        let (world, _) = world();
        let artist = world.add_artist("Somebody");
        for number in 0..40 {
            let day = format!("2026-01-{:02}", number % 28 + 1);
            let elsewhere = NewAlbum::titled(day.clone()).listed_under(Group::AppearsOn).on(day);
            world.publish(&artist, elsewhere);
        }
        world.publish(&artist, NewAlbum::titled("own").on("1999"));
        let titles = || {
            let page = world.album_page(&artist, &Group::ALL, 0, 50).unwrap();
            page.items.into_iter().flatten().map(|album| album.title).collect::<Vec<_>>()
        };
        let (listed, again) = (titles(), titles());
        assert_eq!((listed.len(), listed[0].as_str()), (41, "own"));
        assert_eq!(listed, again, "the same at every call");
        assert!(!listed[1..].is_sorted() && !listed[1..].iter().rev().is_sorted());
    }

    #[test]
    fn followed_artists_are_on_exactly_one_page() {
        let (world, _) = world();
        let martha = world.add_user("Martha");
        (0..23).for_each(|n| world.follow(martha, &world.add_artist(format!("Artist {n}"))));
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = world.following_page(martha, after.as_deref(), 10).unwrap();
            assert_eq!(page.total, 23);
            seen.extend(page.items.into_iter().flatten().map(|artist| artist.id));
            after = page.after;
            if after.is_none() {
                break;
            }
        }
        seen.dedup();
        assert_eq!(seen.len(), 23);
    }

    #[test]
    fn follow_list_faults_change_the_page() {
        let (world, _) = world();
        let martha = world.add_user("Martha");
        (0..6).for_each(|n| world.follow(martha, &world.add_artist(format!("Artist {n}"))));
        let page_with = |fault| {
            world.change_user(martha, |user| user.follow_list_fault = Some(fault));
            let page = world.following_page(martha, None, 50).unwrap();
            (page.items.len(), page.total, page.after.is_some(), page.has_cursors)
        };
        assert_eq!(page_with(FollowListFault::TotalTooHigh(4)), (6, 10, false, true));
        assert_eq!(page_with(FollowListFault::EmptyList), (0, 0, false, true));
        assert_eq!(page_with(FollowListFault::CutShortAfter(2)), (2, 6, false, true));
        assert_eq!(page_with(FollowListFault::RepeatedCursor), (6, 6, true, true));
        assert_eq!(page_with(FollowListFault::NoCursors), (6, 6, false, false));
        assert_eq!(page_with(FollowListFault::NullItem(1)), (7, 7, false, true));
        assert_eq!(page_with(FollowListFault::GapsInFirstPage), (3, 6, false, true));
    }

    #[test]
    fn list_with_claimed_total_never_ends() {
        let (world, _) = world();
        let artist = world.add_artist("Somebody");
        world.publish(&artist, NewAlbum::titled("only one"));
        world.change_artist(&artist, |artist| artist.claimed_total = Some(97));
        let page = world.album_page(&artist, &[Group::Album], 970, 10).unwrap();
        assert!(page.items.is_empty() && page.has_next && page.total == 97);
    }
}
