//! What a play came to, as a row of the table.

use std::time::Duration;

use crate::catalogue::{PLAYED_DAYS, YEAR_DAYS};
use crate::play::Play;

pub(crate) const HEAD: &str = "| artists | rule | mean h | median h | 95 % h | longest h | within 24 h | albums | calls a year | lock-outs | a year took s |\n\
                        |---|---|---|---|---|---|---|---|---|---|---|";

/// Hours from release to detection, and what they cost.
#[derive(Default)]
pub(crate) struct Delays {
    /// In order.
    pub(crate) hours: Vec<f64>,
    /// Albums that were not seen until the end.
    pub(crate) missed: usize,
    /// Calls for artists' albums, on all days that were played.
    pub(crate) calls: usize,
    /// Calls that Spotify refused since the quota was spent.
    pub(crate) lock_outs: usize,
}

impl Delays {
    pub(crate) fn add(&mut self, year: Self) {
        self.hours.extend(year.hours);
        self.hours.sort_unstable_by(f64::total_cmp);
        self.missed += year.missed;
        self.calls += year.calls;
        self.lock_outs += year.lock_outs;
    }

    pub(crate) fn row(&self, play: &Play, took: Duration) -> String {
        let mean = self.hours.iter().sum::<f64>() / self.hours.len().max(1) as f64;
        let at = |share: f64| {
            let place = (self.hours.len() as f64 * share) as usize;
            self.hours.get(place.min(self.hours.len().saturating_sub(1))).copied().unwrap_or(0.0)
        };
        let soon = self.hours.iter().filter(|hours| **hours <= 24.0).count();
        let share = 100.0 * soon as f64 / self.hours.len().max(1) as f64;
        let albums = match self.missed {
            0 => self.hours.len().to_string(),
            missed => format!("{} ({missed} missed)", self.hours.len() + missed),
        };
        format!(
            "| {} | {} | {mean:.1} | {:.1} | {:.0} | {:.0} | {share:.0} % | {albums} | {} | {} | {:.0} |",
            play.artists,
            play.title(),
            at(0.5),
            at(0.95),
            at(1.0),
            self.calls as i64 * YEAR_DAYS / PLAYED_DAYS / play.years as i64,
            self.lock_outs,
            took.as_secs_f64() / play.years as f64
        )
    }
}
