//! A release as the templates show it.

use jiff::civil::Date;

use super::item::{NewsItem, artists};
use super::wording::{Names, isolated, shortened, web_address, when};
use crate::domain::release_filter::Category;
use crate::domain::text::one_line;

/// Characters of a list of names.
const MAX_NAMES_LENGTH: usize = 160;
/// Links that mute an artist, per release, so that a row stays short.
const MAX_MUTES: usize = 3;

pub(super) struct Row {
    pub(super) title: String,
    /// The title for places where HTML has no `<bdi>`: `alt` attributes and the preheader.
    pub(super) plain_title: String,
    pub(super) artists: Names,
    /// Category, number of tracks and other editions, as far as they are known.
    pub(super) facts: String,
    pub(super) when: Option<String>,
    pub(super) because: Names,
    /// What follows the names in `because you follow A, B`.
    pub(super) because_of: &'static str,
    pub(super) mutes: Vec<Mute>,
    pub(super) link: Option<String>,
    pub(super) cover: Option<String>,
}

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
            because_of: because_of(item.category, because.shown.len() + because.more),
            because,
            mutes: mutes(item),
            link: web_address(&release.link),
            cover: release.cover.as_deref().and_then(web_address),
        }
    }

    /// Without reasons and mute links, for a release that is only shown as an example.
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

fn facts(item: &NewsItem) -> String {
    let tracks = item.release.tracks;
    let category = item.category.label(tracks).to_owned();
    let tracks = tracks.map(|n| if n == 1 { "1 track".into() } else { format!("{n} tracks") });
    let also_as = shortened(&one_line(&item.also_as.join(", ")), MAX_NAMES_LENGTH);
    let also_as = (!also_as.is_empty()).then(|| format!("also as {}", isolated(&also_as)));
    [Some(category), tracks, also_as].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn because_of(category: Category, artists: usize) -> &'static str {
    match (category, artists) {
        (Category::Appearance, 1) => ", who appears on it",
        (Category::Appearance, _) => ", who appear on it",
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
