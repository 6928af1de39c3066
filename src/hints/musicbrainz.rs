//! MusicBrainz: the ids of a Spotify artist at MusicBrainz and Deezer.
//!
//! Allows one call per second and address: faster clients get 503 for all calls. `User-Agent` must name
//! the program and a contact
//! (<https://musicbrainz.org/doc/MusicBrainz_API/Rate_Limiting>).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::error::Error;
use super::http::{Http, join};
use super::{Answer, Asking, Source, SourceInfo};
use crate::domain::hint::{DeezerId, Group, Identity, Mbid, SourceName, Subject};

/// More than a second, because the clocks of both sides differ.
const INTERVAL: Duration = Duration::from_millis(1200);

/// `resource` may be repeated this often
/// (<https://musicbrainz.org/doc/MusicBrainz_API#url_(by_text)>).
const MAX_RESOURCES: usize = 100;

const SPOTIFY_ARTIST: &str = "https://open.spotify.com/artist/";

/// Looks up Spotify artists by URL. The answer omits unknown ones.
#[derive(Debug)]
pub(super) struct Artists {
    http: Http,
    url: Url,
}

impl Artists {
    pub(super) fn new(http: Http, url: Url) -> Self {
        Self { http, url }
    }
}

impl Source for Artists {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            name: SourceName::MusicBrainz,
            group: Group::Unidentified,
            batch: MAX_RESOURCES,
            interval: INTERVAL,
        }
    }

    fn ask<'a>(&'a self, artists: &'a [Subject], _now: Timestamp) -> Asking<'a> {
        Box::pin(async move {
            match self.http.json(address(&self.url, artists)).await {
                Ok(body) => {
                    Ok(Answer { identities: identities(&body, artists)?, ..Answer::default() })
                }
                // One unknown URL is a 404, several are an empty list.
                Err(Error::NotFound) if artists.len() == 1 => Ok(Answer::default()),
                Err(error) => Err(error),
            }
        })
    }
}

fn address(base: &Url, artists: &[Subject]) -> Url {
    let mut url = join(base, &["ws", "2", "url"]);
    // Not percent-encoded: ids need no escapes, and a hundred encoded URLs come close to the 8 KiB that
    // servers accept.
    let mut query: String =
        artists.iter().map(|artist| format!("resource={SPOTIFY_ARTIST}{}&", artist.id)).collect();
    query.push_str("inc=artist-rels&fmt=json");
    url.set_query(Some(&query));
    url
}

/// The answer for one URL is an object, for several a list of objects.
fn identities(body: &Value, asked: &[Subject]) -> Result<Vec<Identity>, Error> {
    let one = std::slice::from_ref(body);
    let urls = match body.get("urls") {
        Some(urls) => urls.as_array().map(Vec::as_slice),
        None => body.get("resource").map(|_| one),
    };
    let urls = urls.ok_or_else(|| Error::Unreadable("no list of URLs".into()))?;
    Ok(urls.iter().filter_map(|url| identity(url, asked)).collect())
}

fn identity(url: &Value, asked: &[Subject]) -> Option<Identity> {
    let id = url.get("resource")?.as_str()?.strip_prefix(SPOTIFY_ARTIST)?;
    let artist = asked.iter().find(|artist| artist.id.as_str() == id)?;
    let mbid = relations(url)
        .find_map(|relation| Mbid::parse(relation.get("artist")?.get("id")?.as_str()?))?;
    Some(Identity::Mbid(artist.id.clone(), mbid))
}

/// The links of one artist per call.
#[derive(Debug)]
pub(super) struct Links {
    http: Http,
    url: Url,
}

impl Links {
    pub(super) fn new(http: Http, url: Url) -> Self {
        Self { http, url }
    }

    async fn look_up(&self, artist: &Subject, mbid: &Mbid) -> Result<Answer, Error> {
        let mut url = join(&self.url, &["ws", "2", "artist", mbid.as_str()]);
        url.set_query(Some("inc=url-rels&fmt=json"));
        let body = match self.http.json(url).await {
            Err(Error::NotFound) => return Ok(Answer::default()),
            body => body?,
        };
        if body.get("id").is_none() {
            return Err(Error::Unreadable("no artist".into()));
        }
        let deezer = relations(&body).find_map(deezer);
        let identity = deezer.map(|deezer| Identity::Deezer(artist.id.clone(), deezer));
        Ok(Answer { identities: identity.into_iter().collect(), ..Answer::default() })
    }
}

impl Source for Links {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            name: SourceName::MusicBrainz,
            group: Group::Untraced,
            batch: 1,
            interval: INTERVAL,
        }
    }

    fn ask<'a>(&'a self, artists: &'a [Subject], _now: Timestamp) -> Asking<'a> {
        Box::pin(async move {
            match artists {
                [artist] if let Some(mbid) = &artist.mbid => self.look_up(artist, mbid).await,
                _ => Ok(Answer::default()),
            }
        })
    }
}

fn deezer(relation: &Value) -> Option<DeezerId> {
    let address = Url::parse(relation.get("url")?.get("resource")?.as_str()?).ok()?;
    let is_deezer = matches!(address.host_str(), Some("www.deezer.com" | "deezer.com"));
    let mut path = address.path_segments().filter(|_| is_deezer)?;
    path.find(|part| *part == "artist")?;
    path.next()?.parse().ok().map(DeezerId)
}

/// The relations that have not ended.
fn relations(of: &Value) -> impl Iterator<Item = &Value> {
    let all = of.get("relations").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    all.iter().filter(|relation| relation.get("ended").and_then(Value::as_bool) != Some(true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::artist::ArtistId;

    const MBID: &str = "05d83760-08b5-42bb-a8d7-00d80b3bf47c";

    fn asked(ids: &[&str]) -> Vec<Subject> {
        let subject = |id: &&str| Subject {
            id: ArtistId::parse(id).unwrap(),
            name: String::new(),
            mbid: None,
            deezer: None,
            wants_singles: false,
        };
        ids.iter().map(subject).collect()
    }

    /// From the tests of MusicBrainz (t/…/WS/2/JSON/LookupURL.pm).
    fn url(id: &str, ended: bool) -> Value {
        json!({
            "id": "e0a79771-e9f0-4127-b58a-f5e6869c8e96",
            "resource": format!("{SPOTIFY_ARTIST}{id}"),
            "relations": [{
                "artist": { "id": MBID, "name": "Paul Allgood", "type": "Person" },
                "direction": "backward", "ended": ended, "target-type": "artist",
                "type": "free streaming",
            }],
        })
    }

    #[test]
    fn answers_for_one_and_several_urls_are_parsed() {
        let found = Identity::Mbid(ArtistId::parse("a").unwrap(), Mbid::parse(MBID).unwrap());
        let several = json!({"url-count": 1, "url-offset": 0, "urls": [url("a", false)]});
        for body in [several, url("a", false)] {
            assert_eq!(
                identities(&body, &asked(&["a", "b"])).unwrap(),
                std::slice::from_ref(&found)
            );
        }
        let none = json!({"url-count": 0, "url-offset": 0, "urls": []});
        assert_eq!(identities(&none, &asked(&["a"])).unwrap(), []);
    }

    #[test]
    fn unrequested_and_ended_relations_are_ignored() {
        for odd in [url("z", false), url("a", true), json!(null), json!({"resource": 7})] {
            let body = json!({ "urls": [odd] });
            assert_eq!(identities(&body, &asked(&["a"])).unwrap(), [], "{odd}");
        }
        for changed in [json!(null), json!({}), json!({"urls": 7}), json!([])] {
            assert!(identities(&changed, &asked(&["a"])).is_err(), "{changed}");
        }
    }

    #[test]
    fn hundred_artists_fit_in_a_url() {
        let base = "https://musicbrainz.org".parse().unwrap();
        let id = "4tZwfgrHOc3mvqYlEYSvVi";
        let address = address(&base, &asked(&[id; MAX_RESOURCES])).to_string();
        assert!(address.len() < 8000, "{}", address.len());
        assert!(address.starts_with(
            "https://musicbrainz.org/ws/2/url?resource=https://open.spotify.com/artist/4tZ"
        ));
        assert!(address.ends_with("&inc=artist-rels&fmt=json"));
    }

    #[test]
    fn deezer_id_is_parsed_from_its_url() {
        let number = |address: &str| deezer(&json!({"url": {"resource": address}})).map(|id| id.0);
        assert_eq!(number("https://www.deezer.com/artist/27"), Some(27));
        assert_eq!(number("https://www.deezer.com/en/artist/27"), Some(27));
        for other in
            ["https://www.deezer.com/album/27", "https://evil.example/artist/27", "artist/27"]
        {
            assert_eq!(number(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_resource_is_parsed_without_panic(resource in any::<String>()) {
            let _ = deezer(&json!({"url": {"resource": resource}}));
            let _ = identities(&json!({"resource": resource}), &asked(&["a"]));
        }
    }
}
