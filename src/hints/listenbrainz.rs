//! ListenBrainz: every release that MusicBrainz knows with a date in the window, in one answer
//! (<https://listenbrainz.readthedocs.io/en/latest/users/api/misc.html#get--1-explore-fresh-releases->).

use std::io::Read;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::error::Error;
use super::http::{Http, join};
use super::{Answer, Asking, Pace, Source};
use crate::domain::hint::{
    Group, Hint, Index, Kind, MAX_AT_ONCE, Mbid, SourceName, Subject, WINDOW_DAYS, is_worth,
    newest_day,
};

/// ListenBrainz reads MusicBrainz' database, where a release is entered by hand: more often than
/// this brings little, and the answer is some megabytes.
const INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// An entry is half a kilobyte; one larger than this is no entry.
const MAX_ENTRY_SIZE: usize = 64 << 10;

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
    fn name(&self) -> SourceName {
        SourceName::ListenBrainz
    }

    fn group(&self) -> Group {
        Group::Everyone
    }

    fn pace(&self) -> Pace {
        Pace { batch: usize::MAX, distance: INTERVAL }
    }

    fn ask<'a>(&'a self, artists: &'a [Subject], now: Timestamp) -> Asking<'a> {
        let artists = artists.to_vec();
        Box::pin(async move {
            let parse = move |body: &mut dyn Read| read(body, &artists, now);
            Ok(Answer {
                hints: self.http.parse(self.address(now), parse).await?,
                ..Answer::default()
            })
        })
    }
}

fn read(body: &mut dyn Read, artists: &[Subject], now: Timestamp) -> Result<Vec<Hint>, Error> {
    let index = Index::of(artists);
    let mut hints = Vec::new();
    let each = Each(|entry: &RawValue| {
        // One bad entry costs no other.
        let entry = Some(entry.get()).filter(|raw| raw.len() <= MAX_ENTRY_SIZE);
        let room = MAX_AT_ONCE.saturating_sub(hints.len());
        if room > 0
            && let Some(entry) = entry.and_then(|raw| serde_json::from_str::<Value>(raw).ok())
        {
            hints.extend(of_entry(&entry, &index, now).into_iter().take(room));
        }
    });
    let list = Inside { key: "payload", inner: Inside { key: "releases", inner: each } };
    let read = list.deserialize(&mut serde_json::Deserializer::from_reader(body));
    read.map_err(|why| match why.is_eof() || why.is_io() {
        true => Error::Unreachable("the answer broke off".into()),
        false => Error::Unreadable("it is no list of fresh releases".into()),
    })?;
    Ok(hints)
}

/// The hints that an entry gives: one for each watched artist that it is credited to.
fn of_entry(entry: &Value, index: &Index<'_>, now: Timestamp) -> Vec<Hint> {
    let word = |key| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let Ok(released) = word("release_date").parse::<Date>() else { return Vec::new() };
    let Some(key) = Mbid::parse(word("release_group_mbid")) else { return Vec::new() };
    let secondary = word("release_group_secondary_type");
    let kind = kind(word("release_group_primary_type"), secondary);
    let is_worth = |wants_singles| is_worth(kind, wants_singles, released, now);
    // Before the artists are looked for: most entries are of nobody's days.
    if !is_worth(true) {
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
    credited.into_iter().filter(|artist| is_worth(artist.wants_singles)).map(hint).collect()
}

/// <https://musicbrainz.org/doc/Release_Group/Type>
fn kind(primary: &str, secondary: &str) -> Kind {
    match (primary, secondary) {
        (_, "Compilation") => Kind::Other,
        ("Album" | "", _) => Kind::Album,
        ("Single" | "EP", _) => Kind::Single,
        _ => Kind::Other,
    }
}

/// What lies under `key` of an object; the rest of it is passed over.
struct Inside<S> {
    key: &'static str,
    inner: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Inside<S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Inside<S> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an object with `{}`", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut inner = Some(self.inner);
        while let Some(key) = map.next_key::<String>()? {
            match inner.take_if(|_| key == self.key) {
                Some(inner) => drop(map.next_value_seed(inner)?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if inner.is_some() { Err(A::Error::missing_field(self.key)) } else { Ok(()) }
    }
}

/// The entries of a list, one after the other.
struct Each<F>(F);

impl<'de, F: FnMut(&RawValue)> DeserializeSeed<'de> for Each<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&RawValue)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<Box<RawValue>>()? {
            (self.0)(&entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
