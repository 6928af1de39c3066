//! Sessions of signed-in browsers.

use subtle::ConstantTimeEq;

use super::secret;
use crate::context::Ctx;
use crate::domain::user::UserId;
use crate::store::sessions::{self, VisitRecord};
use crate::store::{StoreError, Tx};

/// Opens a session in the transaction of a sign-in.
pub(super) fn create(tx: &Tx<'_>, token: &str, user: UserId) -> Result<(), StoreError> {
    sessions::create(tx, secret::hash(token), user)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticatedUser {
    pub user: UserId,
    pub is_operator: bool,
}

/// The user whose session has this token.
pub async fn authenticate(ctx: &Ctx, token: &str) -> Result<Option<AuthenticatedUser>, StoreError> {
    let hash = secret::hash(token);
    let found = ctx.db.read("authenticate session", move |tx| sessions::find(tx, hash)).await?;
    let Some(session) = found else { return Ok(None) };
    if session.visit == VisitRecord::Due {
        ctx.db.write("record visit", move |tx| sessions::record_visit(tx, hash)).await?;
    }
    let is_operator = ctx.instance.is_operator(&session.spotify_id);
    Ok(Some(AuthenticatedUser { user: session.user, is_operator }))
}

/// The CSRF token of a session. It reveals neither the session token nor its stored hash.
pub fn form_token(session: &str) -> String {
    secret::derive("form", session)
}

pub fn is_form_token(session: &str, token: &str) -> bool {
    form_token(session).as_bytes().ct_eq(token.as_bytes()).into()
}

pub async fn sign_out(ctx: &Ctx, token: &str) -> Result<(), StoreError> {
    let hash = secret::hash(token);
    ctx.db.write("sign out", move |tx| sessions::close(tx, hash)).await
}

pub async fn sign_out_everywhere(ctx: &Ctx, user: UserId) -> Result<(), StoreError> {
    ctx.db.write("sign out everywhere", move |tx| sessions::close_all(tx, user)).await
}
