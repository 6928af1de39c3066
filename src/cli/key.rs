//! `dropday key`

use std::path::Path;
use std::process::ExitCode;

use crate::app::{self, Rotation};
use crate::config::{Config, DEFAULT_CREDENTIALS, KeyOrigin, KeySource};
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
            report(rotated);
            say_location(config, old.as_deref());
        }
        Rotation::Finished(old) => {
            say("Finished an earlier key rotation that was interrupted in its last step.");
            say_location(config, old.as_deref());
        }
        Rotation::ToFile(rotated, new) => {
            report(rotated);
            say(&format!("The new key is in {}. {}", new.display(), next_steps(config, &new)));
        }
        Rotation::HasIt(new) => say(&format!(
            "The database already uses the key in {}. {}",
            new.display(),
            next_steps(config, &new)
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn report(rotated: Rotated) {
    if rotated.was_begun {
        say("Resumed an interrupted key rotation.");
    }
    say(&format!("Encrypted the tokens of {} users with a new key.", rotated.users));
    if rotated.unreadable > 0 {
        say(&format!(
            "The tokens of {} users could not be decrypted with either key: they must reconnect.",
            rotated.unreadable
        ));
    }
    say("Links in emails that were already sent remain valid.");
}

/// If the key is set in the configuration, that must be changed to the new key.
fn next_steps(config: &Config, new: &Path) -> String {
    let new = new.display();
    let put = match &config.key {
        KeySource::Given(_, KeyOrigin::Credential(file)) => {
            let file = match file.starts_with(DEFAULT_CREDENTIALS) {
                true => file.clone(),
                // A copy made by systemd.
                false => Path::new(DEFAULT_CREDENTIALS).join("secrets.key"),
            };
            let file = file.display();
            format!(
                "Before the next start, put it where the credential secrets.key comes from. With Dropday's own unit:\n\n    sudo mv --backup=numbered {file} {file}.old\n    sudo install -m 600 {new} {file}\n\n\
                 (Do not set secrets.key_file as well.)"
            )
        }
        KeySource::Given(..) | KeySource::BesideDatabase(_) => format!(
            "Before the next start, set secrets.key_file = \"{new}\", or replace the earlier key with its content."
        ),
    };
    format!("{put} Keep the earlier key as long as you keep earlier backups.")
}

fn say_location(config: &Config, old: Option<&Path>) {
    let KeySource::BesideDatabase(file) = &config.key else { return };
    let old = match old {
        Some(old) => format!("as {}", old.display()),
        None => format!("beside it as {}, or .old-2 and so on", beside(file, ".old").display()),
    };
    say(&format!(
        "The new key is in {}: back it up. The earlier key is kept {old}; delete it together with the last earlier \
         backup.",
        file.display(),
    ));
}
