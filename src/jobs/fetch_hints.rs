//! Open catalogues → "ask Spotify about this artist now".
//!
//! Dropday works without: a source that is slow, wrong, down or changed costs its own turn, and no
//! other. Each is asked at its own pace, which is in the database and holds for every process.

use std::fmt;
use std::time::Duration;

use super::Watch;
use crate::clock::fraction;
use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::hint::{SourceName, Subject};
use crate::hints::{Answer, Error, Source};
use crate::store::{StoreError, Tx, hint_sources, hints, identities};

/// The longest that a pass waits for the next call to a source: more than the distance between two
/// calls of one round, less than that between two rounds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long the turn of one source may take; the rest of its artists wait for the next pass.
const TURN: Duration = Duration::from_secs(120);

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Calls made.
    pub calls: u64,
    /// Artists of whom it is now known who they are elsewhere.
    pub identified: u64,
    /// Hints that were not given before.
    pub given: u64,
    /// Sources that did not answer, and why. No failure of the pass: nothing depends on a hint.
    pub silent: Vec<(SourceName, String)>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, identified, given, silent } = self;
        write!(
            f,
            "{calls} calls to open catalogues, {identified} artists found there, {given} hints"
        )?;
        silent.iter().try_for_each(|(source, why)| write!(f, "; {source}: {why}"))
    }
}

/// Asks each source that is due.
///
/// # Errors
/// [`StoreError`] where the database fails; anything else is in the [`Outcome`].
pub async fn pass(ctx: &Ctx, watch: &Watch<'_>) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome::default();
    for (done, source) in ctx.hints.iter().enumerate() {
        take_turn(ctx, &**source, watch, &mut outcome).await?;
        (watch.progress)(done as u64 + 1, ctx.hints.len() as u64);
    }
    Ok(outcome)
}

/// Asks a source about all that are due, call by call.
async fn take_turn(
    ctx: &Ctx,
    source: &dyn Source,
    watch: &Watch<'_>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let ends = ctx.clock.now() + TURN;
    while !watch.stop.is_cancelled() && ctx.clock.now() < ends {
        let Some((artists, wait)) = book(ctx, source).await? else { return Ok(()) };
        let call = async {
            if !wait.is_zero() {
                ctx.clock.sleep(wait).await;
            }
            source.ask(&artists, ctx.clock.now()).await
        };
        let answer = tokio::select! {
            answer = call => answer,
            () = watch.stop.cancelled() => {
                let name = source.name();
                let give_back = move |tx: &Tx<'_>| hint_sources::give_back(tx, name);
                return ctx.db.write("give a hint call back", give_back).await;
            }
        };
        outcome.calls += 1;
        ctx.metrics.record_hint_call(source.name(), answer.is_ok());
        match answer {
            Ok(answer) => take_in(ctx, source, artists, answer, outcome).await?,
            Err(error) => return note_failure(ctx, source, artists, error, outcome).await,
        }
    }
    Ok(())
}

/// Who is to be asked about, and how long to wait for it; `None` if nobody is due, or the source is to be left alone.
async fn book(
    ctx: &Ctx,
    source: &dyn Source,
) -> Result<Option<(Vec<Subject>, Duration)>, StoreError> {
    let (name, group, pace) = (source.name(), source.group(), source.pace());
    ctx.db
        .write("book a hint call", move |tx| {
            let Some(at) = hint_sources::free_at(tx, name, TIMEOUT)? else { return Ok(None) };
            let artists = identities::due(tx, group, pace.batch)?;
            if artists.is_empty() {
                return Ok(None);
            }
            hint_sources::book(tx, name, at, pace.distance)?;
            // By the clock as it stands now: one that steps back would make this wait for as long.
            Ok(Some((artists, at.duration_since(tx.now()).try_into().unwrap_or_default())))
        })
        .await
}

async fn take_in(
    ctx: &Ctx,
    source: &dyn Source,
    artists: Vec<Subject>,
    answer: Answer,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let (name, group) = (source.name(), source.group());
    let identified = answer.identities.len() as u64;
    let given = ctx
        .db
        .write("record hints", move |tx| {
            identities::answered(tx, group, &ids(artists), &answer.identities)?;
            hint_sources::went_well(tx, name)?;
            let mut given = 0;
            for hint in &answer.hints {
                given += u64::from(hints::give(tx, hint)?);
            }
            Ok(given)
        })
        .await?;
    outcome.identified += identified;
    outcome.given += given;
    Ok(())
}

async fn note_failure(
    ctx: &Ctx,
    source: &dyn Source,
    artists: Vec<Subject>,
    error: Error,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let (name, group) = (source.name(), source.group());
    let (why, retry_after) = (error.to_string(), error.retry_after());
    let chance = fraction(&*ctx.chance);
    // One artist whose answer never makes sense must not stand in the others' way.
    let is_one_artist = artists.len() == 1 && source.pace().batch == 1;
    let passed_over = is_one_artist && error.is_about_the_question();
    let wait = ctx
        .db
        .write("hints failed", move |tx| {
            if passed_over {
                identities::answered(tx, group, &ids(artists), &[])?;
            }
            hint_sources::failed(tx, name, &why, retry_after, chance)
        })
        .await?;
    tracing::warn!(source = name.as_str(), %error, retry_in_s = wait.as_secs(), "no hints from a source");
    outcome.silent.push((name, error.to_string()));
    Ok(())
}

fn ids(artists: Vec<Subject>) -> Vec<ArtistId> {
    artists.into_iter().map(|artist| artist.id).collect()
}
