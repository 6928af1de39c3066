use super::text::one_line;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtistId(String);

impl ArtistId {
    /// `None` if `raw` is not safe in a URL path: IDs are base62 in practice
    /// (<https://developer.spotify.com/documentation/web-api/concepts/spotify-uris-ids>).
    pub fn parse(raw: &str) -> Option<Self> {
        is_catalogue_id(raw).then(|| Self(raw.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ArtistId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An artist that a user follows, or that is credited on a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artist {
    pub id: ArtistId,
    /// On one line, otherwise as supplied.
    pub name: String,
}

impl Artist {
    pub fn new(id: ArtistId, name: &str) -> Self {
        Self { id, name: one_line(name) }
    }
}

/// Whether `raw` can be an ID in Spotify's catalogue: short and safe in a URL path.
pub(super) fn is_catalogue_id(raw: &str) -> bool {
    (1..=64).contains(&raw.len())
        && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
