//! Lists beside an artist's albums and singles: compilations, and what the artist appears on. They
//! matter less and cost a call each, so they are looked at seldom, and only for who wants them.

use jiff::{SignedDuration, Timestamp};

use super::day_of;
use super::detection::NewsWindow;

/// A list is not looked at again before this: once a week will do where most of a week comes out on
/// its Friday, and with a day to spare, so that who is asked about every Friday is never a minute early.
pub const CHECK_INTERVAL: SignedDuration = SignedDuration::from_hours(6 * 24);

/// However many lists there are, the next look is planned no further ahead.
pub const MAX_WAIT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A list beside albums and singles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecondaryList {
    /// The artist's own compilations.
    Compilations,
    /// Others' releases with something of the artist.
    Appearances,
}

impl SecondaryList {
    /// Both, in the order in which they are looked at.
    pub const ALL: [Self; 2] = [Self::Compilations, Self::Appearances];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compilations => "compilations",
            Self::Appearances => "appearances",
        }
    }
}

/// How a side list of an artist stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Since when somebody who hears of the artist wants it; `None` where nobody does.
    pub wanted_since: Option<Timestamp>,
    /// When a check last found that nobody wants it.
    pub unwanted_at: Option<Timestamp>,
    /// When it was looked at for the first time.
    pub baseline_at: Option<Timestamp>,
    /// When it was looked at last.
    pub looked_at: Option<Timestamp>,
    /// Spotify's `total` at that look.
    pub total: Option<u64>,
    /// Before this it is left alone.
    pub next_at: Option<Timestamp>,
    /// Looks in a row that failed.
    pub failures: u32,
}

impl Standing {
    /// Since when what comes out concerns somebody; `None` where nobody wants the list.
    pub fn since(&self) -> Option<Timestamp> {
        self.wanted_since.map(|wanted| self.unwanted_at.map_or(wanted, |until| wanted.max(until)))
    }

    /// Whether nobody who wants the list now wanted it at an earlier look: then the next is silent.
    pub fn is_initial_scan(&self) -> bool {
        self.baseline_at.is_none_or(|at| self.since().is_some_and(|since| at < since))
    }

    /// Whether a look may be made now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let is_anew = self.is_initial_scan() && self.failures == 0;
        self.wanted_since.is_some() && (is_anew || self.next_at.is_none_or(|at| at <= now))
    }

    /// What of `list` is news at the next look. It is judged as of the last one: what came out since
    /// then is no older for our not having looked.
    ///
    /// Of a long list in no order a look shows some pages, and never all of the back catalogue: what
    /// the artist appears on is news only if it came out since somebody wants to hear of it.
    pub fn news_window(&self, list: SecondaryList, now: Timestamp) -> NewsWindow {
        let since = day_of(self.since().unwrap_or(now));
        if self.is_initial_scan() {
            return NewsWindow::first(since);
        }
        let later = NewsWindow::later(self.looked_at.map(day_of), day_of(now));
        match list {
            SecondaryList::Compilations => later,
            SecondaryList::Appearances => NewsWindow { since: Some(since), ..later },
        }
    }
}

/// How long a list rests after a look, where there are so many in all and so many calls a day for
/// them: no list has its next look before the others had theirs.
pub fn rest(lists: u64, calls_a_day: u32) -> SignedDuration {
    let hours = lists.saturating_mul(24) / u64::from(calls_a_day.max(1));
    let hours = i64::try_from(hours).unwrap_or(i64::MAX).min(MAX_WAIT.as_hours());
    SignedDuration::from_hours(hours).max(CHECK_INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::release::ReleaseDate;
    use proptest::prelude::*;

    fn at(days: i64) -> Timestamp {
        "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * days)
    }

    fn dated(days: i64) -> ReleaseDate {
        ReleaseDate::Day(day_of(at(days)))
    }

    fn wanted(since: i64) -> Standing {
        Standing { wanted_since: Some(at(since)), ..Standing::default() }
    }

    fn looked(since: i64, first: i64, last: i64) -> Standing {
        let next_at = Some(at(last) + CHECK_INTERVAL);
        let (baseline_at, looked_at) = (Some(at(first)), Some(at(last)));
        Standing { baseline_at, looked_at, next_at, ..wanted(since) }
    }

    #[test]
    fn a_list_is_looked_at_when_somebody_wants_it_and_then_once_a_week() {
        assert!(!Standing::default().is_due(at(0)));
        assert!(wanted(0).is_due(at(0)));
        assert!(!looked(0, 1, 1).is_due(at(6)) && looked(0, 1, 1).is_due(at(7)));
        assert!(looked(3, 1, 1).is_due(at(3)), "for those who want it now, it is the first look");
        let failing = Standing { failures: 1, next_at: Some(at(5)), ..wanted(0) };
        assert!(!failing.is_due(at(4)) && failing.is_due(at(5)));
    }

    #[test]
    fn what_came_out_between_two_looks_is_news_however_far_apart_they_are() {
        for list in SecondaryList::ALL {
            let news_window = looked(0, 1, 1).news_window(list, at(200));
            assert!(news_window.is_news(dated(2), day_of(at(200))), "{list:?}");
            assert!(!news_window.is_news(dated(-61), day_of(at(200))), "{list:?}");
        }
    }

    #[test]
    fn a_compilation_dated_back_a_little_is_news_an_appearance_is_not() {
        let is_news =
            |list| looked(0, 1, 8).news_window(list, at(15)).is_news(dated(-20), day_of(at(15)));
        assert!(is_news(SecondaryList::Compilations) && !is_news(SecondaryList::Appearances));
    }

    #[test]
    fn lists_rest_until_all_others_had_their_look() {
        assert_eq!(rest(3, 40), CHECK_INTERVAL);
        assert_eq!(rest(80, 8), SignedDuration::from_hours(240));
        assert_eq!([rest(u64::MAX, 8), rest(5_000, 0)], [MAX_WAIT; 2]);
    }

    proptest! {
        #[test]
        fn nothing_is_told_of_the_time_before_somebody_wanted_it(
            since in 0i64..100, baseline in prop::option::of(0i64..100), last in 0i64..100,
            unwanted in prop::option::of(0i64..100), dated_at in -300i64..300, list in 0usize..2,
        ) {
            let now = at(100);
            let standing = Standing {
                baseline_at: baseline.map(at),
                looked_at: baseline.map(|first| at(first.max(last))),
                unwanted_at: unwanted.map(at),
                ..wanted(since)
            };
            let list = SecondaryList::ALL[list];
            let is_news = standing.news_window(list, now).is_news(dated(dated_at), day_of(now));
            let silent = standing.is_initial_scan() || list == SecondaryList::Appearances;
            if silent {
                prop_assert!(!is_news || dated_at >= since.max(unwanted.unwrap_or(0)));
            }
            if dated_at >= 100 {
                prop_assert!(is_news, "what comes out from now on is always told");
            }
        }

        #[test]
        fn the_calls_for_side_lists_are_never_more_than_there_are(
            lists in 0u64..700, calls in 8u32..80,
        ) {
            let days = rest(lists, calls).as_secs_f64() / 86_400.0;
            prop_assert!(lists as f64 / days <= f64::from(calls) + 1.0 || lists < 8);
        }
    }
}
