//! Deezer: the albums of one artist per call (<https://developers.deezer.com/api/artist/albums>).
//!
//! Allows 50 calls in 5 seconds. Further calls are answered with status 200 and an error of code 4
//! (<https://developers.deezer.com/api/errors>).

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use url::Url;

use super::error::Error;
use super::http::{Http, join};
use super::{Answer, Asking, Source, SourceInfo};
use crate::domain::hint::{Group, Hint, HintKind, SourceName, Subject, is_worth_checking};

/// A third below the limit.
const INTERVAL: Duration = Duration::from_millis(150);

/// Albums per page. The list is roughly sorted by date, so that new ones are on the first page.
const PAGE_SIZE: &str = "100";

/// The quota is used up.
const QUOTA: u64 = 4;
/// Too busy.
const SERVICE_BUSY: u64 = 700;
/// Unknown artist.
const NO_DATA: u64 = 800;

/// The quota covers five seconds.
const QUOTA_PAUSE: Duration = Duration::from_secs(10);

/// The albums of an artist.
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
    fn info(&self) -> SourceInfo {
        SourceInfo { name: SourceName::Deezer, group: Group::Traced, batch: 1, interval: INTERVAL }
    }

    fn ask<'a>(&'a self, artists: &'a [Subject], now: Timestamp) -> Asking<'a> {
        Box::pin(async move {
            let [artist] = artists else { return Ok(Answer::default()) };
            let Some(id) = artist.deezer else { return Ok(Answer::default()) };
            let mut url = join(&self.url, &["artist", &id.0.to_string(), "albums"]);
            url.query_pairs_mut().append_pair("limit", PAGE_SIZE).append_pair("index", "0");
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
    // An unknown date is 0000-00-00, which does not parse.
    let released: Date = album.get("release_date")?.as_str()?.parse().ok()?;
    let kind = match album.get("record_type").and_then(Value::as_str) {
        Some("album") | None => HintKind::Album,
        Some("single" | "ep") => HintKind::Single,
        Some(_) => HintKind::Other,
    };
    is_worth_checking(kind, artist.wants_singles, released, now).then(|| Hint {
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
    fn only_recent_albums_are_hints() {
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
        assert_eq!(keys, ["3", "4"], "a follower wants singles");
    }

    #[test]
    fn quota_error_has_status_200() {
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
        fn any_album_is_parsed_without_panic(id in any::<i64>(), date in any::<String>()) {
            let _ = read(&json!({"data": [{"id": id, "release_date": date}]}));
        }
    }
}
