//! Which albums are new. Identity decides what is new; dates decide only whether to speak of it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::release::ReleaseDate;

/// An album dated longer ago than this is remembered without a word: it was added late.
pub const NEWS_DAYS: i64 = 60;

/// Dates further ahead than this are taken for the mistakes that they are.
const FUTURE_DAYS: i64 = 366;

/// No artist puts out more than this many pages in two months; what says so is a server that never
/// ends.
pub const MAX_PAGES: u32 = 20;

/// The most pages in search of what a grown `total` announces: beyond, it costs the other artists
/// more than it can bring.
pub const MAX_SEARCHED_PAGES: u32 = 4;

/// Whether an album that was not seen before is worth an email.
///
/// `baseline` is the day from which the artist is watched, where this is the first check of the
/// artist: the back catalogue is silent, except for what is dated on that day or after. Later an
/// unseen album is news unless every day that its date can mean is before [`oldest_news`]; one whose
/// date cannot be read is news too, since nobody knows it to be old.
pub fn is_news(date: ReleaseDate, baseline: Option<Date>, oldest: Date, today: Date) -> bool {
    let date = if is_too_far_ahead(date, today) { ReleaseDate::Unknown } else { date };
    match (baseline, date.first_day(), date.last_day()) {
        (Some(since), first, _) => first.is_some_and(|first| first >= since),
        (None, _, last) => last.is_none_or(|last| last >= oldest),
    }
}

/// The oldest day of news: [`NEWS_DAYS`] ago, or before the last check, if that was `checked` longer ago. What
/// came out since cannot have been seen, however long the artist had to wait.
pub fn oldest_news(checked: Option<Date>, today: Date) -> Date {
    let usual = today.saturating_sub(NEWS_DAYS.days());
    // Days end later elsewhere than they do in UTC.
    checked.map_or(usual, |checked| usual.min(checked.saturating_sub(1.day())))
}

/// Whether a date lies so far ahead that it must be a mistake.
pub fn is_too_far_ahead(date: ReleaseDate, today: Date) -> bool {
    let latest = today.saturating_add(FUTURE_DAYS.days());
    date.first_day().is_some_and(|first| first > latest)
}

/// How long something that came out on this day was out when it was noticed: since midnight in `zone`, and none
/// at all if it was noticed before. `None` of a date that is no day.
pub fn delay(date: ReleaseDate, zone: &TimeZone, noticed: Timestamp) -> Option<SignedDuration> {
    let ReleaseDate::Day(day) = date else { return None };
    let began = zone.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    Some(noticed.duration_since(began).max(SignedDuration::ZERO))
}

/// What of a list is news, if it was not seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewsWindow {
    /// Nothing but what is dated on this day or after.
    pub since: Option<Date>,
    /// Nothing that is older.
    pub oldest: Option<Date>,
}

impl NewsWindow {
    /// Of a first look: the back catalogue is silent.
    pub fn first(since: Date) -> Self {
        Self { since: Some(since), oldest: None }
    }

    /// Of any other look, where the last one was `checked` on that day.
    pub fn later(checked: Option<Date>, today: Date) -> Self {
        Self { since: None, oldest: Some(oldest_news(checked, today)) }
    }

    /// Whether something of this date is news.
    pub fn is_news(self, date: ReleaseDate, today: Date) -> bool {
        let oldest = self.oldest.unwrap_or(Date::MIN);
        self.since.is_none_or(|since| is_news(date, Some(since), oldest, today))
            && self.oldest.is_none_or(|oldest| is_news(date, None, oldest, today))
    }
}

/// What the pages of one check have brought so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageProgress {
    /// Pages read.
    pub pages: u32,
    /// Entries on all of them, those that could not be read included: the next page's offset.
    pub entries: u64,
    /// Albums on all of them that were not seen before.
    pub unseen: u64,
    /// Whether the last page was full, or `total` says that more follows.
    pub more_may_follow: bool,
    /// Whether all that matters on the last page was unseen: where singles follow the albums on one
    /// list, the albums before them are known, and the singles alone say whether more follow.
    pub last_page_unseen: bool,
    /// Whether that was young enough to be news, or some of it.
    pub last_page_young: bool,
    /// Whether singles were asked for behind the albums, and these left no room for any.
    pub singles_hidden: bool,
    /// By how much Spotify's `total` exceeds the one of the last check.
    pub growth: i64,
}

impl PageProgress {
    /// Whether the next page may hold something that matters.
    ///
    /// The order of albums is undocumented and `total` has been seen to lie, so neither ends a
    /// reading: an empty page does. A first check reads on while the pages are young; a later one
    /// while a page is young and new from top to bottom, or, for some pages, while the catalogue
    /// grew by more than was found or the albums hide the singles.
    pub fn wants_next_page(&self, baseline: bool) -> bool {
        if !self.more_may_follow || self.pages >= MAX_PAGES {
            return false;
        }
        let grew_by_more = self.growth > i64::try_from(self.unseen).unwrap_or(i64::MAX);
        let may_search = !baseline && self.pages < MAX_SEARCHED_PAGES;
        let goes_on = self.last_page_young && (baseline || self.last_page_unseen);
        goes_on || (may_search && (grew_by_more || self.singles_hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 23);

    fn news(raw: &str, baseline: Option<Date>) -> bool {
        is_news(ReleaseDate::parse(raw, None), baseline, oldest_news(None, TODAY), TODAY)
    }

    #[test]
    fn a_delay_begins_at_midnight_where_users_are_and_is_told_of_days_alone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let noticed: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let hours = |raw, zone: &TimeZone| {
            let delay = delay(ReleaseDate::parse(raw, None), zone, noticed);
            delay.map(|delay| delay.as_hours())
        };
        assert_eq!(hours("2026-11-23", &berlin), Some(13));
        assert_eq!(hours("2026-11-23", &TimeZone::UTC), Some(12));
        assert_eq!(hours("2026-11-21", &TimeZone::UTC), Some(60));
        assert_eq!(hours("2026-11-24", &berlin), Some(0), "shown ahead of its day");
        assert_eq!(
            [hours("2026-11", &berlin), hours("2026", &berlin), hours("", &berlin)],
            [None; 3]
        );
    }

    #[test]
    fn what_came_out_since_the_last_check_is_news_however_long_ago_that_was() {
        let news = |raw, checked| {
            is_news(ReleaseDate::parse(raw, None), None, oldest_news(Some(checked), TODAY), TODAY)
        };
        let (long_ago, lately) = (date(2026, 5, 10), date(2026, 11, 20));
        assert!(news("2026-07-01", long_ago) && news("2026-05-09", long_ago));
        assert!(!news("2026-05-08", long_ago), "seen, or added late");
        assert!(news("2026-09-24", lately) && !news("2026-09-23", lately));
    }

    #[test]
    fn the_first_check_is_silent_except_for_what_comes_out_from_that_day_on() {
        let since = Some(date(2026, 11, 20));
        assert!(!news("2026-11-19", since));
        assert!(news("2026-11-20", since));
        assert!(news("2026-11-24", since), "released first where the day begins first");
        assert!(!news("2026-11", since), "a month that began before");
        assert!(!news("2026", since) && !news("banana", since) && !news("9999-01-01", since));
    }

    #[test]
    fn later_an_unseen_album_is_news_unless_it_is_known_to_be_old() {
        assert!(news("2026-11-23", None) && news("2026-09-24", None));
        assert!(!news("2026-09-23", None));
        assert!(news("2026-09", None) && !news("2026-08", None));
        assert!(news("2026", None) && !news("2025", None));
        assert!(!news("0000", None) && !news("1994-05-01", None));
        assert!(news("banana", None) && news("9999-12-31", None));
    }

    #[test]
    fn a_grown_catalogue_is_read_until_the_growth_is_found() {
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
    fn a_page_full_of_albums_hides_the_singles_behind_it_for_some_pages_at_most() {
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
    fn a_total_that_lies_cannot_keep_a_reading_going_for_ever() {
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
