//! Signed-in browsers.

use super::secret;
use crate::ctx::Ctx;
use crate::domain::user::UserId;
use crate::store::sessions::{self, Visit};
use crate::store::{StoreError, Tx};

/// Opens a session in the transaction of a sign-in. `token` came from [`super::sign_in`].
pub(super) fn open(tx: &Tx<'_>, token: &str, person: UserId) -> Result<(), StoreError> {
    sessions::open(tx, secret::hash(token), person)
}

/// Whose browser holds this token.
///
/// # Errors
/// [`StoreError`]
pub async fn whose(ctx: &Ctx, token: &str) -> Result<Option<UserId>, StoreError> {
    let hash = secret::hash(token);
    let found = ctx.db.read("whose session", move |tx| sessions::whose(tx, hash)).await?;
    let Some((person, visit)) = found else { return Ok(None) };
    if visit == Visit::WorthNoting {
        ctx.db.write("note visit", move |tx| sessions::note_visit(tx, hash)).await?;
    }
    Ok(Some(person))
}

/// Signs this browser out.
///
/// # Errors
/// [`StoreError`]
pub async fn sign_out(ctx: &Ctx, token: &str) -> Result<(), StoreError> {
    let hash = secret::hash(token);
    ctx.db.write("sign out", move |tx| sessions::close(tx, hash)).await
}
