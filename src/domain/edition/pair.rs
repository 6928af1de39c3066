//! Whether two releases of one title can be one album, by their dates and lengths.

use super::title::Title;
use super::words::Class;
use crate::domain::release::{Release, ReleaseDate, ReleaseKind};

/// Copies of one release come within a season of one another, even over a turn of the year.
const SEASON: i32 = 120;

/// A deluxe edition follows within this many days, and so does another market's copy: beyond, a
/// title that the artist uses again is that of another album.
const DELUXE: i32 = 550;

/// Nobody remasters an album younger than this many days: what says so tells of an older one.
const REMASTER: i32 = 5 * 365;

/// Two releases whose titles, artists and kinds agree, the elder first.
pub(super) struct Pair<'a> {
    elder: (&'a Release, &'a Title),
    younger: (&'a Release, &'a Title),
    /// Whether the artist may well have used the title for another album.
    is_reused: bool,
}

impl<'a> Pair<'a> {
    pub(super) fn in_order(
        a: (&'a Release, &'a Title),
        b: (&'a Release, &'a Title),
        is_reused: bool,
    ) -> Self {
        let (elder, younger) =
            if b.0.date.first_day() < a.0.date.first_day() { (b, a) } else { (a, b) };
        Self { elder, younger, is_reused }
    }

    /// A song, and the EP that is named after it: both are singles to Spotify.
    pub(super) fn is_ep_with_its_song(&self) -> bool {
        let tracks = [self.elder, self.younger].map(|(release, _)| release.tracks);
        let is_bare = self.elder.1.class().max(self.younger.1.class()) <= Some(Class::Twin);
        let [Some(a), Some(b)] = tracks else { return false };
        self.elder.0.kind == ReleaseKind::Single && is_bare && a.min(b) <= 3 && a.max(b) >= 4
    }

    pub(super) fn dates_allow(&self) -> bool {
        let Some(gap) = gap(self.elder.0.date, self.younger.0.date) else {
            // No date speaks against it; a name used again wants one that speaks for it.
            return !self.is_reused;
        };
        if gap <= SEASON {
            return true;
        }
        let (elder, younger) = (self.elder.1.class(), self.younger.1.class());
        if elder.max(younger) <= Some(Class::Twin) {
            return !self.is_reused && gap <= DELUXE && self.is_as_long() == Some(true);
        }
        if self.shrank() {
            return false;
        }
        if self.is_reused {
            return self.reused_dates_allow(gap);
        }
        // An edition follows its album, however late; but a remaster may carry the album's date,
        // and then a plain copy with the date of some reissue seems to follow.
        younger >= Some(Class::Grown) || elder == Some(Class::Restored)
    }

    fn reused_dates_allow(&self, gap: i32) -> bool {
        if let Some(agrees) = self.anniversaries_agree() {
            return agrees;
        }
        match self.younger.1.class() {
            Some(Class::Grown) => gap <= DELUXE,
            Some(Class::Restored) => {
                gap >= REMASTER && (self.younger.1.is_grown() || self.is_as_long() != Some(false))
            }
            _ => false,
        }
    }

    /// Whether both go back to one year, where an anniversary tells it.
    fn anniversaries_agree(&self) -> Option<bool> {
        let years = |(release, title): (&Release, &Title)| {
            let year = release.date.first_day().map(|day| day.year());
            (year, title.anniversary().and_then(|n| Some(year? - n)))
        };
        let ((elder, elder_origin), (younger, younger_origin)) =
            (years(self.elder), years(self.younger));
        if elder_origin.is_none() && younger_origin.is_none() {
            return None;
        }
        let is_near =
            |a: Option<i16>, b: Option<i16>| a.zip(b).is_some_and(|(a, b)| a.abs_diff(b) <= 1);
        Some(
            is_near(elder, younger_origin)
                || is_near(elder_origin, younger)
                || is_near(elder_origin, younger_origin),
        )
    }

    /// Editions grow; one with half the tracks is of something else.
    fn shrank(&self) -> bool {
        let tracks = self.elder.0.tracks.zip(self.younger.0.tracks);
        tracks.is_some_and(|(elder, younger)| younger.saturating_mul(2) < elder)
    }

    /// Whether both have as many tracks, give or take a bonus, where it is told.
    fn is_as_long(&self) -> Option<bool> {
        let tracks = self.elder.0.tracks.zip(self.younger.0.tracks);
        tracks.map(|(elder, younger)| elder.abs_diff(younger) <= 2)
    }
}

/// The days between two dates, none within one year: an album is not followed by another of its
/// name so soon. Where one date is a year alone, years apart are that many years.
fn gap(a: ReleaseDate, b: ReleaseDate) -> Option<i32> {
    let (first_a, first_b) = (a.first_day()?, b.first_day()?);
    let years = i32::from(first_a.year().abs_diff(first_b.year()));
    if years == 0 {
        return Some(0);
    }
    if matches!(a, ReleaseDate::Year(_)) || matches!(b, ReleaseDate::Year(_)) {
        return Some(years * 365);
    }
    Some((first_b - first_a).get_days().abs())
}
