//! Leaving: everything about a person goes, at once, tokens first.

use crate::ctx::Ctx;
use crate::domain::user::UserId;
use crate::store::{StoreError, artists, people};

/// Deletes a person with all that is known of them, and the artists that nobody else follows.
///
/// # Errors
/// [`StoreError`]
pub async fn leave(ctx: &Ctx, person: UserId) -> Result<(), StoreError> {
    ctx.db
        .write("leave", move |tx| {
            people::delete(tx, person)?;
            artists::forget_unfollowed(tx)
        })
        .await?;
    // What was deleted still stands in the write-ahead log until that is emptied.
    ctx.db.checkpoint().await?;
    tracing::info!(person = person.0, "left; everything about them is deleted");
    Ok(())
}
