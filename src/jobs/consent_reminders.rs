//! Reminds users whose consent ends soon, deletes users who revoked it, and tells the operator about access requests.

use std::fmt;

use crate::accounts::leave;
use crate::context::Ctx;
use crate::domain::consent::{Reminder, reminder_due};
use crate::domain::operator_alert::OperatorAlert;
use crate::gateway::Operator;
use crate::store::outbox::{self, EmailKind};
use crate::store::{StoreError, Tx, callers, consents};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Users who were reminded.
    pub reminded: u64,
    /// Users who revoked their consent days ago and were deleted.
    pub deleted: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reminded, deleted } = self;
        write!(f, "reminded {reminded} users that their access ends soon")?;
        if *deleted > 0 {
            write!(f, ", deleted {deleted} who revoked it")?;
        }
        Ok(())
    }
}

/// Enqueues reminders that are due, and deletes users as Spotify's terms demand.
pub async fn pass(ctx: &Ctx) -> Result<Outcome, StoreError> {
    let operator = Operator::at(ctx.operator.as_ref());
    let reminded = move |tx: &Tx<'_>| {
        // Requests that come after the day's email are in the next day's.
        if callers::is_anybody_untold(tx)? {
            operator.tell(tx, OperatorAlert::Callers)?;
        }
        remind(tx)
    };
    let reminded = ctx.db.write("remind of consents", reminded).await?;
    Ok(Outcome { reminded, deleted: leave::see_off(ctx).await? })
}

fn remind(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let mut reminded = 0;
    for (user, authorized_at) in consents::good(tx)? {
        let Some(reminder) = reminder_due(authorized_at, tx.now()) else { continue };
        let subject = subject(authorized_at.as_millisecond(), reminder);
        reminded += u64::from(outbox::owe(tx, user, EmailKind::ConsentEnds, &subject)?);
    }
    Ok(reminded)
}

/// The subject of the outbox row, so that each reminder is sent once per consent: the consent by the milliseconds of
/// its start.
pub(super) fn subject(authorized_ms: i64, reminder: Reminder) -> String {
    format!("{authorized_ms}:{}", reminder.days())
}
