//! Key rotation: where the new key comes from and where it is kept.

use std::path::{Path, PathBuf};

use anyhow::bail;
use secrecy::ExposeSecret;

use super::key_file;
use crate::clock::Rng;
use crate::config::{Config, KeySource};
use crate::store::key_rotation::{self, Key, Rotated};
use crate::store::{Db, StoreError};

/// What a rotation did.
#[derive(Debug)]
pub enum Rotation {
    /// The new key is where the old one was; the old one is kept here.
    InPlace(Rotated, PathBuf),
    /// An earlier rotation was killed after the database had the new key. It is finished now; likewise.
    Finished(PathBuf),
    /// The new key is in this file, and the configuration must name it.
    ToFile(Rotated, PathBuf),
    /// The database uses the key in this file already.
    HasIt(PathBuf),
}

/// Encrypts everything with another key: one that is made, if the key is beside the database, else the one in the
/// file `to`, which is created if it does not exist. Killed at any moment, the next start uses the key that matches
/// the database, and the next rotation continues.
pub fn rotate_key(config: &Config, to: Option<&Path>, rng: &dyn Rng) -> anyhow::Result<Rotation> {
    if !config.database.exists() {
        bail!("there is no database at {} yet", config.database.display());
    }
    Db::inspect(&config.database)?;
    match (&config.key, to) {
        (KeySource::BesideDatabase(file), None) => in_place(config, file, rng),
        (KeySource::Given(key, _), Some(to)) => to_file(config, key, to, rng),
        (KeySource::BesideDatabase(file), Some(_)) => bail!(
            "the key is beside the database, in {}, and is replaced there: leave out --to",
            file.display()
        ),
        (KeySource::Given(_, by), None) => bail!(
            "the key is {by}, which Dropday does not write. Name a file for the new key with --to FILE"
        ),
    }
}

/// Creates the file for the new key, if it does not exist.
pub fn create_key_file(to: &Path, rng: &dyn Rng) -> anyhow::Result<()> {
    key_file::read_or_make(to, rng).map(drop)
}

fn in_place(config: &Config, file: &Path, rng: &dyn Rng) -> anyhow::Result<Rotation> {
    let waiting = key_file::waiting(file);
    let old = key_file::kept(file, &config.database, rng)?;
    if !key_rotation::matches_key(&config.database, &old)? {
        return match key_file::read(&waiting)? {
            Some(key) if key_rotation::matches_key(&config.database, &key)? => {
                Ok(Rotation::Finished(key_file::put_in_place(file)?))
            }
            _ => Err(StoreError::WrongKey.into()),
        };
    }
    // On disk before anything is encrypted with it. One that is there is left from a rotation that was cut short.
    let new = key_file::read_or_make(&waiting, rng)?;
    let rotated = key_rotation::rotate(&config.database, &old, &new, rng)?;
    Ok(Rotation::InPlace(rotated, key_file::put_in_place(file)?))
}

fn to_file(config: &Config, old: &Key, to: &Path, rng: &dyn Rng) -> anyhow::Result<Rotation> {
    let new = key_file::read_or_make(to, rng)?;
    if !key_rotation::matches_key(&config.database, old)?
        && key_rotation::matches_key(&config.database, &new)?
    {
        return Ok(Rotation::HasIt(to.to_owned()));
    }
    if old.expose_secret() == new.expose_secret() {
        bail!("{} holds the key that the database uses already", to.display());
    }
    let rotated = key_rotation::rotate(&config.database, old, &new, rng)?;
    Ok(Rotation::ToFile(rotated, to.to_owned()))
}
