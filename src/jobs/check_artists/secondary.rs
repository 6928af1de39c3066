//! Checks an artist's secondary lists, compilations and appearances, which share a part of the day's calls.

use super::record::{Step, fetch_and_record};
use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::artist_list::{ArtistLists, ListKind};
use crate::domain::backoff;
use crate::domain::check_planner::{self, PlannedCheck};
use crate::domain::quota::Purpose;
use crate::domain::release_query::ReleaseQuery;
use crate::gateway::GatewayError;
use crate::jobs::fetch_releases::{FetchPlan, Fetcher};
use crate::jobs::record_releases::RecordResult;
use crate::spotify;
use crate::store::{StoreError, Tx, api_calls, artist_lists, artists};

/// Checks the secondary lists that are due, as far as there are calls for them. Errors do not fail the check:
/// a later one makes up for it.
pub(super) async fn check_secondary(
    ctx: &Ctx,
    artist: &ArtistId,
    lists: &ArtistLists,
) -> Result<RecordResult, StoreError> {
    let mut all = RecordResult::default();
    let now = ctx.clock.now();
    for list in lists.due_secondary(now) {
        let settings = ctx.cadence.clone();
        let budget = move |tx: &Tx<'_>| SecondaryBudget::load(tx, &settings);
        let budget = ctx.db.read("load secondary budget", budget).await?;
        if budget.left == 0 {
            break;
        }
        let reserved = budget.reserved;
        let planned_check =
            PlannedCheck { artist: artist.clone(), purpose: Purpose::Secondary, reserved };
        let mut fetcher = Fetcher::new(ctx, planned_check);
        let plan = FetchPlan::new(ReleaseQuery::Only(list), lists, now);
        let step = Step::Secondary { calls_a_day: budget.calls_a_day };
        let (found, error) = fetch_and_record(ctx, &mut fetcher, artist, plan, step).await?;
        all.add(found.unwrap_or_default());
        let Some(error) = error else { continue };
        log_secondary_error(artist, list, &error);
        if !can_be_repeated(&error) {
            let wait = ctx.backoff(backoff::SECONDARY_LIST, lists.get(list).failures + 1);
            let id = artist.clone();
            let fail =
                move |tx: &Tx<'_>| artist_lists::record_failure(tx, &id, list, tx.now() + wait);
            ctx.db.write("record secondary failure", fail).await?;
        }
        if error.affects_all_requests() {
            break;
        }
    }
    Ok(all)
}

struct SecondaryBudget {
    calls_a_day: u32,
    /// How many of these are left in the rolling day.
    left: u32,
    /// Calls that are reserved for others.
    reserved: u32,
}

impl SecondaryBudget {
    fn load(tx: &Tx<'_>, settings: &check_planner::Settings) -> Result<Self, StoreError> {
        let budget = api_calls::budget(tx, settings.calls_per_day)?;
        let calls_a_day = budget.for_secondary_lists(artists::count_tracked(tx)?, settings);
        let reserved = budget.reserved_from(Purpose::Secondary, settings);
        Ok(Self { calls_a_day, left: calls_a_day.saturating_sub(budget.side), reserved })
    }
}

/// Whether a secondary list may be fetched again with the next check. Not if Spotify forbids the call, which
/// may concern only this list but pauses all others, nor if the calls ran out, since it would cost the same
/// again.
fn can_be_repeated(error: &GatewayError) -> bool {
    let costs_again = matches!(
        error,
        GatewayError::QuotaExhaustedMidCheck(_)
            | GatewayError::Spotify(spotify::Error::EndpointRemoved)
    );
    error.affects_all_requests() && !costs_again
}

fn log_secondary_error(artist: &ArtistId, list: ListKind, error: &GatewayError) {
    let list = list.as_str();
    match error {
        GatewayError::QuotaExhausted(_) | GatewayError::QuotaExhaustedMidCheck(_) => {
            tracing::debug!(%artist, list, %error, "deferred secondary list")
        }
        _ => tracing::warn!(%artist, list, %error, "failed to read secondary list"),
    }
}
