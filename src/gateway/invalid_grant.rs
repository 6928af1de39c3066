//! `invalid_grant`: the consent has ended, or so many end at once that Spotify must be wrong.

use super::Operator;
use super::client::REFRESH_AHEAD;
use crate::domain::consent::{
    Crowd, Ending, RETRY_INTERVAL, REVERSAL_WINDOW, Refusal, Verdict, evaluate,
};
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::user::UserId;
use crate::store::{StoreError, Tx, consents, outbox, users};

/// What the page of somebody says whose consent is held, without the full stop.
const SUSPENDED_REASON: &str = "Spotify is rejecting many people at once, which looks like a \
                                mistake on its side. We’ve kept your access and try again every \
                                two hours; you don’t need to do anything";

/// What became of a refusal.
pub(super) enum Outcome {
    /// The tokens have changed since they were refused.
    Outdated,
    /// The consent has ended.
    Ended,
    /// Nobody's consent ends, and so many that had ended lately are good again.
    Held { crowd: Crowd, restored: u64 },
}

/// Settles what it means that the tokens seen at `version` were refused: ends the consent and owes
/// the one email about it, or holds it with everybody's who lost theirs within the hour.
pub(super) fn handle_invalid_grant(
    tx: &Tx<'_>,
    user: UserId,
    version: i64,
    how: Ending,
    operator: Operator,
) -> Result<Outcome, StoreError> {
    let was_quiet = consents::count_held(tx)? == 0;
    let Some(refusal) = consents::refused(tx, user, version)? else {
        return Ok(Outcome::Outdated);
    };
    let crowd = consents::crowd(tx)?;
    let verdict = evaluate(refusal, crowd, tx.now());
    if verdict != Verdict::Suspended {
        end(tx, user, &refusal, how, verdict == Verdict::EndedForGood)?;
        if verdict == Verdict::Ended && crowd.is_the_first_of_many() {
            // The old access tokens serve until then, should the accounts service be down.
            consents::force_refresh_all(tx, tx.now() + REFRESH_AHEAD)?;
        }
        return Ok(Outcome::Ended);
    }
    let until = tx.now() + RETRY_INTERVAL;
    consents::hold(tx, user, SUSPENDED_REASON, until)?;
    let restored =
        if crowd.is_anomalous() { consents::restore(tx, SUSPENDED_REASON, until)? } else { 0 };
    if was_quiet {
        operator.enqueue_alert(tx, OperatorAlert::MassRefusal)?;
    }
    Ok(Outcome::Held { crowd, restored })
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
        // What may still be taken back is not told yet.
        let next_send_time = if for_good { tx.now() } else { tx.now() + REVERSAL_WINDOW };
        outbox::enqueue_sign_in_again(tx, user, refusal.authorized_at, next_send_time)?;
    }
    Ok(())
}
