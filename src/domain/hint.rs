//! Hints from open catalogues. A hint only makes Dropday check an artist at Spotify; nothing in it is shown
//! to anyone. A wrong hint costs a few calls, so it must not come twice.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::artist::ArtistId;
use super::day_of;
use super::text::folded;

/// How many days after its release a hint is useful. Later, scheduled checks have found it, or it is no news;
/// volunteers enter most releases within a week.
pub const WINDOW_DAYS: i64 = 14;

/// Dates of two catalogues that differ by at most this many days are the same: time zones differ.
pub const SAME_DAY: i64 = 1;

/// The waits between checks for a hint that Spotify does not confirm; after the last the hint is dropped. The
/// first leads from midnight in UTC to the morning everywhere in America.
pub const RETRIES: [Duration; 4] = [hours(9), hours(24), hours(48), hours(96)];

const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

/// The maximum of open hints per artist: they all lead to the same check.
pub const MAX_OPEN: u32 = 5;

/// The maximum of hints from one response. Of a thousand artists about ten have a release in a week; a source
/// that says more is wrong and must not fill the database.
pub const MAX_AT_ONCE: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceName {
    /// <https://listenbrainz.org>
    ListenBrainz,
    /// <https://musicbrainz.org>: gives no hints, but an artist's IDs elsewhere.
    MusicBrainz,
    /// <https://www.deezer.com>
    Deezer,
}

impl SourceName {
    /// In the order in which they are asked.
    pub const ALL: [Self; 3] = [Self::MusicBrainz, Self::ListenBrainz, Self::Deezer];

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

/// An artist's ID at MusicBrainz, a UUID (<https://musicbrainz.org/doc/MusicBrainz_Identifier>), in lower
/// case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mbid(String);

impl Mbid {
    pub fn parse(raw: &str) -> Option<Self> {
        let is_uuid = raw.len() == 36
            && raw.bytes().enumerate().all(|(place, b)| match place {
                8 | 13 | 18 | 23 => b == b'-',
                _ => b.is_ascii_hexdigit(),
            });
        is_uuid.then(|| Self(raw.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeezerId(pub u64);

/// A tracked artist, with the IDs elsewhere that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub id: ArtistId,
    pub name: String,
    pub mbid: Option<Mbid>,
    pub deezer: Option<DeezerId>,
    /// Whether any follower wants singles.
    pub wants_singles: bool,
}

/// An artist's ID elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    Mbid(ArtistId, Mbid),
    Deezer(ArtistId, DeezerId),
}

/// The tracked artists that a source can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Everyone,
    /// Artists whose MusicBrainz ID was not looked up, or not recently.
    Unidentified,
    /// Artists with a MusicBrainz ID whose Deezer ID was not looked up, or not recently.
    Untraced,
    /// Artists with a Deezer ID that were not asked about recently.
    Traced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintKind {
    /// An album, or unspecified.
    Album,
    Single,
    /// A compilation or no music: on no list that hints are for.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub artist: ArtistId,
    pub source: SourceName,
    /// The source's stable ID of the release.
    pub key: String,
    pub released: Option<Date>,
}

/// Whether a release is worth a hint now. Singles are only if a follower wants them.
pub fn is_worth_checking(kind: HintKind, wants_singles: bool, date: Date, now: Timestamp) -> bool {
    let is_asked_for = match kind {
        HintKind::Album => true,
        HintKind::Single => wants_singles,
        HintKind::Other => false,
    };
    let first = day_of(now).saturating_sub(WINDOW_DAYS.days());
    is_asked_for && (first..=newest_day(now)).contains(&date)
}

/// The current day where days begin first, at UTC+14.
pub fn newest_day(now: Timestamp) -> Date {
    day_of(now + hours(14))
}

/// When to check for a hint first: at once, but not before the release day has begun in UTC. At midnight in
/// Kiribati no other market has it yet.
pub fn first_try(released: Option<Date>, now: Timestamp) -> Timestamp {
    let begins = released.and_then(|day| TimeZone::UTC.to_timestamp(day.into()).ok());
    begins.map_or(now, |begins| now.max(begins))
}

/// When to check again after `tries` checks that did not confirm the hint; `None` to drop it.
pub fn next_try(tries: u32, now: Timestamp) -> Option<Timestamp> {
    let place = usize::try_from(tries.checked_sub(1)?).ok()?;
    RETRIES.get(place).map(|wait| now + *wait)
}

/// The tracked artists by what other catalogues may call them.
#[derive(Debug, Default)]
pub struct Index<'a> {
    by_mbid: std::collections::HashMap<&'a str, Vec<&'a Subject>>,
    by_name: std::collections::HashMap<String, Vec<&'a Subject>>,
}

impl<'a> Index<'a> {
    /// Artists with an MBID are found only by it: a namesake must not match.
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

    /// The tracked artists of a release: by ID if both have one, else by the exact name after NFKC and case
    /// folding.
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
    fn recent_albums_and_wanted_singles_become_hints() {
        let now = at("2026-11-23T12:00:00Z");
        let worth = |kind, day: &str| is_worth_checking(kind, false, day.parse().unwrap(), now);
        assert!(worth(HintKind::Album, "2026-11-23") && worth(HintKind::Album, "2026-11-09"));
        assert!(worth(HintKind::Album, "2026-11-24"), "it is the 24th in Kiribati");
        assert!(!worth(HintKind::Album, "2026-11-25") && !worth(HintKind::Album, "2026-11-08"));
        assert!(!worth(HintKind::Single, "2026-11-23") && !worth(HintKind::Other, "2026-11-23"));
        let wanted = |kind, day: &str| is_worth_checking(kind, true, day.parse().unwrap(), now);
        assert!(wanted(HintKind::Single, "2026-11-23") && !wanted(HintKind::Single, "2026-11-08"));
        assert!(wanted(HintKind::Album, "2026-11-23") && !wanted(HintKind::Other, "2026-11-23"));
    }

    #[test]
    fn hint_is_not_checked_before_release_day() {
        let now = at("2026-11-26T11:00:00Z");
        assert_eq!(first_try("2026-11-27".parse().ok(), now), at("2026-11-27T00:00:00Z"));
        assert_eq!(first_try("2026-11-26".parse().ok(), now), now);
        assert_eq!(first_try(None, now), now);
    }

    #[test]
    fn hint_backoff_grows_until_hint_is_dropped() {
        let now = at("2026-11-23T12:00:00Z");
        let waits: Vec<_> =
            (1..=5).map(|n| next_try(n, now).map(|at| at.duration_since(now).as_hours())).collect();
        assert_eq!(waits, [Some(9), Some(24), Some(48), Some(96), None]);
        assert_eq!(next_try(0, now), None);
    }

    #[test]
    fn identifier_takes_precedence_over_name() {
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
    fn various_artists_match_no_artist() {
        let subjects = [subject("a", "Various Artists", None)];
        assert!(Index::of(&subjects).credited(&[], "various artists").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_as_uuid_without_panic(raw in any::<String>()) {
            prop_assert!(Mbid::parse(&raw).is_none_or(|mbid| mbid.as_str().len() == 36));
        }

        #[test]
        fn hint_is_never_tried_before_its_creation(day in -800i32..800) {
            let now = at("2026-11-23T12:00:00Z");
            let date = day_of(now).checked_add(day.days()).unwrap();
            prop_assert!(first_try(Some(date), now) >= now);
            if is_worth_checking(HintKind::Album, false, date, now) {
                prop_assert!(first_try(Some(date), now) <= now + hours(24));
            }
        }
    }
}
