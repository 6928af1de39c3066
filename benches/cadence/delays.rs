//! The result of a simulation, as a row of the table.

use std::time::Duration;

use crate::catalogue::{PLAYED_DAYS, YEAR_DAYS};

pub(crate) const HEAD: &str = "| artists | rule | mean h | median h | 95 % h | longest h | within 24 h | albums | calls a year | lock-outs | a year took s |\n\
                        |---|---|---|---|---|---|---|---|---|---|---|";

/// The delays from release to detection, and the calls that they cost.
#[derive(Default)]
pub(crate) struct Delays {
    /// Sorted.
    pub(crate) hours: Vec<f64>,
    /// Albums that were never detected.
    pub(crate) missed: usize,
    /// Artist-albums calls on all simulated days.
    pub(crate) calls: usize,
    /// Calls that were rejected because the quota was used up.
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

    /// The row of a simulation of `years` years with this number of artists.
    pub(crate) fn row(&self, artists: usize, title: &str, years: u64, took: Duration) -> String {
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
            "| {artists} | {title} | {mean:.1} | {:.1} | {:.0} | {:.0} | {share:.0} % | {albums} | {} | {} | {:.0} |",
            at(0.5),
            at(0.95),
            at(1.0),
            self.calls as i64 * YEAR_DAYS / PLAYED_DAYS / years as i64,
            self.lock_outs,
            took.as_secs_f64() / years as f64
        )
    }
}
