//! `dropday status`

mod json;
mod table;

use std::process::ExitCode;

use crate::app;
use crate::config::Config;
use crate::store::job_runs::{JobRun, RunResult};
use crate::store::status::{self, Page};
use crate::terminal::say;

pub(super) async fn run(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let db = super::existing_database(config)?;
    let cadence = app::cadence(config);
    let report = db.read("status", move |tx| status::report(tx, &cadence, Page::WHOLE)).await?;
    match as_json {
        true => say(&serde_json::to_string_pretty(&json::of(&report))?),
        false => table::of(&report).lines().for_each(|line| say(line.trim_end())),
    }
    Ok(ExitCode::SUCCESS)
}

fn last_ok(runs: &[JobRun]) -> Option<&JobRun> {
    runs.iter().find(|run| run.result == RunResult::Ok)
}
