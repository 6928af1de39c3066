//! An artist who was just checked → the lists beside albums and singles that somebody wants and that
//! are due → one transaction each. Nothing of it is a reason for the check to fail: it is made up for
//! at a later one.

use super::fetch_releases::{self, Pages};
use super::record_releases::{RecordResult, record_releases};
use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::backoff;
use crate::domain::check_planner::{self, PlannedCheck};
use crate::domain::quota::Purpose;
use crate::domain::release_query::ReleaseQuery;
use crate::domain::secondary_list::{self, SecondaryList, Standing};
use crate::gateway::GatewayError;
use crate::spotify;
use crate::store::{StoreError, Tx, allowance, artist_lists, artists, editions};

/// Looks at what is due, as far as the day's calls go.
///
/// # Errors
/// [`StoreError`] where the database fails; anything else is logged, and left for later.
pub(super) async fn look(ctx: &Ctx, artist: &ArtistId) -> Result<RecordResult, StoreError> {
    let (id, mut found) = (artist.clone(), RecordResult::default());
    let due = ctx.db.read("side lists due", move |tx| artist_lists::due(tx, &id)).await?;
    for (list, standing) in due {
        let settings = ctx.cadence.clone();
        let calls = ctx.db.read("calls for side lists", move |tx| calls(tx, &settings)).await?;
        if calls.left == 0 {
            break;
        }
        let planned_check = PlannedCheck {
            artist: artist.clone(),
            purpose: Purpose::Secondary,
            reserved: calls.reserved,
        };
        let incomplete =
            match fetch_releases::fetch_secondary(ctx, &planned_check, list, &standing).await {
                Ok((pages, incomplete)) => {
                    let is_whole = incomplete.is_none();
                    let new = record(ctx, artist, list, pages, is_whole, calls.a_day).await?;
                    found.news += new.news;
                    found.pending += new.pending;
                    incomplete
                }
                Err(GatewayError::Store(error)) => return Err(error),
                Err(error) => {
                    if !is_for_later(&error) {
                        deferred(ctx, artist, list, &standing).await?;
                    }
                    Some(error)
                }
            };
        if let Some(error) = incomplete {
            tell(artist, list, &error);
            if error.affects_all_requests() {
                break;
            }
        }
    }
    Ok(found)
}

/// The calls for side lists.
struct Calls {
    a_day: u32,
    /// Those of them that the last rolling day left.
    left: u32,
    /// Calls that are not for them.
    reserved: u32,
}

fn calls(tx: &Tx<'_>, settings: &check_planner::Settings) -> Result<Calls, StoreError> {
    let budget = allowance::budget(tx, settings.calls_per_day)?;
    let a_day = budget.for_side_lists(artists::count_watched(tx)?, settings);
    let reserved = budget.reserved_from(Purpose::Secondary, settings);
    Ok(Calls { a_day, left: a_day.saturating_sub(budget.side), reserved })
}

async fn record(
    ctx: &Ctx,
    artist: &ArtistId,
    list: SecondaryList,
    pages: Pages,
    is_whole: bool,
    calls_a_day: u32,
) -> Result<RecordResult, StoreError> {
    let artist = artist.clone();
    ctx.db
        .write("record side list", move |tx| {
            // Its last follower may have left while Spotify was asked.
            if !artists::is_known(tx, &artist)? {
                return Ok(RecordResult::default());
            }
            let total = pages.total.filter(|_| is_whole);
            let mut known = editions::known_of(tx, &artist, ReleaseQuery::Secondary(list))?;
            let found = record_releases(tx, &artist, pages, &mut known)?;
            let rest = secondary_list::rest(artist_lists::count_wanted(tx)?, calls_a_day);
            artist_lists::looked(tx, &artist, list, total, rest)?;
            Ok(found)
        })
        .await
}

async fn deferred(
    ctx: &Ctx,
    artist: &ArtistId,
    list: SecondaryList,
    standing: &Standing,
) -> Result<(), StoreError> {
    let wait = ctx.wait(backoff::SECONDARY_LIST, standing.failures + 1);
    let artist = artist.clone();
    let deferred = move |tx: &Tx<'_>| artist_lists::failed(tx, &artist, list, tx.now() + wait);
    ctx.db.write("side list failed", deferred).await
}

/// Whether the list is none the worse for it: it is looked at with the next check. A call that Spotify
/// forbids may be forbidden for this list alone, and holds all others up; and a look that ran out of
/// calls would cost the same again.
fn is_for_later(error: &GatewayError) -> bool {
    let costs_again = matches!(
        error,
        GatewayError::QuotaExhaustedMidCheck(_)
            | GatewayError::Spotify(spotify::Error::EndpointRemoved)
    );
    error.affects_all_requests() && !costs_again
}

fn tell(artist: &ArtistId, list: SecondaryList, error: &GatewayError) {
    let list = list.as_str();
    match error {
        GatewayError::QuotaExhausted(_) | GatewayError::QuotaExhaustedMidCheck(_) => {
            tracing::debug!(%artist, list, %error, "a list is left for later")
        }
        _ => tracing::warn!(%artist, list, %error, "a list beside the albums was not read"),
    }
}
