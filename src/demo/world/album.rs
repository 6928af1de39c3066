//! Artists, albums, and the description of an album to release.

use crate::domain::release::ReleaseKind;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artist {
    /// 22 characters, as at Spotify.
    pub id: String,
    pub name: String,
    /// A wrong `total` for the list of albums, which then never ends: there is always one more page.
    pub claimed_total: Option<u64>,
    /// Whether each page of albums starts with a `null`.
    pub null_album: bool,
}

/// The lists of an artist's albums: the values of `include_groups`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    Album,
    /// Singles and EPs.
    Single,
    Compilation,
    /// Releases of others with a track of this artist.
    AppearsOn,
}

impl Group {
    /// All four, in the order in which Spotify returns them.
    pub const ALL: [Self; 4] = [Self::Album, Self::Single, Self::Compilation, Self::AppearsOn];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Album => "album",
            Self::Single => "single",
            Self::Compilation => "compilation",
            Self::AppearsOn => "appears_on",
        }
    }

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Album {
    /// 22 characters, as at Spotify.
    pub id: String,
    /// `name`. Empty after a take-down.
    pub title: String,
    pub kind: ReleaseKind,
    /// Ids of the credited artists, in order. Empty means Various Artists.
    pub credited: Vec<String>,
    /// `release_date`, valid or not.
    pub date: String,
    pub precision: &'static str,
    pub tracks: u32,
    pub cover: bool,
}

/// An album to release.
#[derive(Debug, Clone)]
pub struct NewAlbum {
    pub title: String,
    /// `release_date`. Empty means today.
    pub date: String,
    pub kind: ReleaseKind,
    /// The artist's list that it goes on. By default the list of its kind.
    pub group: Option<Group>,
    pub tracks: u32,
    pub cover: bool,
    /// Ids of further artists, who are credited after the first and list the album too.
    pub with: Vec<String>,
}

impl Default for NewAlbum {
    fn default() -> Self {
        Self {
            title: "Untitled".to_owned(),
            date: String::new(),
            kind: ReleaseKind::Album,
            group: None,
            tracks: 10,
            cover: true,
            with: Vec::new(),
        }
    }
}

impl NewAlbum {
    /// An album with this title and today's date.
    pub fn titled(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    #[must_use]
    pub fn on(self, date: impl Into<String>) -> Self {
        Self { date: date.into(), ..self }
    }

    #[must_use]
    pub fn as_a(self, kind: ReleaseKind) -> Self {
        Self { kind, ..self }
    }

    /// Puts it on this list of the artist.
    #[must_use]
    pub fn listed_under(self, group: Group) -> Self {
        Self { group: Some(group), ..self }
    }

    #[must_use]
    pub fn with(mut self, artist: impl Into<String>) -> Self {
        self.with.push(artist.into());
        self
    }

    #[must_use]
    pub fn without_cover(self) -> Self {
        Self { cover: false, ..self }
    }
}
