//! `dropday demo`

use std::process::ExitCode;

use crate::demo;

pub(super) async fn run(headless: bool) -> anyhow::Result<ExitCode> {
    match headless {
        true => demo::scripted::run().await?,
        false => demo::runner::run().await?,
    }
    Ok(ExitCode::SUCCESS)
}
