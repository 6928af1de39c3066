//! Consents that end soon → an email ahead of time; users who took theirs back → deleted; and users who
//! wait to be entered at Spotify → an email to the operator.

use std::fmt;

use crate::accounts::leave;
use crate::context::Ctx;
use crate::domain::consent::{Reminder, reminder_due};
use crate::domain::operator_alert::OperatorAlert;
use crate::gateway::Operator;
use crate::store::outbox::{self, Kind};
use crate::store::{StoreError, Tx, callers, consents};

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Emails newly owed to users whose consent ends soon.
    pub reminded: u64,
    /// Users who took their consent back some days ago, and are deleted.
    pub deleted: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reminded, deleted } = self;
        write!(f, "{reminded} people to be told that their permission ends soon")?;
        if *deleted > 0 {
            write!(f, ", {deleted} deleted since they took theirs back")?;
        }
        Ok(())
    }
}

/// Owes the emails that are due, and deletes whom Spotify's terms want deleted.
///
/// # Errors
/// [`StoreError`] where the database fails.
pub async fn pass(ctx: &Ctx) -> Result<Outcome, StoreError> {
    let operator = Operator::at(ctx.operator.as_ref());
    let reminded = move |tx: &Tx<'_>| {
        // Who asked after the day's email had left is told of on the next.
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
        reminded += u64::from(outbox::owe(tx, user, Kind::ConsentEnds, &subject)?);
    }
    Ok(reminded)
}

/// What a reminder is kept under: each comes once for one consent. The consent by the milliseconds
/// of its beginning, as the database keeps it.
pub(super) fn subject(authorized_ms: i64, reminder: Reminder) -> String {
    format!("{authorized_ms}:{}", reminder.days())
}
