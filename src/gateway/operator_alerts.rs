//! Telling the operator what only they can mend: once a day each, where there is somebody to tell.

use crate::domain::day_of;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::user::EmailAddress;
use crate::store::{StoreError, Tx, outbox};

/// Whether emails to the operator have somewhere to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// At the address in the configuration.
    Reachable,
    /// Nobody is named there: the log and `dropday status` have to do.
    Unnamed,
}

impl Operator {
    /// Whether somebody is named.
    pub fn at(address: Option<&EmailAddress>) -> Self {
        if address.is_some() { Self::Reachable } else { Self::Unnamed }
    }

    /// Owes the operator an email about `alert`, unless they were told of it today.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn enqueue_alert(self, tx: &Tx<'_>, alert: OperatorAlert) -> Result<(), StoreError> {
        if self == Self::Reachable {
            outbox::enqueue_operator(tx, &alert.subject(day_of(tx.now())))?;
        }
        Ok(())
    }
}
