//! Fake open catalogues over HTTP. They know all albums of the world, and fail on request.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::USER_AGENT;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::spotify::faulty;
use super::world::{Album, Fault, World, field};
use crate::domain::hint::SourceName;
use crate::domain::release::ReleaseKind;

const SPOTIFY_ARTIST: &str = "https://open.spotify.com/artist/";

/// The catalogues. Cheap to clone; clones share one state.
#[derive(Clone)]
pub struct Hints {
    world: World,
    state: Arc<Mutex<HintsState>>,
}

#[derive(Debug, Default)]
struct HintsState {
    unknown_artists: HashSet<String>,
    announcements: Vec<AnnouncedRelease>,
    faults: HashMap<SourceName, VecDeque<Fault>>,
    requests: Vec<HintRequest>,
}

/// A release that ListenBrainz lists and the fake Spotify does not have.
#[derive(Debug, Clone)]
pub struct AnnouncedRelease {
    /// The Spotify id of the artist with the release's MBID. `None` for an unknown artist.
    pub artist: Option<String>,
    pub name: String,
    pub title: String,
    pub date: String,
}

/// A request to a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintRequest {
    pub at: Timestamp,
    pub source: SourceName,
    pub path: String,
    pub user_agent: String,
}

impl Hints {
    /// Catalogues that know the albums of this world.
    pub fn for_world(world: &World) -> Self {
        Self { world: world.clone(), state: Arc::default() }
    }

    /// Removes the artist's Spotify link from MusicBrainz.
    pub fn forget(&self, artist: &str) {
        self.state().unknown_artists.insert(artist.to_owned());
    }

    /// Adds a release to ListenBrainz that Spotify does not have.
    pub fn announce_release(&self, announcement: AnnouncedRelease) {
        self.state().announcements.push(announcement);
    }

    /// Answers the next calls to this catalogue with these faults, in order.
    pub fn script(&self, source: SourceName, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.entry(source).or_default().extend(faults);
    }

    pub fn requests(&self, source: SourceName) -> Vec<HintRequest> {
        self.state().requests.iter().filter(|request| request.source == source).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, HintsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the catalogues below `/listenbrainz`, `/musicbrainz` and `/deezer`.
pub fn router(hints: Hints) -> Router {
    Router::new()
        .route("/listenbrainz/1/explore/fresh-releases/", get(fresh_releases))
        .route("/musicbrainz/ws/2/url", get(urls))
        .route("/musicbrainz/ws/2/artist/{mbid}", get(artist))
        .route("/deezer/artist/{id}/albums", get(albums))
        .layer(from_fn_with_state(hints.clone(), log_request))
        .with_state(hints)
}

async fn log_request(State(hints): State<Hints>, request: Request, next: Next) -> Response {
    let path = request.uri().to_string();
    let source = SourceName::ALL.into_iter().find(|source| path[1..].starts_with(source.as_str()));
    let Some(source) = source else { return next.run(request).await };
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let user_agent = agent.unwrap_or_default().to_owned();
    let at = hints.world.now();
    if source == SourceName::MusicBrainz {
        check_etiquette(&hints, at, &user_agent);
    }
    hints.state().requests.push(HintRequest { at, source, path, user_agent });
    let fault = hints.state().faults.get_mut(&source).and_then(VecDeque::pop_front);
    match fault {
        Some(fault) => faulty(fault).await,
        None => next.run(request).await,
    }
}

/// Checks the rules of MusicBrainz: one call per second, and a contact in `User-Agent`.
fn check_etiquette(hints: &Hints, at: Timestamp, user_agent: &str) {
    let last = hints.requests(SourceName::MusicBrainz).pop();
    if last.is_some_and(|last| at.duration_since(last.at).as_millis() < 1000) {
        hints.world.record_unexpected("MusicBrainz was called twice in a second");
    }
    if !user_agent.contains('@') && !user_agent.contains("://") {
        let what = format!("MusicBrainz was called by {user_agent:?}, without a contact");
        hints.world.record_unexpected(what);
    }
}

async fn fresh_releases(State(hints): State<Hints>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let pivot = field(&query, "release_date").and_then(|day| day.parse::<Date>().ok());
    let days = field(&query, "days").and_then(|days| days.parse::<i64>().ok());
    let Some((pivot, days)) = pivot.zip(days).filter(|(_, days)| (1..=90).contains(days)) else {
        hints.world.record_unexpected(format!("ListenBrainz was asked for {query}"));
        return (axum::http::StatusCode::BAD_REQUEST, "{}").into_response();
    };
    let first = pivot.saturating_sub(days.days());
    let known = hints.world.albums();
    let fresh = known.iter().filter(|album| {
        album.date.parse::<Date>().is_ok_and(|date| (first..=pivot).contains(&date))
    });
    let mut releases: Vec<Value> = fresh.map(|album| release(&hints, album)).collect();
    releases.extend(hints.state().announcements.iter().map(announcement));
    let total = releases.len();
    Json(json!({ "payload": { "releases": releases, "total_count": total } })).into_response()
}

fn release(hints: &Hints, album: &Album) -> Value {
    let names: Vec<String> = album
        .credited
        .iter()
        .filter_map(|id| hints.world.artist(id).map(|artist| artist.name))
        .collect();
    let primary = match album.kind {
        ReleaseKind::Single => "Single",
        ReleaseKind::Album | ReleaseKind::Compilation => "Album",
    };
    json!({
        "artist_credit_name": names.join(" & "),
        "artist_mbids": album.credited.iter().map(|id| uuid(id)).collect::<Vec<_>>(),
        "caa_id": null,
        "listen_count": 0,
        "release_date": album.date,
        "release_group_mbid": uuid(&format!("group {}", album.id)),
        "release_group_primary_type": primary,
        "release_group_secondary_type":
            (album.kind == ReleaseKind::Compilation).then_some("Compilation"),
        "release_mbid": uuid(&album.id),
        "release_name": album.title,
        "release_tags": [],
    })
}

fn announcement(announcement: &AnnouncedRelease) -> Value {
    let artist =
        announcement.artist.clone().unwrap_or_else(|| format!("unknown {}", announcement.name));
    json!({
        "artist_credit_name": announcement.name,
        "artist_mbids": [uuid(&artist)],
        "release_date": announcement.date,
        "release_group_mbid": uuid(&format!("rumour {artist} {}", announcement.title)),
        "release_group_primary_type": "Album",
        "release_name": announcement.title,
    })
}

/// Several URLs are answered with a list of the known ones, a single URL with itself or a 404.
async fn urls(State(hints): State<Hints>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == "resource")
        .filter_map(|(_, address)| address.strip_prefix(SPOTIFY_ARTIST).map(str::to_owned))
        .collect();
    if asked.len() > 100 || field(&query, "fmt").as_deref() != Some("json") {
        hints.world.record_unexpected(format!("MusicBrainz was asked for {} URLs", asked.len()));
    }
    let is_known = |id: &&String| {
        hints.world.artist(id).is_some() && !hints.state().unknown_artists.contains(*id)
    };
    let known: Vec<&String> = asked.iter().filter(is_known).collect();
    match (asked.len(), &known[..]) {
        (1, []) => (axum::http::StatusCode::NOT_FOUND, r#"{"error":"Not Found"}"#).into_response(),
        (1, [id]) => Json(url_entity(id)).into_response(),
        _ => {
            let urls: Vec<Value> = known.iter().map(|id| url_entity(id)).collect();
            Json(json!({ "url-count": urls.len(), "url-offset": 0, "urls": urls })).into_response()
        }
    }
}

fn url_entity(id: &str) -> Value {
    json!({
        "id": uuid(&format!("address {id}")),
        "resource": format!("{SPOTIFY_ARTIST}{id}"),
        "relations": [{
            "artist": { "id": uuid(id), "name": "An artist", "type": "Group" },
            "direction": "backward",
            "ended": false,
            "target-type": "artist",
            "type": "free streaming",
        }],
    })
}

async fn artist(State(hints): State<Hints>, Path(mbid): Path<String>) -> Response {
    let artists = hints.world.artists();
    let Some(artist) = artists.iter().find(|artist| uuid(&artist.id) == mbid) else {
        return (axum::http::StatusCode::NOT_FOUND, r#"{"error":"Not Found"}"#).into_response();
    };
    let deezer = format!("https://www.deezer.com/artist/{}", number(&artist.id));
    let link = |url: String| {
        json!({
            "ended": false, "target-type": "url", "type": "free streaming", "url": { "resource": url },
        })
    };
    let relations = [link(format!("{SPOTIFY_ARTIST}{}", artist.id)), link(deezer)];
    Json(json!({ "id": mbid, "name": artist.name, "relations": relations })).into_response()
}

async fn albums(State(hints): State<Hints>, Path(id): Path<String>) -> Response {
    let artists = hints.world.artists();
    let Some(artist) = artists.iter().find(|artist| number(&artist.id).to_string() == id) else {
        let error = json!({ "type": "DataException", "message": "no data", "code": 800 });
        return Json(json!({ "error": error })).into_response();
    };
    let mut known = hints.world.albums();
    known.retain(|album| album.credited.contains(&artist.id));
    let album = |album: &Album| {
        json!({
            "id": number(&album.id),
            "title": album.title,
            "release_date": album.date,
            "record_type": match album.kind {
                ReleaseKind::Album => "album",
                ReleaseKind::Single => "single",
                ReleaseKind::Compilation => "compile",
            },
            "type": "album",
        })
    };
    let data: Vec<Value> = known.iter().rev().take(100).map(album).collect();
    Json(json!({ "data": data, "total": known.len() })).into_response()
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// A UUID that depends on the text alone.
fn uuid(text: &str) -> String {
    let hex: String = digest(text)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let [a, b, c, d, e] = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// A number that depends on the text alone.
fn number(text: &str) -> u32 {
    let [a, b, c, d, ..] = digest(text);
    u32::from_be_bytes([a, b, c, d])
}
