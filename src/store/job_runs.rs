//! The last runs of each job, in few rows and few writes.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};
use serde::Serialize;

use super::columns::{Ms, unreadable};
use super::{Result, Tx};

/// How many runs of a job are kept, besides the last successful one.
const RUNS_KEPT: u32 = 20;

/// A run that says nothing new is recorded this long after the last one at the earliest: a job that runs every
/// minute and finds nothing to do must not write every minute.
const RECORD_INTERVAL: SignedDuration = SignedDuration::from_mins(10);

/// Longer texts are cut: they may quote a server.
const MAX_SENTENCE_LENGTH: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Everything that was due was done.
    Ok,
    /// It stopped because it has to wait, for example for a pause that Spotify asked for.
    HeldUp,
    /// Something failed.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobRun {
    /// `follows`, `hints`, `releases` or `emails`.
    #[serde(skip)]
    pub job: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub result: RunResult,
    /// There was nothing to do.
    #[serde(rename = "idle")]
    pub is_idle: bool,
    /// What it did, as a sentence.
    #[serde(rename = "report")]
    pub did: String,
}

impl RunResult {
    pub const ALL: [Self; 3] = [Self::Ok, Self::HeldUp, Self::Failed];

    /// The name in the database, in `dropday status` and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::HeldUp => "held_up",
            Self::Failed => "failed",
        }
    }
}

/// Records a run. One that repeats the last one, or found nothing to do after a successful one, replaces it after ten
/// minutes and is dropped before.
pub fn note(tx: &Tx<'_>, run: &JobRun) -> Result<()> {
    let run = &JobRun { did: run.did.chars().take(MAX_SENTENCE_LENGTH).collect(), ..run.clone() };
    if let Some(last) = last(tx, &run.job)?
        && last.makes_superfluous(run)
    {
        let since = run.ended_at.duration_since(last.ended_at).abs();
        if since < RECORD_INTERVAL {
            return Ok(());
        }
    }
    forget_what_it_replaces(tx, run)?;
    tx.execute(
        "INSERT INTO job_runs (job, started_at, ended_at, result, is_idle, did)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            run.job,
            Ms(run.started_at),
            Ms(run.ended_at),
            run.result.as_str(),
            run.is_idle,
            run.did
        ],
    )?;
    forget_old(tx, &run.job)
}

/// The recorded runs, by job, newest first.
pub fn latest(tx: &Tx<'_>) -> Result<Vec<JobRun>> {
    let sql = "SELECT job, started_at, ended_at, result, is_idle, did FROM job_runs
               ORDER BY job, id DESC";

    tx.query_rows(sql, [], read)
}

impl JobRun {
    /// Zero if the clock stepped back.
    pub fn took(&self) -> SignedDuration {
        let took = self.ended_at.duration_since(self.started_at).max(SignedDuration::ZERO);
        SignedDuration::from_millis(i64::try_from(took.as_millis()).unwrap_or(i64::MAX))
    }

    fn makes_superfluous(&self, next: &Self) -> bool {
        let says_the_same = self.is_idle == next.is_idle && self.did == next.did;
        match next.result {
            RunResult::Ok => self.result == RunResult::Ok && next.is_idle,
            other => self.result == other && says_the_same,
        }
    }
}

/// The last recorded run of a job.
pub fn last(tx: &Tx<'_>, job: &str) -> Result<Option<JobRun>> {
    let sql = "SELECT job, started_at, ended_at, result, is_idle, did FROM job_runs
               WHERE job = ?1 ORDER BY id DESC LIMIT 1";
    tx.query_optional(sql, [job], read)
}

/// The run that this one replaces: the last idle one, or the last one if it reported the same failure.
fn forget_what_it_replaces(tx: &Tx<'_>, run: &JobRun) -> Result<()> {
    tx.execute(
        "DELETE FROM job_runs WHERE job = ?1 AND result = ?2
             AND ((?3 AND is_idle)
                  OR (?2 <> 'ok' AND did = ?4 AND id = (SELECT max(id) FROM job_runs WHERE job = ?1)))",
        params![run.job, run.result.as_str(), run.is_idle, run.did],
    )?;
    Ok(())
}

fn forget_old(tx: &Tx<'_>, job: &str) -> Result<()> {
    tx.execute(
        "DELETE FROM job_runs WHERE job = ?1
             AND id <= (SELECT id FROM job_runs WHERE job = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
             AND id IS NOT (SELECT max(id) FROM job_runs WHERE job = ?1 AND result = 'ok')",
        params![job, RUNS_KEPT],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRun> {
    let word: String = row.get(3)?;
    let result = RunResult::ALL.into_iter().find(|result| result.as_str() == word);
    Ok(JobRun {
        job: row.get(0)?,
        started_at: row.get::<_, Ms>(1)?.0,
        ended_at: row.get::<_, Ms>(2)?.0,
        result: result.ok_or_else(|| unreadable("how a run ended"))?,
        is_idle: row.get(4)?,
        did: row.get(5)?,
    })
}
