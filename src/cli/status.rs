//! `dropday status`

mod table;

use std::process::ExitCode;

use crate::app;
use crate::config::Config;
use crate::store::status::{self, UserPage};
use crate::terminal::print_out;

pub(super) async fn run(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let db = super::existing_database(config)?;
    let cadence = app::cadence(config);
    let status =
        db.read("load status", move |tx| status::load(tx, &cadence, UserPage::WHOLE)).await?;
    match as_json {
        true => print_out(&serde_json::to_string_pretty(&status)?),
        false => table::render(&status).lines().for_each(|line| print_out(line.trim_end())),
    }
    Ok(ExitCode::SUCCESS)
}
