use axum::Router;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::router;
use crate::demo::world::testing::world;
use crate::demo::world::{Endpoint, FakeUserId, Fault, NewAlbum, World};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const AUTHORIZE: &str = "/authorize?client_id=demo-client&response_type=code&state=s\
    &redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&scope=user-follow-read\
    &code_challenge_method=S256&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Site {
    world: World,
    martha: FakeUserId,
    address: std::net::SocketAddr,
    token: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A served world with a user who has signed in.
async fn site() -> Site {
    let (world, _) = world();
    let martha = world.add_user("Martha");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app: Router = router(world.clone(), &format!("http://{address}"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let back = world.consent(&format!("http://{address}{AUTHORIZE}"), martha).unwrap();
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mut site = Site { world, martha, address, token: String::new() };
    let form = format!(
        "grant_type=authorization_code&code={code}&client_id=demo-client\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&code_verifier={VERIFIER}"
    );
    let tokens = site.post("/api/token", &form).await.json();
    site.token = tokens["access_token"].as_str().unwrap().to_owned();
    assert_eq!(tokens["scope"], "user-follow-read");
    site
}

impl Site {
    async fn get(&self, path: &str) -> Answer {
        let head = format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {}\r\n", self.token);
        self.ask(&head, "").await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: {kind}\r\n");
        self.ask(&head, form).await
    }

    async fn ask(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let rest = format!("Host: demo\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{rest}{body}").as_bytes()).await.unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await.unwrap();
        let raw = String::from_utf8(raw).unwrap();
        let (head, body) = raw.split_once("\r\n\r\n").unwrap();
        let status = head[9..12].parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }
}

#[tokio::test]
async fn profile_has_only_development_mode_fields() {
    let site = site().await;
    let me = site.get("/v1/me").await.json();
    let mut fields: Vec<&String> = me.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        ["account_id", "display_name", "external_urls", "href", "id", "images", "type", "uri"]
    );
    let request = site.world.requests().pop().unwrap();
    assert_eq!((request.endpoint, request.user), (Endpoint::Me, Some(site.martha)));
}

#[tokio::test]
async fn album_pages_link_to_each_other() {
    let site = site().await;
    let artist = site.world.add_artist("Somebody");
    for n in 1..=14 {
        site.world.publish(&artist, NewAlbum::titled(format!("{n}")).on(format!("20{n:02}")));
    }
    let path = format!("/v1/artists/{artist}/albums?include_groups=album&limit=10");
    let first = site.get(&path).await.json();
    assert_eq!((&first["total"], &first["items"][0]["name"]), (&14.into(), &"14".into()));
    assert!(first["items"][0].get("album_group").is_none());
    assert_eq!(first["items"][0]["images"].as_array().unwrap().len(), 3);
    let next = first["next"].as_str().unwrap();
    let second = site.get(next.strip_prefix(&format!("http://{}", site.address)).unwrap()).await;
    let second = second.json();
    assert_eq!(second["items"].as_array().unwrap().len(), 4);
    assert!(second["next"].is_null() && second["previous"].is_string());
    assert_eq!(site.world.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn too_long_page_is_rejected_and_unexpected() {
    let site = site().await;
    let artist = site.world.add_artist("Somebody");
    let answer = site.get(&format!("/v1/artists/{artist}/albums?limit=50")).await;
    assert_eq!((answer.status, &answer.json()["error"]["message"]), (400, &"Invalid limit".into()));
    assert_eq!(site.get("/v1/me/following?type=artist&limit=51").await.status, 400);
    assert_eq!(site.get("/v1/browse/new-releases").await.status, 404);
    assert_eq!(site.world.unexpected().len(), 3);
}

#[tokio::test]
async fn each_kind_of_403_and_401_has_its_body() {
    let mut site = site().await;
    site.world.change_user(site.martha, |user| user.allow_listed = false);
    let answer = site.get("/v1/me").await;
    assert!(answer.status == 403 && answer.body.contains("the user may not be registered"));
    site.world.set_owner_premium(false);
    let answer = site.get("/v1/me").await;
    assert!(answer.status == 403 && answer.body.starts_with("Active premium"));
    assert!(answer.head.contains("content-type: text/plain"));
    site.world.expire_access_tokens();
    let answer = site.get("/v1/me").await;
    assert!(answer.status == 401 && answer.head.contains("error=\"invalid_token\""));
    site.token = "nonsense".to_owned();
    assert_eq!(site.get("/v1/me").await.status, 401);
    assert_eq!(site.world.unexpected(), Vec::<String>::new());
}

#[tokio::test]
async fn calls_beyond_the_quota_are_rejected() {
    let site = site().await;
    site.world.set_artist_albums_quota(Some(1));
    let path = format!("/v1/artists/{}/albums", site.world.add_artist("Somebody"));
    assert_eq!(site.get(&path).await.status, 200);
    let refused = site.get(&path).await;
    assert!(refused.status == 429 && refused.head.contains("retry-after: 86400"));
    assert_eq!(refused.json()["error"]["reason"], "QUOTA_EXCEEDED");
    assert_eq!(site.world.unexpected(), Vec::<String>::new());
    site.get(&path).await;
    assert_eq!(site.world.unexpected().len(), 1);
}

#[tokio::test]
async fn faulty_bodies_are_unreadable() {
    let site = site().await;
    let faults = [Fault::Html, Fault::Truncated, Fault::Garbled, Fault::Huge(1000)];
    site.world.script(Endpoint::Me, faults);
    assert!(site.get("/v1/me").await.head.contains("text/html"));
    let cut = site.get("/v1/me").await;
    assert!(cut.head.contains("content-length: 4096") && cut.body.len() < 4096);
    assert!(serde_json::from_str::<Value>(&site.get("/v1/me").await.body).is_err());
    assert!(site.get("/v1/me").await.body.len() >= 1000);
    assert_eq!(site.get("/v1/me").await.status, 200);
}

#[tokio::test]
async fn hanging_call_is_logged_with_status_zero() {
    let site = site().await;
    site.world.script(Endpoint::Me, [Fault::Hang]);
    let time = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(time, site.get("/v1/me")).await.is_err());
    assert_eq!(site.world.requests().pop().unwrap().status, 0);
}

#[tokio::test]
async fn consent_page_redirects_after_either_answer() {
    let site = site().await;
    let page = site.get(AUTHORIZE).await;
    assert!(page.status == 200 && page.body.contains("This is not Spotify"));
    assert!(page.body.contains("Agree as Martha"));
    let decision = AUTHORIZE.replace("/authorize?", "/authorize/decision?");
    let agreed = site.post(&decision, "agree=0").await;
    assert!(agreed.status == 303 && agreed.head.contains("/callback?code="));
    let refused = site.post(&decision, "refuse=yes").await;
    assert!(refused.head.contains("/callback?error=access_denied&state=s"));
}

#[tokio::test]
async fn token_request_without_client_or_verifier_is_unexpected() {
    let site = site().await;
    let nameless = site.post("/api/token", "grant_type=refresh_token&refresh_token=x").await;
    assert_eq!((nameless.status, &nameless.json()["error"]), (400, &"invalid_client".into()));
    let form = "grant_type=authorization_code&code=x&redirect_uri=y&client_id=demo-client";
    assert_eq!(site.post("/api/token", form).await.json()["error"], "invalid_request");
    assert_eq!(site.world.unexpected().len(), 2);
}

#[tokio::test]
async fn control_page_releases_albums_and_changes_follows() {
    let site = site().await;
    let artist = site.world.add_artist("Nokturna 7");
    assert!(site.get("/").await.body.contains("Nokturna 7"));
    assert_eq!(site.post("/put-out", &format!("artist={artist}")).await.status, 303);
    let form = format!("person=0&artist={artist}&follow=yes");
    assert_eq!(site.post("/follow", &form).await.status, 303);
    assert_eq!(site.world.user(site.martha).unwrap().follows, std::slice::from_ref(&artist));
    let page = site.get(&format!("/artist/{artist}")).await;
    assert!(page.body.contains("A Slow Form of Lightning"));
    let album = site.world.albums_of(&artist, &super::super::world::Group::ALL).remove(0);
    assert_eq!(site.get(&format!("/album/{}", album.id)).await.status, 200);
    assert!(site.get(&format!("/covers/{}.svg", album.id)).await.body.starts_with("<svg"));
}
