//! Open catalogues that may know of a release before Spotify is asked: ListenBrainz, MusicBrainz,
//! Deezer.
//!
//! They only steer which artist Spotify is asked about next: nothing of theirs is shown to anybody,
//! and Dropday does its work without them. Each [`Source`] makes one call at a time and keeps no
//! tally; pace, pauses and retries belong to `jobs/fetch_hints.rs`, which books each call in
//! the database.

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

/// What a source answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Who has something new.
    pub hints: Vec<Hint>,
    /// Who is who.
    pub identities: Vec<Identity>,
}

/// What one call may be about, and how far calls are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The most artists that one call can be about.
    pub batch: usize,
    /// Between the starts of two calls.
    pub distance: Duration,
}

/// An open catalogue.
pub trait Source: Send + Sync {
    /// Its name: sources of one name share a pace.
    fn name(&self) -> SourceName;

    /// Which of the watched artists it knows how to ask about.
    fn group(&self) -> Group;

    /// How many at once, and how often.
    fn pace(&self) -> Pace;

    /// Asks about these artists in one call, at `now`.
    fn ask<'a>(&'a self, artists: &'a [Subject], now: Timestamp) -> Asking<'a>;
}

/// Which sources there are, and how they are reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// ListenBrainz, where it is asked.
    pub listenbrainz: Option<Url>,
    /// MusicBrainz, where it is asked.
    pub musicbrainz: Option<Url>,
    /// Deezer, where it is asked.
    pub deezer: Option<Url>,
    /// For one call, body included.
    pub timeout: Duration,
    /// Which program asks, and whom to write to about it.
    pub user_agent: String,
}

/// The sources that are asked, in the order in which one builds on the other.
///
/// # Errors
/// Where the user agent cannot stand in a header.
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
