//! Claims a user's due rows, composes one email, sends it and marks the rows; several emails at once.

mod attempt;

use std::collections::VecDeque;
use std::fmt;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use self::attempt::{Attempt, AttemptOutcome, Server, deliver};
use super::{RunControl, Scope};
use crate::context::Ctx;
use crate::domain::user::Addressee;
use crate::store::StoreError;
use crate::store::outbox::{self, PendingEmail};

/// After so many consecutive emails for which the mail server was unavailable, the run ends. One is not
/// enough: a server may fail for one user's address.
const SERVER_IS_DOWN: u32 = 3;

/// Emails that are loaded at a time, to bound memory.
const PAGE: u32 = 2_000;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    pub sent: u64,
    pub deferred: u64,
    pub refused: u64,
    /// Emails that are no longer wanted.
    pub dropped: u64,
    /// Emails that were not tried because the address bounces.
    pub held: u64,
    /// The last reason why an email was not sent.
    pub reason: Option<String>,
}

impl DeliveryReport {
    pub fn has_failed(&self) -> bool {
        self.deferred + self.refused > 0
    }
}

impl fmt::Display for DeliveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} emails sent", self.sent)?;
        for (count, what) in [
            (self.deferred, "deferred"),
            (self.refused, "rejected for good"),
            (self.dropped, "no longer wanted"),
            (self.held, "held because the address bounces"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        self.reason.as_ref().map_or(Ok(()), |why| write!(f, "; {why}"))
    }
}

/// Sends the emails that are due, as many at once as there are connections.
pub async fn run(
    ctx: &Ctx,
    scope: Scope,
    watch: &RunControl<'_>,
) -> Result<DeliveryReport, StoreError> {
    let batch_window = ctx.batch_window;
    if scope == Scope::All {
        ctx.db.write("make emails due", move |tx| outbox::make_due(tx, batch_window)).await?;
    }
    let mut run = DeliveryRun::new(ctx.mailer.connections());
    let ended = send_all(ctx, watch, &mut run).await;
    ctx.mailer.close().await;
    if run.has_goodbye {
        // The deleted address is still in the write-ahead log until that is truncated.
        if let Err(error) = ctx.db.checkpoint().await {
            tracing::warn!(%error, "the write-ahead log could not be emptied after a farewell");
        }
    }
    ended.map(|()| run.outcome)
}

async fn send_all(
    ctx: &Ctx,
    watch: &RunControl<'_>,
    run: &mut DeliveryRun,
) -> Result<(), StoreError> {
    let mut under_way = FuturesUnordered::new();
    let mut addressees: Vec<Addressee> = Vec::new();
    let mut queue = Queue::default();
    let mut failure = None;
    loop {
        while under_way.len() < run.concurrency && failure.is_none() && !run.is_over(watch) {
            match queue.next(ctx, &addressees).await {
                Ok(Some(pending_email)) => {
                    run.has_goodbye |= pending_email.is_goodbye();
                    addressees.push(pending_email.addressee());
                    under_way.push(deliver(ctx, pending_email));
                }
                Ok(None) => break,
                Err(error) => failure = Some(error),
            }
        }
        // Emails in progress are finished even if another failed.
        let Some((addressee, done)) = under_way.next().await else { break };
        addressees.retain(|other| *other != addressee);
        match done {
            Err(error) => failure = Some(error),
            Ok(done) => {
                queue.note(&done);
                run.note(done);
                (watch.progress)(queue.done, queue.of);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

struct DeliveryRun {
    outcome: DeliveryReport,
    most: usize,
    /// How many emails to send at once: one more after each success, a single one after a failure, so that an
    /// unavailable server gets one email at a time.
    concurrency: usize,
    unavailable_in_a_row: u32,
    is_unwelcome: bool,
    has_goodbye: bool,
}

impl DeliveryRun {
    fn new(most: usize) -> Self {
        Self {
            outcome: DeliveryReport::default(),
            most,
            concurrency: 1,
            unavailable_in_a_row: 0,
            is_unwelcome: false,
            has_goodbye: false,
        }
    }

    fn is_over(&self, watch: &RunControl<'_>) -> bool {
        let is_down = self.unavailable_in_a_row >= SERVER_IS_DOWN;
        watch.stop.is_cancelled() || is_down || self.is_unwelcome
    }

    fn note(&mut self, done: Attempt) {
        let (count, why) = match done.outcome {
            AttemptOutcome::Skipped => return,
            AttemptOutcome::Sent => {
                self.concurrency = self.most.min(self.concurrency + 1);
                (&mut self.outcome.sent, None)
            }
            AttemptOutcome::Dropped => (&mut self.outcome.dropped, None),
            AttemptOutcome::Suppressed => (&mut self.outcome.held, None),
            AttemptOutcome::Deferred(why) => (&mut self.outcome.deferred, Some(why)),
            AttemptOutcome::Rejected(why) => (&mut self.outcome.refused, Some(why)),
        };
        *count += 1;
        self.outcome.reason = why.or(self.outcome.reason.take());
        match done.server {
            Server::Untouched => {}
            Server::Ok => self.unavailable_in_a_row = 0,
            Server::Unavailable => {
                self.unavailable_in_a_row += 1;
                self.concurrency = 1;
            }
            Server::RejectsUs => self.is_unwelcome = true,
        }
    }
}

/// The due emails, a page at a time.
#[derive(Default)]
struct Queue {
    units: VecDeque<PendingEmail>,
    /// Whether any email of the last page was ours to send; if not, the next page would be the same.
    has_moved: bool,
    is_begun: bool,
    done: u64,
    of: u64,
}

impl Queue {
    /// The next email to someone who is not being sent one now: two at once could both be the digest of one
    /// day.
    async fn next(
        &mut self,
        ctx: &Ctx,
        under_way: &[Addressee],
    ) -> Result<Option<PendingEmail>, StoreError> {
        if self.units.is_empty() && (self.has_moved || !self.is_begun) {
            let batch_window = ctx.batch_window;
            let due = ctx.db.read("due emails", move |tx| outbox::due(tx, batch_window, PAGE));
            self.units = due.await?.into();
            (self.has_moved, self.is_begun) = (false, true);
            self.of = self.done + self.units.len() as u64;
        }
        let free = self
            .units
            .iter()
            .position(|pending_email| !under_way.contains(&pending_email.addressee()));
        Ok(free.and_then(|at| self.units.remove(at)))
    }

    fn note(&mut self, done: &Attempt) {
        self.done += 1;
        self.has_moved |= done.outcome != AttemptOutcome::Skipped;
    }
}
