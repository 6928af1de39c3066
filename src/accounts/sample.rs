//! An email that shows what emails look like, for somebody who asks for one.

use jiff::{SignedDuration, Timestamp};

use crate::context::Ctx;
use crate::domain::user::UserId;
use crate::store::outbox::{self, Kind};
use crate::store::{StoreError, Tx, users};

/// A user gets no more than one in this time.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// What becomes of the wish for a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is owed.
    Owed,
    /// One was asked for lately; the next can be from then on.
    TooOften(Timestamp),
    /// No address is confirmed, emails to it come back, or the user took their consent back.
    Nowhere,
}

/// Owes a user a sample, to their confirmed address, unless they had one within the hour.
///
/// # Errors
/// [`StoreError`]
pub async fn ask(ctx: &Ctx, user: UserId) -> Result<Asked, StoreError> {
    ctx.db.write("ask for a sample", move |tx| owe(tx, user)).await
}

fn owe(tx: &Tx<'_>, user: UserId) -> Result<Asked, StoreError> {
    let reachable = users::find(tx, user)?.filter(|user| {
        user.address.is_some() && user.bouncing_since.is_none() && user.deleted_at.is_none()
    });
    if reachable.is_none() {
        return Ok(Asked::Nowhere);
    }
    // One that was owed in the future was owed by a wrong clock, and must not forbid the next for years.
    let last = outbox::last_owed(tx, user, Kind::Sample)?.filter(|last| *last <= tx.now());
    if let Some(again) = last.map(|last| last + INTERVAL).filter(|again| *again > tx.now()) {
        return Ok(Asked::TooOften(again));
    }
    outbox::owe(tx, user, Kind::Sample, &tx.now().as_millisecond().to_string())?;
    Ok(Asked::Owed)
}
