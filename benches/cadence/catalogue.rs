//! Generates releases: two artists in three release 0.7 albums a year, seven in ten of them on a
//! Friday; every third artist has not released anything for twelve years or more.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The day on which a simulation starts: a Monday.
pub(crate) const FIRST_DAY: Date = date(2027, 1, 4);

/// Releases of the first days are not counted: meanwhile the artists are checked for the first time.
pub(crate) const WARM_UP_DAYS: i64 = 28;

/// The days that are counted.
pub(crate) const YEAR_DAYS: i64 = 365;

/// All days of a simulation: releases of the last counted day still have time to be detected.
pub(crate) const PLAYED_DAYS: i64 = WARM_UP_DAYS + YEAR_DAYS + 70;

const A_YEAR: f64 = 0.7;
const PAST_YEARS: f64 = 12.0;

/// Monday first.
const SHARES: [f64; 7] = [0.05, 0.05, 0.05, 0.05, 0.70, 0.05, 0.05];

/// A seeded generator: splitmix64 by Sebastiano Vigna (<https://prng.di.unimi.it/splitmix64.c>).
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform, at least 0 and less than 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Exponential, with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -(1.0 - self.fraction()).ln()
    }
}

/// A future release.
#[derive(Debug, Clone)]
pub(crate) struct Coming {
    /// The index of the artist.
    pub(crate) artist: usize,
    /// The release date.
    pub(crate) date: Date,
    /// When it is on Spotify: midnight of that day in the market.
    pub(crate) out_at: Timestamp,
}

/// The dates of an artist's past albums.
pub(crate) struct Past(pub(crate) Vec<Date>);

/// The past albums of each artist, and all future releases in order.
pub(crate) fn imagine(
    artists: usize,
    differ: bool,
    market: &TimeZone,
    seed: u64,
) -> (Vec<Past>, Vec<Coming>) {
    let mut draws = Draws::new(seed);
    let (mut pasts, mut coming) = (Vec::new(), Vec::new());
    for artist in 0..artists {
        if artist % 3 == 2 {
            pasts.push(silent(&mut draws));
            continue;
        }
        let rate = if differ { A_YEAR * draws.exponential() } else { A_YEAR };
        let span = PAST_YEARS * 365.25;
        let past = poisson(&mut draws, rate, span).into_iter();
        pasts.push(Past(past.map(back).collect()));
        let weeks = (WARM_UP_DAYS + YEAR_DAYS) as f64;
        for day in poisson(&mut draws, rate, weeks) {
            let date = weekday(&mut draws, day);
            let midnight = market.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
            coming.extend(midnight.ok().map(|out_at| Coming { artist, date, out_at }));
        }
    }
    coming.sort_by_key(|album| album.out_at);
    (pasts, coming)
}

fn silent(draws: &mut Draws) -> Past {
    let count = 1 + (draws.fraction() * 6.0) as usize;
    let years_ago = |draws: &mut Draws| PAST_YEARS + 18.0 * draws.fraction();
    Past((0..count).map(|_| back(years_ago(draws) * 365.25)).collect())
}

fn back(days: f64) -> Date {
    FIRST_DAY.saturating_sub((1 + days as i64).days())
}

/// The days from 0 to `span` on which something happens that happens `a_year` times a year.
fn poisson(draws: &mut Draws, a_year: f64, span: f64) -> Vec<f64> {
    let mut days = Vec::new();
    let mut day = 0.0;
    loop {
        day += draws.exponential() * 365.25 / a_year;
        if day >= span {
            return days;
        }
        days.push(day);
    }
}

/// A random weekday of the week of that day, weighted by [`SHARES`].
fn weekday(draws: &mut Draws, day: f64) -> Date {
    let monday = FIRST_DAY.saturating_add((day as i64 / 7 * 7).days());
    let (mut left, mut offset) = (draws.fraction(), 0);
    for (place, share) in SHARES.iter().enumerate() {
        offset = place as i64;
        if left < *share {
            break;
        }
        left -= share;
    }
    monday.saturating_add(offset.days())
}
