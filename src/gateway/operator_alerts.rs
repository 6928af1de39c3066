//! Enqueues alerts for the operator, at most one email per alert and day.

use crate::domain::day_of;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::user::EmailAddress;
use crate::store::{StoreError, Tx, outbox};

/// Whether the configuration names an address for alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Reachable,
    /// No address: alerts appear only in the log and in `dropday status`.
    Unnamed,
}

impl Operator {
    pub fn at(address: Option<&EmailAddress>) -> Self {
        if address.is_some() { Self::Reachable } else { Self::Unnamed }
    }

    /// Enqueues an email about `alert`, unless there was one today.
    pub fn enqueue_alert(self, tx: &Tx<'_>, alert: OperatorAlert) -> Result<(), StoreError> {
        if self == Self::Reachable {
            outbox::enqueue_operator(tx, &alert.subject(day_of(tx.now())))?;
        }
        Ok(())
    }
}
