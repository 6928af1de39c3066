//! What a release is to whoever reads of it.

use crate::domain::release::ReleaseKind;

/// What a release is, as an email words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An album of new songs.
    Album,
    /// A single or an EP. Spotify lists EPs among the singles; one track makes no EP.
    SingleOrEp,
    /// A compilation.
    Compilation,
    /// A live album.
    Live,
    /// An album of remixes.
    Remix,
    /// Somebody else's, on which the followed artist appears.
    AppearsOn,
}

impl From<ReleaseKind> for Kind {
    fn from(kind: ReleaseKind) -> Self {
        match kind {
            ReleaseKind::Album => Self::Album,
            ReleaseKind::Single => Self::SingleOrEp,
            ReleaseKind::Compilation => Self::Compilation,
        }
    }
}

impl Kind {
    /// `live album`, after `a new`.
    pub(super) fn noun(self, tracks: Option<u32>) -> &'static str {
        match (self, tracks) {
            (Self::Album, _) => "album",
            (Self::SingleOrEp, Some(1)) => "single",
            (Self::SingleOrEp, _) => "single or EP",
            (Self::Compilation, _) => "compilation",
            (Self::Live, _) => "live album",
            (Self::Remix, _) => "remix album",
            (Self::AppearsOn, _) => "guest appearance",
        }
    }

    /// `Live album`, at the beginning of a line.
    pub(super) fn label(self, tracks: Option<u32>) -> &'static str {
        match (self, tracks) {
            (Self::Album, _) => "Album",
            (Self::SingleOrEp, Some(1)) => "Single",
            (Self::SingleOrEp, _) => "Single or EP",
            (Self::Compilation, _) => "Compilation",
            (Self::Live, _) => "Live album",
            (Self::Remix, _) => "Remix album",
            (Self::AppearsOn, _) => "Guest appearance",
        }
    }
}

/// What several are to a reader, after `3 new`: `albums`, or `releases` if they are of many kinds.
pub(super) fn plural(nouns: impl Iterator<Item = &'static str>) -> &'static str {
    let mut nouns: Vec<&str> = nouns.collect();
    nouns.sort_unstable();
    nouns.dedup();
    match nouns[..] {
        ["album"] => "albums",
        ["single"] => "singles",
        ["single or EP"] | ["single", "single or EP"] => "singles and EPs",
        ["compilation"] => "compilations",
        ["live album"] => "live albums",
        ["remix album"] => "remix albums",
        ["guest appearance"] => "guest appearances",
        _ => "releases",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_of_one_kind_are_named_by_it_and_a_mixture_is_releases() {
        let several = |nouns: &[&'static str]| plural(nouns.iter().copied());
        assert_eq!(several(&["live album", "live album"]), "live albums");
        assert_eq!(several(&["single", "single or EP"]), "singles and EPs");
        assert_eq!(several(&["album", "live album"]), "releases");
    }

    #[test]
    fn a_label_is_its_noun_with_a_capital() {
        for kind in [Kind::Album, Kind::SingleOrEp, Kind::Live, Kind::Remix, Kind::AppearsOn] {
            assert_eq!(kind.label(Some(1)).to_lowercase(), kind.noun(Some(1)).to_lowercase());
        }
    }
}
