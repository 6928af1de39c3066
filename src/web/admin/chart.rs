//! Bar charts of calls per day. The page has the same numbers in a table.

use crate::domain::quota::Bucket;
use crate::store::status::{Day, History};

/// In SVG units.
pub(super) const HEIGHT: u64 = 80;
/// The width of a day, including the gap.
const STEP: u64 = 20;
const GAP: u64 = 4;

pub(super) struct Chart {
    pub(super) title: &'static str,
    /// A summary.
    pub(super) words: String,
    pub(super) width: u64,
    /// One per day with calls.
    pub(super) bars: Vec<Bar>,
    /// The y position of the limit line, if there is a limit.
    pub(super) limit: Option<u64>,
}

pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

impl Chart {
    /// `allowed` is the limit per day, if there is one.
    pub(super) fn new(history: &History, allowed: Option<u64>) -> Self {
        let full = history.most().max(allowed.unwrap_or(0)).max(1);
        let bar = |(n, Day { calls, .. }): (usize, &Day)| {
            // Even one call is visible.
            let height = (calls * HEIGHT / full).max(u64::from(*calls > 0));
            Bar { x: n as u64 * STEP, y: HEIGHT - height, width: STEP - GAP, height }
        };
        Self {
            title: title(history.bucket),
            words: words(history, allowed),
            width: history.days.len() as u64 * STEP - GAP,
            bars: history.days.iter().enumerate().map(bar).filter(|bar| bar.height > 0).collect(),
            limit: allowed.map(|allowed| HEIGHT - allowed * HEIGHT / full),
        }
    }
}

fn words(history: &History, allowed: Option<u64>) -> String {
    let words = format!("{} today, {} on the busiest day", history.today(), history.most());
    match allowed {
        Some(allowed) => format!("{words}; the line shows the current limit, {allowed}"),
        None => words,
    }
}

pub(super) fn title(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket::ArtistAlbums => "Artists’ albums",
        Bucket::Following => "Followed artists",
        Bucket::Profile => "Profiles",
        Bucket::Tokens => "Tokens",
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn chart(calls: &[u64], allowed: Option<u64>) -> Chart {
        let first = jiff::civil::date(2026, 11, 20);
        let days = first.series(1.day()).zip(calls);
        let days = days.map(|(day, calls)| Day { day, calls: *calls }).collect();
        Chart::new(&History { bucket: Bucket::ArtistAlbums, days }, allowed)
    }

    #[test]
    fn largest_day_fills_chart_and_single_call_is_visible() {
        let chart = chart(&[0, 1, 1_000], None);
        let heights: Vec<_> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!((heights, chart.limit), (vec![1, HEIGHT], None));
        assert_eq!(chart.words, "1000 today, 1000 on the busiest day");
    }

    #[test]
    fn limit_is_drawn_above_bars() {
        let chart = chart(&[20, 40], Some(80));
        assert_eq!((chart.limit, chart.bars[1].y), (Some(0), HEIGHT / 2));
    }

    #[test]
    fn chart_without_calls_is_drawn() {
        let chart = chart(&[0, 0], Some(0));
        assert_eq!((chart.bars.len(), chart.limit), (0, Some(HEIGHT)));
    }
}
