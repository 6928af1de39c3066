//! Reminds users whose consent ends soon, deletes users who revoked it, and notifies the operator of access
//! requests.

use std::fmt;

use crate::accounts::delete_account;
use crate::context::Ctx;
use crate::domain::consent::reminder_due;
use crate::domain::operator_alert::OperatorAlert;
use crate::gateway::Operator;
use crate::store::outbox::{self, EmailKind};
use crate::store::{StoreError, Tx, access_requests, consents};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReminderReport {
    pub reminded: u64,
    pub deleted: u64,
}

impl fmt::Display for ReminderReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reminded, deleted } = self;
        write!(f, "reminded {reminded} users to reconnect Spotify")?;
        if *deleted > 0 {
            write!(f, ", deleted {deleted} who had removed access")?;
        }
        Ok(())
    }
}

/// Enqueues due reminders, and deletes users as Spotify's terms require.
pub async fn run(ctx: &Ctx) -> Result<ReminderReport, StoreError> {
    let operator = Operator::at(ctx.operator.as_ref());
    let reminded = move |tx: &Tx<'_>| {
        // Requests that come after the day's email are in the next day's.
        if access_requests::is_any_unreported(tx)? {
            operator.enqueue_alert(tx, OperatorAlert::AccessRequests)?;
        }
        remind(tx)
    };
    let reminded = ctx.db.write("enqueue consent reminders", reminded).await?;
    Ok(ReminderReport { reminded, deleted: delete_account::delete_revoked_accounts(ctx).await? })
}

fn remind(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let mut reminded = 0;
    for (user, authorized_at) in consents::good(tx)? {
        let Some(reminder) = reminder_due(authorized_at, tx.now()) else { continue };
        let subject = subject(authorized_at.as_millisecond(), reminder);
        reminded += u64::from(outbox::enqueue(tx, user, EmailKind::ConsentEnds, &subject)?);
    }
    Ok(reminded)
}

/// The outbox subject, unique per reminder and consent (by its start in milliseconds).
pub(super) fn subject(authorized_ms: i64, days_before: i64) -> String {
    format!("{authorized_ms}:{days_before}")
}
