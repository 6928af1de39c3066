//! Asks open catalogues which artists have a release that Spotify should be checked for.
//!
//! A source that is slow, down or changed affects no other source. Each has its own interval, which
//! is recorded in the database and holds for all processes.

use std::fmt;
use std::time::Duration;

use super::RunControl;
use crate::clock::fraction;
use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::hint::{SourceName, Subject};
use crate::hints::{Answer, Error, Source, SourceInfo};
use crate::store::{StoreError, Tx, hint_sources, hints, identities};

/// How long a run waits for the next call to a source: more than the interval of sources that take
/// many calls, less than that of sources that take one.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The time limit of one source in a run. The rest of its artists wait for the next run.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(120);

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HintReport {
    /// The number of calls.
    pub calls: u64,
    /// The number of artists found in other catalogues.
    pub identified: u64,
    /// The number of new hints.
    pub given: u64,
    /// The sources that failed, and why. This does not fail the run: nothing depends on hints.
    pub silent: Vec<(SourceName, String)>,
}

impl fmt::Display for HintReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, identified, given, silent } = self;
        write!(
            f,
            "made {calls} calls to open catalogues, matched {identified} artists, got {given} hints"
        )?;
        silent.iter().try_for_each(|(source, why)| write!(f, "; {source}: {why}"))
    }
}

/// Asks each source that is due. Fails only if the database does.
pub async fn run(ctx: &Ctx, watch: &RunControl<'_>) -> Result<HintReport, StoreError> {
    let mut outcome = HintReport::default();
    for (done, source) in ctx.hints.iter().enumerate() {
        ask_source(ctx, &**source, watch, &mut outcome).await?;
        (watch.progress)(done as u64 + 1, ctx.hints.len() as u64);
    }
    Ok(outcome)
}

/// Asks a source about all artists that are due, call by call.
async fn ask_source(
    ctx: &Ctx,
    source: &dyn Source,
    watch: &RunControl<'_>,
    outcome: &mut HintReport,
) -> Result<(), StoreError> {
    let ends = ctx.clock.now() + SOURCE_TIMEOUT;
    while !watch.stop.is_cancelled() && ctx.clock.now() < ends {
        let Some((artists, wait)) = book_call(ctx, source.info()).await? else { return Ok(()) };
        let call = async {
            if !wait.is_zero() {
                ctx.clock.sleep(wait).await;
            }
            source.ask(&artists, ctx.clock.now()).await
        };
        let answer = tokio::select! {
            answer = call => answer,
            () = watch.stop.cancelled() => {
                let name = source.info().name;
                let release = move |tx: &Tx<'_>| hint_sources::release_call(tx, name);
                return ctx.db.write("release hint call", release).await;
            }
        };
        outcome.calls += 1;
        ctx.metrics.record_hint_call(source.info().name, answer.is_ok());
        match answer {
            Ok(answer) => record_answer(ctx, source.info(), artists, answer, outcome).await?,
            Err(error) => return record_failure(ctx, source.info(), artists, error, outcome).await,
        }
    }
    Ok(())
}

/// Books a call: the artists to ask about, and how long to wait before it. `None` if no artist is due
/// or the source must not be called yet.
async fn book_call(
    ctx: &Ctx,
    source: SourceInfo,
) -> Result<Option<(Vec<Subject>, Duration)>, StoreError> {
    ctx.db
        .write("book hint call", move |tx| {
            let Some(at) = hint_sources::next_call_at(tx, source.name, MAX_WAIT)? else {
                return Ok(None);
            };
            let artists = identities::due(tx, source.group, source.batch)?;
            if artists.is_empty() {
                return Ok(None);
            }
            hint_sources::book_call(tx, source.name, at, source.interval)?;
            // Computed here, in case the clock steps back afterwards.
            Ok(Some((artists, at.duration_since(tx.now()).try_into().unwrap_or_default())))
        })
        .await
}

async fn record_answer(
    ctx: &Ctx,
    source: SourceInfo,
    artists: Vec<Subject>,
    answer: Answer,
    outcome: &mut HintReport,
) -> Result<(), StoreError> {
    let identified = answer.identities.len() as u64;
    let given = ctx
        .db
        .write("record hints", move |tx| {
            identities::answered(tx, source.group, &ids(artists), &answer.identities)?;
            hint_sources::record_success(tx, source.name)?;
            let mut given = 0;
            for hint in &answer.hints {
                given += u64::from(hints::record(tx, hint)?);
            }
            Ok(given)
        })
        .await?;
    outcome.identified += identified;
    outcome.given += given;
    Ok(())
}

async fn record_failure(
    ctx: &Ctx,
    source: SourceInfo,
    artists: Vec<Subject>,
    error: Error,
    outcome: &mut HintReport,
) -> Result<(), StoreError> {
    let (why, retry_after) = (error.to_string(), error.retry_after());
    let rng = fraction(&*ctx.rng);
    // Skips an artist whose answer is never understood, so that the others have their turn.
    let skips_artist = source.batch == 1 && error.may_concern_one_artist();
    let wait = ctx
        .db
        .write("record hint failure", move |tx| {
            if skips_artist {
                identities::answered(tx, source.group, &ids(artists), &[])?;
            }
            hint_sources::record_failure(tx, source.name, &why, retry_after, rng)
        })
        .await?;
    let retry_in_s = wait.as_secs();
    tracing::warn!(source = source.name.as_str(), %error, retry_in_s, "failed to fetch hints");
    outcome.silent.push((source.name, error.to_string()));
    Ok(())
}

fn ids(artists: Vec<Subject>) -> Vec<ArtistId> {
    artists.into_iter().map(|artist| artist.id).collect()
}
