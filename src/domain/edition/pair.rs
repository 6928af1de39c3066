//! Whether two releases of one title can be one album, by their dates and lengths.

use super::title::Title;
use super::words::Class;
use crate::domain::release::{Release, ReleaseDate, ReleaseKind};

/// Copies of one release appear within this many days, even across a year boundary.
const SEASON: i32 = 120;

/// A deluxe edition or another market's copy follows within this many days. Later, a title that the artist
/// reuses is another album's.
const DELUXE: i32 = 550;

/// No album younger than this many days is remastered: such a title refers to an older one.
const REMASTER: i32 = 5 * 365;

/// Two releases with the same name, artist and kind, the older first.
pub(super) struct Pair<'a> {
    elder: (&'a Release, &'a Title),
    younger: (&'a Release, &'a Title),
    /// Whether the artist may have used the title for another album.
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

    /// A song and the EP named after it: both are singles to Spotify.
    pub(super) fn is_ep_with_its_song(&self) -> bool {
        let tracks = [self.elder, self.younger].map(|(release, _)| release.tracks);
        let is_bare = self.elder.1.class().max(self.younger.1.class()) <= Some(Class::Twin);
        let [Some(a), Some(b)] = tracks else { return false };
        self.elder.0.kind == ReleaseKind::Single && is_bare && a.min(b) <= 3 && a.max(b) >= 4
    }

    pub(super) fn dates_allow(&self) -> bool {
        let Some(gap) = gap(self.elder.0.date, self.younger.0.date) else {
            // A reused name needs a date that supports it.
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
        // An edition comes after its album, however late. But a remaster may have the album's date, and then
        // the plain release with a reissue's date seems to come after it.
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

    /// Whether both refer to one year, if an anniversary tells.
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

    /// Editions grow: one with half the tracks is of another album.
    fn shrank(&self) -> bool {
        let tracks = self.elder.0.tracks.zip(self.younger.0.tracks);
        tracks.is_some_and(|(elder, younger)| younger.saturating_mul(2) < elder)
    }

    /// Whether both have as many tracks, ± 2, if known.
    fn is_as_long(&self) -> Option<bool> {
        let tracks = self.elder.0.tracks.zip(self.younger.0.tracks);
        tracks.map(|(elder, younger)| elder.abs_diff(younger) <= 2)
    }
}

/// The days between two dates; 0 within one year, as no artist uses a name again so soon. If one date is only
/// a year, years × 365.
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
