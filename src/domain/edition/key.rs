//! What an album is found by again.

use super::title::Title;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::release::{Release, ReleaseKind};

/// Spotify's catch-all for compilations.
const VARIOUS_ARTISTS: &str = "0LyfQWJT6nXafLPZqxe9Of";

/// Its names elsewhere, folded. `Various`, `Diverse` and `VA` are bands too, and not here.
#[rustfmt::skip]
const VARIOUS_NAMES: &[&str] = &[
    "various artists", "v.a.", "varios artistas", "vários artistas", "artistas varios",
    "vários intérpretes", "varios intérpretes", "artisti vari", "vari artisti", "autori vari",
    "verschiedene interpreten", "verschiedene künstler", "diverse interpreten",
    "diverse künstler", "artistes divers", "artistes variés", "divers artistes",
    "multi-interprètes", "diverse artister", "diverse artiesten", "verschillende artiesten",
    "diverse kunstnere", "blandade artister", "eri esittäjiä", "useita esittäjiä",
    "różni wykonawcy", "różni artyści", "různí interpreti", "rôzni interpreti",
    "разные исполнители", "сборник", "çeşitli sanatçılar", "διάφοροι καλλιτέχνες", "ヴァリアス・アーティスト",
    "ヴァリアス・アーティスツ", "オムニバス", "여러 아티스트", "다양한 아티스트", "群星", "合輯", "合辑",
];

/// One album, whatever its edition.
///
/// Editions of one album have one key but for the year, which a remaster may carry old or new:
/// look up by the other three, and let [`super::same_album`] decide. The year is there for what
/// shares the rest: six albums called *Weezer*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditionKey {
    /// The title without suffixes, folded; never empty unless the title is.
    pub title: String,
    /// The artist named first, where one is named.
    pub artist: Option<ArtistId>,
    /// Album, single or compilation: an EP is not the album of the same name.
    pub kind: ReleaseKind,
    /// The year of the release date, where it is known.
    pub year: Option<i16>,
}

impl EditionKey {
    /// The key of `release`.
    pub fn of(release: &Release) -> Self {
        Self {
            title: Title::part(&release.title).name,
            artist: release.artists.first().map(|artist| artist.id.clone()),
            kind: release.kind,
            year: release.date.first_day().map(|day| day.year()),
        }
    }
}

/// What makes `release` another edition, as its title writes it (`Deluxe Edition, 2011 Remaster`);
/// `None` where nothing does. *Explicit* and *Clean* do not: they are the same album twice.
pub fn edition_words(release: &Release) -> Option<String> {
    let title = Title::part(&release.title);
    let told = title.suffixes.iter().filter(|(_, phrase)| phrase.is_news());
    let words: Vec<&str> = told.map(|(suffix, _)| suffix.as_str()).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Whether `artist` is Spotify's *Various Artists*, whose releases are nobody's news.
pub fn is_various_artists(artist: &Artist) -> bool {
    let name = super::fold::fold(&artist.name);
    artist.id.as_str() == VARIOUS_ARTISTS || VARIOUS_NAMES.contains(&name.as_str())
}
