//! Who hears of a release: what it is, and what a user wants.

use std::fmt;

use super::artist::ArtistId;
use super::recording;
use super::release::{Release, ReleaseKind};

/// What a release is to a reader, as far as they can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An album.
    Album,
    /// A single or an EP.
    Single,
    /// A compilation.
    Compilation,
    /// An album recorded on a stage.
    Live,
    /// An album of remixes.
    Remixes,
    /// Somebody else's release, on which the artist appears.
    Appearance,
}

/// Which kinds a user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// Albums.
    pub albums: bool,
    /// Singles and EPs.
    pub singles: bool,
    /// Compilations.
    pub compilations: bool,
    /// Live albums; where singles are wanted, live ones too.
    pub live: bool,
    /// Albums of remixes; where singles are wanted, those of remixes too.
    pub remixes: bool,
    /// Releases of others on which the artist appears.
    pub appearances: bool,
}

impl Default for Kinds {
    fn default() -> Self {
        Self {
            albums: true,
            singles: false,
            compilations: false,
            live: false,
            remixes: false,
            appearances: false,
        }
    }
}

/// A followed artist on whose list a release was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which.
    pub artist: ArtistId,
    /// Their name.
    pub name: String,
    /// Whether the release is somebody else's, and the artist only appears on it.
    pub appears: bool,
    /// Whether the user wants to hear nothing of the artist.
    pub is_muted: bool,
}

/// Why a user is not told of a release, in words for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwanted {
    /// They want no emails.
    Unsubscribed,
    /// Everybody whom it would be told for is muted.
    Muted(String),
    /// They do not want this kind.
    Kind(Kind),
    /// It is a later edition of an album, and they want none of those.
    Edition,
}

impl fmt::Display for Unwanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsubscribed => f.write_str("letters with news were switched off"),
            Self::Muted(name) => write!(f, "{name} is muted"),
            Self::Edition => f.write_str("later editions are not wanted"),
            Self::Kind(Kind::Album) => f.write_str("albums are not wanted"),
            Self::Kind(Kind::Single) => f.write_str("singles and EPs are not wanted"),
            Self::Kind(Kind::Compilation) => f.write_str("compilations are not wanted"),
            Self::Kind(Kind::Live) => f.write_str("live albums are not wanted"),
            Self::Kind(Kind::Remixes) => f.write_str("remixes are not wanted"),
            Self::Kind(Kind::Appearance) => {
                f.write_str("appearances on others' releases are not wanted")
            }
        }
    }
}

/// What a release is to a reader.
pub fn kind(release: &Release, appears: bool) -> Kind {
    match release.kind {
        _ if appears => Kind::Appearance,
        ReleaseKind::Single => Kind::Single,
        ReleaseKind::Compilation => Kind::Compilation,
        ReleaseKind::Album => recorded(release).unwrap_or(Kind::Album),
    }
}

/// Whether a user who wants `kinds` hears of a release, which they would for these `reasons`; an
/// empty list stands for an artist whom they have ceased to follow meanwhile.
///
/// # Errors
/// Why they do not.
pub fn judge(release: &Release, reasons: &[Reason], kinds: Kinds) -> Result<(), Unwanted> {
    if reasons.iter().any(|reason| !reason.is_muted && kinds.have(release, reason.appears)) {
        return Ok(());
    }
    let heard: Vec<&Reason> = reasons.iter().filter(|reason| !reason.is_muted).collect();
    match (heard.first(), reasons.first()) {
        (None, Some(muted)) => Err(Unwanted::Muted(muted.name.clone())),
        (None, None) if kinds.have(release, false) => Ok(()),
        (None, None) => Err(Unwanted::Kind(kinds.missing(release, false))),
        (Some(_), _) => {
            let appears = heard.iter().all(|reason| reason.appears);
            Err(Unwanted::Kind(kinds.missing(release, appears)))
        }
    }
}

/// Whether a release is of a kind that a user wants, muted artists' too.
pub fn is_of_interest(release: &Release, reasons: &[Reason], kinds: Kinds) -> bool {
    match reasons {
        [] => kinds.have(release, false),
        reasons => reasons.iter().any(|reason| kinds.have(release, reason.appears)),
    }
}

impl Kinds {
    /// Nothing at all.
    pub fn none() -> Self {
        Self { albums: false, ..Self::default() }
    }

    /// Whether a release of this kind is wanted, for all that it is.
    fn have(self, release: &Release, appears: bool) -> bool {
        let kind = kind(release, appears);
        let recording = if kind == Kind::Single { recorded(release) } else { None };
        self.has(kind) && recording.is_none_or(|recording| self.has(recording))
    }

    /// The kind for which a release that is not wanted is not.
    fn missing(self, release: &Release, appears: bool) -> Kind {
        let kind = kind(release, appears);
        match recorded(release) {
            Some(recording) if self.has(kind) => recording,
            _ => kind,
        }
    }

    fn has(self, kind: Kind) -> bool {
        match kind {
            Kind::Album => self.albums,
            Kind::Single => self.singles,
            Kind::Compilation => self.compilations,
            Kind::Live => self.live,
            Kind::Remixes => self.remixes,
            Kind::Appearance => self.appearances,
        }
    }
}

fn recorded(release: &Release) -> Option<Kind> {
    match recording::of(&release.title) {
        recording::Recording::Live => Some(Kind::Live),
        recording::Recording::Remixes => Some(Kind::Remixes),
        recording::Recording::Other => None,
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

    fn reason(name: &str, appears: bool, is_muted: bool) -> Reason {
        let artist = ArtistId::parse("4aawyAB9vmqN3uQ7FjRGTy").unwrap();
        Reason { artist, name: name.into(), appears, is_muted }
    }

    const ALL: Kinds = Kinds {
        albums: true,
        singles: true,
        compilations: true,
        live: true,
        remixes: true,
        appearances: true,
    };

    #[test]
    fn albums_are_wanted_and_nothing_else_unless_somebody_says_so() {
        let usual = Kinds::default();
        let judge = |title, kind, appears| {
            judge(&release(title, kind), &[reason("Air", appears, false)], usual)
        };
        assert_eq!(judge("Moon Safari", ReleaseKind::Album, false), Ok(()));
        for (title, kind, appears, unwanted) in [
            ("Moon Safari", ReleaseKind::Single, false, Kind::Single),
            ("Moon Safari", ReleaseKind::Compilation, false, Kind::Compilation),
            ("Live at Leeds", ReleaseKind::Album, false, Kind::Live),
            ("Moon Safari (Remixes)", ReleaseKind::Album, false, Kind::Remixes),
            ("Moon Safari", ReleaseKind::Album, true, Kind::Appearance),
        ] {
            assert_eq!(judge(title, kind, appears), Err(Unwanted::Kind(unwanted)), "{title}");
        }
    }

    #[test]
    fn a_live_album_is_told_to_those_who_want_nothing_but_live_albums() {
        let live = Kinds { albums: false, live: true, ..Kinds::default() };
        let judge = |title| {
            judge(&release(title, ReleaseKind::Album), &[reason("Air", false, false)], live)
        };
        assert_eq!(judge("Live at Leeds"), Ok(()));
        assert_eq!(judge("Moon Safari"), Err(Unwanted::Kind(Kind::Album)));
    }

    #[test]
    fn a_single_of_remixes_is_told_to_those_who_want_both() {
        let single = release("Kelly Watch the Stars (Remixes)", ReleaseKind::Single);
        let judge = |kinds| judge(&single, &[reason("Air", false, false)], kinds);
        assert_eq!(judge(Kinds { remixes: false, ..ALL }), Err(Unwanted::Kind(Kind::Remixes)));
        assert_eq!(judge(Kinds { singles: false, ..ALL }), Err(Unwanted::Kind(Kind::Single)));
        assert_eq!(judge(ALL), Ok(()));
    }

    #[test]
    fn an_album_of_two_artists_is_told_while_one_of_them_is_not_muted() {
        let album = release("Moon Safari", ReleaseKind::Album);
        let (air, muted) = (reason("Air", false, false), reason("Beck", false, true));
        assert_eq!(judge(&album, &[muted.clone(), air], ALL), Ok(()));
        assert_eq!(judge(&album, &[muted], ALL), Err(Unwanted::Muted("Beck".into())));
    }

    #[test]
    fn an_album_that_a_muted_artist_made_is_no_news_for_the_guest_where_guests_are_not_wanted() {
        let album = release("Moon Safari", ReleaseKind::Album);
        let reasons = [reason("Air", false, true), reason("Beck", true, false)];
        assert_eq!(
            judge(&album, &reasons, Kinds::default()),
            Err(Unwanted::Kind(Kind::Appearance))
        );
        assert_eq!(judge(&album, &reasons, ALL), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_wanted_stays_wanted_when_more_is(
            title in "(Live at |)[a-z ]{1,8}( \\(Remixes\\)|)",
            kind in prop::sample::select(vec![ReleaseKind::Album, ReleaseKind::Single, ReleaseKind::Compilation]),
            reasons in prop::collection::vec((any::<bool>(), any::<bool>()), 0..4),
            wants in any::<[bool; 6]>(),
        ) {
            let [albums, singles, compilations, live, remixes, appearances] = wants;
            let kinds = Kinds { albums, singles, compilations, live, remixes, appearances };
            let reasons: Vec<_> = reasons.iter().map(|(a, m)| reason("x", *a, *m)).collect();
            let release = release(&title, kind);
            if judge(&release, &reasons, kinds).is_ok() {
                prop_assert_eq!(judge(&release, &reasons, ALL), Ok(()));
            }
            let all_muted = !reasons.is_empty() && reasons.iter().all(|reason| reason.is_muted);
            prop_assert_eq!(judge(&release, &reasons, ALL).is_ok(), !all_muted);
        }
    }
}
