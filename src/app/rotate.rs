//! Another key for the database.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use secrecy::ExposeSecret;

use super::key_file;
use crate::clock::Chance;
use crate::config::{Config, KeySource};
use crate::store::rotation::{self, Key, Rotated};
use crate::store::{Db, StoreError};

/// What became of a change of keys.
#[derive(Debug)]
pub enum Rotation {
    /// The new key lies where the old one lay; that one is kept here, if it was not another process that kept it.
    InPlace(Rotated, Option<PathBuf>),
    /// An earlier change had been cut short in its last step, and is finished; likewise.
    Finished(Option<PathBuf>),
    /// The new key lies in this file, and the configuration must name it.
    ToFile(Rotated, PathBuf),
    /// The database has the key in this file already.
    HasIt(PathBuf),
}

/// Seals everything with another key: one that is made, where the key lies beside the database, else the one
/// in the file `to`, made if it is not there.
///
/// # Errors
/// With the remedy, for the operator.
pub fn rotate_key(
    config: &Config,
    to: Option<&Path>,
    chance: &dyn Chance,
) -> anyhow::Result<Rotation> {
    if !config.database.exists() {
        bail!("there is no database at {} yet", config.database.display());
    }
    Db::look_at(&config.database)?;
    match (&config.key, to) {
        (KeySource::BesideDatabase(file), None) => in_place(config, file, chance),
        (KeySource::Given(key, _), Some(to)) => to_file(config, key, to, chance),
        (KeySource::BesideDatabase(file), Some(_)) => bail!(
            "the key lies beside the database, in {}, and is changed there: leave out --to",
            file.display()
        ),
        (KeySource::Given(_, by), None) => bail!(
            "the key is {by}, which Dropday does not write. Say where the new one is to lie, with --to FILE"
        ),
    }
}

fn in_place(config: &Config, file: &Path, chance: &dyn Chance) -> anyhow::Result<Rotation> {
    let waiting = key_file::waiting(file);
    let old = key_file::kept(file, &config.database, chance)?;
    let choose = |begun: Option<Key>| -> anyhow::Result<Key> {
        let key = match (begun, key_file::read(&waiting)?) {
            (None, Some(made)) => return Ok(made),
            (Some(begun), Some(made)) if is_same(&begun, &made) => return Ok(begun),
            (Some(begun), None) => begun,
            (None, None) => key_file::draw(chance),
            // Of a change that came to nothing.
            (Some(begun), Some(_)) => {
                let kept = key_file::put_aside(file)?;
                tracing::warn!(
                    kept = %kept.display(),
                    "a key that waited for a change that came to nothing is kept aside"
                );
                begun
            }
        };
        keep(&waiting, key)
    };
    match rotation::rotate(&config.database, &old, chance, choose) {
        Ok(rotated) => Ok(Rotation::InPlace(rotated, key_file::put_in_place(file)?)),
        Err(why) if is_wrong_key(&why) => match key_file::read(&waiting)? {
            Some(key) if rotation::fits(&config.database, &key)? => {
                Ok(Rotation::Finished(key_file::put_in_place(file)?))
            }
            _ => Err(why),
        },
        Err(why) => Err(why),
    }
}

fn to_file(config: &Config, old: &Key, to: &Path, chance: &dyn Chance) -> anyhow::Result<Rotation> {
    let choose = |begun: Option<Key>| -> anyhow::Result<Key> {
        match (begun, key_file::read(to)?) {
            (_, Some(made)) if is_same(old, &made) => {
                bail!("{} holds the key that the database has already", to.display())
            }
            (None, Some(made)) => Ok(made),
            (Some(begun), Some(made)) if is_same(&begun, &made) => Ok(begun),
            (Some(_), Some(_)) => bail!(
                "an earlier change, to another key than that in {}, is not finished. Name the file that \
                 was named then, or one that is not there: the key is written to it",
                to.display()
            ),
            (begun, None) => keep(to, begun.unwrap_or_else(|| key_file::draw(chance))),
        }
    };
    match rotation::rotate(&config.database, old, chance, choose) {
        Ok(rotated) => Ok(Rotation::ToFile(rotated, to.to_owned())),
        Err(why) if is_wrong_key(&why) => match key_file::read(to)? {
            Some(key) if rotation::fits(&config.database, &key)? => {
                Ok(Rotation::HasIt(to.to_owned()))
            }
            _ => Err(why),
        },
        Err(why) => Err(why),
    }
}

/// Makes sure that a key is on the disk before anything is sealed with it.
fn keep(file: &Path, key: Key) -> anyhow::Result<Key> {
    key_file::make(file, &key)
        .with_context(|| format!("the new key cannot be written to {}", file.display()))?;
    let kept = key_file::read(file)?;
    kept.context("the new key is gone again")
}

fn is_wrong_key(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::WrongKey))
}

fn is_same(one: &Key, other: &Key) -> bool {
    one.expose_secret() == other.expose_secret()
}
