//! The state behind a world, under one lock.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use super::album::{Album, Artist};
use super::faults::Fault;
use super::grants::{Access, Code, Grant, Refresh, Rotation};
use super::journal::{Endpoint, Request};
use super::people::Person;

/// The whole of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) people: Vec<Person>,
    pub(super) artists: Vec<Artist>,
    /// In the order of their arrival.
    pub(super) albums: Vec<Album>,

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
            people: Vec::new(),
            artists: Vec::new(),
            albums: Vec::new(),
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
        self.artists.iter().find(|artist| artist.id == id)
    }

    pub(super) fn artist_mut(&mut self, id: &str) -> Option<&mut Artist> {
        self.artists.iter_mut().find(|artist| artist.id == id)
    }

    pub(super) fn album_mut(&mut self, id: &str) -> Option<&mut Album> {
        self.albums.iter_mut().find(|album| album.id == id)
    }
}
