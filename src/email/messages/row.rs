//! A release in the words of an email.

use jiff::civil::Date;

use super::kind::Kind;
use super::news::NewsItem;
use super::wording::{Names, isolated, shortened, web_address, when};
use crate::domain::release::Release;
use crate::domain::text::one_line;

/// Characters of a list of names.
const MAX_NAMES_LENGTH: usize = 160;
/// Artists of one release that have a link of their own to mute them, so that a row stays short.
const MAX_MUTES: usize = 3;

/// One release, as the templates show it.
pub(super) struct Row {
    pub(super) title: String,
    /// The title where HTML has no `<bdi>`: in an `alt`, in the preheader.
    pub(super) plain_title: String,
    pub(super) artists: Names,
    /// Kind, number of tracks, other editions: what is known of them.
    pub(super) facts: String,
    pub(super) when: Option<String>,
    pub(super) because: Names,
    /// What follows the names in `because you follow A, B`.
    pub(super) because_of: &'static str,
    pub(super) mutes: Vec<Mute>,
    pub(super) link: Option<String>,
    pub(super) cover: Option<String>,
}

/// A link that mutes an artist, once its page's button is pressed.
pub(super) struct Mute {
    pub(super) artist: String,
    pub(super) url: String,
}

impl Row {
    pub(super) fn new(item: &NewsItem, today: Date) -> Self {
        let release = &item.release;
        let title = one_line(release.shown_title());
        let because = Names::fitting(item.because.iter().map(String::as_str), MAX_NAMES_LENGTH);
        Self {
            plain_title: isolated(&title),
            title,
            artists: artists(release, MAX_NAMES_LENGTH),
            facts: facts(item),
            when: when(release.date, today),
            because_of: because_of(item.kind, because.shown.len() + because.more),
            because,
            mutes: mutes(item),
            link: web_address(&release.link),
            cover: release.cover.as_deref().and_then(web_address),
        }
    }

    /// Without the reasons and the ways out: of a release that is shown and was not owed.
    pub(super) fn bare(item: &NewsItem, today: Date) -> Self {
        let mut row = Self::new(item, today);
        (row.because, row.mutes) = (Names::fitting([], 0), Vec::new());
        row
    }

    /// `Album · 10 tracks · Released today, 23 November 2026`.
    pub(super) fn all_facts(&self) -> String {
        let facts = [Some(self.facts.as_str()), self.when.as_deref()];
        facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}

/// Who a release is by, as far as that fits into `room` characters.
pub(super) fn artists(release: &Release, room: usize) -> Names {
    Names::fitting(release.artists.iter().map(|a| a.name.as_str()), room)
}

fn facts(item: &NewsItem) -> String {
    let tracks = item.release.tracks;
    let kind = item.kind.label(tracks).to_owned();
    let tracks = tracks.map(|n| if n == 1 { "1 track".into() } else { format!("{n} tracks") });
    let also_as = shortened(&one_line(&item.also_as.join(", ")), MAX_NAMES_LENGTH);
    let also_as = (!also_as.is_empty()).then(|| format!("also as {}", isolated(&also_as)));
    [Some(kind), tracks, also_as].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn because_of(kind: Kind, artists: usize) -> &'static str {
    match (kind, artists) {
        (Kind::AppearsOn, 1) => ", who appears on it",
        (Kind::AppearsOn, _) => ", who appear on it",
        _ => "",
    }
}

fn mutes(item: &NewsItem) -> Vec<Mute> {
    let links = item.mute.iter().filter_map(|link| {
        let artist = shortened(&one_line(&link.artist), MAX_NAMES_LENGTH);
        let url = web_address(&link.url)?;
        (!artist.is_empty()).then_some(Mute { artist, url })
    });
    links.take(MAX_MUTES).collect()
}
