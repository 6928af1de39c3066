//! Artists and albums, and the form in which an album is handed in.

use jiff::Timestamp;

use crate::domain::release::ReleaseKind;

/// An artist of the made-up catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artist {
    /// 22 characters, as Spotify's are.
    pub id: String,
    /// The name, as supplied.
    pub name: String,
    /// The number of albums claimed, where it is a lie.
    pub(super) claimed_total: Option<u64>,
    /// Whether the list of albums has a `null` in it.
    pub(super) null_album: bool,
}

/// The lists that an artist's albums are kept in: the values of `include_groups`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// The artist's own albums.
    Album,
    /// Singles and EPs.
    Single,
    /// Compilations.
    Compilation,
    /// Other users' releases with a track of this artist.
    AppearsOn,
}

impl Group {
    /// All four, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Album, Self::Single, Self::Compilation, Self::AppearsOn];

    /// Spotify's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Album => "album",
            Self::Single => "single",
            Self::Compilation => "compilation",
            Self::AppearsOn => "appears_on",
        }
    }

    /// Reads Spotify's word.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == raw)
    }
}

impl From<ReleaseKind> for Group {
    fn from(kind: ReleaseKind) -> Self {
        match kind {
            ReleaseKind::Album => Self::Album,
            ReleaseKind::Single => Self::Single,
            ReleaseKind::Compilation => Self::Compilation,
        }
    }
}

/// An album of the made-up catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Album {
    /// 22 characters, as Spotify's are.
    pub id: String,
    /// The title; may be empty, as it is after a take-down.
    pub title: String,
    /// `album_type`.
    pub kind: ReleaseKind,
    /// Ids of the credited artists, in order; empty stands for various artists.
    pub credited: Vec<String>,
    /// Whose lists it is on, and on which of them.
    pub listed: Vec<(String, Group)>,
    /// `release_date`, whatever it says.
    pub date: String,
    /// `release_date_precision`.
    pub precision: &'static str,
    /// `total_tracks`.
    pub tracks: u32,
    /// Whether there is a cover.
    pub cover: bool,
    /// When it came out, whatever its date says.
    pub out_at: Timestamp,
}

/// An album that is about to come out. `..Default::default()` fills in the rest.
#[derive(Debug, Clone)]
pub struct NewAlbum {
    /// The title.
    pub title: String,
    /// `release_date`, written out; empty means today.
    pub date: String,
    /// `album_type`.
    pub kind: ReleaseKind,
    /// Which of the artist's lists it is put on; by default the one of its kind.
    pub group: Option<Group>,
    /// `release_date_precision`; by default as precise as the date is written.
    pub precision: Option<&'static str>,
    /// `total_tracks`.
    pub tracks: u32,
    /// Whether there is a cover.
    pub cover: bool,
    /// Ids of further artists: credited after the first, and listing it too.
    pub with: Vec<String>,
}

impl Default for NewAlbum {
    fn default() -> Self {
        Self {
            title: "Untitled".to_owned(),
            date: String::new(),
            kind: ReleaseKind::Album,
            group: None,
            precision: None,
            tracks: 10,
            cover: true,
            with: Vec::new(),
        }
    }
}

impl NewAlbum {
    /// An album of that title, out today.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// The same, with that `release_date`.
    #[must_use]
    pub fn on(self, date: impl Into<String>) -> Self {
        Self { date: date.into(), ..self }
    }

    /// The same, as that kind of release.
    #[must_use]
    pub fn as_a(self, kind: ReleaseKind) -> Self {
        Self { kind, ..self }
    }

    /// The same, on that list of the artist.
    #[must_use]
    pub fn listed_under(self, group: Group) -> Self {
        Self { group: Some(group), ..self }
    }

    /// The same, with another artist credited.
    #[must_use]
    pub fn with(mut self, artist: impl Into<String>) -> Self {
        self.with.push(artist.into());
        self
    }

    /// The same, without a cover.
    #[must_use]
    pub fn without_cover(self) -> Self {
        Self { cover: false, ..self }
    }
}
