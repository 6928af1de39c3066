//! Signing in with Spotify: the authorization URL and the three ways to get a token.
//!
//! <https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow>, plus the client
//! secret if there is one.

use std::pin::Pin;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, Scope, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::client::join;
use super::error::Error;
use super::http::{send, unreachable};
use super::token_body::{Failure, grant, readable, refused};
use crate::clock::{Rng, random};
use crate::domain::token::{Grant, RefreshToken};

/// Only apps with extended quota receive the email address
/// (<https://developer.spotify.com/documentation/web-api/concepts/scopes>).
const SCOPES: [&str; 2] = ["user-follow-read", "user-read-email"];

type OAuth = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

type Answering = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send>>;

/// Spotify's authorization server, for one app.
#[derive(Clone)]
pub struct Accounts {
    http: reqwest::Client,
    oauth: OAuth,
    has_secret: bool,
}

impl Accounts {
    /// `accounts_url` may end in a slash. `redirect_url` must be registered character by character
    /// (<https://developer.spotify.com/documentation/web-api/concepts/redirect_uri>).
    pub fn new(
        http: reqwest::Client,
        accounts_url: Url,
        client_id: String,
        client_secret: Option<SecretString>,
        redirect_url: Url,
    ) -> Self {
        let oauth = BasicClient::new(ClientId::new(client_id))
            .set_auth_uri(AuthUrl::from_url(join(&accounts_url, &["authorize"])))
            .set_token_uri(TokenUrl::from_url(join(&accounts_url, &["api", "token"])))
            .set_redirect_uri(RedirectUrl::from_url(redirect_url));
        let has_secret = client_secret.is_some();
        let oauth = match client_secret {
            Some(secret) => {
                oauth.set_client_secret(ClientSecret::new(secret.expose_secret().into()))
            }
            None => oauth,
        };
        Self { http, oauth, has_secret }
    }

    /// Where users consent. Keep `state` and `verifier` until they return.
    pub fn authorize_url(&self, state: &str, verifier: &SecretString) -> Url {
        let state = CsrfToken::new(state.to_owned());
        self.oauth
            .authorize_url(|| state)
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .add_extra_param("code_challenge_method", "S256")
            .add_extra_param("code_challenge", challenge(verifier))
            .url()
            .0
    }

    /// Exchanges the `code` from the callback for tokens. Fails with [`Error::InvalidGrant`] if the code was
    /// already used, has expired or belongs to another `verifier` (Spotify does not distinguish these),
    /// and with [`Error::InvalidClient`] if the app or its redirect URI is unknown.
    pub async fn exchange(
        &self,
        code: &str,
        verifier: &SecretString,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let http = self.access_request(now);
        let request = self
            .oauth
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()));
        answered(request.request_async(&http).await, now)
    }

    /// Gets a new access token. If [`Grant::refresh`] is `None` the old refresh token remains valid;
    /// otherwise it no longer is, and the new one must be saved first. Fails with
    /// [`Error::InvalidGrant`] if the consent has ended; nothing else ends it.
    pub async fn refresh(&self, token: &RefreshToken, now: Timestamp) -> Result<Grant, Error> {
        let http = self.access_request(now);
        let token = oauth2::RefreshToken::new(token.0.expose_secret().to_owned());
        answered(self.oauth.exchange_refresh_token(&token).request_async(&http).await, now)
    }

    /// A token of the app itself
    /// (<https://developer.spotify.com/documentation/web-api/tutorials/client-credentials-flow>). Fails with
    /// [`Error::InvalidClient`] if the client secret is missing or wrong.
    pub async fn app_token(&self, now: Timestamp) -> Result<Grant, Error> {
        if !self.has_secret {
            return Err(Error::InvalidClient);
        }
        let http = self.access_request(now);
        answered(self.oauth.exchange_client_credentials().request_async(&http).await, now)
    }

    /// The HTTP client for `oauth2`. Boxed and owning, so that the futures above are `Send`.
    fn access_request(&self, now: Timestamp) -> impl Fn(HttpRequest) -> Answering + use<> {
        let http = self.http.clone();
        move |request| Box::pin(call(http.clone(), request, now))
    }
}

/// Omits the secret.
impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("has_secret", &self.has_secret).finish_non_exhaustive()
    }
}

/// A new PKCE verifier: 43 characters from 32 random bytes
/// (<https://www.rfc-editor.org/rfc/rfc7636#section-4.1>).
pub fn new_verifier(rng: &dyn Rng) -> SecretString {
    BASE64_URL_SAFE_NO_PAD.encode(random::<32>(rng)).into()
}

/// One call of the token endpoint. Passes `oauth2` only responses that it can parse, because its errors
/// contain the body and thus tokens.
async fn call(
    http: reqwest::Client,
    request: HttpRequest,
    now: Timestamp,
) -> Result<HttpResponse, Error> {
    let mut request = reqwest::Request::try_from(request).map_err(|e| unreachable(&e))?;
    if let Some(basic) = request.headers_mut().get_mut(reqwest::header::AUTHORIZATION) {
        basic.set_sensitive(true);
    }
    let answer = send(&http, request, now).await?;
    let mut response = HttpResponse::new(readable(&answer)?);
    *response.status_mut() = answer.status;
    Ok(response)
}

/// `oauth2` panics if the verifier has an unexpected length.
fn challenge(verifier: &SecretString) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret()))
}

fn answered(answer: Result<BasicTokenResponse, Failure>, now: Timestamp) -> Result<Grant, Error> {
    answer.map(|response| grant(&response, now)).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Canned, http};
    use super::*;
    use crate::domain::consent::Ending;
    use dropday::test_clock::SeededRng;
    use std::collections::HashMap;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const GIVEN: &str =
        r#"{"access_token":"s3cret-a","expires_in":3600,"refresh_token":"s3cret-r"}"#;

    fn accounts(url: &Url, secret: Option<&str>) -> Accounts {
        let redirect = "http://127.0.0.1:8080/callback".parse().unwrap();
        Accounts::new(http(), url.clone(), "app".into(), secret.map(Into::into), redirect)
    }

    fn refresh_token() -> RefreshToken {
        RefreshToken("s3cret-old".into())
    }

    fn form(request: &str) -> HashMap<String, String> {
        let body = request.split_once("\r\n\r\n").unwrap().1;
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
    }

    fn of<'a>(pairs: &[(&'a str, &'a str)]) -> HashMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn challenge_matches_rfc_7636() {
        // https://www.rfc-editor.org/rfc/rfc7636#appendix-B
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn verifiers_are_long_and_unique() {
        let rng = SeededRng::new(7);
        let (one, two) = (new_verifier(&*rng), new_verifier(&*rng));
        assert_eq!(one.expose_secret().len(), 43);
        assert_ne!(one.expose_secret(), two.expose_secret());
    }

    #[test]
    fn authorize_url_has_all_parameters() {
        let base = "https://accounts.spotify.com/".parse().unwrap();
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        let url = accounts(&base, Some("s3cret")).authorize_url("st&te", &verifier);
        assert!(url.as_str().starts_with("https://accounts.spotify.com/authorize?"), "{url}");
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(
            query,
            of(&[
                ("response_type", "code"),
                ("client_id", "app"),
                ("state", "st&te"),
                ("scope", "user-follow-read user-read-email"),
                ("redirect_uri", "http://127.0.0.1:8080/callback"),
                ("code_challenge_method", "S256"),
                ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ])
        );
        let short = "".into();
        assert!(accounts(&base, None).authorize_url("s", &short).query().is_some());
    }

    #[tokio::test]
    async fn code_is_exchanged_for_grant() {
        let server = Canned::answer(200, "content-type: application/json\r\n", GIVEN).await;
        let grant =
            accounts(&server.url, Some("s3cret")).exchange("c0de", &"v".into(), NOW).await.unwrap();
        assert_eq!(grant.access.0.expose_secret(), "s3cret-a");
        assert_eq!(grant.refresh.unwrap().0.expose_secret(), "s3cret-r");
        assert_eq!(grant.expires_at.as_second(), 3600);
        let asked = server.asked().remove(0);
        assert!(asked.starts_with("POST /api/token HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Basic YXBwOnMzY3JldA==\r\n"), "{asked}");
        assert_eq!(
            form(&asked),
            of(&[
                ("grant_type", "authorization_code"),
                ("code", "c0de"),
                ("redirect_uri", "http://127.0.0.1:8080/callback"),
                ("code_verifier", "v"),
            ])
        );
    }

    #[tokio::test]
    async fn without_secret_client_id_is_in_body() {
        let server = Canned::answer(200, "", r#"{"access_token":"a"}"#).await;
        let accounts = accounts(&server.url, None);
        let grant = accounts.refresh(&refresh_token(), NOW).await.unwrap();
        assert!(grant.refresh.is_none());
        let asked = server.asked().remove(0);
        assert!(!asked.contains("authorization:"));
        assert_eq!(
            form(&asked),
            of(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", "s3cret-old"),
                ("client_id", "app"),
            ])
        );
        assert_eq!(accounts.app_token(NOW).await.unwrap_err(), Error::InvalidClient);
        assert_eq!(server.asked().len(), 1);
    }

    #[tokio::test]
    async fn app_token_uses_client_credentials() {
        let server =
            Canned::answer(200, "content-type: text/plain\r\n", r#"{"access_token":"a"}"#).await;
        accounts(&server.url, Some("s3cret")).app_token(NOW).await.unwrap();
        assert_eq!(form(&server.asked()[0]), of(&[("grant_type", "client_credentials")]));
    }

    #[tokio::test]
    async fn only_invalid_grant_with_a_400_ends_a_consent() {
        let body = r#"{"error":"invalid_grant","error_description":"Refresh token revoked"}"#;
        let mut ends = Vec::new();
        for status in [200, 400, 401, 403, 404, 408, 429, 500, 502, 503] {
            let server = Canned::answer(status, "", body).await;
            let error =
                accounts(&server.url, None).refresh(&refresh_token(), NOW).await.unwrap_err();
            let passes = matches!(error, Error::Temporary(_) | Error::RateLimited { .. });
            assert_eq!(passes, matches!(status, 408 | 429 | 500..), "{status}");
            if error == Error::InvalidGrant(Ending::Revoked) {
                ends.push(status);
            }
        }
        assert_eq!(ends, [400]);
    }

    #[tokio::test]
    async fn invalid_responses_end_no_consent() {
        let cut = b"HTTP/1.1 400 X\r\ncontent-length: 99\r\n\r\n{\"error\":\"invalid_grant\"}";
        let cut = Canned::raw(cut.to_vec()).await;
        let refused = accounts(&cut.url, None).refresh(&refresh_token(), NOW).await.unwrap_err();
        assert!(matches!(refused, Error::Temporary(_)), "{refused:?}");
        for body in ["<html>".to_owned(), String::new(), " ".repeat(2 << 20)] {
            let server = Canned::answer(400, "", body).await;
            let error =
                accounts(&server.url, None).refresh(&refresh_token(), NOW).await.unwrap_err();
            assert!(matches!(error, Error::Malformed(_)), "{error:?}");
        }
    }

    #[tokio::test]
    async fn debug_output_has_no_secrets() {
        let bodies =
            [GIVEN, r#"{"access_token":7,"refresh_token":"s3cret"}"#, r#"{"error":"s3cret"}"#];
        for (status, body) in bodies.iter().flat_map(|body| [(200, body), (400, body), (401, body)])
        {
            let server = Canned::answer(status, "", body).await;
            let accounts = accounts(&server.url, Some("s3cret"));
            let answer = accounts.refresh(&refresh_token(), NOW).await;
            let mut printed = format!("{accounts:?} {answer:?} {:?}", refresh_token());
            if let Err(error) = answer {
                printed.push_str(&error.to_string());
            }
            assert!(!printed.contains("s3cret"), "{printed}");
        }
    }

    #[test]
    fn futures_are_send() {
        fn sendable<T: Send>(_: T) {}
        let accounts = accounts(&"http://h".parse().unwrap(), None);
        let (token, verifier) = (refresh_token(), "v".into());
        sendable(accounts.refresh(&token, NOW));
        sendable(accounts.exchange("c", &verifier, NOW));
        sendable(accounts.app_token(NOW));
    }
}
