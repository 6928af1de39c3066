//! `dropday backup` and `dropday restore`

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use crate::app;
use crate::config::{Config, KeySource};
use crate::store::Db;
use crate::store::backup::{self, Contents, restore};
use crate::terminal::print_out;

pub(super) async fn write(config: &Config, to: &Path, replaces: bool) -> anyhow::Result<ExitCode> {
    if !config.database.exists() {
        bail!("there is no database at {} yet", config.database.display());
    }
    let (database, file) = (config.database.clone(), to.to_owned());
    let written = tokio::task::spawn_blocking(move || backup::write(&database, &file, replaces));
    let contents = written.await??;
    print_out(&format!("Wrote and verified {}: {}.", to.display(), describe(contents)));
    match &config.key {
        KeySource::BesideDatabase(file) => print_out(&format!(
            "It does not contain the key, and is useless without it: keep a copy of {} in another place.",
            file.display()
        )),
        KeySource::Given(_, by) => print_out(&format!(
            "It does not contain the key, and is useless without it: the key is {by}.",
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
    print_out(&format!(
        "Restored {place} from {}: {}.",
        from.display(),
        describe(restored.contents)
    ));
    let Some(kept) = &restored.kept else { return Ok(ExitCode::SUCCESS) };
    print_out(&format!(
        "The previous database is kept as {} and contains personal data: delete it once everything works. \
         (Dropday deletes it after 30 days.)",
        kept.display()
    ));
    for (user, name) in &restored.back {
        print_out(&format!(
            "User {user}, {name}, had deleted their account since the backup and is back. To delete them again: \
             dropday users remove {user}"
        ));
    }
    print_out("Emails that were sent since the backup may be sent again.");
    Ok(ExitCode::SUCCESS)
}

fn describe(contents: Contents) -> String {
    let Contents { users, artists, pending, version } = contents;
    format!(
        "{users} users, {artists} artists, {pending} queued notifications, schema version {version}"
    )
}
