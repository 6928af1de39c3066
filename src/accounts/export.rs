//! What is stored about a user, for them to take along.

use crate::context::Ctx;
use crate::domain::user::UserId;
use crate::store::{StoreError, export};

/// Everything about a user as JSON, in readable lines; `None` if they have left.
///
/// # Errors
/// [`StoreError`]
pub async fn everything(ctx: &Ctx, user: UserId) -> Result<Option<String>, StoreError> {
    let all = ctx.db.read("export", move |tx| export::of(tx, user)).await?;
    Ok(all.map(|all| format!("{all:#}\n")))
}
