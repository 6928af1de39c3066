//! Recognizes the artist "Various Artists".

use super::fold::fold;
use crate::domain::artist::Artist;

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

/// Whether `artist` is Spotify's *Various Artists*, whose releases are nobody's news.
pub fn is_various_artists(artist: &Artist) -> bool {
    let name = fold(&artist.name);
    artist.id.as_str() == VARIOUS_ARTISTS || VARIOUS_NAMES.contains(&name.as_str())
}
