//! Fetches one query of a check and records the result in the transaction that makes releases news.

use jiff::SignedDuration;
use jiff::civil::Date;

use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::artist_list::{ListKind, secondary_interval};
use crate::domain::release::{Release, ReleaseKind};
use crate::domain::{check_planner, day_of};
use crate::gateway::GatewayError;
use crate::jobs::fetch_releases::{FetchPlan, Fetched, Fetcher};
use crate::jobs::record_releases::{RecordResult, record_releases};
use crate::store::artist_lists::{self, ListCheck};
use crate::store::{StoreError, Tx, api_calls, artists, editions, hints};

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Main {
        is_last: bool,
        /// Whether any query of the check reads albums.
        has_albums: bool,
        /// Whether an earlier query of the check found news.
        had_news: bool,
    },
    Secondary {
        calls_a_day: u32,
    },
}

/// Fetches one query and records the result; `None` if nothing usable was returned. The error says why the
/// result is missing or incomplete.
pub(super) async fn fetch_and_record(
    ctx: &Ctx,
    fetcher: &mut Fetcher<'_>,
    artist: &ArtistId,
    plan: FetchPlan,
    step: Step,
) -> Result<(Option<RecordResult>, Option<GatewayError>), StoreError> {
    let mut fetched = match fetcher.fetch(&plan).await {
        Ok(fetched) => fetched,
        Err(GatewayError::Store(error)) => return Err(error),
        Err(error) => return Ok((None, Some(error))),
    };
    let error = fetched.incomplete.take();
    let (artist, is_complete) = (artist.clone(), error.is_none());
    let record = move |tx: &Tx<'_>| record(tx, &artist, plan, fetched, is_complete, step);
    let found = ctx.db.write("record releases", record).await?;
    Ok((Some(found), error))
}

/// The transaction in which a release becomes news.
fn record(
    tx: &Tx<'_>,
    artist: &ArtistId,
    plan: FetchPlan,
    fetched: Fetched,
    is_complete: bool,
    step: Step,
) -> Result<RecordResult, StoreError> {
    // The last follower may have left in the meantime.
    if !artists::is_known(tx, artist)? {
        return Ok(RecordResult::default());
    }
    let mut known = editions::known_of(tx, artist, plan.query)?;
    let found = record_releases(tx, artist, &plan, fetched.releases, &mut known)?;
    artists::update_last_album(tx, artist)?;
    api_calls::resume_checks(tx)?;
    if is_complete {
        let FetchPlan { query, is_initial_scan, .. } = plan;
        let interval = match step {
            Step::Main { .. } => SignedDuration::ZERO,
            Step::Secondary { calls_a_day } => {
                secondary_interval(artist_lists::count_wanted_secondary(tx)?, calls_a_day)
            }
        };
        let check = ListCheck { query, is_initial_scan, total: fetched.total };
        artist_lists::record_check(tx, artist, check, interval)?;
    }
    if let Step::Main { is_last, has_albums, had_news } = step {
        let has_news = had_news || !found.news.is_empty();
        // An incomplete check does not refute a hint, nor do singles refute an album.
        if has_albums && (has_news || (is_last && is_complete)) {
            hints::after_check(tx, artist, has_news)?;
        }
        match (is_complete, is_last) {
            (true, true) => {
                let rate = rate(&known, day_of(tx.now()));
                artists::record_check(tx, artist, rate, tx.now() + check_planner::MIN_INTERVAL)?;
                artist_lists::record_unwanted(tx, artist)?;
            }
            (true, false) => artist_lists::defer(tx, artist, ListKind::Singles)?,
            (false, _) => {}
        }
    }
    Ok(found)
}

/// Expected releases per week, without compilations.
fn rate(known: &[Release], today: Date) -> f64 {
    let counted = known.iter().filter(|release| release.kind != ReleaseKind::Compilation);
    let dates: Vec<Date> = counted.filter_map(|release| release.date.first_day()).collect();
    check_planner::rate::a_week(&dates, today)
}
