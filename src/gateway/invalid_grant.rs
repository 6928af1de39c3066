//! `invalid_grant`: the consent has ended, unless so many end at once that Spotify must be mistaken.

use super::Operator;
use crate::domain::consent::{
    Ending, RETRY_INTERVAL, REVERSAL_WINDOW, Refusal, RefusalCount, Verdict, evaluate,
};
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::token::REFRESH_AHEAD;
use crate::domain::user::UserId;
use crate::store::{StoreError, Tx, consents, outbox, users};

/// Shown to users whose consent is suspended; without the full stop.
const SUSPENDED_REASON: &str = "Spotify rejects many users of this Dropday at the same time, which looks like a \
                    mistake on its side. Dropday tries again every two hours; you don’t need to do \
                    anything";

/// What was made of an `invalid_grant`.
pub(super) enum InvalidGrantOutcome {
    /// The tokens have changed since.
    Outdated,
    Ended,
    /// Nobody's consent ends; `restored` recently ended ones are valid again.
    Suspended {
        refusals: RefusalCount,
        restored: u64,
    },
}

/// Handles an `invalid_grant` for the tokens seen at `version`: ends the consent and enqueues the one
/// email about it, or suspends it, together with all that ended within the hour.
pub(super) fn handle_invalid_grant(
    tx: &Tx<'_>,
    user: UserId,
    version: i64,
    how: Ending,
    operator: Operator,
) -> Result<InvalidGrantOutcome, StoreError> {
    let was_quiet = consents::count_held(tx)? == 0;
    let Some(refusal) = consents::refused(tx, user, version)? else {
        return Ok(InvalidGrantOutcome::Outdated);
    };
    let refusals = consents::refusals(tx)?;
    let verdict = evaluate(refusal, refusals, tx.now());
    if verdict != Verdict::Suspended {
        end(tx, user, &refusal, how, verdict == Verdict::EndedForGood)?;
        if verdict == Verdict::Ended && refusals.is_first_refusal() {
            // Until then the old access tokens work, in case the authorization server is down.
            consents::force_refresh_all(tx, tx.now() + REFRESH_AHEAD)?;
        }
        return Ok(InvalidGrantOutcome::Ended);
    }
    let until = tx.now() + RETRY_INTERVAL;
    consents::hold(tx, user, SUSPENDED_REASON, until)?;
    let restored =
        if refusals.is_anomalous() { consents::restore(tx, SUSPENDED_REASON, until)? } else { 0 };
    if was_quiet {
        operator.enqueue_alert(tx, OperatorAlert::MassRefusal)?;
    }
    Ok(InvalidGrantOutcome::Suspended { refusals, restored })
}

fn end(
    tx: &Tx<'_>,
    user: UserId,
    refusal: &Refusal,
    how: Ending,
    for_good: bool,
) -> Result<(), StoreError> {
    consents::end(tx, user, how, for_good)?;
    if users::find(tx, user)?.is_some_and(|p| p.address.is_some()) {
        // Wait with the email as long as the end may still be reversed.
        let next_send_time = if for_good { tx.now() } else { tx.now() + REVERSAL_WINDOW };
        outbox::enqueue_sign_in_again(tx, user, refusal.authorized_at, next_send_time)?;
    }
    Ok(())
}
