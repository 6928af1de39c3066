//! Which users are notified of a release: what it is, and what they want.

use std::fmt;

use super::artist::ArtistId;
use super::live_or_remix;
use super::release::{Release, ReleaseKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    Album,
    Single,
    Compilation,
    Live,
    Remixes,
    /// A release by someone else on which the followed artist appears.
    Appearance,
}

impl Category {
    /// `live album`, in the middle of a sentence. `tracks` tells a single from an EP: Spotify lists EPs among
    /// the singles.
    pub fn noun(self, tracks: Option<u32>) -> &'static str {
        self.words(tracks).0
    }

    /// `Live album`, at the beginning of a line.
    pub fn label(self, tracks: Option<u32>) -> &'static str {
        self.words(tracks).1
    }

    fn words(self, tracks: Option<u32>) -> (&'static str, &'static str) {
        match (self, tracks) {
            (Self::Album, _) => ("album", "Album"),
            (Self::Single, Some(1)) => ("single", "Single"),
            (Self::Single, _) => ("single or EP", "Single or EP"),
            (Self::Compilation, _) => ("compilation", "Compilation"),
            (Self::Live, _) => ("live album", "Live album"),
            (Self::Remixes, _) => ("remix album", "Remix album"),
            (Self::Appearance, _) => ("guest appearance", "Guest appearance"),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Categories {
    pub albums: bool,
    pub singles: bool,
    pub compilations: bool,
    /// Live albums and, if singles are wanted, live singles.
    pub live: bool,
    /// Remix albums and, if singles are wanted, remix singles.
    pub remixes: bool,
    /// Releases by others on which the artist appears.
    pub appearances: bool,
}

/// A followed artist on whose lists a release is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub artist: ArtistId,
    pub name: String,
    /// Whether the artist only appears on it.
    pub appears: bool,
    pub is_muted: bool,
}

/// Why a user is not notified of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    Unsubscribed,
    /// All matching artists are muted; the name of one.
    Muted(String),
    Category(Category),
    /// A later edition of an album.
    Edition,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsubscribed => f.write_str("emails were turned off"),
            Self::Muted(name) => write!(f, "{name} is muted"),
            Self::Edition => f.write_str("later editions are off in your settings"),
            Self::Category(Category::Album) => f.write_str("albums are off in your settings"),
            Self::Category(Category::Single) => f.write_str(
                "singles and EPs are off in your \
                                                             settings",
            ),
            Self::Category(Category::Compilation) => f.write_str(
                "compilations are off in your \
                                                                  settings",
            ),
            Self::Category(Category::Live) => f.write_str("live albums are off in your settings"),
            Self::Category(Category::Remixes) => f.write_str("remixes are off in your settings"),
            Self::Category(Category::Appearance) => {
                f.write_str("guest appearances are off in your settings")
            }
        }
    }
}

/// The category of a release; `appears` if the followed artist only appears on it.
pub fn category(release: &Release, appears: bool) -> Category {
    match release.kind {
        _ if appears => Category::Appearance,
        ReleaseKind::Single => Category::Single,
        ReleaseKind::Compilation => Category::Compilation,
        ReleaseKind::Album => recorded(release).unwrap_or(Category::Album),
    }
}

/// Whether to notify a user who wants `categories` and follows these artists. An empty list stands for an
/// artist that the user no longer follows.
pub fn evaluate(
    release: &Release,
    reasons: &[Match],
    categories: Categories,
) -> Result<(), SkipReason> {
    if reasons.iter().any(|reason| !reason.is_muted && categories.have(release, reason.appears)) {
        return Ok(());
    }
    let heard: Vec<&Match> = reasons.iter().filter(|reason| !reason.is_muted).collect();
    match (heard.first(), reasons.first()) {
        (None, Some(muted)) => Err(SkipReason::Muted(muted.name.clone())),
        (None, None) if categories.have(release, false) => Ok(()),
        (None, None) => Err(SkipReason::Category(categories.missing(release, false))),
        (Some(_), _) => {
            let appears = heard.iter().all(|reason| reason.appears);
            Err(SkipReason::Category(categories.missing(release, appears)))
        }
    }
}

impl Categories {
    /// Whether the category of a release is wanted, including live and remix.
    fn have(self, release: &Release, appears: bool) -> bool {
        let category = category(release, appears);
        let recording = if category == Category::Single { recorded(release) } else { None };
        self.has(category) && recording.is_none_or(|recording| self.has(recording))
    }

    /// The category because of which a release is not wanted.
    fn missing(self, release: &Release, appears: bool) -> Category {
        let category = category(release, appears);
        match recorded(release) {
            Some(recording) if self.has(category) => recording,
            _ => category,
        }
    }

    fn has(self, category: Category) -> bool {
        match category {
            Category::Album => self.albums,
            Category::Single => self.singles,
            Category::Compilation => self.compilations,
            Category::Live => self.live,
            Category::Remixes => self.remixes,
            Category::Appearance => self.appearances,
        }
    }
}

fn recorded(release: &Release) -> Option<Category> {
    match live_or_remix::of(&release.title) {
        live_or_remix::Recording::Live => Some(Category::Live),
        live_or_remix::Recording::Remixes => Some(Category::Remixes),
        live_or_remix::Recording::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::release::{ReleaseDate, ReleaseId};
    use proptest::prelude::*;

    fn release(title: &str, kind: ReleaseKind) -> Release {
        Release {
            id: ReleaseId::parse("4aawyAB9vmqN3uQ7FjRGTy").unwrap(),
            title: title.into(),
            kind,
            artists: vec![],
            date: ReleaseDate::Unknown,
            tracks: None,
            cover: None,
            link: String::new(),
        }
    }

    fn reason(name: &str, appears: bool, is_muted: bool) -> Match {
        let artist = ArtistId::parse("4aawyAB9vmqN3uQ7FjRGTy").unwrap();
        Match { artist, name: name.into(), appears, is_muted }
    }

    const ALBUMS: Categories = Categories {
        albums: true,
        singles: false,
        compilations: false,
        live: false,
        remixes: false,
        appearances: false,
    };

    const ALL: Categories = Categories {
        albums: true,
        singles: true,
        compilations: true,
        live: true,
        remixes: true,
        appearances: true,
    };

    #[test]
    fn only_albums_are_wanted_by_default() {
        let usual = ALBUMS;
        let evaluate = |title, kind, appears| {
            evaluate(&release(title, kind), &[reason("Air", appears, false)], usual)
        };
        assert_eq!(evaluate("Moon Safari", ReleaseKind::Album, false), Ok(()));
        for (title, kind, appears, unwanted) in [
            ("Moon Safari", ReleaseKind::Single, false, Category::Single),
            ("Moon Safari", ReleaseKind::Compilation, false, Category::Compilation),
            ("Live at Leeds", ReleaseKind::Album, false, Category::Live),
            ("Moon Safari (Remixes)", ReleaseKind::Album, false, Category::Remixes),
            ("Moon Safari", ReleaseKind::Album, true, Category::Appearance),
        ] {
            assert_eq!(
                evaluate(title, kind, appears),
                Err(SkipReason::Category(unwanted)),
                "{title}"
            );
        }
    }

    #[test]
    fn live_album_matches_live_only_preference() {
        let live = Categories { live: true, ..Categories::default() };
        let evaluate = |title| {
            evaluate(&release(title, ReleaseKind::Album), &[reason("Air", false, false)], live)
        };
        assert_eq!(evaluate("Live at Leeds"), Ok(()));
        assert_eq!(evaluate("Moon Safari"), Err(SkipReason::Category(Category::Album)));
    }

    #[test]
    fn remix_single_needs_singles_and_remixes_enabled() {
        let single = release("Kelly Watch the Stars (Remixes)", ReleaseKind::Single);
        let evaluate = |categories| evaluate(&single, &[reason("Air", false, false)], categories);
        assert_eq!(
            evaluate(Categories { remixes: false, ..ALL }),
            Err(SkipReason::Category(Category::Remixes))
        );
        assert_eq!(
            evaluate(Categories { singles: false, ..ALL }),
            Err(SkipReason::Category(Category::Single))
        );
        assert_eq!(evaluate(ALL), Ok(()));
    }

    #[test]
    fn shared_album_is_announced_unless_all_artists_muted() {
        let album = release("Moon Safari", ReleaseKind::Album);
        let (air, muted) = (reason("Air", false, false), reason("Beck", false, true));
        assert_eq!(evaluate(&album, &[muted.clone(), air], ALL), Ok(()));
        assert_eq!(evaluate(&album, &[muted], ALL), Err(SkipReason::Muted("Beck".into())));
    }

    #[test]
    fn muted_artists_album_is_skipped_without_appearances_enabled() {
        let album = release("Moon Safari", ReleaseKind::Album);
        let reasons = [reason("Air", false, true), reason("Beck", true, false)];
        assert_eq!(
            evaluate(&album, &reasons, ALBUMS),
            Err(SkipReason::Category(Category::Appearance))
        );
        assert_eq!(evaluate(&album, &reasons, ALL), Ok(()));
    }

    proptest! {
        #[test]
        fn enabling_more_categories_drops_no_release(
            title in "(Live at |)[a-z ]{1,8}( \\(Remixes\\)|)",
            kind in prop::sample::select(vec![ReleaseKind::Album, ReleaseKind::Single, ReleaseKind::Compilation]),
            reasons in prop::collection::vec((any::<bool>(), any::<bool>()), 0..4),
            wants in any::<[bool; 6]>(),
        ) {
            let [albums, singles, compilations, live, remixes, appearances] = wants;
            let categories = Categories { albums, singles, compilations, live, remixes, appearances };
            let reasons: Vec<_> = reasons.iter().map(|(a, m)| reason("x", *a, *m)).collect();
            let release = release(&title, kind);
            if evaluate(&release, &reasons, categories).is_ok() {
                prop_assert_eq!(evaluate(&release, &reasons, ALL), Ok(()));
            }
            let all_muted = !reasons.is_empty() && reasons.iter().all(|reason| reason.is_muted);
            prop_assert_eq!(evaluate(&release, &reasons, ALL).is_ok(), !all_muted);
        }
    }
}
