//! A release as the emails are given it.

use jiff::civil::Date;

use super::wording::Names;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::release::{Release, ReleaseDate, ReleaseId, ReleaseKind};
use crate::domain::release_filter::Category;

/// One release in an email.
#[derive(Debug, Clone)]
pub struct NewsItem {
    pub release: Release,
    pub category: Category,
    /// The followed artists that are the reason for the notification.
    pub because: Vec<String>,
    /// What its other editions are called: `Deluxe`.
    pub also_as: Vec<String>,
    /// Where each artist in `because` can be muted.
    pub mute: Vec<MuteLink>,
}

impl NewsItem {
    /// An album that does not exist, for a sample email.
    pub fn made_up(today: Date) -> Option<Self> {
        let release = Release {
            id: ReleaseId::parse("sample")?,
            title: "Songs That Nobody Wrote".into(),
            kind: ReleaseKind::Album,
            artists: vec![Artist::new(ArtistId::parse("sample")?, "The Example Band")],
            date: ReleaseDate::Day(today),
            tracks: Some(10),
            cover: None,
            link: String::new(),
        };
        let (because, also_as, mute) = (Vec::new(), Vec::new(), Vec::new());
        Some(Self { release, category: Category::Album, because, also_as, mute })
    }
}

/// A link to the page that mutes one artist. The page has a button, because mail programs open links by
/// themselves.
#[derive(Clone)]
pub struct MuteLink {
    pub artist: String,
    /// Includes a token that identifies the user.
    pub url: String,
}

/// The link acts on behalf of a user, so `Debug` omits it.
impl std::fmt::Debug for MuteLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MuteLink").field("artist", &self.artist).finish_non_exhaustive()
    }
}

/// The artists of a release, as many as fit into `room` characters.
pub(super) fn artists(release: &Release, room: usize) -> Names {
    Names::fitting(release.artists.iter().map(|a| a.name.as_str()), room)
}
