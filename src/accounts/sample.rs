//! A letter that shows what letters look like, for somebody who asks for one.

use jiff::{SignedDuration, Timestamp};

use crate::context::Ctx;
use crate::domain::user::UserId;
use crate::store::outbox::{self, Kind};
use crate::store::{StoreError, Tx, people};

/// A person gets no more than one in this time.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What becomes of the wish for a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is owed.
    Owed,
    /// One was asked for lately; the next can be from then on.
    TooOften(Timestamp),
    /// No address is confirmed, letters to it come back, or the person took their consent back.
    Nowhere,
}

/// Owes a person a sample, to their confirmed address, unless they had one within the hour.
///
/// # Errors
/// [`StoreError`]
pub async fn ask(ctx: &Ctx, person: UserId) -> Result<Asked, StoreError> {
    ctx.db.write("ask for a sample", move |tx| owe(tx, person)).await
}

fn owe(tx: &Tx<'_>, person: UserId) -> Result<Asked, StoreError> {
    let reachable = people::find(tx, person)?.filter(|person| {
        person.address.is_some() && person.bouncing_since.is_none() && person.deleted_at.is_none()
    });
    if reachable.is_none() {
        return Ok(Asked::Nowhere);
    }
    // One that was owed in the future was owed by a wrong clock, and must not forbid the next for years.
    let last = outbox::last_owed(tx, person, Kind::Sample)?.filter(|last| *last <= tx.now());
    if let Some(again) = last.map(|last| last + EVERY).filter(|again| *again > tx.now()) {
        return Ok(Asked::TooOften(again));
    }
    outbox::owe(tx, person, Kind::Sample, &tx.now().as_millisecond().to_string())?;
    Ok(Asked::Owed)
}
