//! What a person wants to be told.

use crate::ctx::Ctx;
use crate::domain::user::UserId;
use crate::store::{StoreError, people};

/// Tells a person of later editions of an album as well, or no more.
///
/// # Errors
/// [`StoreError`]
pub async fn tell_of_editions(ctx: &Ctx, person: UserId, wants: bool) -> Result<(), StoreError> {
    ctx.db.write("preferences", move |tx| people::set_wants_editions(tx, person, wants)).await
}
