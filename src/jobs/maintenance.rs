//! With each pass over the follows what is over goes; once a day what was kept long enough as well, and room that
//! became free goes back to the disk. All of it some rows at a time, so that nobody waits for it.

use std::fmt;

use tokio_util::sync::CancellationToken;

use crate::accounts::leave;
use crate::context::Ctx;
use crate::store::{StoreError, Tx, artists, leftovers, sessions, tidy, upkeep};

/// Rows that are looked at in one transaction: a few milliseconds.
const BATCH: u32 = 500;

/// Pages that are given back in one transaction: 2 MB.
const PAGES: u32 = 512;

/// What a pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Sessions that had ended.
    pub sessions: u64,
    /// Rows about emails of more than a year ago.
    pub emails: u64,
    /// Releases that nobody reads of any more.
    pub releases: u64,
    /// Pages of the file that were given back.
    pub pages: u64,
    /// Copies of the database that lay beside it.
    pub copies: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sessions, emails, releases, pages, copies } = self;
        write!(
            f,
            "tidied up: {sessions} sessions, {emails} things that were told long ago, {releases} \
             releases that nobody reads of, {pages} pages of the file, {copies} old copies"
        )
    }
}

/// Tidies up, if a day has gone by since the last time. One that was stopped begins anew.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub async fn pass(ctx: &Ctx, stop: &CancellationToken) -> Result<Option<Outcome>, StoreError> {
    if !ctx.db.read("is upkeep due", upkeep::is_due).await? {
        return Ok(None);
    }
    let mut outcome = Outcome { copies: forget_copies(ctx).await?, ..Outcome::default() };
    let is_whole = forget_sessions(ctx, stop, &mut outcome).await?
        && forget_emails(ctx, stop, &mut outcome).await?
        && forget_releases(ctx, stop, &mut outcome).await?
        && give_room_back(ctx, stop, &mut outcome).await?;
    if is_whole {
        ctx.db.write("upkeep done", upkeep::done).await?;
    }
    if outcome != Outcome::default() {
        // What was deleted still stands in the log until that is emptied.
        ctx.db.checkpoint().await.ok();
    }
    Ok(Some(outcome))
}

/// Forgets what is over: trips, links, hints, calls that no longer count, and artists whom nobody follows.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub async fn forget_what_is_over(ctx: &Ctx, stop: &CancellationToken) -> Result<(), StoreError> {
    let mut table = Some(0);
    while let Some(from) = table.filter(|_| !stop.is_cancelled()) {
        let forget = move |tx: &Tx<'_>| tidy::forget_some(tx, from);
        table = ctx.db.write("forget what is over", forget).await?;
    }
    let mut after = Some(String::new());
    while let Some(from) = after.filter(|_| !stop.is_cancelled()) {
        let look = move |tx: &Tx<'_>| tidy::artists_of_nobody(tx, &from);
        let (traces, last) = ctx.db.read("artists of nobody", look).await?;
        leave::forget_artists(ctx, traces).await?;
        after = last;
    }
    Ok(())
}

/// How many copies of the database went. Where they cannot be removed everything else goes on.
async fn forget_copies(ctx: &Ctx) -> Result<u64, StoreError> {
    match ctx.db.read("forget copies", |tx| Ok(leftovers::forget(tx))).await? {
        Ok(leftovers::Forgotten { gone, kept }) => {
            if let Err(error) = kept {
                tracing::warn!(%error, "an old copy of the database cannot be removed");
            }
            for file in &gone {
                tracing::info!(file, "removed an old copy of the database, or a draft of one");
            }
            Ok(gone.len() as u64)
        }
        Err(error) => {
            tracing::warn!(%error, "old copies of the database cannot be removed");
            Ok(0)
        }
    }
}

async fn forget_sessions(
    ctx: &Ctx,
    stop: &CancellationToken,
    outcome: &mut Outcome,
) -> Result<bool, StoreError> {
    while !stop.is_cancelled() {
        let forget = |tx: &Tx<'_>| sessions::forget_ended(tx, BATCH);
        let gone = ctx.db.write("forget sessions", forget).await?;
        outcome.sessions += gone;
        if gone < u64::from(BATCH) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn forget_emails(
    ctx: &Ctx,
    stop: &CancellationToken,
    outcome: &mut Outcome,
) -> Result<bool, StoreError> {
    let horizon = ctx.db.read("horizon of upkeep", upkeep::horizon).await?;
    let mut after = 0;
    while !stop.is_cancelled() {
        let forget = move |tx: &Tx<'_>| upkeep::forget_emails(tx, horizon, after, BATCH);
        let removed = ctx.db.write("forget letters", forget).await?;
        outcome.emails += removed.emails;
        match removed.next {
            Some(next) => after = next,
            None => return Ok(true),
        }
    }
    Ok(false)
}

async fn forget_releases(
    ctx: &Ctx,
    stop: &CancellationToken,
    outcome: &mut Outcome,
) -> Result<bool, StoreError> {
    let mut after = String::new();
    while !stop.is_cancelled() {
        let looked =
            ctx.db.read("releases of nobody", move |tx| upkeep::orphans(tx, &after, BATCH));
        let (orphans, last) = looked.await?;
        if !orphans.is_empty() {
            let forget = move |tx: &Tx<'_>| artists::forget_releases(tx, &orphans);
            outcome.releases += ctx.db.write("forget releases", forget).await?;
        }
        match last {
            Some(last) => after = last,
            None => return Ok(true),
        }
    }
    Ok(false)
}

async fn give_room_back(
    ctx: &Ctx,
    stop: &CancellationToken,
    outcome: &mut Outcome,
) -> Result<bool, StoreError> {
    while !stop.is_cancelled() {
        let given = ctx.db.write("give room back", |tx| upkeep::give_room_back(tx, PAGES)).await?;
        outcome.pages += given;
        if given == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
