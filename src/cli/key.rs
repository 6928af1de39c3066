//! `dropday key`

use std::path::Path;
use std::process::ExitCode;

use crate::app::{self, Rotation};
use crate::config::{Config, DEFAULT_CREDENTIALS, KeyGiver, KeySource};
use crate::store::files::beside;
use crate::store::rotation::Rotated;
use crate::terminal::say;

pub(super) async fn rotate(config: &Config, to: Option<&Path>) -> anyhow::Result<ExitCode> {
    let (ours, file) = (config.clone(), to.map(Path::to_owned));
    let (_, chance) = super::machine();
    let rotating =
        tokio::task::spawn_blocking(move || app::rotate_key(&ours, file.as_deref(), &*chance));
    match rotating.await?? {
        Rotation::InPlace(rotated, old) => {
            tell(rotated);
            say_where(config, old.as_deref());
        }
        Rotation::Finished(old) => {
            say("An earlier change of keys had been cut short in its last step, and is finished.");
            say_where(config, old.as_deref());
        }
        Rotation::ToFile(rotated, new) => {
            tell(rotated);
            say(&format!("The new key lies in {}. {}", new.display(), what_to_do(config, &new)));
        }
        Rotation::HasIt(new) => say(&format!(
            "The database has the key in {} already. {}",
            new.display(),
            what_to_do(config, &new)
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(rotated: Rotated) {
    if rotated.was_begun {
        say("Went on with a change of keys that had been cut short.");
    }
    say(&format!("Sealed the tokens of {} people with a new key.", rotated.users));
    if rotated.unreadable > 0 {
        say(&format!(
            "Those of {} people could not be read with either key: they must sign in again.",
            rotated.unreadable
        ));
    }
    say("Links in letters that are out stay good.");
}

/// Where the configuration gives the key, it must give the new one.
fn what_to_do(config: &Config, new: &Path) -> String {
    let new = new.display();
    let put = match &config.key {
        KeySource::Given(_, KeyGiver::Credential(file)) => {
            let file = match file.starts_with(DEFAULT_CREDENTIALS) {
                true => file.clone(),
                // A copy, which a supervisor made.
                false => Path::new(DEFAULT_CREDENTIALS).join("secrets.key"),
            };
            let file = file.display();
            format!(
                "Before the next start put it where the credential secrets.key comes from; under Dropday's \
                 own unit:\n\n    sudo mv --backup=numbered {file} {file}.old\n    sudo install -m 600 {new} {file}\n\n\
                 (Not secrets.key_file: a secret stands in one place.)"
            )
        }
        KeySource::Given(..) | KeySource::BesideDatabase(_) => format!(
            "Before the next start set secrets.key_file = \"{new}\", or put what is in it where the earlier \
             key stands."
        ),
    };
    format!("{put} Keep the earlier key for as long as you keep backups from before.")
}

fn say_where(config: &Config, old: Option<&Path>) {
    let KeySource::BesideDatabase(file) = &config.key else { return };
    let old = match old {
        Some(old) => format!("in {}", old.display()),
        None => format!("beside it, as {} or .old-2 and so on", beside(file, ".old").display()),
    };
    say(&format!(
        "The new key lies in {}: back it up. The earlier one is kept {old}; delete it together with the \
         last backup from before.",
        file.display(),
    ));
}
