//! Deletes expired data in small batches: short-lived data with every follow sync, the rest once a day.

use std::fmt;

use tokio_util::sync::CancellationToken;

use crate::accounts::delete_account;
use crate::context::Ctx;
use crate::store::{StoreError, Tx, artists, backup, retention};

/// Pages that one transaction frees: 2 MB.
const PAGES: u32 = 512;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MaintenanceReport {
    /// Notifications older than a year.
    pub emails: u64,
    /// Releases on no list any more.
    pub releases: u64,
    /// Freed pages of the database file.
    pub pages: u64,
    /// Old copies of the database.
    pub copies: u64,
}

impl fmt::Display for MaintenanceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { emails, releases, pages, copies } = self;
        write!(
            f,
            "deleted {emails} old notifications, {releases} unlisted releases and {copies} old \
             database copies, and freed {pages} pages"
        )
    }
}

/// Runs the daily maintenance if a day has passed. A stopped run starts over.
pub async fn run(
    ctx: &Ctx,
    stop: &CancellationToken,
) -> Result<Option<MaintenanceReport>, StoreError> {
    if !ctx.db.read("check maintenance", retention::is_daily_due).await? {
        return Ok(None);
    }
    let mut outcome =
        MaintenanceReport { copies: delete_copies(ctx).await?, ..MaintenanceReport::default() };
    delete_notifications(ctx, stop, &mut outcome).await?;
    delete_releases(ctx, stop, &mut outcome).await?;
    return_free_pages(ctx, stop, &mut outcome).await?;
    if !stop.is_cancelled() {
        ctx.db.write("record maintenance", retention::record_daily).await?;
    }
    if outcome != MaintenanceReport::default() {
        // Deleted data stays in the write-ahead log until it is truncated.
        ctx.db.checkpoint().await.ok();
    }
    Ok(Some(outcome))
}

/// Deletes short-lived data, and artists that nobody follows any more.
pub async fn delete_expired(ctx: &Ctx, stop: &CancellationToken) -> Result<(), StoreError> {
    let mut next = Some(0);
    while let Some(from) = next.filter(|_| !stop.is_cancelled()) {
        let delete = move |tx: &Tx<'_>| retention::delete_expired(tx, from);
        next = ctx.db.write("delete expired", delete).await?;
    }
    let mut after = Some(String::new());
    while let Some(from) = after.filter(|_| !stop.is_cancelled()) {
        let find = move |tx: &Tx<'_>| retention::unfollowed_artists(tx, &from);
        let (unfollowed, last) = ctx.db.read("find unfollowed artists", find).await?;
        delete_account::forget_artists(ctx, unfollowed).await?;
        after = last;
    }
    Ok(())
}

/// The number of deleted copies. A failure does not stop the maintenance.
async fn delete_copies(ctx: &Ctx) -> Result<u64, StoreError> {
    let deleted =
        ctx.db.read("delete old copies", |tx| Ok(backup::expiry::delete_expired(tx))).await?;
    match deleted {
        Ok(names) => {
            for file in &names {
                tracing::info!(file, "deleted an old copy of the database, or a draft of one");
            }
            Ok(names.len() as u64)
        }
        Err(error) => {
            tracing::warn!(%error, "failed to delete old copies of the database");
            Ok(0)
        }
    }
}

async fn delete_notifications(
    ctx: &Ctx,
    stop: &CancellationToken,
    outcome: &mut MaintenanceReport,
) -> Result<(), StoreError> {
    let horizon = ctx.db.read("find notification horizon", retention::notification_horizon).await?;
    while !stop.is_cancelled() {
        let delete = move |tx: &Tx<'_>| retention::delete_notifications(tx, horizon);
        let deleted = ctx.db.write("delete notifications", delete).await?;
        outcome.emails += deleted as u64;
        if deleted < retention::BATCH {
            break;
        }
    }
    Ok(())
}

async fn delete_releases(
    ctx: &Ctx,
    stop: &CancellationToken,
    outcome: &mut MaintenanceReport,
) -> Result<(), StoreError> {
    let orphans = ctx.db.read("find orphaned releases", retention::orphaned_releases).await?;
    for some in orphans.chunks(retention::BATCH).take_while(|_| !stop.is_cancelled()) {
        let some = some.to_vec();
        let delete = move |tx: &Tx<'_>| artists::forget_releases(tx, &some);
        outcome.releases += ctx.db.write("delete releases", delete).await?;
    }
    Ok(())
}

async fn return_free_pages(
    ctx: &Ctx,
    stop: &CancellationToken,
    outcome: &mut MaintenanceReport,
) -> Result<(), StoreError> {
    while !stop.is_cancelled() {
        let give = |tx: &Tx<'_>| retention::return_free_pages(tx, PAGES);
        let returned = ctx.db.write("return free pages", give).await?;
        outcome.pages += returned;
        if returned == 0 {
            break;
        }
    }
    Ok(())
}
