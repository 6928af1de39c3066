//! `invalid_grant`: the consent has ended, unless so many end at once that Spotify must be mistaken.

use super::Operator;
use crate::domain::consent::{Ending, RETRY_INTERVAL, REVERSAL_WINDOW, Refusal, Verdict, evaluate};
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::token::REFRESH_AHEAD;
use crate::domain::user::UserId;
use crate::store::{StoreError, Tx, consents, outbox, users};

/// Shown to users whose consent is suspended; without the full stop.
const SUSPENDED_REASON: &str = "Spotify rejects many users of this Dropday at the same time, which looks like a \
                    mistake on its side. Dropday tries again every two hours; you don’t need to do \
                    anything";

/// Handles an `invalid_grant` for the tokens seen at `version`: ends the consent and enqueues the one
/// email about it, or suspends it, together with all that ended within the hour. `None` if the tokens have
/// changed since.
pub(super) fn handle_invalid_grant(
    tx: &Tx<'_>,
    user: UserId,
    version: i64,
    how: Ending,
    operator: Operator,
) -> Result<Option<Verdict>, StoreError> {
    let was_quiet = consents::count_held(tx)? == 0;
    let Some(refusal) = consents::refused(tx, user, version)? else {
        return Ok(None);
    };
    let refusals = consents::refusals(tx)?;
    let verdict = evaluate(refusal, refusals, tx.now());
    if verdict == Verdict::Suspended {
        let until = tx.now() + RETRY_INTERVAL;
        consents::hold(tx, user, SUSPENDED_REASON, until)?;
        if refusals.is_anomalous() {
            consents::restore(tx, SUSPENDED_REASON, until)?;
        }
        if was_quiet {
            operator.enqueue_alert(tx, OperatorAlert::MassRefusal)?;
        }
        return Ok(Some(verdict));
    }
    end(tx, user, &refusal, how, verdict == Verdict::EndedForGood)?;
    if verdict == Verdict::Ended && refusals.is_first_refusal() {
        // Until then the old access tokens work, in case the authorization server is down.
        consents::force_refresh_all(tx, tx.now() + REFRESH_AHEAD)?;
    }
    Ok(Some(verdict))
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
