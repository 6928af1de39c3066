//! `dropday export`

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::app;
use crate::config::Config;
use crate::store::export;
use crate::terminal::print_out;

pub(super) async fn run(
    config: &Config,
    user: String,
    file: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    if !config.database.exists() {
        bail!("there is no database at {} yet", config.database.display());
    }
    let (clock, rng) = super::machine();
    let db = app::open_database(config, &clock, &rng)?;
    let all = db
        .read("export account", move |tx| match export::who(tx, &user)? {
            Some(user) => export::of(tx, user),
            None => Ok(None),
        })
        .await?;
    let Some(all) = all else {
        bail!(
            "no user has that number, Spotify ID or confirmed email address; see dropday users list"
        );
    };
    let all = format!("{all:#}");
    match file {
        None => print_out(&all),
        Some(path) => {
            let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let mut new = new.with_context(|| {
                format!(
                    "cannot create {}. Leave out the file and redirect the output instead",
                    path.display()
                )
            })?;
            new.write_all(all.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
