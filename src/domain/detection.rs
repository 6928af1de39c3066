//! Which releases are new. Identity decides what is new; dates decide only whether it is announced.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::release::ReleaseDate;

/// A release that is dated longer ago than this was added late: it is recorded without an email.
pub const NEWS_DAYS: i64 = 60;

/// Dates further ahead than this are mistakes.
const MAX_FUTURE_DAYS: i64 = 366;

/// No artist releases more than this many pages in two months; only a server that never ends its list
/// has more.
pub const MAX_PAGES: u32 = 20;

/// The most pages to read in search of what a grown `total` promises: more would cost the other
/// artists more than it can bring.
pub const MAX_SEARCHED_PAGES: u32 = 4;

/// Whether a date lies so far ahead that it must be a mistake.
pub fn is_too_far_ahead(date: ReleaseDate, today: Date) -> bool {
    let latest = today.saturating_add(MAX_FUTURE_DAYS.days());
    date.first_day().is_some_and(|first| first > latest)
}

/// How long a release had been out when it was `noticed`: since midnight of its day in `zone`, zero if it
/// was noticed before, `None` if its date is not a day.
pub fn delay(date: ReleaseDate, zone: &TimeZone, noticed: Timestamp) -> Option<SignedDuration> {
    let ReleaseDate::Day(day) = date else { return None };
    let began = zone.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    Some(noticed.duration_since(began).max(SignedDuration::ZERO))
}

/// The dates with which a release that was not seen before is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewsWindow {
    /// Only releases whose every possible day is this one or later.
    pub since: Option<Date>,
    /// No releases whose every possible day is before this one.
    pub oldest: Option<Date>,
}

impl NewsWindow {
    /// The window of an initial scan: only what comes out from `since` on, as the back catalogue is silent.
    pub fn initial(since: Date) -> Self {
        Self { since: Some(since), oldest: None }
    }

    /// The window of a later check: [`NEWS_DAYS`], or longer if the last check was longer ago. What came
    /// out since cannot have been seen. A date that cannot be read is inside, as nobody knows it to be old.
    pub fn later(checked: Option<Date>, today: Date) -> Self {
        let usual = today.saturating_sub(NEWS_DAYS.days());
        // Days end later elsewhere than they do in UTC.
        let oldest = checked.map_or(usual, |checked| usual.min(checked.saturating_sub(1.day())));
        Self { since: None, oldest: Some(oldest) }
    }

    /// Whether a release with this date is news.
    pub fn contains(self, date: ReleaseDate, today: Date) -> bool {
        let date = if is_too_far_ahead(date, today) { ReleaseDate::Unknown } else { date };
        let is_since = |since| date.first_day().is_some_and(|first| first >= since);
        let is_young = |oldest| date.last_day().is_none_or(|last| last >= oldest);
        self.since.is_none_or(is_since) && self.oldest.is_none_or(is_young)
    }
}

/// What the pages of one query have brought so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageProgress {
    /// Pages read.
    pub pages: u32,
    /// Entries on all pages, those that could not be read included: the offset of the next page.
    pub entries: u64,
    /// Releases on all pages that were not seen before.
    pub unseen: u64,
    /// Whether the last page was full, or `total` says that more follows.
    pub more_may_follow: bool,
    /// Whether everything that counts on the last page was unseen. Behind albums, only singles count.
    pub last_page_unseen: bool,
    /// Whether some of that was young enough to be news.
    pub last_page_young: bool,
    /// Whether the albums left no room for the singles behind them.
    pub singles_hidden: bool,
    /// By how much Spotify's `total` exceeds the one of the last check.
    pub growth: i64,
}

impl PageProgress {
    /// Whether the next page may hold something that matters.
    ///
    /// The order of albums is undocumented and `total` is sometimes wrong, so neither ends the reading:
    /// an empty page does. An initial scan continues while the pages are young. A later check continues
    /// while a page is young and entirely new, or, for some pages, while the catalogue grew by more than
    /// was found or the albums hide the singles.
    pub fn wants_next_page(&self, is_initial: bool) -> bool {
        if !self.more_may_follow || self.pages >= MAX_PAGES {
            return false;
        }
        let grew_by_more = self.growth > i64::try_from(self.unseen).unwrap_or(i64::MAX);
        let may_search = !is_initial && self.pages < MAX_SEARCHED_PAGES;
        let continues = self.last_page_young && (is_initial || self.last_page_unseen);
        continues || (may_search && (grew_by_more || self.singles_hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 23);

    fn news(raw: &str, baseline: Option<Date>) -> bool {
        let window = baseline.map_or(NewsWindow::later(None, TODAY), NewsWindow::initial);
        window.contains(ReleaseDate::parse(raw, None), TODAY)
    }

    #[test]
    fn delay_starts_at_local_midnight() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let noticed: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let hours = |raw, zone: &TimeZone| {
            let delay = delay(ReleaseDate::parse(raw, None), zone, noticed);
            delay.map(|delay| delay.as_hours())
        };
        assert_eq!(hours("2026-11-23", &berlin), Some(13));
        assert_eq!(hours("2026-11-23", &TimeZone::UTC), Some(12));
        assert_eq!(hours("2026-11-21", &TimeZone::UTC), Some(60));
        assert_eq!(hours("2026-11-24", &berlin), Some(0), "listed ahead of its day");
        assert_eq!(
            [hours("2026-11", &berlin), hours("2026", &berlin), hours("", &berlin)],
            [None; 3]
        );
    }

    #[test]
    fn release_since_the_last_check_is_always_news() {
        let news = |raw, checked| {
            NewsWindow::later(Some(checked), TODAY).contains(ReleaseDate::parse(raw, None), TODAY)
        };
        let (long_ago, lately) = (date(2026, 5, 10), date(2026, 11, 20));
        assert!(news("2026-07-01", long_ago) && news("2026-05-09", long_ago));
        assert!(!news("2026-05-08", long_ago), "seen, or added late");
        assert!(news("2026-09-24", lately) && !news("2026-09-23", lately));
    }

    #[test]
    fn initial_scan_is_silent_about_the_back_catalogue() {
        let since = Some(date(2026, 11, 20));
        assert!(!news("2026-11-19", since));
        assert!(news("2026-11-20", since));
        assert!(news("2026-11-24", since), "released first where the day begins first");
        assert!(!news("2026-11", since), "a month that began before");
        assert!(!news("2026", since) && !news("banana", since) && !news("9999-01-01", since));
    }

    #[test]
    fn unseen_album_is_news_unless_known_to_be_old() {
        assert!(news("2026-11-23", None) && news("2026-09-24", None));
        assert!(!news("2026-09-23", None));
        assert!(news("2026-09", None) && !news("2026-08", None));
        assert!(news("2026", None) && !news("2025", None));
        assert!(!news("0000", None) && !news("1994-05-01", None));
        assert!(news("banana", None) && news("9999-12-31", None));
    }

    #[test]
    fn grown_catalogue_is_read_until_growth_is_found() {
        let page_one = PageProgress {
            pages: 1,
            entries: 10,
            more_may_follow: true,
            ..PageProgress::default()
        };
        assert!(!page_one.wants_next_page(false));
        assert!(PageProgress { growth: 1, ..page_one }.wants_next_page(false));
        assert!(!PageProgress { growth: 1, unseen: 1, ..page_one }.wants_next_page(false));
        let new = PageProgress { last_page_unseen: true, unseen: 10, ..page_one };
        assert!(PageProgress { last_page_young: true, ..new }.wants_next_page(false));
        assert!(!new.wants_next_page(false), "old albums that a first check left out");
    }

    #[test]
    fn singles_hidden_by_albums_are_searched_on_few_pages() {
        let hidden = PageProgress {
            pages: 1,
            more_may_follow: true,
            singles_hidden: true,
            ..PageProgress::default()
        };
        assert!(hidden.wants_next_page(false));
        assert!(!PageProgress { more_may_follow: false, ..hidden }.wants_next_page(false));
        assert!(!PageProgress { pages: MAX_SEARCHED_PAGES, ..hidden }.wants_next_page(false));
    }

    #[test]
    fn wrong_total_never_causes_endless_reading() {
        let lying = PageProgress {
            growth: 682,
            last_page_unseen: true,
            last_page_young: true,
            more_may_follow: true,
            ..PageProgress::default()
        };
        assert!(!PageProgress { pages: MAX_PAGES, ..lying }.wants_next_page(false));
        assert!(!PageProgress { pages: MAX_PAGES, ..lying }.wants_next_page(true));
    }
}
