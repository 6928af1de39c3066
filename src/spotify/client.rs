//! The three calls of the Web API that Dropday makes.

use jiff::Timestamp;
use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::classify::api_refusal;
use super::error::Error;
use super::http::{send, unreachable};
use super::wire;
use crate::domain::artist::{Artist, ArtistId};
use crate::domain::release::Release;
use crate::domain::token::AccessToken;
use crate::domain::user::Profile;

/// Releases per page: the maximum in Development Mode
/// (<https://developer.spotify.com/documentation/web-api/tutorials/february-2026-migration-guide>).
pub const PAGE: u32 = 10;

/// Followed artists per page
/// (<https://developer.spotify.com/documentation/web-api/reference/get-followed>).
const FOLLOWING_PAGE: usize = 50;

/// Cheap to clone; contains no token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    api_url: Url,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowingPage {
    /// The artists that could be parsed, in Spotify's order.
    pub artists: Vec<Artist>,
    /// All entries of the page, including null and invalid ones: if more than `artists`, some are
    /// missing.
    pub entries: usize,
    /// The total according to Spotify; may be wrong.
    pub total: Option<u64>,
    /// The cursor of the next page; `None` at the end.
    pub after: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlbumsPage {
    /// The releases that could be parsed, in Spotify's undocumented order.
    pub releases: Vec<Release>,
    /// All entries of the page, including null and invalid ones. Zero means the end, whatever `total`
    /// says (<https://github.com/ramsayleung/rspotify/issues/492>).
    pub entries: usize,
    /// The total according to Spotify; may be wrong.
    pub total: Option<u64>,
}

impl Client {
    /// `api_url` may end in a slash.
    pub fn new(http: reqwest::Client, api_url: Url) -> Self {
        Self { http, api_url }
    }

    /// <https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile>.
    /// [`Error::NotOnAllowList`] first appears here: the sign-in itself succeeds for anyone.
    pub async fn profile(&self, token: &AccessToken, now: Timestamp) -> Result<Profile, Error> {
        wire::profile(&self.get(self.url(&["me"]), token, now).await?)
    }

    /// The followed artists after `after`, at most 50:
    /// <https://developer.spotify.com/documentation/web-api/reference/get-followed>.
    /// The caller must limit the number of pages and detect repeated cursors.
    pub async fn following_page(
        &self,
        token: &AccessToken,
        after: Option<&str>,
        now: Timestamp,
    ) -> Result<FollowingPage, Error> {
        let mut url = self.url(&["me", "following"]);
        url.query_pairs_mut()
            .append_pair("type", "artist")
            .append_pair("limit", &FOLLOWING_PAGE.to_string())
            .extend_pairs(after.map(|after| ("after", after)));
        following(&self.get(url, token, now).await?)
    }

    /// Up to [`PAGE`] releases of `artist` in `groups` (`album`, `single`, `compilation`,
    /// `appears_on`, several with commas), from `offset` on:
    /// <https://developer.spotify.com/documentation/web-api/reference/get-an-artists-albums>.
    /// `market` is an ISO 3166-1 alpha-2 country; a user's token brings its own.
    pub async fn artist_albums_page(
        &self,
        token: &AccessToken,
        artist: &ArtistId,
        groups: &str,
        offset: u32,
        market: Option<&str>,
        now: Timestamp,
    ) -> Result<AlbumsPage, Error> {
        let mut url = self.url(&["artists", artist.as_str(), "albums"]);
        url.query_pairs_mut()
            .append_pair("include_groups", groups)
            .append_pair("limit", &PAGE.to_string())
            .append_pair("offset", &offset.to_string())
            .extend_pairs(market.map(|market| ("market", market)));
        albums(&self.get(url, token, now).await?)
    }

    fn url(&self, path: &[&str]) -> Url {
        join(&self.api_url, path)
    }

    async fn get(&self, url: Url, token: &AccessToken, now: Timestamp) -> Result<Value, Error> {
        let request = self
            .http
            .get(url)
            .bearer_auth(token.0.expose_secret())
            .header(reqwest::header::ACCEPT, "application/json")
            .build()
            .map_err(|e| unreachable(&e))?;
        let answer = send(&self.http, request, now).await?;
        if answer.status == StatusCode::OK { answer.json() } else { Err(api_refusal(&answer)) }
    }
}

/// `base` may end in a slash.
pub(super) fn join(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // URLs such as `mailto:` have no segments; building a request to them fails.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

fn following(body: &Value) -> Result<FollowingPage, Error> {
    let list = body.get("artists").unwrap_or(&Value::Null);
    let page = wire::page(list, wire::artist)?;
    Ok(FollowingPage {
        after: wire::next_after(list, FOLLOWING_PAGE),
        artists: page.items,
        entries: page.entries,
        total: page.total,
    })
}

fn albums(body: &Value) -> Result<AlbumsPage, Error> {
    let page = wire::page(body, wire::release)?;
    Ok(AlbumsPage { releases: page.items, entries: page.entries, total: page.total })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Canned, http};
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn token() -> AccessToken {
        AccessToken("s3cret-access".into())
    }

    fn client(server: &Canned) -> Client {
        Client::new(http(), server.url.join("v1").unwrap())
    }

    async fn first_albums(server: &Canned) -> Result<AlbumsPage, Error> {
        let artist = ArtistId::parse("0aV6").unwrap();
        client(server).artist_albums_page(&token(), &artist, "album", 0, None, NOW).await
    }

    #[tokio::test]
    async fn requests_have_expected_parameters() {
        let server =
            Canned::answer(200, "", r#"{"id":"x","items":[],"artists":{"items":[]}}"#).await;
        let (client, artist) = (client(&server), ArtistId::parse("0aV6").unwrap());
        client.profile(&token(), NOW).await.unwrap();
        client.following_page(&token(), None, NOW).await.unwrap();
        client.following_page(&token(), Some("a&b"), NOW).await.unwrap();
        client
            .artist_albums_page(&token(), &artist, "album,single", 20, Some("SE"), NOW)
            .await
            .unwrap();
        let asked = server.asked();
        let lines: Vec<_> = asked.iter().map(|request| request.lines().next().unwrap()).collect();
        assert_eq!(
            lines,
            [
                "GET /v1/me HTTP/1.1",
                "GET /v1/me/following?type=artist&limit=50 HTTP/1.1",
                "GET /v1/me/following?type=artist&limit=50&after=a%26b HTTP/1.1",
                "GET /v1/artists/0aV6/albums?include_groups=album%2Csingle&limit=10&offset=20&market=SE HTTP/1.1",
            ]
        );
        assert!(asked.iter().all(|r| r.contains("authorization: Bearer s3cret-access\r\n")));
        assert!(asked.iter().all(|r| r.contains("user-agent: dropday-test\r\n")));
    }

    #[test]
    fn base_url_can_end_in_slash() {
        for base in ["https://api.spotify.com/v1", "https://api.spotify.com/v1/"] {
            let url = join(&base.parse().unwrap(), &["me"]);
            assert_eq!(url.as_str(), "https://api.spotify.com/v1/me");
        }
        assert_eq!(join(&"http://h:1".parse().unwrap(), &["me"]).as_str(), "http://h:1/me");
    }

    #[tokio::test]
    async fn recorded_bodies_are_parsed() {
        let body = include_str!("../../tests/data/spotify-samples/GetArtistsAlbumsRequest.json");
        let page = first_albums(&Canned::answer(200, "", body).await).await.unwrap();
        assert_eq!((page.releases.len(), page.entries, page.total), (2, 2, Some(64)));

        let body =
            include_str!("../../tests/data/spotify-samples/GetUsersFollowedArtistsRequest.json");
        let server = Canned::answer(200, "", body).await;
        let page = client(&server).following_page(&token(), None, NOW).await.unwrap();
        assert_eq!(page.after.as_deref(), Some("0aV6DOiouImYTqrR5YlIqx"));
    }

    #[tokio::test]
    async fn error_keeps_retry_after() {
        let body = r#"{"error":{"status":429,"reason":"QUOTA_EXCEEDED"}}"#;
        let server = Canned::answer(429, "retry-after: 86207\r\n", body).await;
        let wait = Some(Duration::from_secs(86_207));
        assert_eq!(first_albums(&server).await, Err(Error::QuotaExceeded { retry_after: wait }));

        let server =
            Canned::answer(429, "retry-after: Thu, 01 Jan 1970 00:01:00 GMT\r\n", "").await;
        let wait = Some(Duration::from_secs(60));
        assert_eq!(first_albums(&server).await, Err(Error::RateLimited { retry_after: wait }));
        assert_eq!(server.asked().len(), 1, "nothing is tried twice");
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let server = Canned::answer(302, "location: /elsewhere\r\n", "").await;
        assert_eq!(first_albums(&server).await, Err(Error::Malformed("status 302".into())));
        assert_eq!(server.asked().len(), 1);
    }

    #[tokio::test]
    async fn invalid_page_is_malformed() {
        let html = Canned::answer(200, "content-type: text/html\r\n", "<html></html>").await;
        let large = Canned::answer(200, "", " ".repeat(2 << 20)).await;
        let bomb = include_bytes!("../../tests/data/spotify-samples/four-mib-of-spaces.json.gz");
        let bomb = Canned::answer(200, "content-encoding: gzip\r\n", bomb).await;
        let shape = Canned::answer(200, "", r#"{"artists":[]}"#).await;
        for server in [html, large, bomb, shape] {
            let error = first_albums(&server).await.unwrap_err();
            assert!(matches!(error, Error::Malformed(_)), "{error:?}");
        }
    }

    #[tokio::test]
    async fn incomplete_response_is_temporary() {
        let cut = b"HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n{\"items\": []}".to_vec();
        let open = b"HTTP/1.1 200 X\r\n\r\n{\"items\": [".to_vec();
        for bytes in [cut, open, b"HTTP/1.1 200".to_vec(), Vec::new()] {
            let error = first_albums(&Canned::raw(bytes).await).await.unwrap_err();
            assert!(matches!(error, Error::Temporary(_)), "{error:?}");
        }
    }

    #[tokio::test]
    async fn connection_error_is_temporary_without_address() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}", free.local_addr().unwrap()).parse().unwrap();
        drop(free);
        let error = Client::new(http(), url).profile(&token(), NOW).await.unwrap_err();
        assert!(matches!(&error, Error::Temporary(why) if !why.contains("127")), "{error:?}");
    }

    #[tokio::test]
    async fn timeout_is_temporary() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        http();
        let soon = Duration::from_millis(50);
        let http = reqwest::Client::builder().timeout(soon).build().unwrap();
        let error = Client::new(http, url).profile(&token(), NOW).await.unwrap_err();
        assert_eq!(error, Error::Temporary("no response in time".into()));
    }

    #[tokio::test]
    async fn invalid_token_is_rejected_without_revealing_it() {
        let server = Canned::answer(200, "", "{}").await;
        let odd = AccessToken("s3cret\r\nx: y".into());
        let error = client(&server).profile(&odd, NOW).await.unwrap_err();
        assert!(!format!("{error} {error:?} {:?}", client(&server)).contains("s3cret"));
        assert!(server.asked().is_empty());
    }
}
