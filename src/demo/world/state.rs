//! The state behind a world, under one lock.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use super::album::{Album, Artist, Group};
use super::faults::Fault;
use super::grants::{Access, Code, Grant};
use super::request_log::{Endpoint, Request};
use super::users::FakeUser;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) users: Vec<FakeUser>,
    pub(super) artists: Vec<Artist>,
    /// Indices into `artists`, by id.
    artist_index: HashMap<String, usize>,
    pub(super) albums: Vec<Album>,
    /// The albums of each artist, as indices into `albums`, and the list that each is on.
    listings: HashMap<String, Vec<(usize, Group)>>,

    pub(super) client_secret: Option<String>,
    pub(super) owner_premium_lapsed: bool,
    pub(super) rotates_refresh_tokens: bool,
    pub(super) codes: HashMap<String, Code>,
    pub(super) grants: Vec<Grant>,
    pub(super) access: HashMap<String, Access>,
    /// The consent of each valid refresh token.
    pub(super) refresh: HashMap<String, usize>,

    pub(super) faults: HashMap<Endpoint, VecDeque<Fault>>,
    pub(super) quota: Option<usize>,
    /// When each artist-albums call of the last 24 hours was made.
    pub(super) quota_used: VecDeque<Timestamp>,

    pub(super) requests: Vec<Request>,
    pub(super) unexpected: Vec<String>,
    /// The end of the last `Retry-After`, by endpoint.
    pub(super) retry_after: HashMap<Endpoint, Timestamp>,
}

impl State {
    pub(super) fn artist(&self, id: &str) -> Option<&Artist> {
        self.artists.get(*self.artist_index.get(id)?)
    }

    pub(super) fn artist_mut(&mut self, id: &str) -> Option<&mut Artist> {
        self.artists.get_mut(*self.artist_index.get(id)?)
    }

    pub(super) fn add_artist(&mut self, artist: Artist) {
        self.artist_index.insert(artist.id.clone(), self.artists.len());
        self.artists.push(artist);
    }

    pub(super) fn album_mut(&mut self, id: &str) -> Option<&mut Album> {
        self.albums.iter_mut().find(|album| album.id == id)
    }

    pub(super) fn add_album(&mut self, album: Album, listed: Vec<(String, Group)>) {
        let index = self.albums.len();
        self.albums.push(album);
        for (artist, group) in listed {
            let listing = self.listings.entry(artist).or_default();
            // If an artist is credited twice, the first list counts.
            if listing.last().is_none_or(|(last, _)| *last != index) {
                listing.push((index, group));
            }
        }
    }

    /// Puts an album on one of the artist's lists, and takes it off their others.
    pub(super) fn list(&mut self, album: &str, artist: &str, group: Group) {
        let Some(index) = self.albums.iter().position(|known| known.id == album) else { return };
        let listing = self.listings.entry(artist.to_owned()).or_default();
        listing.retain(|(other, _)| *other != index);
        listing.push((index, group));
    }

    /// The albums on the artist's lists `groups`, list by list. Each list has the newest first, except
    /// `appears_on`, which is in no known order: that is how Spotify was seen to sort them.
    pub(super) fn listing(&self, artist: &str, groups: &[Group]) -> Vec<&Album> {
        let listed = self.listings.get(artist).map_or(&[][..], Vec::as_slice);
        let listed = listed.iter().filter(|(_, group)| groups.contains(group));
        let mut found: Vec<(Group, usize, &Album)> =
            listed.map(|(index, group)| (*group, *index, &self.albums[*index])).collect();
        // Of two albums with one date, the one that was added later is first.
        found.sort_by(|(a, i, x), (b, j, y)| {
            let by_date = || match a {
                Group::AppearsOn => x.id.cmp(&y.id),
                _ => y.date.cmp(&x.date).then(j.cmp(i)),
            };
            a.cmp(b).then_with(by_date)
        });
        found.into_iter().map(|(.., album)| album).collect()
    }
}
