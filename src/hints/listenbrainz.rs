//! ListenBrainz: all releases that MusicBrainz has with a date in the window, in one answer
//! (<https://listenbrainz.readthedocs.io/en/latest/users/api/misc.html#get--1-explore-fresh-releases->).

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::error::Error;
use super::http::{Http, join};
use super::{Answer, Asking, Source, SourceInfo};
use crate::domain::hint::{
    Group, Hint, HintKind, Index, MAX_AT_ONCE, Mbid, SourceName, Subject, WINDOW_DAYS,
    is_worth_checking, newest_day,
};

/// Volunteers enter releases into MusicBrainz by hand, and the answer has several megabytes: polling
/// more often gains little.
const INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// The list of fresh releases.
#[derive(Debug)]
pub(super) struct FreshReleases {
    http: Http,
    url: Url,
}

impl FreshReleases {
    pub(super) fn new(http: Http, url: Url) -> Self {
        Self { http, url }
    }

    fn address(&self, now: Timestamp) -> Url {
        let mut url = join(&self.url, &["1", "explore", "fresh-releases", ""]);
        url.query_pairs_mut()
            .append_pair("release_date", &newest_day(now).to_string())
            .append_pair("days", &WINDOW_DAYS.to_string())
            .append_pair("past", "true")
            .append_pair("future", "false");
        url
    }
}

impl Source for FreshReleases {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            name: SourceName::ListenBrainz,
            group: Group::Everyone,
            batch: usize::MAX,
            interval: INTERVAL,
        }
    }

    fn ask<'a>(&'a self, artists: &'a [Subject], now: Timestamp) -> Asking<'a> {
        Box::pin(async move {
            let body = self.http.body(self.address(now)).await?;
            let artists = artists.to_vec();
            let parsing = tokio::task::spawn_blocking(move || parse(&body, &artists, now));
            let hints =
                parsing.await.map_err(|_| Error::Unreadable("the parser failed".into()))??;
            Ok(Answer { hints, ..Answer::default() })
        })
    }
}

/// The answer. Entries are parsed one by one, so that an invalid one does not affect the others.
#[derive(Deserialize)]
struct FreshReleasesBody<'a> {
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    releases: Vec<&'a RawValue>,
}

fn parse(body: &[u8], artists: &[Subject], now: Timestamp) -> Result<Vec<Hint>, Error> {
    let body: FreshReleasesBody<'_> = serde_json::from_slice(body)
        .map_err(|_| Error::Unreadable("it is not a list of fresh releases".into()))?;
    let index = Index::of(artists);
    let entries = body.payload.releases.into_iter();
    let entries = entries.filter_map(|entry| serde_json::from_str::<Value>(entry.get()).ok());
    let hints = entries.flat_map(|entry| hints_from_entry(&entry, &index, now));
    Ok(hints.take(MAX_AT_ONCE).collect())
}

/// One hint for each followed artist that the entry credits.
fn hints_from_entry(entry: &Value, index: &Index<'_>, now: Timestamp) -> Vec<Hint> {
    let word = |key| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let Ok(released) = word("release_date").parse::<Date>() else { return Vec::new() };
    let Some(key) = Mbid::parse(word("release_group_mbid")) else { return Vec::new() };
    let secondary = word("release_group_secondary_type");
    let kind = kind(word("release_group_primary_type"), secondary);
    let is_worth_checking = |wants_singles| is_worth_checking(kind, wants_singles, released, now);
    // Before looking up artists: most entries are outside the window.
    if !is_worth_checking(true) {
        return Vec::new();
    }
    let mbids = entry.get("artist_mbids").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mbids: Vec<Mbid> = mbids.iter().filter_map(|id| Mbid::parse(id.as_str()?)).collect();
    let credited = index.credited(&mbids, word("artist_credit_name"));
    let hint = |artist: &Subject| Hint {
        artist: artist.id.clone(),
        source: SourceName::ListenBrainz,
        key: key.as_str().to_owned(),
        released: Some(released),
    };
    credited
        .into_iter()
        .filter(|artist| is_worth_checking(artist.wants_singles))
        .map(hint)
        .collect()
}

/// <https://musicbrainz.org/doc/Release_Group/Type>
fn kind(primary: &str, secondary: &str) -> HintKind {
    match (primary, secondary) {
        (_, "Compilation") => HintKind::Other,
        ("Album" | "", _) => HintKind::Album,
        ("Single" | "EP", _) => HintKind::Single,
        _ => HintKind::Other,
    }
}

#[cfg(test)]
mod tests;
