//! Leaving: everything about a user goes, at once, tokens first.

use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::user::UserId;
use crate::store::farewells::{self, Farewell};
use crate::store::{StoreError, Tx, artists, consents, follows, users};

/// So many artists go in one transaction, each with what was seen of it.
const ARTISTS: usize = 100;

/// Deletes a user with all that is known of them, and the artists that nobody else follows. Their
/// address stays until the email that says so has left, some days at most. To leave twice is to leave.
///
/// # Errors
/// [`StoreError`]
pub async fn leave(ctx: &Ctx, user: UserId) -> Result<(), StoreError> {
    let leave = move |tx: &Tx<'_>| {
        say_good_bye(tx, user)?;
        delete(tx, user)
    };
    let traces = ctx.db.write("leave", leave).await?;
    clean_up_after(ctx, traces).await;
    tracing::info!(user = user.0, "left; everything about them is deleted");
    Ok(())
}

/// Deletes everybody who took their consent back four days ago and did not sign in again, as if
/// they had left. Returns how many.
///
/// # Errors
/// [`StoreError`]
pub async fn see_off(ctx: &Ctx) -> Result<u64, StoreError> {
    let (gone, traces) = ctx
        .db
        .write("see off", |tx| {
            let gone = consents::to_be_deleted(tx)?;
            let traces =
                gone.iter().map(|user| delete(tx, *user)).collect::<Result<Vec<_>, _>>()?;
            Ok((gone, traces.concat()))
        })
        .await?;
    for user in &gone {
        tracing::info!(
            user = user.0,
            "took their consent back some days ago; everything about them is deleted"
        );
    }
    if !gone.is_empty() {
        clean_up_after(ctx, traces).await;
    }
    Ok(gone.len() as u64)
}

/// Deletes artists whom nobody follows, some in one transaction, so that nobody waits for it.
///
/// # Errors
/// [`StoreError`]; the next pass over the follows finds those that are left.
pub async fn forget_artists(ctx: &Ctx, artists: Vec<ArtistId>) -> Result<(), StoreError> {
    for some in artists.chunks(ARTISTS) {
        let some = some.to_vec();
        let forget = move |tx: &Tx<'_>| artists::forget_of_nobody(tx, &some);
        ctx.db.write("forget artists", forget).await?;
    }
    Ok(())
}

/// Who took their consent back and is seen off was told when that would be.
fn say_good_bye(tx: &Tx<'_>, user: UserId) -> Result<(), StoreError> {
    let Some(found) = users::find(tx, user)? else { return Ok(()) };
    let has_withdrawn = found.deleted_at.is_some();
    match found.address {
        Some(address) if !users::is_bouncing(tx, user)? => {
            let artists = follows::count(tx, user)?;
            farewells::owe(tx, &Farewell { address, artists, has_withdrawn })
        }
        _ => Ok(()),
    }
}

/// Deletes a user; what is left are the artists that nobody else follows, or followed lately.
fn delete(tx: &Tx<'_>, user: UserId) -> Result<Vec<ArtistId>, StoreError> {
    if users::find(tx, user)?.is_none() {
        return Ok(Vec::new());
    }
    let traces = artists::only_of(tx, user)?;
    users::delete(tx, user)?;
    Ok(traces)
}

async fn clean_up_after(ctx: &Ctx, traces: Vec<ArtistId>) {
    if let Err(error) = forget_artists(ctx, traces).await {
        tracing::warn!(%error, "the artists of somebody who left go with the next pass");
    }
    empty_the_log(ctx).await;
}

/// What was deleted still stands in the write-ahead log until that is emptied. Where somebody reads
/// from the log just now, the next emptying does it.
async fn empty_the_log(ctx: &Ctx) {
    if let Err(error) = ctx.db.checkpoint().await {
        tracing::warn!(%error, "the write-ahead log could not be emptied after somebody left");
    }
}
