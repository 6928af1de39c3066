//! Spotify's *Various Artists*, whose releases are nobody's news.

use super::fold::fold;
use crate::domain::artist::Artist;

/// The ID of *Various Artists*.
const ID: &str = "0LyfQWJT6nXafLPZqxe9Of";

/// Its names elsewhere, folded. `Various`, `Diverse` and `VA` are bands too, and not here.
const NAMES: &str = include_str!("../data/various_artists.txt");

pub fn is_various_artists(artist: &Artist) -> bool {
    let name = fold(&artist.name);
    artist.id.as_str() == ID || NAMES.lines().any(|various| various == name)
}
