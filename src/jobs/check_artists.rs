//! Checks artists: fetches their releases, then in one transaction per query saves and compares them, selects
//! recipients, enqueues notifications and plans the next check. A release is news when it is first recorded,
//! or never.

mod record;
mod secondary;

use std::fmt;
use std::time::Duration;

use self::record::{Step, fetch_and_record};
use self::secondary::check_secondary;
use super::fetch_releases::{FetchPlan, Fetcher};
use super::record_releases::RecordResult;
use super::{RunControl, Scope};
use crate::clock::fraction;
use crate::context::Ctx;
use crate::domain::artist::ArtistId;
use crate::domain::artist_list::ListKind;
use crate::domain::check_planner::PlannedCheck;
use crate::domain::quota::Purpose;
use crate::domain::{backoff, check_planner, detection};
use crate::gateway::GatewayError;
use crate::spotify::{self, PAGE};
use crate::store::artists::{self, CheckScope, Claimed};
use crate::store::{StoreError, Tx, api_calls, artist_lists, hints};

/// After this many consecutive failures the problem is Spotify, and the run ends.
const TOO_MANY_FAILURES: u32 = 3;

/// How long an artist that Spotify does not know is not checked.
const UNKNOWN_ARTIST_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a check waits that ran out of calls between two pages: long enough for others to have their turn,
/// and shorter than singles can be deferred.
const UNFINISHED_WAIT: Duration = Duration::from_secs(3 * 3600);

/// The same if a day may have too few calls for such a check.
const UNFINISHED_WAIT_OF_FEW: Duration = Duration::from_secs(3 * 24 * 3600);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub checked: u64,
    /// Of these, initial scans.
    pub baselines: u64,
    pub news: u64,
    pub pending: u64,
    pub failed: u64,
    pub unknown: u64,
    /// Why the run ended early, if that is a failure.
    pub held_up: Option<String>,
    /// Whether that is because Spotify rejects the app, which waiting does not fix.
    pub is_app_refused: bool,
    /// Why due artists were deferred, if that is normal.
    pub left: Option<String>,
}

impl CheckReport {
    /// Whether there was nothing to do, or nothing that can be done today.
    pub fn is_idle(&self) -> bool {
        *self == Self { left: self.left.clone(), ..Self::default() }
    }

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

/// Checks the artists that the planner selects, as far as the day's calls go.
pub async fn run(
    ctx: &Ctx,
    scope: Scope,
    watch: &RunControl<'_>,
) -> Result<CheckReport, StoreError> {
    let mut outcome = CheckReport::default();
    let all = scope == Scope::All;
    // While Spotify is down, only manual checks are made.
    if !all && let Some(pause) = ctx.db.read("load check pause", api_calls::pause_of_checks).await?
    {
        outcome.left = Some(GatewayError::Paused(pause).to_string());
        return Ok(outcome);
    }
    let settings = ctx.cadence.clone();
    let list = move |tx: &Tx<'_>| Ok((tx.now(), plan_checks(tx, all, &settings)?));
    let (listed_at, due) = ctx.db.read("plan checks", list).await?;
    let mut failures_in_a_row = 0;
    for (done, planned_check) in due.iter().enumerate() {
        if watch.stop.is_cancelled() {
            break;
        }
        let wanted = planned_check.artist.clone();
        let claim = move |tx: &Tx<'_>| artists::claim(tx, &wanted, listed_at);
        let claimed = ctx.db.write_unsynced("claim artist", claim).await?;
        // Gone, unfollowed, or checked by another process.
        let Some(artist) = claimed else { continue };
        let checked = check(ctx, &artist.id, planned_check).await?;
        outcome.count(&checked);
        let Checked { is_answered, error, .. } = checked;
        failures_in_a_row = if is_answered { 0 } else { failures_in_a_row + 1 };
        if let Some(error) = error
            && record_failure(ctx, &artist, &error, failures_in_a_row, &mut outcome).await?
        {
            break;
        }
        (watch.progress)(done as u64 + 1, due.len() as u64);
    }
    Ok(outcome)
}

/// The checks to make, best first.
fn plan_checks(
    tx: &Tx<'_>,
    all: bool,
    settings: &check_planner::Settings,
) -> Result<Vec<PlannedCheck>, StoreError> {
    let hinted = hints::wanting(tx)?;
    let budget = api_calls::budget(tx, settings.calls_per_day)?;
    if all {
        let candidates = artists::candidates(tx, CheckScope::All)?;
        return Ok(check_planner::everybody(&hinted, &candidates, &budget, settings, tx.now()));
    }
    let tracked = artists::count_tracked(tx)?;
    let tracked = usize::try_from(tracked).unwrap_or(usize::MAX);
    // If only calls for hints are left, do not read all artists every minute.
    let is_spent = |purpose| budget.is_spent(purpose, settings);
    let candidates = match (is_spent(Purpose::InitialScan), is_spent(Purpose::Scheduled)) {
        (true, true) => Vec::new(),
        (false, true) => artists::candidates(tx, CheckScope::NeverChecked)?,
        (_, false) => artists::candidates(tx, CheckScope::Due)?,
    };
    Ok(check_planner::plan_checks(&hinted, &candidates, tracked, &budget, settings, tx.now()))
}

#[derive(Default)]
struct Checked {
    /// Whether Spotify answered at least for the first pages.
    is_answered: bool,
    is_initial_scan: bool,
    found: RecordResult,
    /// Why some albums or singles that matter could not be fetched.
    error: Option<GatewayError>,
}

impl CheckReport {
    fn count(&mut self, checked: &Checked) {
        self.checked += u64::from(checked.is_answered);
        self.baselines += u64::from(checked.is_answered && checked.is_initial_scan);
        self.news += checked.found.news.len() as u64;
        self.pending += checked.found.enqueued;
    }

    /// Waiting for free calls is no failure; a pause by Spotify is.
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

/// Checks albums and singles, then the secondary lists that are due.
async fn check(
    ctx: &Ctx,
    artist: &ArtistId,
    planned_check: &PlannedCheck,
) -> Result<Checked, StoreError> {
    let id = artist.clone();
    let lists = ctx.db.read("load artist lists", move |tx| artist_lists::load(tx, &id)).await?;
    let is_initial_scan = lists.get(ListKind::Albums).is_initial_scan();
    let mut checked = Checked { is_initial_scan, ..Checked::default() };
    let mut fetcher = Fetcher::new(ctx, planned_check.clone());
    let now = ctx.clock.now();
    let queries = lists.main_queries(u64::from(PAGE), now);
    for (place, query) in queries.iter().enumerate() {
        let plan = FetchPlan::new(*query, &lists, now);
        let step = Step::Main {
            is_last: place + 1 == queries.len(),
            has_albums: queries[0].has_albums(),
            had_news: !checked.found.news.is_empty(),
        };
        let (found, error) = fetch_and_record(ctx, &mut fetcher, artist, plan, step).await?;
        if let Some(found) = found {
            checked.is_answered = true;
            checked.found.add(found);
        }
        if error.is_some() {
            checked.error = error;
            return Ok(checked);
        }
    }
    for date in &checked.found.news {
        if let Some(delay) = detection::delay(*date, &ctx.zone, ctx.clock.now()) {
            ctx.metrics.record_detection(delay);
        }
    }
    checked.found.add(check_secondary(ctx, artist, &lists).await?);
    Ok(checked)
}

/// Records a failed check. Returns whether the run should end.
async fn record_failure(
    ctx: &Ctx,
    artist: &Claimed,
    error: &GatewayError,
    failures_in_a_row: u32,
    outcome: &mut CheckReport,
) -> Result<bool, StoreError> {
    let is_removed = matches!(error, GatewayError::Spotify(spotify::Error::EndpointRemoved));
    let is_unknown = matches!(error, GatewayError::Spotify(spotify::Error::NotFound));
    if error.affects_all_requests() && !is_removed {
        release_claim(ctx, &artist.id, error).await?;
        outcome.hold_up(error);
        return Ok(true);
    }
    let wait = match error {
        // In case only this artist is affected, the others come first.
        _ if is_removed => backoff::CHECK.longest,
        _ if is_unknown => UNKNOWN_ARTIST_WAIT,
        _ => ctx.backoff(backoff::CHECK, artist.failures + 1),
    };
    let (id, why) = (artist.id.clone(), error.to_string());
    let fail = move |tx: &Tx<'_>| artists::record_failure(tx, &id, &why, tx.now() + wait);
    ctx.db.write("record check failure", fail).await?;
    if is_removed {
        outcome.hold_up(error);
        return Ok(true);
    }
    tracing::warn!(artist = %artist.id, %error, retry_in_s = wait.as_secs(), "failed to check artist");
    if is_unknown {
        outcome.unknown += 1;
        return Ok(false);
    }
    outcome.failed += 1;
    if failures_in_a_row < TOO_MANY_FAILURES {
        return Ok(false);
    }
    let rng = fraction(&*ctx.rng);
    let pause = move |tx: &Tx<'_>| api_calls::pause_checks(tx, backoff::OUTAGE, rng);
    let pause = ctx.db.write("pause checks", pause).await?;
    outcome.held_up = Some(GatewayError::Paused(pause).to_string());
    Ok(true)
}

async fn release_claim(ctx: &Ctx, id: &ArtistId, error: &GatewayError) -> Result<(), StoreError> {
    let id = id.clone();
    let ran_out =
        matches!(error, GatewayError::QuotaExhaustedMidCheck(_)).then(|| error.to_string());
    let are_few = ctx.cadence.calls_per_day < 2 * detection::MAX_SEARCHED_PAGES;
    let wait = if are_few { UNFINISHED_WAIT_OF_FEW } else { UNFINISHED_WAIT };
    ctx.db
        .write("release artist", move |tx| match &ran_out {
            None => artists::release_claim(tx, &id),
            Some(why) => artists::record_out_of_quota(tx, &id, why, tx.now() + wait),
        })
        .await
}
