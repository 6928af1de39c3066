//! Fetches the pages of one query for an artist's releases, as far as they matter.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::context::Ctx;
use crate::domain::artist_list::{ArtistLists, ListKind};
use crate::domain::check_planner::PlannedCheck;
use crate::domain::day_of;
use crate::domain::detection::{self, NewsWindow, PageProgress};
use crate::domain::quota::Purpose;
use crate::domain::release::{Release, ReleaseId, ReleaseKind};
use crate::domain::release_query::ReleaseQuery;
use crate::domain::user::UserId;
use crate::gateway::{GatewayError, TokenOwner};
use crate::spotify::{AlbumsPage, PAGE};
use crate::store::{Tx, releases};

/// A query, and the state that its pages are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct FetchPlan {
    pub(super) query: ReleaseQuery,
    /// Which unseen releases are news.
    pub(super) window: NewsWindow,
    pub(super) is_initial_scan: bool,
    total_before: Option<u64>,
    /// The day of the last check.
    checked: Option<Date>,
}

impl FetchPlan {
    pub(super) fn new(query: ReleaseQuery, lists: &ArtistLists, now: Timestamp) -> Self {
        let known = || query.lists().iter().map(|kind| lists.get(*kind));
        // Lists that are fetched together all had an initial scan.
        let oldest = known().min_by_key(|list| list.checked_at);
        let oldest = oldest.unwrap_or(lists.get(ListKind::Albums));
        let is_initial_scan = oldest.is_initial_scan();
        Self {
            query,
            window: oldest.news_window(now),
            is_initial_scan,
            total_before: lists.total_before(query),
            checked: oldest.checked_at.filter(|_| !is_initial_scan).map(day_of),
        }
    }

    /// Releases that an initial scan misses would look new later. Of appearances only those from now on are
    /// news.
    fn must_be_complete(&self) -> bool {
        self.is_initial_scan && !self.query.is_appearances()
    }

    /// Secondary lists get no more pages than a search.
    fn max_pages(&self) -> u32 {
        match self.query.is_secondary() {
            true => detection::MAX_SEARCHED_PAGES,
            false => detection::MAX_PAGES,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub(super) releases: Vec<Release>,
    pub(super) total: Option<u64>,
    pub(super) incomplete: Option<GatewayError>,
}

pub(super) struct Fetcher<'a> {
    ctx: &'a Ctx,
    planned_check: PlannedCheck,
    tried: Vec<UserId>,
}

impl<'a> Fetcher<'a> {
    pub(super) fn new(ctx: &'a Ctx, planned_check: PlannedCheck) -> Self {
        Self { ctx, planned_check, tried: Vec::new() }
    }

    /// Fetches the pages with any user's token. Fails if not even the first page could be fetched, or not all
    /// of an initial scan.
    pub(super) async fn fetch(&mut self, plan: &FetchPlan) -> Result<Fetched, GatewayError> {
        let (artist, query) = (self.planned_check.artist.clone(), plan.query);
        let seen = move |tx: &Tx<'_>| releases::seen_of(tx, &artist, query);
        let seen = self.ctx.db.read("load known releases", seen).await?;
        let mut last_error = GatewayError::NobodyConnected;
        loop {
            let token_owner =
                match self.ctx.gateway.token_owner(&self.planned_check.artist, &self.tried).await {
                    Err(GatewayError::NobodyConnected) => return Err(last_error),
                    token_owner => token_owner?,
                };
            match self.fetch_pages(plan, &seen, token_owner).await {
                // One user's problem must not affect the others: try the next token.
                Err(GatewayError::User { user, why }) => {
                    tracing::debug!(user = user.0, error = %why, "cannot use this user's token");
                    self.tried.push(user);
                    if !why.is_about_the_user() {
                        last_error = why.into();
                    }
                }
                fetched => return fetched,
            }
        }
    }

    async fn fetch_pages(
        &mut self,
        plan: &FetchPlan,
        seen: &HashSet<ReleaseId>,
        token_owner: TokenOwner,
    ) -> Result<Fetched, GatewayError> {
        let mut reader = Reader::new(plan, seen);
        loop {
            let offset = u32::try_from(reader.progress.entries).unwrap_or(u32::MAX);
            match self
                .ctx
                .gateway
                .albums_page(token_owner, &self.planned_check, plan.query, offset)
                .await
            {
                Ok(page) => reader.take(page, day_of(self.ctx.clock.now())),
                // The first pages are valid anyway.
                Err(error) if reader.progress.pages > 0 && !plan.must_be_complete() => {
                    reader.fetched.incomplete = Some(error);
                    return Ok(reader.fetched);
                }
                Err(error) => return Err(error),
            }
            // A started check may use calls that are reserved for others.
            if self.planned_check.purpose != Purpose::Secondary {
                self.planned_check.reserved = 0;
            }
            if !reader.wants_next_page() {
                return Ok(reader.fetched);
            }
        }
    }
}

struct Reader<'a> {
    plan: &'a FetchPlan,
    seen: &'a HashSet<ReleaseId>,
    unseen: HashSet<ReleaseId>,
    progress: PageProgress,
    fetched: Fetched,
}

impl<'a> Reader<'a> {
    fn new(plan: &'a FetchPlan, seen: &'a HashSet<ReleaseId>) -> Self {
        let progress = PageProgress::default();
        Self { plan, seen, unseen: HashSet::new(), progress, fetched: Fetched::default() }
    }

    fn wants_next_page(&self) -> bool {
        self.progress.pages < self.plan.max_pages()
            && self.progress.wants_next_page(self.plan.must_be_complete())
    }

    fn take(&mut self, mut page: AlbumsPage, today: Date) {
        let query = self.plan.query;
        // Even if the response says otherwise: users who want no singles must not get any.
        if let Some(kind) = only_kind(query) {
            page.releases.iter_mut().for_each(|release| release.kind = kind);
        }
        // Appearances are unordered and never read completely, so only news counts.
        let is_in_order = !query.is_appearances();
        let window = match is_in_order {
            true => NewsWindow::later(self.plan.checked, today),
            false => self.plan.window,
        };
        let is_young = |release: &Release| window.contains(release.date, today);
        let is_new = |release: &Release| !self.seen.contains(&release.id);
        let counts = |release: &&Release| is_new(release) && (is_in_order || is_young(release));
        let new = page.releases.iter().filter(counts);
        self.unseen.extend(new.map(|release| release.id.clone()));
        let progress = &mut self.progress;
        progress.pages += 1;
        // A page longer than requested does not shift the next one.
        progress.entries += page.entries.min(PAGE as usize) as u64;
        progress.unseen = self.unseen.len() as u64;
        let is_full = page.entries >= PAGE as usize;
        progress.more_may_follow = page.entries > 0
            && (is_full || page.total.is_some_and(|total| total > progress.entries));
        let last = last_of(query, &page.releases);
        progress.last_page_unseen = !last.is_empty() && last.iter().all(|release| is_new(release));
        progress.last_page_young = last.iter().any(|release| is_young(release));
        progress.singles_hidden = query == ReleaseQuery::AlbumsAndSingles
            && is_full
            && last.iter().all(|release| release.kind != ReleaseKind::Single);
        if progress.pages == 1 {
            self.fetched.total = page.total;
            progress.growth = growth(self.plan.total_before, page.total);
        }
        self.fetched.releases.extend(page.releases);
    }
}

/// The kind of all releases of a query, if there is only one.
fn only_kind(query: ReleaseQuery) -> Option<ReleaseKind> {
    match query {
        ReleaseQuery::Only(ListKind::Singles) => Some(ReleaseKind::Single),
        ReleaseQuery::Only(ListKind::Compilations) => Some(ReleaseKind::Compilation),
        ReleaseQuery::Only(ListKind::Albums | ListKind::Appearances)
        | ReleaseQuery::AlbumsAndSingles => None,
    }
}

/// The releases that decide whether the next page matters. If albums and singles are fetched together, a page
/// with singles means that all albums were read.
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
