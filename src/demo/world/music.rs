//! The artists and albums of the world.

use super::World;
use super::album::{Album, Artist, Group, NewAlbum};
use crate::domain::day_of;

impl World {
    /// Adds an artist without albums and returns the artist's id.
    pub fn add_artist(&self, name: impl Into<String>) -> String {
        let id = self.base62(22);
        let (name, claimed_total, null_album) = (name.into(), None, false);
        self.state().add_artist(Artist { id: id.clone(), name, claimed_total, null_album });
        id
    }

    /// All artists, in the order in which they were added.
    pub fn artists(&self) -> Vec<Artist> {
        self.state().artists.clone()
    }

    pub fn artist(&self, id: &str) -> Option<Artist> {
        self.state().artist(id).cloned()
    }

    pub fn album(&self, id: &str) -> Option<Album> {
        self.state().albums.iter().find(|album| album.id == id).cloned()
    }

    /// All albums, in the order in which they were added.
    pub fn albums(&self) -> Vec<Album> {
        self.state().albums.clone()
    }

    /// The albums on the artist's lists `groups`, in Spotify's order.
    pub fn albums_of(&self, artist: &str, groups: &[Group]) -> Vec<Album> {
        self.state().listing(artist, groups).into_iter().cloned().collect()
    }

    /// Releases an album and returns its id. An album on the `appears_on` list is credited only to
    /// [`NewAlbum::with`], or to Various Artists.
    pub fn publish(&self, artist: &str, new: NewAlbum) -> String {
        let group = new.group.unwrap_or(new.kind.into());
        let own = (group != Group::AppearsOn).then(|| artist.to_owned());
        let others = new.with.iter().map(|other| (other.clone(), new.kind.into()));
        let listed = std::iter::once((artist.to_owned(), group)).chain(others).collect();
        let date =
            if new.date.is_empty() { day_of(self.now()).to_string() } else { new.date.clone() };
        let precision = match date.len() {
            ..=4 => "year",
            5..=7 => "month",
            _ => "day",
        };
        let id = self.base62(22);
        let album = Album {
            id: id.clone(),
            title: new.title,
            kind: new.kind,
            credited: own.into_iter().chain(new.with).collect(),
            date,
            precision,
            tracks: new.tracks,
            cover: new.cover,
        };
        self.state().add_album(album, listed);
        id
    }

    /// Gives the album another id, as when a label delivers it again. Returns the new id.
    pub fn redeliver(&self, album: &str) -> String {
        let id = self.base62(22);
        self.change_album(album, |album| album.id.clone_from(&id));
        id
    }

    /// Puts the album on this list of the artist, and takes it off the artist's other lists.
    pub fn relist(&self, album: &str, artist: &str, group: Group) {
        self.state().list(album, artist, group);
    }

    pub fn change_artist(&self, id: &str, change: impl FnOnce(&mut Artist)) {
        if let Some(artist) = self.state().artist_mut(id) {
            change(artist);
        }
    }

    pub fn change_album(&self, id: &str, change: impl FnOnce(&mut Album)) {
        if let Some(album) = self.state().album_mut(id) {
            change(album);
        }
    }
}
