//! Syncs the artists that users follow from Spotify. A list that looks truncated is not applied.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::{RunControl, Scope, maintenance};
use crate::clock::fraction;
use crate::context::Ctx;
use crate::domain::backoff;
use crate::domain::follows::FollowList;
use crate::domain::quota::ENDPOINT_PAUSE;
use crate::domain::user::UserId;
use crate::gateway::GatewayError;
use crate::spotify;
use crate::store::follows::{self, Change};
use crate::store::{StoreError, Tx, clock_guard};

/// The interval between syncs.
pub const SYNC_INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// In pages of 50. A longer list means that the cursors loop.
const MAX_PAGES: usize = 400;

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Lists that were applied.
    pub applied: u64,
    /// Lists that look truncated.
    pub suspect_lists: u64,
    /// Lists that could not be fetched.
    pub failed: u64,
    /// Users who must sign in again or are rejected by Spotify.
    pub refused: u64,
    /// The result of applying a list.
    pub change: Change,
    /// Why the run ended early.
    pub held_up: Option<String>,
    /// Whether that is because Spotify rejects the app, which waiting does not fix.
    pub is_app_refused: bool,
}

impl SyncReport {
    pub fn has_failed(&self) -> bool {
        self.failed > 0 || self.held_up.is_some()
    }
}

impl fmt::Display for SyncReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { added, removed } = self.change;
        write!(
            f,
            "updated {} follow lists (added {added} artists, removed {removed})",
            self.applied
        )?;
        for (count, what) in [
            (self.suspect_lists, "suspect"),
            (self.failed, "failed"),
            (self.refused, "rejected by Spotify"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        self.held_up.as_ref().map_or(Ok(()), |why| write!(f, "; on hold: {why}"))
    }
}

/// Syncs the lists that are due.
pub async fn run(
    ctx: &Ctx,
    scope: Scope,
    watch: &RunControl<'_>,
) -> Result<SyncReport, StoreError> {
    let mut outcome = SyncReport::default();
    ctx.db.write("check clock", clock_guard::check_clock).await?;
    maintenance::delete_expired(ctx, watch.stop).await?;
    let due = move |tx: &Tx<'_>| follows::due(tx, scope == Scope::All);
    let users = ctx.db.write("list due syncs", due).await?;
    for (done, user) in users.iter().enumerate() {
        if watch.stop.is_cancelled() {
            break;
        }
        match read_list(ctx, *user).await {
            Ok(list) => settle(ctx, *user, list, &mut outcome).await?,
            Err(GatewayError::Store(error)) => return Err(error),
            Err(error) => {
                // In case only this user is affected, the others come first next time.
                if matches!(error, GatewayError::Spotify(spotify::Error::EndpointRemoved)) {
                    record_failure(ctx, *user, &error, &mut outcome).await?;
                }
                if error.affects_all_requests() {
                    outcome.is_app_refused = error.is_app_fault();
                    outcome.held_up = Some(error.to_string());
                    break;
                }
                record_failure(ctx, *user, &error, &mut outcome).await?;
            }
        }
        (watch.progress)(done as u64 + 1, users.len() as u64);
    }
    Ok(outcome)
}

async fn read_list(ctx: &Ctx, user: UserId) -> Result<FollowList, GatewayError> {
    let mut list = FollowList::default();
    let (mut seen, mut cursors) = (HashSet::new(), HashSet::new());
    let mut after: Option<String> = None;
    loop {
        let page = ctx.gateway.following_page(user, after.as_deref()).await?;
        list.entries += page.entries as u64;
        list.total = page.total.or(list.total);
        list.artists
            .extend(page.artists.into_iter().filter(|artist| seen.insert(artist.id.clone())));
        let Some(cursor) = page.after else { return Ok(list) };
        if cursors.len() >= MAX_PAGES || !cursors.insert(cursor.clone()) {
            list.astray = true;
            return Ok(list);
        }
        after = Some(cursor);
    }
}

async fn settle(
    ctx: &Ctx,
    user: UserId,
    list: FollowList,
    outcome: &mut SyncReport,
) -> Result<(), StoreError> {
    let rng = fraction(&*ctx.rng);
    let settled = ctx
        .db
        .write("record follows", move |tx| {
            let Some(standing) = follows::list_status(tx, user)? else { return Ok(None) };
            let since = standing.suspect.as_ref().map(|(_, since)| *since);
            let suspect = list.suspect_reason(standing.count, since, tx.now());
            let change = follows::apply(tx, user, &list.artists, suspect.is_none())?;
            match suspect {
                None => follows::record_sync(tx, user, tx.now() + SYNC_INTERVAL)?,
                Some(suspect) => {
                    let wait = backoff::FOLLOWS.wait(standing.failures + 1, rng);
                    follows::record_suspect_list(tx, user, &suspect.to_string(), tx.now() + wait)?;
                }
            }
            Ok(Some((change, suspect)))
        })
        .await?;
    // The account was deleted while its list was being fetched.
    let Some((change, suspect)) = settled else { return Ok(()) };
    outcome.change.added += change.added;
    outcome.change.removed += change.removed;
    match suspect {
        None => outcome.applied += 1,
        Some(suspect) => {
            tracing::warn!(
                user = user.0,
                %suspect,
                "follow list looks truncated; ignoring removals until the next sync"
            );
            outcome.suspect_lists += 1;
        }
    }
    Ok(())
}

async fn record_failure(
    ctx: &Ctx,
    user: UserId,
    error: &GatewayError,
    outcome: &mut SyncReport,
) -> Result<(), StoreError> {
    let mut wait = None;
    match error {
        // The gateway has recorded when to try this user again.
        GatewayError::User { why, .. } if why.is_about_the_user() => {
            outcome.refused += 1;
            if !matches!(why, spotify::Error::InvalidGrant(_)) {
                tracing::warn!(user = user.0, error = %why, "Spotify rejects user");
            }
            return Ok(());
        }
        GatewayError::Spotify(spotify::Error::EndpointRemoved) => wait = Some(ENDPOINT_PAUSE),
        error => {
            tracing::warn!(user = user.0, %error, "failed to fetch follow list");
            outcome.failed += 1;
        }
    }
    let rng = fraction(&*ctx.rng);
    ctx.db
        .write("record sync failure", move |tx| {
            let failures =
                follows::list_status(tx, user)?.map_or(1, |standing| standing.failures + 1);
            let wait = wait.unwrap_or_else(|| backoff::FOLLOWS.wait(failures, rng));
            let next_at: Timestamp = tx.now() + wait;
            follows::failed(tx, user, next_at)
        })
        .await
}
