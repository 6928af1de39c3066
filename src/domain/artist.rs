//! An artist as Spotify names it.

use super::text::one_line;

/// Spotify's id of an artist.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtistId(String);

impl ArtistId {
    /// `None` where `raw` could not stand in a path: ids are base62 in practice
    /// (<https://developer.spotify.com/documentation/web-api/concepts/spotify-uris-ids>).
    pub fn parse(raw: &str) -> Option<Self> {
        is_catalogue_id(raw).then(|| Self(raw.to_owned()))
    }

    /// The id as Spotify writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ArtistId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An artist that somebody follows, or that is credited on a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artist {
    /// Spotify's id.
    pub id: ArtistId,
    /// The name on one line, otherwise as supplied.
    pub name: String,
}

impl Artist {
    /// An artist whose name came from outside.
    pub fn new(id: ArtistId, name: &str) -> Self {
        Self { id, name: one_line(name) }
    }
}

/// Whether `raw` can be an id of the catalogue: short, and harmless in a path.
pub(super) fn is_catalogue_id(raw: &str) -> bool {
    (1..=64).contains(&raw.len())
        && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
