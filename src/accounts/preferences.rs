//! What a person wants to be told.

use crate::ctx::Ctx;
use crate::domain::user::UserId;
use crate::store::{StoreError, people};

/// What a person is told of besides new albums, which are always on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// Later editions of an album.
    pub editions: bool,
    /// Singles and EPs.
    pub singles: bool,
}

/// Tells a person of just that from now on.
///
/// # Errors
/// [`StoreError`]
pub async fn choose(ctx: &Ctx, person: UserId, wishes: Wishes) -> Result<(), StoreError> {
    ctx.db
        .write("preferences", move |tx| {
            people::set_wants_editions(tx, person, wishes.editions)?;
            people::set_wants_singles(tx, person, wishes.singles)
        })
        .await
}
