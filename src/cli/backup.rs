//! `dropday backup` and `dropday restore`

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use crate::app;
use crate::config::{Config, KeySource};
use crate::store::backup::{self, Contents};
use crate::store::{Db, restore};
use crate::terminal::say;

pub(super) async fn write(config: &Config, to: &Path, replaces: bool) -> anyhow::Result<ExitCode> {
    if !config.database.exists() {
        bail!("there is no database at {} yet", config.database.display());
    }
    let (database, file) = (config.database.clone(), to.to_owned());
    let written = tokio::task::spawn_blocking(move || backup::write(&database, &file, replaces));
    let contents = written.await??;
    say(&format!("Wrote {}, and found it sound: {}.", to.display(), describe(contents)));
    match &config.key {
        KeySource::BesideDatabase(file) => say(&format!(
            "The key is not in it, and a backup is good for nothing without: keep a copy of {} too, in \
             another place.",
            file.display()
        )),
        KeySource::Given(_, by) => say(&format!(
            "The key is not in it, and a backup is good for nothing without: it is the one that is {by}.",
        )),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn restore(config: &Config, from: &Path) -> anyhow::Result<ExitCode> {
    Db::inspect(from)?;
    let cipher = app::key_of(config)?;
    let (clock, _) = super::machine();
    let now = clock.now();
    let (database, file) = (config.database.clone(), from.to_owned());
    let restored =
        tokio::task::spawn_blocking(move || restore::restore(&file, &database, &cipher, now));
    let restored = restored.await??;
    let place = config.database.display();
    say(&format!("Restored {place} from {}: {}.", from.display(), describe(restored.contents)));
    let Some(kept) = &restored.kept else { return Ok(ExitCode::SUCCESS) };
    say(&format!(
        "What was there lies in {} now. Delete it once all is well: people's data is in it. (After 30 days \
         Dropday does.)",
        kept.display()
    ));
    for (user, name) in &restored.back {
        say(&format!(
            "Somebody who had left since is back: number {user}, {name}. Unless you mean it: dropday users \
             remove {user}"
        ));
    }
    say("Letters that left since the backup may come a second time.");
    Ok(ExitCode::SUCCESS)
}

fn describe(contents: Contents) -> String {
    let Contents { users, artists, pending, version } = contents;
    format!(
        "{users} people, {artists} artists, {pending} things owed to people, tables of version {version}"
    )
}
