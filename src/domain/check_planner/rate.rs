//! Estimates an artist's release rate: a Gamma–Poisson estimate with forgetting.
//!
//! Releases are modelled as a Poisson process whose rate drifts, so each past release and each past year
//! counts less the longer ago it is. The prior is the rate of a followed artist without known releases.
//! (BG/NBD, in which artists stop for good, did worse in the simulation of docs/cadence.md: it takes a long
//! pause for an end.)

use jiff::civil::Date;

/// Albums per year of an unknown artist: 1,600 albums by 324 artists in ten years.
const PRIOR_A_YEAR: f64 = 0.49;

/// The weight of the prior, in years of observation.
const PRIOR_YEARS: f64 = 0.25;

/// The age at which a release counts 1/e.
const MEMORY_YEARS: f64 = 6.0;

/// Albums closer together than this count as one: an album, its editions, its second delivery.
const ONE_RELEASE_DAYS: f64 = 14.0;

/// The assumed observation time of an artist without any album: the first one may come any day.
const NEW_YEARS: f64 = 0.25;

const DAYS_A_YEAR: f64 = 365.25;
const WEEKS_A_YEAR: f64 = DAYS_A_YEAR / 7.0;

/// Expected releases per week, from the dates of an artist's known releases.
pub fn a_week(dates: &[Date], today: Date) -> f64 {
    let mut ages: Vec<f64> = dates.iter().map(|date| years_between(*date, today)).collect();
    ages.sort_unstable_by(f64::total_cmp);
    ages.dedup_by(|later, earlier| (*later - *earlier) * DAYS_A_YEAR < ONE_RELEASE_DAYS);
    let seen: f64 = ages.iter().map(|age| (-age / MEMORY_YEARS).exp()).sum();
    let years = ages.last().copied().unwrap_or(NEW_YEARS);
    // The integral of the same weights over the observed years.
    let tracked = MEMORY_YEARS * (1.0 - (-years / MEMORY_YEARS).exp());
    (PRIOR_A_YEAR * PRIOR_YEARS + seen) / (PRIOR_YEARS + tracked) / WEEKS_A_YEAR
}

/// Expected releases per week of an unknown artist.
pub fn prior_a_week() -> f64 {
    PRIOR_A_YEAR / WEEKS_A_YEAR
}

fn years_between(date: Date, today: Date) -> f64 {
    (today.duration_since(date).as_hours() as f64 / 24.0 / DAYS_A_YEAR).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use proptest::prelude::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 23);

    fn a_year(dates: &[&str]) -> f64 {
        let dates: Vec<Date> = dates.iter().map(|date| date.parse().unwrap()).collect();
        a_week(&dates, TODAY) * WEEKS_A_YEAR
    }

    #[test]
    fn album_every_other_year_gives_that_rate() {
        let steady =
            a_year(&["2026-02-01", "2024-03-01", "2022-02-01", "2020-02-01", "2018-02-01"]);
        assert!((0.4..0.8).contains(&steady), "{steady}");
    }

    #[test]
    fn long_silence_lowers_rate_and_comeback_raises_it() {
        let silent = a_year(&["1994-05-01", "1997-05-01", "2001-05-01"]);
        assert!(silent < 0.1, "{silent}");
        let back = a_year(&["1994-05-01", "1997-05-01", "2001-05-01", "2026-10-01"]);
        assert!(back > 2.0 * silent, "{back}");
    }

    #[test]
    fn editions_count_as_one_release() {
        let (once, thrice) =
            (a_year(&["2024-05-03"]), a_year(&["2024-05-03", "2024-05-03", "2024-05-10"]));
        assert!((once - thrice).abs() < 0.01, "{once} {thrice}");
    }

    proptest! {
        #[test]
        fn rate_is_finite_and_positive_for_any_dates(days in prop::collection::vec(-40_000i32..40_000, 0..40)) {
            let dates: Vec<Date> =
                days.iter().map(|n| TODAY.saturating_add(i64::from(*n).days())).collect();
            let rate = a_week(&dates, TODAY);
            prop_assert!(rate.is_finite() && rate > 0.0 && rate < 100.0);
        }

        #[test]
        fn release_today_never_lowers_rate(days in prop::collection::vec(30i32..9_000, 1..20)) {
            let mut dates: Vec<Date> =
                days.iter().map(|n| TODAY.saturating_sub(i64::from(*n).days())).collect();
            let before = a_week(&dates, TODAY);
            dates.push(TODAY);
            prop_assert!(a_week(&dates, TODAY) > before);
        }
    }
}
