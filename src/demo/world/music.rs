//! The catalogue of the world, and how it changes.

use super::album::{Album, Artist, Group, NewAlbum};
use super::{State, World};

impl World {
    /// An artist without any albums; the answer is the artist's id.
    pub fn add_artist(&self, name: impl Into<String>) -> String {
        let id = self.base62(22);
        let artist =
            Artist { id: id.clone(), name: name.into(), claimed_total: None, null_album: false };
        self.state().add_artist(artist);
        id
    }

    /// All artists, in the order of their arrival.
    pub fn artists(&self) -> Vec<Artist> {
        self.state().artists.clone()
    }

    /// The artist of that id.
    pub fn artist(&self, id: &str) -> Option<Artist> {
        self.state().artist(id).cloned()
    }

    /// The first artist of that name.
    pub fn artist_named(&self, name: &str) -> Option<Artist> {
        self.state().artists.iter().find(|artist| artist.name == name).cloned()
    }

    /// The album of that id.
    pub fn album(&self, id: &str) -> Option<Album> {
        self.state().albums.iter().find(|album| album.id == id).cloned()
    }

    /// All albums, in the order of their arrival.
    pub fn albums(&self) -> Vec<Album> {
        self.state().albums.clone()
    }

    /// What is on the artist's lists `groups`: group by group, in Spotify's order.
    pub fn albums_of(&self, artist: &str, groups: &[Group]) -> Vec<Album> {
        listing(&self.state(), artist, groups).into_iter().cloned().collect()
    }

    /// An album comes out; the answer is its id. On the `appears_on` list it is credited to
    /// [`NewAlbum::with`] alone, or to various artists.
    pub fn put_out(&self, artist: &str, new: NewAlbum) -> String {
        let today = jiff::tz::TimeZone::UTC.to_datetime(self.now()).date().to_string();
        let date = if new.date.is_empty() { today } else { new.date };
        let group = new.group.unwrap_or(new.kind.into());
        let listed = std::iter::once((artist.to_owned(), group))
            .chain(new.with.iter().map(|other| (other.clone(), new.kind.into())))
            .collect();
        let credited = std::iter::once(artist.to_owned())
            .filter(|_| group != Group::AppearsOn)
            .chain(new.with)
            .collect();
        let precision = new.precision.unwrap_or(match date.len() {
            ..=4 => "year",
            5..=7 => "month",
            _ => "day",
        });
        let (id, out_at) = (self.base62(22), self.now());
        self.state().add_album(Album {
            id: id.clone(),
            title: new.title,
            kind: new.kind,
            credited,
            listed,
            date,
            precision,
            tracks: new.tracks,
            cover: new.cover,
            out_at,
        });
        id
    }

    /// The label delivers the album anew: the same in every respect, under another id, which is
    /// the answer.
    pub fn redeliver(&self, album: &str) -> String {
        let id = self.base62(22);
        self.change_album(album, |album| album.id.clone_from(&id));
        id
    }

    /// Gives the album another `release_date`, and the precision that goes with it.
    pub fn redate_album(&self, album: &str, date: impl Into<String>, precision: &'static str) {
        self.change_album(album, |album| {
            album.date = date.into();
            album.precision = precision;
        });
    }

    /// Moves the album to another list of the artist, on whose lists it need not have been.
    pub fn relist(&self, album: &str, artist: &str, group: Group) {
        self.state().relist(album, artist, group);
    }

    /// Gives the artist another name.
    pub fn rename_artist(&self, artist: &str, name: impl Into<String>) {
        self.change_artist(artist, |artist| artist.name = name.into());
    }

    /// From now on `total` says `claimed` for this artist, and past the last true page there is
    /// always one more, with nothing on it.
    pub fn lie_about_total(&self, artist: &str, claimed: u64) {
        self.change_artist(artist, |artist| artist.claimed_total = Some(claimed));
    }

    /// From now on every page of the artist's albums starts with a `null`, or no longer does.
    pub fn put_null_in_albums(&self, artist: &str, null: bool) {
        self.change_artist(artist, |artist| artist.null_album = null);
    }

    fn change_artist(&self, id: &str, change: impl FnOnce(&mut Artist)) {
        if let Some(artist) = self.state().artist_mut(id) {
            change(artist);
        }
    }

    fn change_album(&self, id: &str, change: impl FnOnce(&mut Album)) {
        if let Some(album) = self.state().album_mut(id) {
            change(album);
        }
    }
}

/// What is on the artist's lists `groups`, in the order in which Spotify was seen to list it: the newest
/// first, but for what the artist appears on, which is in no order that anybody knows.
pub(super) fn listing<'s>(state: &'s State, artist: &str, groups: &[Group]) -> Vec<&'s Album> {
    let group_of =
        |album: &Album| album.listed.iter().find(|(id, _)| id == artist).map(|(_, group)| *group);
    let mut found: Vec<(Group, &Album)> = state
        .albums_of(artist)
        .rev()
        .filter_map(|album| group_of(album).map(|group| (group, album)))
        .filter(|(group, _)| groups.contains(group))
        .collect();
    // Stable: of two albums with one date, the one that came later is first.
    found.sort_by(|(a, x), (b, y)| {
        let by_date = || if *a == Group::AppearsOn { x.id.cmp(&y.id) } else { y.date.cmp(&x.date) };
        a.cmp(b).then_with(by_date)
    });
    found.into_iter().map(|(_, album)| album).collect()
}
