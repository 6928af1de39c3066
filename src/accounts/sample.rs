//! The sample email, which users can request.

use jiff::{SignedDuration, Timestamp};

use crate::context::Ctx;
use crate::domain::user::UserId;
use crate::store::outbox::{self, EmailKind};
use crate::store::{StoreError, Tx, users};

/// At most one per user in this time.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// The result of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleResult {
    Pending,
    /// The next one can be requested at this time.
    TooOften(Timestamp),
    /// No confirmed address, or it bounces, or the user revoked access.
    NoAddress,
}

/// Enqueues a sample unless there was one within the hour.
pub async fn ask(ctx: &Ctx, user: UserId) -> Result<SampleResult, StoreError> {
    ctx.db.write("request sample", move |tx| enqueue(tx, user)).await
}

fn enqueue(tx: &Tx<'_>, user: UserId) -> Result<SampleResult, StoreError> {
    let reachable = users::find(tx, user)?.filter(|user| {
        user.address.is_some() && user.bouncing_since.is_none() && user.deleted_at.is_none()
    });
    if reachable.is_none() {
        return Ok(SampleResult::NoAddress);
    }
    // A time in the future was written by a wrong clock and must not block requests.
    let last = outbox::last_pending(tx, user, EmailKind::Sample)?.filter(|last| *last <= tx.now());
    if let Some(again) = last.map(|last| last + INTERVAL).filter(|again| *again > tx.now()) {
        return Ok(SampleResult::TooOften(again));
    }
    outbox::enqueue(tx, user, EmailKind::Sample, &tx.now().as_millisecond().to_string())?;
    Ok(SampleResult::Pending)
}
