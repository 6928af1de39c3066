//! `dropday key`

use std::path::Path;
use std::process::ExitCode;

use crate::app::{self, Rotation};
use crate::config::{Config, KeySource};
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
            say_where(config, &old);
        }
        Rotation::Finished(old) => {
            say("An earlier change of keys had been cut short in its last step, and is finished.");
            say_where(config, &old);
        }
        Rotation::ToFile(rotated, new) => {
            tell(rotated);
            let new = new.display();
            say(&format!(
                "The new key lies in {new}. Before the next start set secrets.key_file = \"{new}\", or put \
                 what is in it where the earlier key stands. Keep the earlier key for as long as you keep \
                 backups from before."
            ));
        }
        Rotation::HasIt(new) => say(&format!(
            "The database has the key in {new} already. Set secrets.key_file = \"{new}\", or put what is in \
             it where the earlier key stands.",
            new = new.display()
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(rotated: Rotated) {
    if rotated.was_begun {
        say("Went on with a change of keys that had been cut short.");
    }
    say(&format!("Sealed the tokens of {} people with a new key.", rotated.people));
    if rotated.unreadable > 0 {
        say(&format!(
            "Those of {} people could not be read with either key: they must sign in again.",
            rotated.unreadable
        ));
    }
    say("Links in letters that are out stay good.");
}

fn say_where(config: &Config, old: &Path) {
    let KeySource::BesideDatabase(file) = &config.key else { return };
    say(&format!(
        "The new key lies in {}: back it up. The earlier one is kept in {}; delete it together with the \
         last backup from before.",
        file.display(),
        old.display()
    ));
}
