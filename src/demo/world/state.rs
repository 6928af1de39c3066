//! The state behind a world, under one lock.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use super::album::{Album, Artist, Group};
use super::faults::Fault;
use super::grants::{Access, Code, Grant, Refresh, Rotation};
use super::journal::{Endpoint, Request};
use super::users::FakeUser;

/// The whole of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) users: Vec<FakeUser>,
    pub(super) artists: Vec<Artist>,
    /// Where each is in `artists`, by id.
    places: HashMap<String, usize>,
    /// In the order of their arrival.
    pub(super) albums: Vec<Album>,
    /// What is on each artist's lists, in that order too.
    listings: HashMap<String, Vec<usize>>,

    pub(super) client_id: String,
    pub(super) client_secret: Option<String>,
    /// Empty where any allowed address will do.
    pub(super) redirect_uris: Vec<String>,
    pub(super) owner_premium: bool,
    pub(super) rotation: Rotation,
    pub(super) codes: HashMap<String, Code>,
    pub(super) grants: Vec<Grant>,
    pub(super) access: HashMap<String, Access>,
    pub(super) refresh: HashMap<String, Refresh>,

    pub(super) faults: HashMap<Endpoint, VecDeque<Fault>>,
    pub(super) quota: Option<usize>,
    /// When the artist-albums calls of the last 24 hours were answered.
    pub(super) spent: VecDeque<Timestamp>,

    pub(super) requests: Vec<Request>,
    pub(super) unexpected: Vec<String>,
    /// Until when a 429 asked to be left alone.
    pub(super) closed_until: HashMap<Endpoint, Timestamp>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            artists: Vec::new(),
            places: HashMap::new(),
            albums: Vec::new(),
            listings: HashMap::new(),
            client_id: "demo-client".to_owned(),
            client_secret: None,
            redirect_uris: Vec::new(),
            owner_premium: true,
            rotation: Rotation::default(),
            codes: HashMap::new(),
            grants: Vec::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            faults: HashMap::new(),
            quota: None,
            spent: VecDeque::new(),
            requests: Vec::new(),
            unexpected: Vec::new(),
            closed_until: HashMap::new(),
        }
    }
}

impl State {
    pub(super) fn artist(&self, id: &str) -> Option<&Artist> {
        self.artists.get(*self.places.get(id)?)
    }

    pub(super) fn artist_mut(&mut self, id: &str) -> Option<&mut Artist> {
        self.artists.get_mut(*self.places.get(id)?)
    }

    pub(super) fn add_artist(&mut self, artist: Artist) {
        self.places.insert(artist.id.clone(), self.artists.len());
        self.artists.push(artist);
    }

    pub(super) fn add_album(&mut self, album: Album) {
        let place = self.albums.len();
        for (artist, _) in &album.listed {
            let places = self.listings.entry(artist.clone()).or_default();
            // An artist may be credited twice.
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        self.albums.push(album);
    }

    /// What is on the artist's lists, whichever, in the order of arrival.
    pub(super) fn albums_of(&self, artist: &str) -> impl DoubleEndedIterator<Item = &Album> {
        let places = self.listings.get(artist).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| self.albums.get(*place))
    }

    /// Puts an album on one of the artist's lists, and takes it off the others.
    pub(super) fn relist(&mut self, album: &str, artist: &str, group: Group) {
        let Some(place) = self.albums.iter().position(|known| known.id == album) else { return };
        let listed = &mut self.albums[place].listed;
        match listed.iter_mut().find(|(id, _)| id == artist) {
            Some((_, listed)) => *listed = group,
            None => {
                listed.push((artist.to_owned(), group));
                let places = self.listings.entry(artist.to_owned()).or_default();
                places.insert(places.partition_point(|other| *other < place), place);
            }
        }
    }

    pub(super) fn album_mut(&mut self, id: &str) -> Option<&mut Album> {
        self.albums.iter_mut().find(|album| album.id == id)
    }
}
