//! The export of everything stored about a user.

use crate::context::Ctx;
use crate::domain::user::UserId;
use crate::store::{StoreError, export};

/// Indented JSON; `None` if the user is gone.
pub async fn everything(ctx: &Ctx, user: UserId) -> Result<Option<String>, StoreError> {
    let all = ctx.db.read("export account", move |tx| export::of(tx, user)).await?;
    Ok(all.map(|all| format!("{all:#}\n")))
}
