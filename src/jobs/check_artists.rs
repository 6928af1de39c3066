//! An artist that is worth a call → their albums → one transaction: remember, compare, choose readers, enqueue, plan the
//! next check. An album is announced when it is first recorded, or never.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;

use super::fetch_releases::{self, Read};
use super::record_releases::{RecordResult, record_releases};
use super::{RunControl, Scope, side_lists};
use crate::clock::fraction;
use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::check_planner::PlannedCheck;
use crate::domain::quota::Purpose;
use crate::domain::release::{Release, ReleaseKind};
use crate::domain::release_query::ReleaseQuery;
use crate::domain::{backoff, check_planner, day_of, detection};
use crate::gateway::GatewayError;
use crate::spotify;
use crate::store::artists::{self, CheckResult, CheckScope, Claimed};
use crate::store::{self, StoreError, Tx, allowance, api_calls, editions, hints, singles};

/// After this many failures in a row the trouble is Spotify's, not the artists', and the rest waits.
const TOO_MANY_FAILURES: u32 = 3;

/// An artist whom Spotify does not know is asked about again after this long.
const UNKNOWN_ARTIST_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A check that ran out of calls between two pages begins anew after this long: long enough for others
/// to have their turn, and shorter than singles that were left for later are waited for.
const UNFINISHED_WAIT: Duration = Duration::from_secs(3 * 3600);

/// The same where a day has so few calls that they may never be enough for it.
const UNFINISHED_WAIT_OF_FEW: Duration = Duration::from_secs(3 * 24 * 3600);

/// What a pass did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Artists that were asked about and answered for.
    pub checked: u64,
    /// Of those, how many for the first time.
    pub baselines: u64,
    /// Releases that are news.
    pub news: u64,
    /// Things newly owed to users.
    pub pending: u64,
    /// Artists whose check failed.
    pub failed: u64,
    /// Artists that Spotify does not know.
    pub unknown: u64,
    /// Why the pass ended early, where that is a failure.
    pub held_up: Option<String>,
    /// Whether that is since Spotify does not accept the app, which waiting does not mend.
    pub is_app_refused: bool,
    /// Why artists that were due were left for later, where that is as it should be.
    pub left: Option<String>,
}

impl CheckReport {
    /// Whether there was nothing to do, or nothing that could be done today.
    pub fn is_idle(&self) -> bool {
        *self == Self { left: self.left.clone(), ..Self::default() }
    }

    /// Whether something that should have worked did not.
    pub fn has_failed(&self) -> bool {
        self.failed > 0 || self.held_up.is_some()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checked {} artists ({} for the first time)", self.checked, self.baselines)?;
        write!(f, ", found {} new releases, queued {} notifications", self.news, self.pending)?;
        for (count, what) in
            [(self.failed, "checks failed"), (self.unknown, "artists unknown to Spotify")]
        {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        for (label, why) in [("on hold", &self.held_up), ("left for later", &self.left)] {
            if let Some(why) = why {
                write!(f, "; {label}: {why}")?;
            }
        }
        Ok(())
    }
}

/// Asks about the artists that are worth it now (`domain/check_planner`), as far as the day's calls go.
///
/// # Errors
/// [`StoreError`] where the database fails; anything else is in the [`CheckReport`].
pub async fn run(
    ctx: &Ctx,
    scope: Scope,
    watch: &RunControl<'_>,
) -> Result<CheckReport, StoreError> {
    let mut outcome = CheckReport::default();
    let all = scope == Scope::All;
    // While Spotify is down nobody asks, except for a user who says "now".
    if !all && let Some(pause) = ctx.db.read("pause of checks", api_calls::pause_of_checks).await? {
        outcome.left = Some(GatewayError::Paused(pause).to_string());
        return Ok(outcome);
    }
    let settings = ctx.cadence.clone();
    let list = move |tx: &Tx<'_>| Ok((tx.now(), plan_checks(tx, all, &settings)?));
    let (listed_at, due) = ctx.db.read("whom to ask about", list).await?;
    let mut failures_in_a_row = 0;
    for (done, planned_check) in due.iter().enumerate() {
        if watch.stop.is_cancelled() {
            break;
        }
        let wanted = planned_check.artist.clone();
        let claim = move |tx: &Tx<'_>| artists::claim(tx, &wanted, listed_at);
        let claimed = ctx.db.write_unsynced("claim artist", claim).await?;
        // Gone, unfollowed, or another process is at it, or has been.
        let Some(artist) = claimed else { continue };
        match check(ctx, &artist, planned_check).await {
            Ok(checked) => {
                failures_in_a_row = 0;
                if outcome.count(checked) {
                    break;
                }
            }
            Err(GatewayError::Store(error)) => return Err(error),
            Err(error) => {
                failures_in_a_row += 1;
                if record_failed_check(ctx, &artist, &error, failures_in_a_row, &mut outcome)
                    .await?
                {
                    break;
                }
            }
        }
        (watch.progress)(done as u64 + 1, due.len() as u64);
    }
    Ok(outcome)
}

/// Whom to ask about, the best first.
fn plan_checks(
    tx: &Tx<'_>,
    all: bool,
    settings: &check_planner::Settings,
) -> Result<Vec<PlannedCheck>, StoreError> {
    let hinted = hints::wanting(tx)?;
    let budget = allowance::budget(tx, settings.calls_per_day)?;
    if all {
        let candidates = artists::candidates(tx, CheckScope::All)?;
        return Ok(check_planner::everybody(&hinted, &candidates, &budget, settings, tx.now()));
    }
    let watched = artists::count_watched(tx)?;
    let watched = usize::try_from(watched).unwrap_or(usize::MAX);
    // Where nothing is left but for hints, a look at all artists every minute is for nothing.
    let is_spent = |purpose| budget.is_spent(purpose, settings);
    let candidates = match (is_spent(Purpose::InitialScan), is_spent(Purpose::Scheduled)) {
        (true, true) => Vec::new(),
        (false, true) => artists::candidates(tx, CheckScope::NeverChecked)?,
        (_, false) => artists::candidates(tx, CheckScope::Due)?,
    };
    Ok(check_planner::plan_checks(&hinted, &candidates, watched, &budget, settings, tx.now()))
}

/// What one check brought.
struct Checked {
    is_baseline: bool,
    news: u64,
    pending: u64,
    /// Why a later page could not be read, where the first ones were.
    incomplete: Option<GatewayError>,
}

impl CheckReport {
    /// Counts a check; whether the pass should end.
    fn count(&mut self, checked: Checked) -> bool {
        self.checked += 1;
        self.baselines += u64::from(checked.is_baseline);
        self.news += checked.news;
        self.pending += checked.pending;
        let Some(error) = checked.incomplete else { return false };
        if error.affects_all_requests() {
            self.hold_up(&error);
            return true;
        }
        self.failed += 1;
        false
    }

    /// To have to wait for one's turn is no failure; to be kept waiting by Spotify is.
    fn hold_up(&mut self, error: &GatewayError) {
        match error {
            GatewayError::QuotaExhausted(_)
            | GatewayError::QuotaExhaustedMidCheck(_)
            | GatewayError::NobodyConnected => self.left = Some(error.to_string()),
            _ => {
                self.is_app_refused = error.is_app_fault();
                self.held_up = Some(error.to_string());
            }
        }
    }
}

async fn check(
    ctx: &Ctx,
    artist: &Claimed,
    planned_check: &PlannedCheck,
) -> Result<Checked, GatewayError> {
    let read = fetch_releases::read(ctx, artist, planned_check).await?;
    let mut checked = record(ctx, artist, read).await?;
    if checked.incomplete.is_none() {
        let beside = side_lists::look(ctx, &artist.id).await?;
        checked.news += beside.news;
        checked.pending += beside.pending;
    }
    Ok(checked)
}

/// Releases a week, by those that are known with their day. Compilations have a list of their own,
/// which a check as such does not look at.
fn rate(known: &[Release], today: Date) -> f64 {
    let counted = known.iter().filter(|release| release.kind != ReleaseKind::Compilation);
    let dates: Vec<Date> = counted.filter_map(|release| release.date.first_day()).collect();
    check_planner::rate::a_week(&dates, today)
}

/// What became of the pages after the first, and of the looks after the first.
enum Completion {
    /// They were read, as far as they matter.
    Complete,
    /// They have to wait for their turn.
    Deferred,
    /// They have to wait until there are calls for all of them.
    OutOfQuota(String),
    /// They could not be read.
    Failed(String),
}

/// The one transaction in which an album becomes news.
async fn record(ctx: &Ctx, artist: &Claimed, read: Read) -> Result<Checked, StoreError> {
    let totals = read.totals();
    let Read { queries, incomplete, leaves_singles } = read;
    let artist = artist.clone();
    let is_baseline = artist.baseline_at.is_none();
    let (wait, unfinished_wait) =
        (ctx.wait(backoff::CHECK, artist.failures + 1), unfinished_wait(ctx));
    let rest = match &incomplete {
        None => Completion::Complete,
        Some(error @ GatewayError::QuotaExhaustedMidCheck(_)) => {
            Completion::OutOfQuota(error.to_string())
        }
        Some(error) if error.affects_all_requests() => Completion::Deferred,
        Some(error) => Completion::Failed(error.to_string()),
    };
    let RecordResult { news, pending, dates } = ctx
        .db
        .write("record albums", move |tx| {
            // Its last follower may have left while Spotify was asked.
            if !artists::is_known(tx, &artist.id)? {
                return Ok(RecordResult::default());
            }
            let mut known = editions::known_of(tx, &artist.id, ReleaseQuery::Albums)?;
            let mut all = RecordResult::default();
            for query in queries {
                let found = record_releases(tx, &artist.id, query, &mut known)?;
                all.news += found.news;
                all.pending += found.pending;
                all.dates.extend(found.dates);
            }
            artists::note_last_album(tx, &artist.id)?;
            api_calls::resume_checks(tx)?;
            let of_albums = totals.iter().find(|(query, _)| query.has_albums());
            // A reading that broke off says nothing against a hint, nor do singles about an album.
            if of_albums.is_some() && (matches!(rest, Completion::Complete) || all.news > 0) {
                hints::after_check(tx, &artist.id, all.news > 0)?;
            }
            let total = of_albums.and_then(|(_, total)| *total);
            if leaves_singles {
                singles::leave(tx, &artist.id, total)?;
            }
            match rest {
                Completion::Failed(why) => artists::failed(tx, &artist.id, &why, tx.now() + wait)?,
                Completion::Deferred => artists::release(tx, &artist.id)?,
                Completion::OutOfQuota(why) => {
                    artists::unfinished(tx, &artist.id, &why, tx.now() + unfinished_wait)?;
                }
                Completion::Complete => {
                    let rate = Some(rate(&known, day_of(tx.now())));
                    let next_at = tx.now() + check_planner::MIN_INTERVAL;
                    artists::checked(tx, &artist.id, CheckResult { total, rate }, next_at)?;
                    singles::after_check(tx, &artist.id, &totals)?;
                    store::artist_lists::note_unwanted(tx, &artist.id)?;
                }
            }
            Ok(all)
        })
        .await?;
    for delay in
        dates.into_iter().filter_map(|date| detection::delay(date, &ctx.zone, ctx.clock.now()))
    {
        ctx.metrics.record_detection(delay);
    }
    if let Some(error) = &incomplete {
        tracing::warn!(%error, "some of an artist's pages were read, a later one was not");
    }
    Ok(Checked { is_baseline, news, pending, incomplete })
}

/// Records why a check brought nothing; whether the pass should end.
async fn record_failed_check(
    ctx: &Ctx,
    artist: &Claimed,
    error: &GatewayError,
    failures_in_a_row: u32,
    outcome: &mut CheckReport,
) -> Result<bool, StoreError> {
    if error.affects_all_requests() {
        if matches!(error, GatewayError::Spotify(spotify::Error::EndpointRemoved)) {
            // Should it be this artist's alone, the others have their turn before it again.
            note_failure(ctx, &artist.id, error, backoff::CHECK.longest).await?;
        } else {
            release_claim(ctx, &artist.id, error).await?;
        }
        outcome.hold_up(error);
        return Ok(true);
    }
    let is_unknown = matches!(error, GatewayError::Spotify(spotify::Error::NotFound));
    let wait = match is_unknown {
        true => UNKNOWN_ARTIST_WAIT,
        false => ctx.wait(backoff::CHECK, artist.failures + 1),
    };
    tracing::warn!(artist = %artist.id, %error, retry_in_s = wait.as_secs(), "a check failed");
    note_failure(ctx, &artist.id, error, wait).await?;
    match is_unknown {
        true => outcome.unknown += 1,
        false => outcome.failed += 1,
    }
    if !is_unknown && failures_in_a_row >= TOO_MANY_FAILURES {
        let chance = fraction(&*ctx.chance);
        let pause = move |tx: &Tx<'_>| api_calls::pause_checks(tx, backoff::OUTAGE, chance);
        let pause = ctx.db.write("pause checks", pause).await?;
        outcome.held_up = Some(GatewayError::Paused(pause).to_string());
        return Ok(true);
    }
    Ok(false)
}

fn unfinished_wait(ctx: &Ctx) -> Duration {
    let are_few = ctx.cadence.calls_per_day < 2 * detection::MAX_SEARCHED_PAGES;
    if are_few { UNFINISHED_WAIT_OF_FEW } else { UNFINISHED_WAIT }
}

async fn release_claim(ctx: &Ctx, id: &ArtistId, error: &GatewayError) -> Result<(), StoreError> {
    let id = id.clone();
    let ran_out =
        matches!(error, GatewayError::QuotaExhaustedMidCheck(_)).then(|| error.to_string());
    let wait = unfinished_wait(ctx);
    ctx.db
        .write("release artist", move |tx| match &ran_out {
            None => artists::release(tx, &id),
            Some(why) => artists::unfinished(tx, &id, why, tx.now() + wait),
        })
        .await
}

async fn note_failure(
    ctx: &Ctx,
    id: &ArtistId,
    error: &GatewayError,
    wait: Duration,
) -> Result<(), StoreError> {
    let (id, why) = (id.clone(), error.to_string());
    ctx.db.write("check failed", move |tx| artists::failed(tx, &id, &why, tx.now() + wait)).await
}
