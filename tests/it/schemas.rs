//! The fake Spotify answers as Spotify describes itself, less what Development Mode leaves out.

use crate::test_clock::{ManualClock, SeededRng};
use dropday::app;
use dropday::demo::inbox::InboxSettings;
use dropday::demo::services::Services;
use dropday::demo::world::{Endpoint, FakeUserId, Fault, Group, NewAlbum, World};
use dropday::domain::release::ReleaseKind::{Compilation, Single};
use dropday::spotify::auth::new_verifier;
use dropday::spotify::{Accounts, http_client};
use jsonschema::Validator;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use crate::test_app::START;

/// What Development Mode does not send, wherever it may stand. `genres` is on the list of the
/// description too, but is still sent, and empty.
const DROPPED: [&str; 11] = [
    "album_group",
    "available_markets",
    "country",
    "email",
    "explicit_content",
    "followers",
    "label",
    "linked_from",
    "popularity",
    "preview_url",
    "product",
];

/// Somebody who is signed in at the fake Spotify.
struct Asker {
    world: World,
    martha: FakeUserId,
    base: String,
    token: String,
    http: reqwest::Client,
    _services: Services,
}

impl Asker {
    async fn new() -> Self {
        app::install_crypto();
        let (clock, rng) = (ManualClock::at(START.parse().unwrap()), SeededRng::new(1));
        let services = Services::start(clock, rng.clone(), InboxSettings::default());
        let services = services.await.unwrap();
        let (world, base) = (services.world.clone(), services.url.clone());
        let martha = world.add_user("Martha");
        let (http, verifier) = (http_client("a test").unwrap(), new_verifier(&*rng));
        let redirect: Url = "http://127.0.0.1:8888/callback".parse().unwrap();
        let app = Accounts::new(
            http.clone(),
            base.parse().unwrap(),
            "demo-client".into(),
            None,
            redirect,
        );
        let back = world.consent(app.authorize_url("state", &verifier).as_str(), martha).unwrap();
        let back: Url = back.parse().unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        let grant = app.exchange(&code, &verifier, world.now()).await.unwrap();
        let token = grant.access.0.expose_secret().to_owned();
        Self { world, martha, base, token, http, _services: services }
    }

    /// The body of an answer of 200.
    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(path, &self.token).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn ask(&self, path: &str, token: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Every page of a list, by its `next`.
    async fn pages(&self, first: &str, list: &str) -> Vec<Value> {
        let mut pages = vec![self.get(first).await];
        while let Some(next) = pages[pages.len() - 1].pointer(list).unwrap()["next"].as_str() {
            let next = next.strip_prefix(&self.base).unwrap().to_owned();
            pages.push(self.get(&next).await);
        }
        pages
    }

    /// An artist with one of each kind of album that is odd in some way; its id.
    fn odd_artist(&self) -> String {
        let artist = self.world.add_artist("أم 🌵 <Odd> & Sons\u{200f}");
        let with = self.world.add_artist("Guest");
        for album in [
            NewAlbum::titled("Without a cover").without_cover(),
            NewAlbum::titled("A year").on("1994"),
            NewAlbum::titled("A month").on("1997-10"),
            NewAlbum::titled("No date").on("0000"),
            NewAlbum::titled(""),
            NewAlbum::titled("A single").as_a(Single),
            NewAlbum::titled("A compilation").as_a(Compilation),
            NewAlbum::titled("Somebody else's").listed_under(Group::AppearsOn),
            NewAlbum::titled("With a guest").with(&with),
            NewAlbum { tracks: 120, ..NewAlbum::titled("Long") },
            NewAlbum { tracks: 0, ..NewAlbum::titled("Nothing on it") },
        ] {
            self.world.publish(&artist, album);
        }
        artist
    }
}

/// What the description says of one of the answers.
fn schema(answer: &str) -> Validator {
    let mut schemas: Value =
        serde_json::from_str(include_str!("../data/spotify-schemas.json")).unwrap();
    schemas["$ref"] = json!(format!("#/{answer}"));
    jsonschema::validator_for(&schemas).unwrap()
}

fn assert_fits(answer: &str, body: &Value) {
    let faults: Vec<String> =
        schema(answer).iter_errors(body).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new(), "{answer}: {body:#}");
    assert_nothing_dropped(body);
}

fn assert_nothing_dropped(body: &Value) {
    match body {
        Value::Array(items) => items.iter().for_each(assert_nothing_dropped),
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(!DROPPED.contains(&name.as_str()), "{name} in {body:#}");
                assert!(name != "genres" || *value == json!([]), "{name} in {body:#}");
                assert_nothing_dropped(value);
            }
        }
        _ => {}
    }
}

/// Takes each of the fields out in turn, and sees the description refuse what is left.
fn assert_needs(answer: &str, body: &Value, place: &str, fields: &[&str]) {
    let schema = schema(answer);
    for field in fields {
        let mut short = body.clone();
        let object = short.pointer_mut(place).and_then(Value::as_object_mut);
        assert!(object.unwrap().remove(*field).is_some(), "no {field} at {place} of {body:#}");
        assert!(!schema.is_valid(&short), "{answer} without {place}/{field}");
    }
}

#[tokio::test]
async fn profile_matches_published_schema() {
    let asker = Asker::new().await;
    let mut me = asker.get("/v1/me").await;
    assert_fits("me", &me);
    asker.world.change_user(asker.martha, |user| user.name = "מרתה 🌵 \"M\"".into());
    assert_fits("me", &asker.get("/v1/me").await);
    me["id"] = json!(7);
    assert!(!schema("me").is_valid(&me), "an id is a string");
}

#[tokio::test]
async fn followed_artists_match_published_schema() {
    let asker = Asker::new().await;
    let list = "/v1/me/following?type=artist&limit=50";
    assert_fits("following", &asker.get(list).await);
    for number in 0..101 {
        asker.world.follow(asker.martha, &asker.world.add_artist(format!("Artist {number}")));
    }
    let pages = asker.pages(list, "/artists").await;
    assert_eq!(pages.len(), 3);
    for page in &pages {
        assert_fits("following", page);
    }
    assert!(pages[2]["artists"]["cursors"]["after"].is_null());
    assert_needs("following", &pages[0], "", &["artists"]);
    let mut odd = pages[0].clone();
    odd["artists"]["items"][0]["type"] = json!("user");
    assert!(!schema("following").is_valid(&odd), "an artist is an artist");
}

#[tokio::test]
async fn artist_albums_match_published_schema() {
    let asker = Asker::new().await;
    let empty = asker.world.add_artist("Nothing yet");
    assert_fits("artist_albums", &asker.get(&format!("/v1/artists/{empty}/albums")).await);
    let odd = asker.odd_artist();
    for groups in
        ["album", "single", "compilation", "appears_on", "album,single,compilation,appears_on"]
    {
        let list = format!("/v1/artists/{odd}/albums?include_groups={groups}&limit=10");
        for page in asker.pages(&list, "").await {
            assert!(!page["items"].as_array().unwrap().is_empty());
            assert_fits("artist_albums", &page);
        }
    }
    let prolific = asker.world.add_artist("Prolific");
    for number in 0..23 {
        asker.world.publish(&prolific, NewAlbum::titled(format!("Number {number}")));
    }
    let list = format!("/v1/artists/{prolific}/albums?include_groups=album&limit=10");
    let pages = asker.pages(&list, "").await;
    assert_eq!(pages.len(), 3);
    for page in &pages {
        assert_fits("artist_albums", page);
    }
    let beyond = asker.get(&format!("{list}&offset=40")).await;
    assert_fits("artist_albums", &beyond);
    assert_eq!(beyond["items"], json!([]));
    asker.world.change_artist(&prolific, |artist| artist.claimed_total = Some(682));
    assert_fits("artist_albums", &asker.get(&list).await);

    let page = &pages[1];
    let of_a_list = ["href", "items", "limit", "next", "offset", "previous", "total"];
    assert_needs("artist_albums", page, "", &of_a_list);
    let of_an_album = [
        "album_type",
        "artists",
        "external_urls",
        "href",
        "id",
        "images",
        "name",
        "release_date",
        "release_date_precision",
        "total_tracks",
        "type",
        "uri",
    ];
    assert_needs("artist_albums", page, "/items/0", &of_an_album);
    assert_needs("artist_albums", page, "/items/0/images/0", &["height", "url", "width"]);
}

#[tokio::test]
async fn errors_match_published_schema() {
    let asker = Asker::new().await;
    let albums = format!("/v1/artists/{}/albums", asker.world.add_artist("Somebody"));
    let mut errors = vec![
        (401, asker.ask("/v1/me", "nonsense").await),
        (404, asker.ask("/v1/artists/unknown/albums", &asker.token).await),
        (404, asker.ask("/v1/browse/new-releases", &asker.token).await),
        (400, asker.ask(&format!("{albums}?limit=50"), &asker.token).await),
        (400, asker.ask("/v1/me/following?type=user", &asker.token).await),
    ];
    let faults = [
        (429, Fault::RateLimited { retry_after: Some(1) }),
        (429, Fault::QuotaExceeded { retry_after: None }),
        (500, Fault::server_error()),
        (401, Fault::Unauthorized),
    ];
    for (status, fault) in faults {
        asker.world.script(Endpoint::Me, [fault]);
        errors.push((status, asker.ask("/v1/me", &asker.token).await));
    }
    asker.world.change_user(asker.martha, |user| user.allow_listed = false);
    errors.push((403, asker.ask("/v1/me", &asker.token).await));
    asker.world.expire_access_tokens();
    errors.push((401, asker.ask("/v1/me", &asker.token).await));
    for (expected, (status, body)) in &errors {
        assert_eq!((status, &body["error"]["status"]), (expected, &json!(expected)), "{body}");
        assert_fits("error", body);
        assert_needs("error", body, "", &["error"]);
        assert_needs("error", body, "/error", &["message", "status"]);
    }
}
