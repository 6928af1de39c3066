//! Claim a person's rows that are due → one letter → send → mark.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;

use super::compose::{ComposeError, Composed, compose};
use super::{Scope, Watch};
use crate::ctx::Ctx;
use crate::domain::backoff;
use crate::mail::smtp::{SendError, Stamp};
use crate::store::outbox::{self, Claimed, Unit};
use crate::store::{Db, StoreError};

/// After this many letters in a row for which the mail server could not be used, it is down, and
/// the rest waits. One is not enough: a server may choke on one person's address.
const SERVER_IS_DOWN: u32 = 3;

/// Letters that one pass takes on; the next one follows within the minute.
const MOST_AT_ONCE: u32 = 10_000;

/// How much longer than its sending a claim lasts: room for composing and marking.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// How long to wait between attempts to mark a letter sent: within the margin of its lease.
const MARK_AGAIN_AFTER: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Letters that the server took.
    pub sent: u64,
    /// Letters to be tried again.
    pub put_off: u64,
    /// Letters refused for good.
    pub refused: u64,
    /// Letters no longer wanted.
    pub dropped: u64,
    /// The last reason why a letter did not leave.
    pub reason: Option<String>,
}

impl Outcome {
    /// Whether something that should have worked did not.
    pub fn has_failed(&self) -> bool {
        self.put_off + self.refused > 0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} letters sent", self.sent)?;
        for (count, what) in [
            (self.put_off, "put off"),
            (self.refused, "refused for good"),
            (self.dropped, "no longer wanted"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        self.reason.as_ref().map_or(Ok(()), |why| write!(f, "; {why}"))
    }
}

/// Sends the letters that are due, each person's news in one.
///
/// # Errors
/// [`StoreError`] where the database fails; anything else is in the [`Outcome`].
pub async fn pass(ctx: &Ctx, scope: Scope, watch: &Watch<'_>) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    let together = ctx.together;
    if scope == Scope::All {
        ctx.db.write("make letters due", move |tx| outbox::make_due(tx, together)).await?;
    }
    let due = ctx
        .db
        .read("which letters are due", move |tx| outbox::due(tx, together, MOST_AT_ONCE))
        .await?;
    let mut unavailable_in_a_row = 0;
    for (done, unit) in due.iter().enumerate() {
        if watch.stop.is_cancelled() || unavailable_in_a_row >= SERVER_IS_DOWN {
            break;
        }
        let Some(claimed) = claim(ctx, unit).await? else { continue };
        match deliver(ctx, &claimed, &mut outcome).await? {
            Server::Usable => unavailable_in_a_row = 0,
            Server::Unavailable => unavailable_in_a_row += 1,
        }
        (watch.progress)(done as u64 + 1, due.len() as u64);
    }
    ctx.mailer.close().await;
    if due.iter().any(Unit::is_farewell) {
        // The address that it went to still stands in the write-ahead log until that is emptied.
        if let Err(error) = ctx.db.checkpoint().await {
            tracing::warn!(%error, "the write-ahead log could not be emptied after a farewell");
        }
    }
    Ok(outcome)
}

async fn claim(ctx: &Ctx, unit: &Unit) -> Result<Option<Claimed>, StoreError> {
    let lease = ctx.letter_timeout + LEASE_MARGIN;
    let lease = SignedDuration::try_from(lease).unwrap_or(SignedDuration::from_hours(1));
    let unit = unit.clone();
    ctx.db.write("claim letter", move |tx| outbox::claim(tx, &unit, lease)).await
}

/// Whether the next letter has a chance.
enum Server {
    Usable,
    Unavailable,
}

async fn deliver(
    ctx: &Ctx,
    claimed: &Claimed,
    outcome: &mut Outcome,
) -> Result<Server, StoreError> {
    let letter = claimed.letter;
    let (to, text) = match compose(ctx, claimed).await {
        Ok(Composed::Ready(to, text)) => (to, text),
        Ok(Composed::Unwanted(why)) => {
            outcome.dropped += 1;
            ctx.db.write("drop letter", move |tx| outbox::dropped(tx, letter, why)).await?;
            return Ok(Server::Usable);
        }
        Err(ComposeError::Store(error)) => return Err(error),
        Err(ComposeError::Render(error)) => {
            put_off(ctx, claimed, &error.to_string(), true, outcome).await?;
            return Ok(Server::Usable);
        }
    };
    let stamp =
        Stamp { message_id: message_id(&ctx.db, claimed, &ctx.mail_domain), date: ctx.clock.now() };
    let sent = ctx.mailer.send(&to, &text, &stamp).await;
    tracing::debug!(letter, kind = claimed.kind.as_str(), %to, ok = sent.is_ok(), "letter handed over");
    match sent {
        Ok(_) => {
            outcome.sent += 1;
            mark_sent(ctx, letter).await?;
            Ok(Server::Usable)
        }
        Err(error) => settle_failure(ctx, claimed, &error, outcome).await,
    }
}

async fn settle_failure(
    ctx: &Ctx,
    claimed: &Claimed,
    error: &SendError,
    outcome: &mut Outcome,
) -> Result<Server, StoreError> {
    let (letter, why) = (claimed.letter, error.to_string());
    tracing::warn!(
        letter,
        person = claimed.addressee.number(),
        kind = claimed.kind.as_str(),
        attempts = claimed.attempts,
        %error,
        "a letter did not leave"
    );
    match error {
        SendError::Refused(_) | SendError::Bounced(_) => {
            outcome.refused += 1;
            outcome.reason = Some(why.clone());
            ctx.db.write("letter refused", move |tx| outbox::refused(tx, letter, &why)).await?;
            Ok(Server::Usable)
        }
        SendError::Deferred(_) => {
            put_off(ctx, claimed, &why, true, outcome).await?;
            Ok(Server::Usable)
        }
        SendError::Unavailable(_) | SendError::Unwelcome(_) => {
            put_off(ctx, claimed, &why, true, outcome).await?;
            Ok(Server::Unavailable)
        }
        SendError::Unknown(_) => {
            put_off(ctx, claimed, &why, false, outcome).await?;
            Ok(Server::Unavailable)
        }
    }
}

async fn put_off(
    ctx: &Ctx,
    claimed: &Claimed,
    why: &str,
    certainly_not_accepted: bool,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    outcome.put_off += 1;
    outcome.reason = Some(why.to_owned());
    let (letter, why) = (claimed.letter, why.to_owned());
    let wait = ctx.wait(backoff::LETTER, claimed.attempts);
    let come_apart = certainly_not_accepted && !claimed.is_repeat;
    ctx.db
        .write("put letter off", move |tx| {
            outbox::put_off(tx, letter, &why, tx.now() + wait, come_apart)
        })
        .await
}

/// Marks a letter sent, and does not give up at once where the database is busy: what is not marked
/// is sent again.
async fn mark_sent(ctx: &Ctx, letter: i64) -> Result<(), StoreError> {
    for wait in MARK_AGAIN_AFTER {
        match ctx.db.write("letter sent", move |tx| outbox::sent(tx, letter)).await {
            Err(error) => {
                tracing::warn!(letter, %error, "a letter that was sent cannot be marked yet");
                ctx.clock.sleep(wait).await;
            }
            Ok(()) => return Ok(()),
        }
    }
    ctx.db.write("letter sent", move |tx| outbox::sent(tx, letter)).await
}

/// The identity of a letter, the same for every attempt: made of its first row and our key. The
/// time sets it apart from the row of that number in a database that was restored or begun anew.
fn message_id(db: &Db, claimed: &Claimed, domain: &str) -> String {
    let first = format!("letter/{}/{}", claimed.letter, claimed.owed_at.as_millisecond());
    let signature = db.sealer().sign(&first);
    let name: String = signature.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("<{name}@{domain}>")
}
