//! Invitations: created by the operator, each valid for one sign-up.

use jiff::SignedDuration;

use super::secret;
use crate::clock::Rng;
use crate::context::Ctx;
use crate::domain::signup_policy::InvitationStatus;
use crate::domain::text::one_line;
use crate::store::invitations::{self, Invitation};
use crate::store::{Db, StoreError, Tx};

/// A new invitation with its link, which is not stored.
pub struct NewInvitation {
    pub invitation: Invitation,
    /// `/invitation/…`
    pub path: String,
}

/// Creates an invitation; `note` says who it is for.
pub async fn make(
    db: &Db,
    rng: &dyn Rng,
    note: &str,
    good_for: SignedDuration,
) -> Result<NewInvitation, StoreError> {
    let (token, note) = (secret::new(rng), one_line(note));
    let hash = secret::hash(&token);
    let made = move |tx: &Tx<'_>| invitations::make(tx, hash, &note, good_for);
    let invitation = db.write("create invitation", made).await?;
    Ok(NewInvitation { invitation, path: format!("/invitation/{token}") })
}

/// Looks an invitation up by its token. `None` if it was withdrawn or never existed.
pub async fn look_up(ctx: &Ctx, token: &str) -> Result<Option<Invitation>, StoreError> {
    let hash = secret::hash(token);
    ctx.db.read("find invitation", move |tx| invitations::of_token(tx, hash)).await
}

/// The status of the invitation that a user came with, if any.
pub(super) fn held(tx: &Tx<'_>, number: Option<i64>) -> Result<InvitationStatus, StoreError> {
    let Some(number) = number else { return Ok(InvitationStatus::None) };
    let found = invitations::find(tx, number)?;
    let is_good = found.is_some_and(|invitation| invitation.is_good(tx.now()));
    Ok(if is_good { InvitationStatus::Valid } else { InvitationStatus::Invalid })
}
