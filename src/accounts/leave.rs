//! Leaving: everything about a person goes, at once, tokens first.

use crate::ctx::Ctx;
use crate::domain::user::UserId;
use crate::store::farewells::{self, Farewell};
use crate::store::{StoreError, Tx, artists, consents, follows, people};

/// Deletes a person with all that is known of them, and the artists that nobody else follows. Their
/// address stays until the letter that says so has left, some days at most. To leave twice is to leave.
///
/// # Errors
/// [`StoreError`]
pub async fn leave(ctx: &Ctx, person: UserId) -> Result<(), StoreError> {
    let leave = move |tx: &Tx<'_>| {
        say_good_bye(tx, person)?;
        delete(tx, person)
    };
    ctx.db.write("leave", leave).await?;
    empty_the_log(ctx).await;
    tracing::info!(person = person.0, "left; everything about them is deleted");
    Ok(())
}

/// Deletes everybody who took their consent back four days ago and did not sign in again, as if
/// they had left. Returns how many.
///
/// # Errors
/// [`StoreError`]
pub async fn see_off(ctx: &Ctx) -> Result<u64, StoreError> {
    let gone = ctx
        .db
        .write("see off", |tx| {
            let gone = consents::to_be_deleted(tx)?;
            gone.iter().try_for_each(|person| delete(tx, *person))?;
            Ok(gone)
        })
        .await?;
    for person in &gone {
        tracing::info!(
            person = person.0,
            "took their consent back some days ago; everything about them is deleted"
        );
    }
    if !gone.is_empty() {
        empty_the_log(ctx).await;
    }
    Ok(gone.len() as u64)
}

/// Who took their consent back and is seen off was told when that would be.
fn say_good_bye(tx: &Tx<'_>, person: UserId) -> Result<(), StoreError> {
    let Some(found) = people::find(tx, person)? else { return Ok(()) };
    let has_withdrawn = found.deleted_at.is_some();
    match found.address {
        Some(address) if !people::is_bouncing(tx, person)? => {
            let artists = follows::count(tx, person)?;
            farewells::owe(tx, &Farewell { address, artists, has_withdrawn })
        }
        _ => Ok(()),
    }
}

fn delete(tx: &Tx<'_>, person: UserId) -> Result<(), StoreError> {
    if people::find(tx, person)?.is_none() {
        return Ok(());
    }
    let traces = artists::only_of(tx, person)?;
    people::delete(tx, person)?;
    artists::forget(tx, &traces)
}

/// What was deleted still stands in the write-ahead log until that is emptied. Where somebody reads
/// from the log just now, the next emptying does it.
async fn empty_the_log(ctx: &Ctx) {
    if let Err(error) = ctx.db.checkpoint().await {
        tracing::warn!(%error, "the write-ahead log could not be emptied after somebody left");
    }
}
