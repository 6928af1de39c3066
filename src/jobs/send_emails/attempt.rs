//! One attempt: claims, composes, sends and settles an email.

use std::time::Duration;

use jiff::SignedDuration;

use crate::context::Ctx;
use crate::domain::backoff;
use crate::domain::operator_alert::OperatorAlert;
use crate::domain::user::{Addressee, UserId};
use crate::email::smtp::{MessageMeta, SendError};
use crate::gateway::Operator;
use crate::jobs::compose::{ComposeError, compose};
use crate::metrics::EmailOutcome;
use crate::store::outbox::{self, Claimed, EmailKind, PendingEmail};
use crate::store::{Db, StoreError, Tx, users};

/// How much longer than sending a claim lasts, for composing and marking.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// Waits between attempts to mark an email sent, in total shorter than the lease margin.
const MARK_AGAIN_AFTER: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// The reason that is stored with an email that was not tried.
const ADDRESS_BOUNCES: &str = "not sent, because the address bounces";

/// The outcome of an attempt, and what it says about the server.
pub(super) struct Attempt {
    pub(super) outcome: AttemptOutcome,
    pub(super) server: Server,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum AttemptOutcome {
    /// Another process has claimed it, or it is no longer due.
    Skipped,
    Sent,
    /// Will be retried.
    Deferred(String),
    /// Will not be retried.
    Rejected(String),
    Dropped,
    /// The address bounces.
    Suppressed,
}

/// Whether the server will accept the next email.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Untouched,
    Ok,
    Unavailable,
    /// The server rejects our login or sender.
    RejectsUs,
}

enum Claim {
    Ours(Claimed),
    Skipped,
    Bounces,
}

pub(super) async fn deliver(
    ctx: &Ctx,
    pending_email: PendingEmail,
) -> (Addressee, Result<Attempt, StoreError>) {
    (pending_email.addressee(), attempt(ctx, pending_email).await)
}

async fn attempt(ctx: &Ctx, pending_email: PendingEmail) -> Result<Attempt, StoreError> {
    let unasked = |outcome| Ok(Attempt { outcome, server: Server::Untouched });
    let claimed = match claim(ctx, pending_email).await? {
        Claim::Ours(claimed) => claimed,
        Claim::Skipped => return unasked(AttemptOutcome::Skipped),
        Claim::Bounces => return unasked(AttemptOutcome::Suppressed),
    };
    let email = claimed.email;
    let (to, text) = match compose(ctx, &claimed).await {
        Ok(composed) => composed,
        Err(ComposeError::NoLongerNeeded(why)) => {
            ctx.db.write("drop email", move |tx| outbox::mark_dropped(tx, email, why)).await?;
            return unasked(AttemptOutcome::Dropped);
        }
        Err(ComposeError::Store(error)) => return Err(error),
        Err(ComposeError::Render(error)) => {
            return unasked(deferred(ctx, &claimed, error.to_string(), Case::Deferred).await?);
        }
    };
    let stamp = MessageMeta {
        message_id: message_id(&ctx.db, &claimed, &ctx.mail_domain),
        date: ctx.clock.now(),
    };
    let sent = ctx.mailer.send(&to, &text, &stamp).await;
    let kind = claimed.kind.as_str();
    tracing::debug!(email, kind, %to, said = sent.as_deref().ok(), "mail server replied");
    match sent {
        Ok(_) => {
            ctx.metrics.record_email(kind, EmailOutcome::Sent);
            ctx.metrics.record_delivery(kind, ctx.clock.now().duration_since(claimed.pending_at));
            mark_sent(ctx, &claimed).await?;
            Ok(Attempt { outcome: AttemptOutcome::Sent, server: Server::Ok })
        }
        Err(error) => {
            let done = settle_failure(ctx, &claimed, error).await?;
            let is_deferred = matches!(done.outcome, AttemptOutcome::Deferred(_));
            let outcome = if is_deferred { EmailOutcome::Deferred } else { EmailOutcome::Rejected };
            ctx.metrics.record_email(kind, outcome);
            Ok(done)
        }
    }
}

async fn claim(ctx: &Ctx, pending_email: PendingEmail) -> Result<Claim, StoreError> {
    let lease = ctx.email_timeout + LEASE_MARGIN;
    let lease = SignedDuration::try_from(lease).unwrap_or(SignedDuration::from_hours(1));
    ctx.db
        .write("claim email", move |tx| {
            let Some(claimed) = outbox::claim(tx, &pending_email, lease)? else {
                return Ok(Claim::Skipped);
            };
            let user = reader(&claimed);
            if user.map(|user| users::is_bouncing(tx, user)).transpose()? == Some(true) {
                outbox::mark_rejected(tx, claimed.email, ADDRESS_BOUNCES)?;
                return Ok(Claim::Bounces);
            }
            Ok(Claim::Ours(claimed))
        })
        .await
}

/// The user whose confirmed address it is sent to; a confirmation request goes to another address.
fn reader(claimed: &Claimed) -> Option<UserId> {
    match claimed.addressee {
        Addressee::User(user) if claimed.kind != EmailKind::Confirm => Some(user),
        _ => None,
    }
}

async fn settle_failure(
    ctx: &Ctx,
    claimed: &Claimed,
    error: SendError,
) -> Result<Attempt, StoreError> {
    let why = error.to_string();
    tracing::warn!(
        email = claimed.email,
        user = claimed.addressee.number(),
        kind = claimed.kind.as_str(),
        attempts = claimed.attempts,
        %error,
        "failed to send email"
    );
    let (outcome, server) = match error {
        SendError::Permanent(_) => (refuse(ctx, claimed, why, None).await?, Server::Ok),
        SendError::Bounced(_) => (refuse(ctx, claimed, why, reader(claimed)).await?, Server::Ok),
        SendError::Temporary(_) => (deferred(ctx, claimed, why, Case::Deferred).await?, Server::Ok),
        SendError::Unavailable(_) => {
            (deferred(ctx, claimed, why, Case::Unavailable).await?, Server::Unavailable)
        }
        SendError::SenderRejected(_) => {
            (deferred(ctx, claimed, why, Case::Unwelcome).await?, Server::RejectsUs)
        }
        SendError::OutcomeUnknown(_) => {
            (deferred(ctx, claimed, why, Case::Unknown).await?, Server::Unavailable)
        }
    };
    Ok(Attempt { outcome, server })
}

/// Gives up on an email; `bounced` is the user whose mailbox rejected it.
async fn refuse(
    ctx: &Ctx,
    claimed: &Claimed,
    why: String,
    bounced: Option<UserId>,
) -> Result<AttemptOutcome, StoreError> {
    let (email, said) = (claimed.email, why.clone());
    let settle = move |tx: &Tx<'_>| {
        outbox::mark_rejected(tx, email, &said)?;
        match bounced {
            Some(user) => users::bounced(tx, user),
            None => Ok(false),
        }
    };
    if ctx.db.write("email rejected", settle).await? {
        let user = bounced.map(|user| user.0);
        tracing::warn!(
            user,
            "address bounces; sending no more emails to this user until they confirm an address"
        );
    }
    Ok(AttemptOutcome::Rejected(why))
}

/// The pause after a rejected login or sender: repeated attempts with a wrong password lock the account.
const LOG_IN_AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);

/// Why an email is deferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Deferred,
    Unavailable,
    Unwelcome,
    Unknown,
}

async fn deferred(
    ctx: &Ctx,
    claimed: &Claimed,
    why: String,
    case: Case,
) -> Result<AttemptOutcome, StoreError> {
    let (email, said) = (claimed.email, why.clone());
    let wait = ctx.backoff(backoff::EMAIL, claimed.attempts);
    let come_apart = case != Case::Unknown && !claimed.is_repeat;
    let operator = Operator::at(ctx.operator.as_ref());
    let is_given_up = ctx
        .db
        .write("defer email", move |tx| {
            let (tries, since) = (backoff::EMAIL_ATTEMPTS, tx.now() - backoff::EMAIL_TIMEOUT);
            if case == Case::Deferred && outbox::give_up(tx, email, &said, tries, since)? {
                return Ok(true);
            }
            if matches!(case, Case::Unavailable | Case::Unwelcome) {
                outbox::uncount_attempt(tx, email, backoff::EMAIL_CEILING)?;
            }
            outbox::defer(tx, email, &said, tx.now() + wait, come_apart)?;
            if case == Case::Unwelcome {
                tell_operator(tx, operator, &said)?;
                outbox::defer_all(tx, tx.now() + LOG_IN_AGAIN_AFTER)?;
            }
            Ok(false)
        })
        .await?;
    Ok(if is_given_up { AttemptOutcome::Rejected(why) } else { AttemptOutcome::Deferred(why) })
}

/// The alert cannot be sent while the problem lasts; it says afterwards what happened. One is enough, however
/// long it lasted.
fn tell_operator(tx: &Tx<'_>, operator: Operator, said: &str) -> Result<(), StoreError> {
    let alert = OperatorAlert::MailRejected;
    if !outbox::is_enqueued_for_operator(tx, &alert.key())? {
        operator.enqueue_alert(tx, alert.clone())?;
    }
    outbox::record_server_reply(tx, &alert.key(), said)
}

/// Marks an email sent, with retries while the database is busy: an unmarked email would be sent again.
async fn mark_sent(ctx: &Ctx, claimed: &Claimed) -> Result<(), StoreError> {
    let (email, user) = (claimed.email, reader(claimed));
    let mark = move |tx: &Tx<'_>| {
        outbox::mark_sent(tx, email)?;
        user.map_or(Ok(()), |user| users::clear_bounces(tx, user))
    };
    for wait in MARK_AGAIN_AFTER {
        match ctx.db.write("mark email sent", mark).await {
            Err(error) => {
                tracing::warn!(email, %error, "failed to mark email as sent, retrying");
                ctx.clock.sleep(wait).await;
            }
            Ok(()) => return Ok(()),
        }
    }
    ctx.db.write("mark email sent", mark).await
}

/// The Message-ID, the same for every attempt: derived from the first row and our key. The time distinguishes
/// it from a row with the same ID in a restored or new database.
fn message_id(db: &Db, claimed: &Claimed, domain: &str) -> String {
    let first = format!("letter/{}/{}", claimed.email, claimed.pending_at.as_millisecond());
    let signature = db.cipher().sign(&first);
    let name: String = signature.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("<{name}@{domain}>")
}
