//! Claims a user's due rows, composes one email, sends it and marks the rows; several emails at once.

mod attempt;

use std::collections::VecDeque;
use std::fmt;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use self::attempt::{Done, Fate, Server, deliver};
use super::{Scope, Watch};
use crate::context::Ctx;
use crate::domain::user::Addressee;
use crate::store::StoreError;
use crate::store::outbox::{self, Unit};

/// After so many emails in a row for which the mail server was unavailable, the run ends. One is not enough: a
/// server may fail on one user's address.
const SERVER_IS_DOWN: u32 = 3;

/// Emails that are loaded at a time, to bound memory.
const PAGE: u32 = 2_000;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Emails that the server accepted.
    pub sent: u64,
    /// Emails that will be retried.
    pub put_off: u64,
    /// Emails that were rejected for good.
    pub refused: u64,
    /// Emails that are no longer wanted.
    pub dropped: u64,
    /// Emails that were not tried because the address bounces.
    pub held: u64,
    /// The last reason why an email was not sent.
    pub reason: Option<String>,
}

impl Outcome {
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
            (self.held, "for addresses that letters come back from"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        self.reason.as_ref().map_or(Ok(()), |why| write!(f, "; {why}"))
    }
}

/// Sends the emails that are due, as many at once as there are connections.
pub async fn pass(ctx: &Ctx, scope: Scope, watch: &Watch<'_>) -> Result<Outcome, StoreError> {
    let together = ctx.together;
    if scope == Scope::All {
        ctx.db.write("make letters due", move |tx| outbox::make_due(tx, together)).await?;
    }
    let mut round = Round::new(ctx.mailer.connections());
    let ended = send_all(ctx, watch, &mut round).await;
    ctx.mailer.close().await;
    if round.has_farewell {
        // The deleted address is still in the write-ahead log until that is truncated.
        if let Err(error) = ctx.db.checkpoint().await {
            tracing::warn!(%error, "the write-ahead log could not be emptied after a farewell");
        }
    }
    ended.map(|()| round.outcome)
}

async fn send_all(ctx: &Ctx, watch: &Watch<'_>, round: &mut Round) -> Result<(), StoreError> {
    let mut under_way = FuturesUnordered::new();
    let mut addressees: Vec<Addressee> = Vec::new();
    let mut queue = Queue::default();
    let mut failure = None;
    loop {
        while under_way.len() < round.width && failure.is_none() && !round.is_over(watch) {
            match queue.next(ctx, &addressees).await {
                Ok(Some(unit)) => {
                    round.has_farewell |= unit.is_farewell();
                    addressees.push(unit.addressee());
                    under_way.push(deliver(ctx, unit));
                }
                Ok(None) => break,
                Err(error) => failure = Some(error),
            }
        }
        // Emails that are under way are finished even if another failed.
        let Some((addressee, done)) = under_way.next().await else { break };
        addressees.retain(|other| *other != addressee);
        match done {
            Err(error) => failure = Some(error),
            Ok(done) => {
                queue.note(&done);
                round.note(done);
                (watch.progress)(queue.done, queue.of);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

/// The state of a run.
struct Round {
    outcome: Outcome,
    most: usize,
    /// How many emails to send at once: one more after each success, one after trouble, so that a server that
    /// is down gets one email at a time.
    width: usize,
    unavailable_in_a_row: u32,
    is_unwelcome: bool,
    has_farewell: bool,
}

impl Round {
    fn new(most: usize) -> Self {
        Self {
            outcome: Outcome::default(),
            most,
            width: 1,
            unavailable_in_a_row: 0,
            is_unwelcome: false,
            has_farewell: false,
        }
    }

    fn is_over(&self, watch: &Watch<'_>) -> bool {
        let is_down = self.unavailable_in_a_row >= SERVER_IS_DOWN;
        watch.stop.is_cancelled() || is_down || self.is_unwelcome
    }

    fn note(&mut self, done: Done) {
        let (count, why) = match done.fate {
            Fate::NotOurs => return,
            Fate::Sent => {
                self.width = self.most.min(self.width + 1);
                (&mut self.outcome.sent, None)
            }
            Fate::Unwanted => (&mut self.outcome.dropped, None),
            Fate::Held => (&mut self.outcome.held, None),
            Fate::PutOff(why) => (&mut self.outcome.put_off, Some(why)),
            Fate::Refused(why) => (&mut self.outcome.refused, Some(why)),
        };
        *count += 1;
        self.outcome.reason = why.or(self.outcome.reason.take());
        match done.server {
            Server::NotAsked => {}
            Server::Usable => self.unavailable_in_a_row = 0,
            Server::Unavailable => {
                self.unavailable_in_a_row += 1;
                self.width = 1;
            }
            Server::Unwelcoming => self.is_unwelcome = true,
        }
    }
}

/// The due emails, a page at a time.
#[derive(Default)]
struct Queue {
    units: VecDeque<Unit>,
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
    ) -> Result<Option<Unit>, StoreError> {
        if self.units.is_empty() && (self.has_moved || !self.is_begun) {
            let together = ctx.together;
            let due =
                ctx.db.read("which letters are due", move |tx| outbox::due(tx, together, PAGE));
            self.units = due.await?.into();
            (self.has_moved, self.is_begun) = (false, true);
            self.of = self.done + self.units.len() as u64;
        }
        let free = self.units.iter().position(|unit| !under_way.contains(&unit.addressee()));
        Ok(free.and_then(|at| self.units.remove(at)))
    }

    fn note(&mut self, done: &Done) {
        self.done += 1;
        self.has_moved |= done.fate != Fate::NotOurs;
    }
}
