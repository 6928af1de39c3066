//! An artist → the looks to make → the pages of each, as far as they matter. What lies beside albums
//! and singles is read for itself (`side_lists.rs`).

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::context::Ctx;
use crate::domain::check_planner::PlannedCheck;
use crate::domain::day_of;
use crate::domain::detection::{self, NewsWindow, PageProgress};
use crate::domain::release::{Release, ReleaseId, ReleaseKind};
use crate::domain::release_query::{Known, ReleaseQuery};
use crate::domain::secondary_list::{self, SecondaryList};
use crate::domain::user::UserId;
use crate::gateway::{GatewayError, TokenOwner};
use crate::spotify::{AlbumsPage, PAGE};
use crate::store::artists::Claimed;
use crate::store::releases;
use crate::store::singles::{self, Standing};

/// What the looks at one artist brought.
pub(super) struct Read {
    /// One or two, in turn; never none.
    pub(super) queries: Vec<Pages>,
    /// Why a later page, or a later look, could not be read.
    pub(super) incomplete: Option<GatewayError>,
    /// Whether the albums were read, and that is of the singles.
    pub(super) leaves_singles: bool,
}

impl Read {
    /// Spotify's `total` at each look, where it was told.
    pub(super) fn totals(&self) -> Vec<(ReleaseQuery, Option<u64>)> {
        self.queries.iter().map(|pages| (pages.query, pages.total)).collect()
    }
}

/// The pages of one look.
pub(super) struct Pages {
    pub(super) query: ReleaseQuery,
    pub(super) releases: Vec<Release>,
    pub(super) total: Option<u64>,
    /// What of it is news, if it was not seen before.
    pub(super) news_window: NewsWindow,
}

/// Looks at an artist: at the albums, and at the singles if somebody wants them.
///
/// # Errors
/// [`GatewayError`] where not even one page could be read that counts.
pub(super) async fn read(
    ctx: &Ctx,
    artist: &Claimed,
    planned_check: &PlannedCheck,
) -> Result<Read, GatewayError> {
    let id = artist.id.clone();
    let (seen, standing) = ctx
        .db
        .read("what was seen", move |tx| {
            Ok((releases::seen_of(tx, &id, ReleaseQuery::Albums)?, singles::standing(tx, &id)?))
        })
        .await?;
    let mut read = Read { queries: Vec::new(), incomplete: None, leaves_singles: false };
    let mut tried = Vec::new();
    for (place, query) in looks(artist, &standing).iter().enumerate() {
        let plan = FetchPlan::new(*query, artist, &standing, day_of(ctx.clock.now()));
        let planned_check =
            if place == 0 { planned_check.clone() } else { planned_check.continued() };
        match ask(ctx, &planned_check, &plan, &seen, &mut tried).await {
            Ok((pages, incomplete)) => {
                read.queries.push(pages);
                read.incomplete = incomplete;
            }
            // What the albums told is true all the same.
            Err(error) if !read.queries.is_empty() => read.incomplete = Some(error),
            Err(error) => return Err(error),
        }
        if read.incomplete.is_some() {
            read.leaves_singles = place > 0;
            break;
        }
    }
    Ok(read)
}

/// Looks at a list beside the albums and singles of the errand's artist; and why not all of it could
/// be read that matters, where that is so.
///
/// # Errors
/// [`GatewayError`] where not even one page could be read that counts.
pub(super) async fn fetch_secondary(
    ctx: &Ctx,
    planned_check: &PlannedCheck,
    list: SecondaryList,
    standing: &secondary_list::Standing,
) -> Result<(Pages, Option<GatewayError>), GatewayError> {
    let (id, query) = (planned_check.artist.clone(), ReleaseQuery::Secondary(list));
    let seen =
        ctx.db.read("what was seen aside", move |tx| releases::seen_of(tx, &id, query)).await?;
    let plan = FetchPlan::aside(list, standing, ctx.clock.now());
    ask(ctx, planned_check, &plan, &seen, &mut Vec::new()).await
}

fn looks(artist: &Claimed, standing: &Standing) -> &'static [ReleaseQuery] {
    let known = Known {
        albums: standing.known_albums,
        wants_singles: standing.wanted_since.is_some(),
        had_initial_scans: artist.baseline_at.is_some() && standing.baseline_at.is_some(),
        only_singles_are_left: standing.are_left,
    };
    known.looks(u64::from(PAGE))
}

/// A look to make, and what it is compared with.
struct FetchPlan {
    query: ReleaseQuery,
    news_window: NewsWindow,
    /// Whether it is the first look at a list, and what it leaves out would seem new later.
    must_be_whole: bool,
    /// Spotify's `total` when the same was asked last.
    total: Option<u64>,
    /// The day of the last check.
    checked: Option<Date>,
}

impl FetchPlan {
    fn new(query: ReleaseQuery, artist: &Claimed, standing: &Standing, today: Date) -> Self {
        let (first_since, total) = match query {
            ReleaseQuery::Singles => {
                (standing.wanted_since.filter(|_| standing.baseline_at.is_none()), standing.total)
            }
            ReleaseQuery::Albums | ReleaseQuery::AlbumsAndSingles | ReleaseQuery::Secondary(_) => (
                Some(artist.watched_since).filter(|_| artist.baseline_at.is_none()),
                // A total with the singles in it and one without say nothing of each other.
                artist.total.filter(|_| standing.is_total_of_both == query.has_singles()),
            ),
        };
        let checked = artist.checked_at.map(day_of);
        let news_window = match first_since {
            Some(since) => NewsWindow::first(day_of(since)),
            None => NewsWindow::later(checked, today),
        };
        Self { query, news_window, must_be_whole: first_since.is_some(), total, checked }
    }

    fn aside(list: SecondaryList, standing: &secondary_list::Standing, now: Timestamp) -> Self {
        let (query, news_window) = (ReleaseQuery::Secondary(list), standing.news_window(list, now));
        let is_first = standing.is_initial_scan();
        Self {
            query,
            news_window,
            must_be_whole: is_first && !query.is_of_others(),
            total: standing.total.filter(|_| !is_first),
            checked: standing.looked_at.map(day_of),
        }
    }

    /// No list beside albums and singles is worth more pages than a search is.
    fn most_pages(&self) -> u32 {
        match self.query {
            ReleaseQuery::Secondary(_) => detection::MAX_SEARCHED_PAGES,
            _ => detection::MAX_PAGES,
        }
    }
}

/// The pages of a look, read with the token of whoever can lend one; and why the last of them could
/// not be read, where that is so.
async fn ask(
    ctx: &Ctx,
    planned_check: &PlannedCheck,
    plan: &FetchPlan,
    seen: &HashSet<ReleaseId>,
    tried: &mut Vec<UserId>,
) -> Result<(Pages, Option<GatewayError>), GatewayError> {
    let mut last_error = GatewayError::NobodyConnected;
    loop {
        let token_owner = match ctx.gateway.token_owner(&planned_check.artist, tried).await {
            Err(GatewayError::NobodyConnected) => return Err(last_error),
            token_owner => token_owner?,
        };
        match fetch_pages(ctx, planned_check, plan, seen, token_owner).await {
            // One user's trouble must not cost the others their news: the next one is asked for.
            Err(GatewayError::User { user, why }) => {
                tracing::debug!(user = user.0, error = %why, "cannot ask with this person's token");
                tried.push(user);
                if !why.is_about_the_user() {
                    last_error = why.into();
                }
            }
            answer => return answer,
        }
    }
}

async fn fetch_pages(
    ctx: &Ctx,
    planned_check: &PlannedCheck,
    plan: &FetchPlan,
    seen: &HashSet<ReleaseId>,
    token_owner: TokenOwner,
) -> Result<(Pages, Option<GatewayError>), GatewayError> {
    let mut reader = Reader::new(plan, seen);
    loop {
        let offset = u32::try_from(reader.reading.entries).unwrap_or(u32::MAX);
        match ctx.gateway.albums_page(token_owner, planned_check, plan.query, offset).await {
            Ok(page) => reader.take(page, day_of(ctx.clock.now())),
            // What the first pages told is true all the same, but a first look must be whole:
            // what it leaves out would look new the next time.
            Err(error) if reader.reading.pages > 0 && !plan.must_be_whole => {
                return Ok((reader.pages, Some(error)));
            }
            Err(error) => return Err(error),
        }
        if !reader.wants_next_page() {
            return Ok((reader.pages, None));
        }
    }
}

/// Reads page after page of one look.
struct Reader<'a> {
    plan: &'a FetchPlan,
    seen: &'a HashSet<ReleaseId>,
    unseen: HashSet<ReleaseId>,
    reading: PageProgress,
    pages: Pages,
}

impl<'a> Reader<'a> {
    fn new(plan: &'a FetchPlan, seen: &'a HashSet<ReleaseId>) -> Self {
        let FetchPlan { query, news_window, .. } = *plan;
        let pages = Pages { query, releases: Vec::new(), total: None, news_window };
        Self { plan, seen, unseen: HashSet::new(), reading: PageProgress::default(), pages }
    }

    fn wants_next_page(&self) -> bool {
        self.reading.pages < self.plan.most_pages()
            && self.reading.wants_next_page(self.plan.must_be_whole)
    }

    fn take(&mut self, mut page: AlbumsPage, today: Date) {
        // Whatever else can be read of it: nobody shall hear of it who wants no singles.
        if let Some(kind) = kind_of_all(self.plan.query) {
            page.releases.iter_mut().for_each(|release| release.kind = kind);
        }
        // Of a list in no order, which was never read to its end, nothing counts but news.
        let is_in_order = !self.plan.query.is_of_others();
        let news_window = match is_in_order {
            true => NewsWindow::later(self.plan.checked, today),
            false => self.plan.news_window,
        };
        let is_young = |release: &Release| news_window.is_news(release.date, today);
        let is_new = |release: &Release| !self.seen.contains(&release.id);
        let counts = |release: &&Release| is_new(release) && (is_in_order || is_young(release));
        let new = page.releases.iter().filter(counts);
        self.unseen.extend(new.map(|release| release.id.clone()));
        let reading = &mut self.reading;
        reading.pages += 1;
        // A page that is longer than was asked for does not move the next one.
        reading.entries += page.entries.min(PAGE as usize) as u64;
        reading.unseen = self.unseen.len() as u64;
        let is_full = page.entries >= PAGE as usize;
        reading.more_may_follow = page.entries > 0
            && (is_full || page.total.is_some_and(|total| total > reading.entries));
        let last = last_of(self.plan.query, &page.releases);
        reading.last_page_unseen = !last.is_empty() && last.iter().all(|release| is_new(release));
        reading.last_page_young = last.iter().any(|release| is_young(release));
        reading.singles_hidden = self.plan.query == ReleaseQuery::AlbumsAndSingles
            && is_full
            && last.iter().all(|release| release.kind != ReleaseKind::Single);
        if reading.pages == 1 {
            self.pages.total = page.total;
            reading.growth = growth(self.plan.total, page.total);
        }
        self.pages.releases.extend(page.releases);
    }
}

/// What everything is that a look shows, where it shows one kind alone.
fn kind_of_all(query: ReleaseQuery) -> Option<ReleaseKind> {
    match query {
        ReleaseQuery::Singles => Some(ReleaseKind::Single),
        ReleaseQuery::Secondary(SecondaryList::Compilations) => Some(ReleaseKind::Compilation),
        ReleaseQuery::Albums
        | ReleaseQuery::AlbumsAndSingles
        | ReleaseQuery::Secondary(SecondaryList::Appearances) => None,
    }
}

/// What says of a page whether the next one matters: of albums with singles behind them, the
/// singles. Where one of them is there, all albums were.
fn last_of(query: ReleaseQuery, releases: &[Release]) -> Vec<&Release> {
    let is_single = |release: &&Release| release.kind == ReleaseKind::Single;
    let singles: Vec<&Release> = releases.iter().filter(is_single).collect();
    if query == ReleaseQuery::AlbumsAndSingles && !singles.is_empty() {
        singles
    } else {
        releases.iter().collect()
    }
}

fn growth(before: Option<u64>, now: Option<u64>) -> i64 {
    let signed = |total: u64| i64::try_from(total).unwrap_or(i64::MAX);
    before.zip(now).map_or(0, |(before, now)| signed(now).saturating_sub(signed(before)))
}

#[cfg(test)]
mod tests;
