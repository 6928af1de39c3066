//! What is stored about a person, for them to take along.

use crate::context::Ctx;
use crate::domain::user::UserId;
use crate::store::{StoreError, export};

/// Everything about a person as JSON, in readable lines; `None` if they have left.
///
/// # Errors
/// [`StoreError`]
pub async fn everything(ctx: &Ctx, person: UserId) -> Result<Option<String>, StoreError> {
    let all = ctx.db.read("export", move |tx| export::of(tx, person)).await?;
    Ok(all.map(|all| format!("{all:#}\n")))
}
