//! Hints: what an open catalogue knows, and what it is worth.
//!
//! A hint says "ask Spotify about this artist now", and nothing else: Spotify has the last word, and
//! nothing of a hint is shown to anybody. A wrong one costs a few calls, so it must not come twice.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::artist::ArtistId;
use super::day_of;
use super::text::folded;

/// A release is worth a hint for so many days. Later it has been found by turns, or is the news of
/// nobody; volunteers enter most releases within a week.
pub const WINDOW_DAYS: i64 = 14;

/// A day that two catalogues name differently by no more than this is one day: they reckon in
/// different zones.
pub const SAME_DAY: i64 = 1;

/// How long after each try that Spotify did not confirm the next one comes; after the last the
/// hint is dropped. The first wait leads from midnight in UTC to a morning everywhere in America.
pub const RETRIES: [Duration; 4] = [hours(9), hours(24), hours(48), hours(96)];

const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

/// So many hints of an artist are open at a time: they all ask the same of Spotify.
pub const MAX_OPEN: u32 = 5;

/// So many hints are taken from one answer. Of a thousand artists some ten have something new in a week; a
/// catalogue that says more is wrong, and must not fill the database.
pub const MAX_AT_ONCE: usize = 1_000;

/// Where a hint comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceName {
    /// <https://listenbrainz.org>
    ListenBrainz,
    /// <https://musicbrainz.org>: gives no hints, but says who an artist is elsewhere.
    MusicBrainz,
    /// <https://www.deezer.com>
    Deezer,
}

impl SourceName {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 3] = [Self::MusicBrainz, Self::ListenBrainz, Self::Deezer];

    /// The name in the database and in `dropday status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListenBrainz => "listenbrainz",
            Self::MusicBrainz => "musicbrainz",
            Self::Deezer => "deezer",
        }
    }
}

impl std::fmt::Display for SourceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// MusicBrainz' identifier of an artist: a UUID
/// (<https://musicbrainz.org/doc/MusicBrainz_Identifier>).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mbid(String);

impl Mbid {
    /// `None` where `raw` is no UUID.
    pub fn parse(raw: &str) -> Option<Self> {
        let is_uuid = raw.len() == 36
            && raw.bytes().enumerate().all(|(place, b)| match place {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            });
        is_uuid.then(|| Self(raw.to_ascii_lowercase()))
    }

    /// The identifier in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Deezer's number of an artist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeezerId(pub u64);

/// A watched artist, and who it is elsewhere, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Spotify's id.
    pub id: ArtistId,
    /// Spotify's name.
    pub name: String,
    /// MusicBrainz' identifier.
    pub mbid: Option<Mbid>,
    /// Deezer's number.
    pub deezer: Option<DeezerId>,
    /// Whether anybody who follows the artist wants singles.
    pub wants_singles: bool,
}

/// What was found out about who an artist is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// At MusicBrainz.
    Mbid(ArtistId, Mbid),
    /// At Deezer.
    Deezer(ArtistId, DeezerId),
}

/// A group of watched artists that a source knows how to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// All of them.
    Everyone,
    /// Those of whom it was not asked, or not for long, who they are at MusicBrainz.
    Unidentified,
    /// Those known at MusicBrainz, of whom it was not asked, or not for long, who they are at Deezer.
    Untraced,
    /// Those known at Deezer, and not asked about there for a while.
    Traced,
}

/// What kind of release a catalogue says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintKind {
    /// An album, or nobody said.
    Album,
    /// A single or an EP: what Spotify lists as singles.
    Single,
    /// A compilation, or no music at all: on none of the lists that are asked for.
    Other,
}

/// One thing that a source knows of a watched artist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The artist.
    pub artist: ArtistId,
    /// The source.
    pub source: SourceName,
    /// What the source calls the release: the same for as long as it is the same.
    pub key: String,
    /// The day that the source names, if it does.
    pub released: Option<Date>,
}

/// Whether a release of that kind and date is worth a hint now; a single is where Spotify is asked
/// for the artist's singles at all.
pub fn is_worth(kind: HintKind, wants_singles: bool, date: Date, now: Timestamp) -> bool {
    let is_asked_for = match kind {
        HintKind::Album => true,
        HintKind::Single => wants_singles,
        HintKind::Other => false,
    };
    let first = day_of(now).saturating_sub(WINDOW_DAYS.days());
    is_asked_for && (first..=newest_day(now)).contains(&date)
}

/// The day that it already is where days begin first, at UTC+14.
pub fn newest_day(now: Timestamp) -> Date {
    day_of(now + hours(14))
}

/// When Spotify is first asked: at once, but not before the day of the release has begun in UTC.
/// At Kiribati's midnight nobody else's market has it yet.
pub fn first_try(released: Option<Date>, now: Timestamp) -> Timestamp {
    let begins = released.and_then(|day| TimeZone::UTC.to_timestamp(day.into()).ok());
    begins.map_or(now, |begins| now.max(begins))
}

/// When Spotify is asked again after `tries` tries that it did not confirm; `None` to drop the hint.
pub fn next_try(tries: u32, now: Timestamp) -> Option<Timestamp> {
    let place = usize::try_from(tries.checked_sub(1)?).ok()?;
    RETRIES.get(place).map(|wait| now + *wait)
}

/// The watched artists by what other catalogues may call them.
#[derive(Debug, Default)]
pub struct Index<'a> {
    by_mbid: std::collections::HashMap<&'a str, Vec<&'a Subject>>,
    by_name: std::collections::HashMap<String, Vec<&'a Subject>>,
}

impl<'a> Index<'a> {
    /// An index of `subjects`. Whoever has an MBID is found by it alone: a namesake must not match.
    pub fn of(subjects: &'a [Subject]) -> Self {
        let mut index = Self::default();
        for subject in subjects {
            match &subject.mbid {
                Some(mbid) => index.by_mbid.entry(mbid.as_str()).or_default().push(subject),
                None => index.by_name.entry(folded(&subject.name)).or_default().push(subject),
            }
        }
        // https://musicbrainz.org/doc/Style/Unknown_and_untitled/Special_purpose_artist
        for nobody in ["", "various artists", "[unknown]", "[anonymous]"] {
            index.by_name.remove(nobody);
        }
        index
    }

    /// Whom a release is by, of those that are watched: by identifier where both have one, else by
    /// the exact name after NFKC and case folding.
    pub fn credited(&self, mbids: &[Mbid], name: &str) -> Vec<&'a Subject> {
        let known = mbids.iter().filter_map(|mbid| self.by_mbid.get(mbid.as_str()));
        let named = self.by_name.get(&folded(name));
        known.chain(named).flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROYKSOPP: &str = "1c70a3fc-fa3c-4be1-8b55-c3192db8a884";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn subject(id: &str, name: &str, mbid: Option<&str>) -> Subject {
        let mbid = mbid.and_then(Mbid::parse);
        let (id, name) = (ArtistId::parse(id).unwrap(), name.into());
        Subject { id, name, mbid, deezer: None, wants_singles: false }
    }

    #[test]
    fn a_fresh_album_is_worth_a_hint_and_a_single_where_it_is_wanted() {
        let now = at("2026-11-23T12:00:00Z");
        let worth = |kind, day: &str| is_worth(kind, false, day.parse().unwrap(), now);
        assert!(worth(HintKind::Album, "2026-11-23") && worth(HintKind::Album, "2026-11-09"));
        assert!(worth(HintKind::Album, "2026-11-24"), "it is the 24th in Kiribati");
        assert!(!worth(HintKind::Album, "2026-11-25") && !worth(HintKind::Album, "2026-11-08"));
        assert!(!worth(HintKind::Single, "2026-11-23") && !worth(HintKind::Other, "2026-11-23"));
        let wanted = |kind, day: &str| is_worth(kind, true, day.parse().unwrap(), now);
        assert!(wanted(HintKind::Single, "2026-11-23") && !wanted(HintKind::Single, "2026-11-08"));
        assert!(wanted(HintKind::Album, "2026-11-23") && !wanted(HintKind::Other, "2026-11-23"));
    }

    #[test]
    fn spotify_is_not_asked_before_the_day_has_begun() {
        let now = at("2026-11-26T11:00:00Z");
        assert_eq!(first_try("2026-11-27".parse().ok(), now), at("2026-11-27T00:00:00Z"));
        assert_eq!(first_try("2026-11-26".parse().ok(), now), now);
        assert_eq!(first_try(None, now), now);
    }

    #[test]
    fn the_distance_grows_and_then_the_hint_is_dropped() {
        let now = at("2026-11-23T12:00:00Z");
        let waits: Vec<_> =
            (1..=5).map(|n| next_try(n, now).map(|at| at.duration_since(now).as_hours())).collect();
        assert_eq!(waits, [Some(9), Some(24), Some(48), Some(96), None]);
        assert_eq!(next_try(0, now), None);
    }

    #[test]
    fn an_identifier_counts_before_a_name() {
        let other = "2c70a3fc-fa3c-4be1-8b55-c3192db8a884";
        let subjects = [subject("a", "Röyksopp", Some(ROYKSOPP)), subject("b", "Girl", None)];
        let index = Index::of(&subjects);
        let found = |mbid: &str, name: &str| -> Vec<&str> {
            let mbids: Vec<Mbid> = Mbid::parse(mbid).into_iter().collect();
            index.credited(&mbids, name).iter().map(|s| s.id.as_str()).collect()
        };
        assert_eq!(found(ROYKSOPP, "Somebody & Röyksopp"), ["a"]);
        assert_eq!(found(other, "Röyksopp"), Vec::<&str>::new(), "a namesake");
        assert_eq!(found(other, "ＧＩＲＬ"), ["b"]);
        for near in ["Girls", "The Girl", "Girl & Boy", "Gïrl", ""] {
            assert_eq!(found(other, near), Vec::<&str>::new(), "{near}");
        }
    }

    #[test]
    fn various_artists_are_nobody() {
        let subjects = [subject("a", "Various Artists", None)];
        assert!(Index::of(&subjects).credited(&[], "various artists").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_a_uuid_or_not(raw in any::<String>()) {
            prop_assert!(Mbid::parse(&raw).is_none_or(|mbid| mbid.as_str().len() == 36));
        }

        #[test]
        fn a_hint_is_never_tried_before_it_was_given(day in -800i32..800) {
            let now = at("2026-11-23T12:00:00Z");
            let date = day_of(now).checked_add(day.days()).unwrap();
            prop_assert!(first_try(Some(date), now) >= now);
            if is_worth(HintKind::Album, false, date, now) {
                prop_assert!(first_try(Some(date), now) <= now + hours(24));
            }
        }
    }
}
