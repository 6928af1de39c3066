//! Pages of lists, true or not.

use super::album::{Album, Artist, Group};
use super::music::listing;
use super::users::{FakeUser, FakeUserId, FollowingLie};
use super::{State, World};

/// A page of an artist's albums.
#[derive(Debug)]
pub(in crate::demo) struct AlbumPage {
    /// `None` is a `null` in the list.
    pub(in crate::demo) items: Vec<Option<Album>>,
    pub(in crate::demo) total: u64,
    pub(in crate::demo) has_next: bool,
}

/// A page of the artists that somebody follows.
#[derive(Debug)]
pub(in crate::demo) struct FollowingPage {
    /// `None` is a `null` in the list.
    pub(in crate::demo) items: Vec<Option<Artist>>,
    /// `None` where it is left out.
    pub(in crate::demo) total: Option<u64>,
    /// The cursor to go on with.
    pub(in crate::demo) after: Option<String>,
    /// Whether the answer has `cursors` at all.
    pub(in crate::demo) has_cursors: bool,
}

impl World {
    /// A page of the artist's albums; `None` where there is no such artist.
    pub(in crate::demo) fn album_page(
        &self,
        artist: &str,
        groups: &[Group],
        offset: usize,
        limit: usize,
    ) -> Option<AlbumPage> {
        let state = self.state();
        let artist = state.artist(artist)?;
        let all = listing(&state, &artist.id, groups);
        let nulls = std::iter::repeat_n(None, usize::from(artist.null_album));
        let page = all.iter().skip(offset).take(limit).copied().cloned().map(Some);
        Some(AlbumPage {
            items: nulls.chain(page).collect(),
            total: artist.claimed_total.unwrap_or(all.len() as u64),
            has_next: artist.claimed_total.is_some() || offset + limit < all.len(),
        })
    }

    /// A page of the artists that the user follows, in the order of their ids.
    pub(in crate::demo) fn following_page(
        &self,
        user: FakeUserId,
        after: Option<&str>,
        limit: usize,
    ) -> Option<FollowingPage> {
        let state = self.state();
        let user = state.users.get(user.0)?;
        let all = followed(&state, user);
        let total = all.len();
        let told = told(all, user.lie, after);
        let rest: Vec<Artist> = told
            .into_iter()
            .filter(|artist| after.is_none_or(|after| *artist.id > *after))
            .collect();
        let page = rest.get(..limit).unwrap_or(&rest);
        let last = page.last().filter(|_| rest.len() > limit).map(|artist| artist.id.clone());
        let nulls = std::iter::repeat_n(None, usize::from(user.null_artist));
        Some(FollowingPage {
            items: nulls.chain(page.iter().cloned().map(Some)).collect(),
            total: claimed_total(total as u64, user.lie),
            after: match (user.lie, after) {
                (Some(FollowingLie::RepeatedCursor), Some(after)) => Some(after.to_owned()),
                (Some(FollowingLie::RepeatedCursor), None) => page.last().map(|a| a.id.clone()),
                _ => last,
            },
            has_cursors: user.lie != Some(FollowingLie::NoCursors),
        })
    }
}

fn followed(state: &State, user: &FakeUser) -> Vec<Artist> {
    let mut all: Vec<Artist> =
        user.follows.iter().filter_map(|id| state.artist(id).cloned()).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

fn told(mut all: Vec<Artist>, lie: Option<FollowingLie>, after: Option<&str>) -> Vec<Artist> {
    match lie {
        Some(FollowingLie::EmptyList) => all.clear(),
        Some(FollowingLie::CutShortAfter(kept)) => all.truncate(kept),
        Some(FollowingLie::GapsInFirstPage) if after.is_none() => {
            return all.into_iter().step_by(2).collect();
        }
        _ => {}
    }
    all
}

fn claimed_total(total: u64, lie: Option<FollowingLie>) -> Option<u64> {
    match lie {
        Some(FollowingLie::TotalTooHigh(more)) => Some(total + more),
        Some(FollowingLie::EmptyList) => Some(0),
        Some(FollowingLie::NoCursors) => None,
        _ => Some(total),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::world;
    use super::super::{FollowingLie, Group, NewAlbum};

    #[test]
    fn an_artists_lists_come_one_after_another_and_the_newest_first() {
        use crate::domain::release::ReleaseKind::Single;
        let (world, _) = world();
        let artist = world.add_artist("Somebody");
        for (title, date) in [("old", "2001"), ("newest", "2026-11-20"), ("newer", "2026-11-02")] {
            world.put_out(&artist, NewAlbum::titled(title).on(date));
        }
        world.put_out(&artist, NewAlbum::titled("single").as_a(Single));
        let page = world.album_page(&artist, &Group::ALL, 0, 10).unwrap();
        let titles: Vec<_> = page.items.into_iter().flatten().map(|album| album.title).collect();
        assert_eq!(titles, ["newest", "newer", "old", "single"]);
    }

    #[test]
    fn what_an_artist_appears_on_comes_last_and_in_no_order() {
        let (world, _) = world();
        let artist = world.add_artist("Somebody");
        for number in 0..40 {
            let day = format!("2026-01-{:02}", number % 28 + 1);
            let elsewhere = NewAlbum::titled(day.clone()).listed_under(Group::AppearsOn).on(day);
            world.put_out(&artist, elsewhere);
        }
        world.put_out(&artist, NewAlbum::titled("own").on("1999"));
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
    fn every_followed_artist_is_on_exactly_one_page() {
        let (world, _) = world();
        let martha = world.add_user("Martha");
        (0..23).for_each(|n| world.follow(martha, &world.add_artist(format!("Artist {n}"))));
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = world.following_page(martha, after.as_deref(), 10).unwrap();
            assert_eq!(page.total, Some(23));
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
    fn each_lie_is_told_as_promised() {
        let (world, _) = world();
        let martha = world.add_user("Martha");
        (0..6).for_each(|n| world.follow(martha, &world.add_artist(format!("Artist {n}"))));
        let told = |lie| {
            world.lie_about_following(martha, lie);
            let page = world.following_page(martha, None, 50).unwrap();
            (page.items.len(), page.total, page.after.is_some(), page.has_cursors)
        };
        assert_eq!(told(FollowingLie::TotalTooHigh(4)), (6, Some(10), false, true));
        assert_eq!(told(FollowingLie::EmptyList), (0, Some(0), false, true));
        assert_eq!(told(FollowingLie::CutShortAfter(2)), (2, Some(6), false, true));
        assert_eq!(told(FollowingLie::RepeatedCursor), (6, Some(6), true, true));
        assert_eq!(told(FollowingLie::NoCursors), (6, None, false, false));
        assert_eq!(told(FollowingLie::GapsInFirstPage), (3, Some(6), false, true));
    }

    #[test]
    fn a_claimed_total_never_ends() {
        let (world, _) = world();
        let artist = world.add_artist("Somebody");
        world.put_out(&artist, NewAlbum::titled("only one"));
        world.lie_about_total(&artist, 97);
        let page = world.album_page(&artist, &[Group::Album], 970, 10).unwrap();
        assert!(page.items.is_empty() && page.has_next && page.total == 97);
    }
}
