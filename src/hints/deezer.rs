//! Deezer: an artist's albums, one artist a call (<https://developers.deezer.com/api/artist/albums>).
//!
//! 50 calls in 5 seconds; one too many is answered with status 200 and an error of code 4
//! (<https://developers.deezer.com/api/errors>).

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use url::Url;

use super::error::Error;
use super::http::{Http, join};
use super::{Answer, Asking, Pace, Source};
use crate::domain::hint::{Group, Hint, HintKind, SourceName, Subject, is_worth};

/// A third less than is allowed.
const DISTANCE: Duration = Duration::from_millis(150);

/// Albums in a page. The list is roughly in the order of dates: what is new is on the first.
const PAGE: &str = "100";

/// Over quota.
const QUOTA: u64 = 4;
/// Too busy.
const SERVICE_BUSY: u64 = 700;
/// There is no such artist.
const NO_DATA: u64 = 800;

/// The quota is reckoned over five seconds.
const QUOTA_PAUSE: Duration = Duration::from_secs(10);

/// Artists' albums.
#[derive(Debug)]
pub(super) struct ArtistAlbums {
    http: Http,
    url: Url,
}

impl ArtistAlbums {
    pub(super) fn new(http: Http, url: Url) -> Self {
        Self { http, url }
    }
}

impl Source for ArtistAlbums {
    fn name(&self) -> SourceName {
        SourceName::Deezer
    }

    fn group(&self) -> Group {
        Group::Traced
    }

    fn pace(&self) -> Pace {
        Pace { batch: 1, distance: DISTANCE }
    }

    fn ask<'a>(&'a self, artists: &'a [Subject], now: Timestamp) -> Asking<'a> {
        Box::pin(async move {
            let [artist] = artists else { return Ok(Answer::default()) };
            let Some(id) = artist.deezer else { return Ok(Answer::default()) };
            let mut url = join(&self.url, &["artist", &id.0.to_string(), "albums"]);
            url.query_pairs_mut().append_pair("limit", PAGE).append_pair("index", "0");
            let hints = match self.http.json(url).await {
                Err(Error::NotFound) => Vec::new(),
                body => hints(&body?, artist, now)?,
            };
            Ok(Answer { hints, ..Answer::default() })
        })
    }
}

fn hints(body: &Value, artist: &Subject, now: Timestamp) -> Result<Vec<Hint>, Error> {
    if let Some(error) = body.get("error") {
        return match error.get("code").and_then(Value::as_u64) {
            Some(QUOTA | SERVICE_BUSY) => Err(Error::Busy { retry_after: Some(QUOTA_PAUSE) }),
            Some(NO_DATA) => Ok(Vec::new()),
            code => Err(Error::Unreadable(format!("error {}", code.unwrap_or_default()))),
        };
    }
    let albums = body.get("data").and_then(Value::as_array);
    let albums = albums.ok_or_else(|| Error::Unreadable("no list of albums".into()))?;
    Ok(albums.iter().filter_map(|album| hint(album, artist, now)).collect())
}

fn hint(album: &Value, artist: &Subject, now: Timestamp) -> Option<Hint> {
    let id = album.get("id")?.as_u64()?;
    // An unknown date is 0000-00-00, which is none.
    let released: Date = album.get("release_date")?.as_str()?.parse().ok()?;
    let kind = match album.get("record_type").and_then(Value::as_str) {
        Some("album") | None => HintKind::Album,
        Some("single" | "ep") => HintKind::Single,
        Some(_) => HintKind::Other,
    };
    is_worth(kind, artist.wants_singles, released, now).then(|| Hint {
        artist: artist.id.clone(),
        source: SourceName::Deezer,
        key: id.to_string(),
        released: Some(released),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::artist::ArtistId;
    use crate::domain::hint::DeezerId;

    fn read(body: &Value) -> Result<Vec<Hint>, Error> {
        read_of(body, false)
    }

    fn read_of(body: &Value, wants_singles: bool) -> Result<Vec<Hint>, Error> {
        let id = ArtistId::parse("a").unwrap();
        let deezer = Some(DeezerId(27));
        let artist = Subject { id, name: "Daft Punk".into(), mbid: None, deezer, wants_singles };
        hints(body, &artist, "2026-11-23T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_fresh_album_is_a_hint_and_the_rest_is_none() {
        let album = |id: u64, date: &str, kind: &str| json!({"id": id, "release_date": date, "record_type": kind});
        let body = json!({ "data": [
            null, {"id": 1}, {"id": "2", "release_date": "2026-11-20"},
            album(3, "2026-11-20", "album"), album(4, "2026-11-20", "single"),
            album(5, "2026-11-20", "compile"), album(6, "2013-05-17", "album"),
            album(7, "0000-00-00", "album"), album(8, "2027-11-20", "album"),
        ], "total": 9 });
        let keys: Vec<_> = read(&body).unwrap().into_iter().map(|hint| hint.key).collect();
        assert_eq!(keys, ["3"]);
        let keys: Vec<_> = read_of(&body, true).unwrap().into_iter().map(|hint| hint.key).collect();
        assert_eq!(keys, ["3", "4"], "somebody wants singles");
    }

    #[test]
    fn over_quota_is_told_by_a_200() {
        let error = |code: Value| json!({"error": {"type": "Exception", "message": "Quota limit exceeded", "code": code}});
        assert!(matches!(read(&error(json!(4))), Err(Error::Busy { .. })));
        assert_eq!(read(&error(json!(800))), Ok(Vec::new()));
        for other in [json!(200), json!("4"), json!(null)] {
            assert!(matches!(read(&error(other)), Err(Error::Unreadable(_))));
        }
        for changed in [json!(null), json!([]), json!({"data": {}})] {
            assert!(matches!(read(&changed), Err(Error::Unreadable(_))), "{changed}");
        }
    }

    proptest! {
        #[test]
        fn any_album_is_read_without_a_panic(id in any::<i64>(), date in any::<String>()) {
            let _ = read(&json!({"data": [{"id": id, "release_date": date}]}));
        }
    }
}
