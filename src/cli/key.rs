//! `dropday key`

use std::path::Path;
use std::process::ExitCode;

use crate::app::{self, Rotation};
use crate::config::{Config, DEFAULT_CREDENTIALS, KeyOrigin, KeySource};
use crate::store::key_rotation::Rotated;
use crate::terminal::print_out;

pub(super) async fn rotate(config: &Config, to: Option<&Path>) -> anyhow::Result<ExitCode> {
    let (ours, file) = (config.clone(), to.map(Path::to_owned));
    let (_, rng) = super::machine();
    let rotating =
        tokio::task::spawn_blocking(move || app::rotate_key(&ours, file.as_deref(), &*rng));
    match rotating.await?? {
        Rotation::InPlace(rotated, old) => {
            tell(rotated);
            say_where(config, &old);
        }
        Rotation::Finished(old) => {
            print_out(
                "An earlier key rotation had been interrupted in its last step. It is finished now.",
            );
            say_where(config, &old);
        }
        Rotation::ToFile(rotated, new) => {
            tell(rotated);
            print_out(&format!(
                "The new key is in {}. {}",
                new.display(),
                what_to_do(config, &new)
            ));
        }
        Rotation::HasIt(new) => print_out(&format!(
            "The database uses the key in {} already. {}",
            new.display(),
            what_to_do(config, &new)
        )),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(rotated: Rotated) {
    print_out(&format!("Encrypted the tokens of {} users with the new key.", rotated.users));
    if rotated.unreadable > 0 {
        print_out(&format!(
            "The tokens of {} users could not be decrypted: they must sign in again.",
            rotated.unreadable
        ));
    }
    print_out("Links in emails that were sent before stay valid.");
}

/// Where the configuration gives the key, it must give the new one.
fn what_to_do(config: &Config, new: &Path) -> String {
    let new = new.display();
    let put = match &config.key {
        KeySource::Given(_, KeyOrigin::Credential(file)) => {
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
            "Before the next start set secrets.key_file = \"{new}\", or replace the old \
             key with its content."
        ),
    };
    format!("{put} Keep the old key for as long as you keep backups that were made before.")
}

fn say_where(config: &Config, old: &Path) {
    let KeySource::BesideDatabase(file) = &config.key else { return };
    print_out(&format!(
        "The new key is in {}: back it up. The old key is kept in {}: delete it together with the last backup \
         that was made before.",
        file.display(),
        old.display()
    ));
}
