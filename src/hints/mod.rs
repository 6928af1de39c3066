//! Open catalogues that may know of a release before Spotify is asked: ListenBrainz, MusicBrainz and
//! Deezer.
//!
//! They only decide which artist is checked next: nothing of theirs is shown to users, and Dropday
//! works without them. Each [`Source`] makes one call at a time and keeps no state; intervals, pauses
//! and retries belong to `jobs/fetch_hints.rs`, which records each call in the database.

mod deezer;
mod error;
mod http;
mod listenbrainz;
mod musicbrainz;

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::domain::hint::{Group, Hint, Identity, SourceName, Subject};

pub use error::Error;
use http::Http;

/// A call in progress.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send + 'a>>;

/// The answer of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The releases that it knows of.
    pub hints: Vec<Hint>,
    /// The ids of artists in other catalogues.
    pub identities: Vec<Identity>,
}

/// How a source is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceInfo {
    /// The name. Sources with one name share an interval.
    pub name: SourceName,
    /// The artists that it can be asked about.
    pub group: Group,
    /// The maximum number of artists per call.
    pub batch: usize,
    /// The minimum time between the starts of two calls.
    pub interval: Duration,
}

/// An open catalogue.
pub trait Source: Send + Sync {
    /// How the source is called.
    fn info(&self) -> SourceInfo;

    /// Asks about these artists in one call.
    fn ask<'a>(&'a self, artists: &'a [Subject], now: Timestamp) -> Asking<'a>;
}

/// The sources, and how to reach them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The API of ListenBrainz, if it is used.
    pub listenbrainz: Option<Url>,
    /// The API of MusicBrainz, if it is used.
    pub musicbrainz: Option<Url>,
    /// The API of Deezer, if it is used.
    pub deezer: Option<Url>,
    /// The timeout of one call, including the body.
    pub timeout: Duration,
    /// `User-Agent`: the program and a contact.
    pub user_agent: String,
}

/// The sources in use, ordered so that each can use the identities found by the ones before it.
pub fn sources(settings: &Settings) -> Result<Vec<Box<dyn Source>>, reqwest::Error> {
    let http = Http::new(&settings.user_agent, settings.timeout)?;
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    if let Some(url) = &settings.musicbrainz {
        sources.push(Box::new(musicbrainz::Artists::new(http.clone(), url.clone())));
        if settings.deezer.is_some() {
            sources.push(Box::new(musicbrainz::Links::new(http.clone(), url.clone())));
        }
    }
    if let Some(url) = &settings.listenbrainz {
        sources.push(Box::new(listenbrainz::FreshReleases::new(http.clone(), url.clone())));
    }
    if let Some(url) = &settings.deezer {
        sources.push(Box::new(deezer::ArtistAlbums::new(http, url.clone())));
    }
    Ok(sources)
}
