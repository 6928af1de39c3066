//! `dropday demo`

use std::process::ExitCode;

use crate::demo;

pub(super) async fn run(headless: bool) -> anyhow::Result<ExitCode> {
    match headless {
        true => demo::headless::play().await?,
        false => demo::stage::show().await?,
    }
    Ok(ExitCode::SUCCESS)
}
