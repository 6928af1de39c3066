//! Leaving: everything about a person goes, at once, tokens first.

use crate::ctx::Ctx;
use crate::domain::user::UserId;
use crate::store::{StoreError, artists, people};

/// Deletes a person with all that is known of them, and the artists that nobody else follows. To
/// leave twice is to leave.
///
/// # Errors
/// [`StoreError`]
pub async fn leave(ctx: &Ctx, person: UserId) -> Result<(), StoreError> {
    ctx.db
        .write("leave", move |tx| {
            if people::find(tx, person)?.is_none() {
                return Ok(());
            }
            let traces = artists::only_of(tx, person)?;
            people::delete(tx, person)?;
            artists::forget(tx, &traces)
        })
        .await?;
    // What was deleted still stands in the write-ahead log until that is emptied. Where somebody
    // reads from the log just now, the next emptying does it.
    if let Err(error) = ctx.db.checkpoint().await {
        tracing::warn!(%error, "the write-ahead log could not be emptied after somebody left");
    }
    tracing::info!(person = person.0, "left; everything about them is deleted");
    Ok(())
}
