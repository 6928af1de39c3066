//! Deletes an account with everything stored about it.

use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::user::UserId;
use crate::store::goodbye_emails::{self, PendingGoodbye};
use crate::store::{StoreError, Tx, artists, consents, follows, users};

/// Artists per transaction, each deleted with its releases.
const ARTISTS: usize = 100;

/// Deletes a user, and the artists that nobody else follows. The address is kept until the goodbye email is
/// sent, for a few days at most. Idempotent.
pub async fn delete_account(ctx: &Ctx, user: UserId) -> Result<(), StoreError> {
    let leave = move |tx: &Tx<'_>| {
        enqueue_goodbye_email(tx, user)?;
        delete(tx, user)
    };
    let traces = ctx.db.write("delete account", leave).await?;
    clean_up_after(ctx, traces).await;
    tracing::info!(user = user.0, "deleted account");
    Ok(())
}

/// Deletes the users who revoked access four days ago and did not sign in again. Returns how many.
pub async fn delete_revoked_accounts(ctx: &Ctx) -> Result<u64, StoreError> {
    let (gone, traces) = ctx
        .db
        .write("delete revoked accounts", |tx| {
            let gone = consents::to_be_deleted(tx)?;
            let traces =
                gone.iter().map(|user| delete(tx, *user)).collect::<Result<Vec<_>, _>>()?;
            Ok((gone, traces.concat()))
        })
        .await?;
    for user in &gone {
        tracing::info!(user = user.0, "deleted account: access was revoked days ago");
    }
    if !gone.is_empty() {
        clean_up_after(ctx, traces).await;
    }
    Ok(gone.len() as u64)
}

/// Deletes artists that nobody follows, in small transactions so that no other writer waits long.
pub async fn forget_artists(ctx: &Ctx, artists: Vec<ArtistId>) -> Result<(), StoreError> {
    for some in artists.chunks(ARTISTS) {
        let some = some.to_vec();
        let forget = move |tx: &Tx<'_>| artists::forget_unfollowed(tx, &some);
        ctx.db.write("delete unfollowed artists", forget).await?;
    }
    Ok(())
}

fn enqueue_goodbye_email(tx: &Tx<'_>, user: UserId) -> Result<(), StoreError> {
    let Some(found) = users::find(tx, user)? else { return Ok(()) };
    let has_withdrawn = found.deleted_at.is_some();
    match found.address {
        Some(address) if !users::is_bouncing(tx, user)? => {
            let artists = follows::count(tx, user)?;
            goodbye_emails::enqueue(tx, &PendingGoodbye { address, artists, has_withdrawn })
        }
        _ => Ok(()),
    }
}

/// Deletes a user. Returns the artists that nobody else follows or followed recently.
fn delete(tx: &Tx<'_>, user: UserId) -> Result<Vec<ArtistId>, StoreError> {
    if users::find(tx, user)?.is_none() {
        return Ok(Vec::new());
    }
    let traces = artists::followed_only_by(tx, user)?;
    users::delete(tx, user)?;
    Ok(traces)
}

async fn clean_up_after(ctx: &Ctx, traces: Vec<ArtistId>) {
    if let Err(error) = forget_artists(ctx, traces).await {
        tracing::warn!(%error, "failed to delete artists without followers; the next run tries again");
    }
    empty_the_log(ctx).await;
}

/// Deleted data remains in the write-ahead log until a checkpoint. If there is a reader now, the next
/// checkpoint removes it.
async fn empty_the_log(ctx: &Ctx) {
    if let Err(error) = ctx.db.checkpoint().await {
        tracing::warn!(%error, "failed to checkpoint the write-ahead log after deleting an account");
    }
}
