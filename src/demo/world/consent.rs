//! Authorization requests, and the redirects that answer them.

use url::Url;

use super::grants::{CLIENT_ID, Code, Scope};
use super::{FakeUserId, World};

#[derive(Debug, Clone)]
pub(in crate::demo) struct AuthorizeRequest {
    pub(in crate::demo) redirect_uri: Url,
    pub(in crate::demo) state: Option<String>,
    pub(in crate::demo) scope: Scope,
    /// The same, as sent: the token endpoint compares it character by character.
    raw_redirect_uri: String,
    challenge: String,
}

impl AuthorizeRequest {
    /// The redirect back to the app, with this parameter and the state.
    pub(in crate::demo) fn back(&self, name: &str, value: &str) -> String {
        let mut url = self.redirect_uri.clone();
        url.query_pairs_mut().append_pair(name, value);
        if let Some(state) = &self.state {
            url.query_pairs_mut().append_pair("state", state);
        }
        url.into()
    }
}

impl World {
    /// Agrees to the consent page at `authorize_url`, without HTTP. Returns the redirect to the app,
    /// or the text of the error page.
    pub fn consent(&self, authorize_url: &str, user: FakeUserId) -> Result<String, String> {
        Ok(self.agree(&self.parse_authorize_url(authorize_url)?, user))
    }

    /// Like `consent`, for a user who declines.
    pub fn refuse_consent(&self, authorize_url: &str) -> Result<String, String> {
        Ok(self.parse_authorize_url(authorize_url)?.back("error", "access_denied"))
    }

    fn parse_authorize_url(&self, authorize_url: &str) -> Result<AuthorizeRequest, String> {
        let url = Url::parse(authorize_url).map_err(|error| error.to_string())?;
        self.parse_authorize(url.query().unwrap_or_default())
    }

    /// Parses the query of the consent page. The error is the text of the error page.
    pub(in crate::demo) fn parse_authorize(&self, query: &str) -> Result<AuthorizeRequest, String> {
        let parsed = parse_authorize(query);
        if let Err(error) = &parsed {
            self.record_unexpected(format!("authorize: {error}"));
        }
        parsed
    }

    pub(in crate::demo) fn agree(&self, request: &AuthorizeRequest, user: FakeUserId) -> String {
        let code = self.token();
        let grant = Code {
            user,
            redirect_uri: request.raw_redirect_uri.clone(),
            challenge: request.challenge.clone(),
            scope: request.scope.clone(),
            made_at: self.now(),
        };
        self.state().codes.insert(code.clone(), grant);
        request.back("code", &code)
    }
}

fn parse_authorize(query: &str) -> Result<AuthorizeRequest, String> {
    let field = |name: &str| field(query, name);
    if field("client_id").as_deref() != Some(CLIENT_ID) {
        return Err("INVALID_CLIENT: Invalid client".to_owned());
    }
    let raw_redirect_uri = field("redirect_uri").ok_or("redirect_uri: missing")?;
    let redirect_uri =
        Url::parse(&raw_redirect_uri).map_err(|_| "INVALID_CLIENT: Invalid redirect URI")?;
    if !is_secure(&redirect_uri) {
        return Err("INVALID_CLIENT: Insecure redirect URI".to_owned());
    }
    if field("response_type").as_deref() != Some("code") {
        return Err("response_type must be code".to_owned());
    }
    if field("code_challenge_method").as_deref() != Some("S256") {
        return Err("code_challenge_method must be S256".to_owned());
    }
    let challenge = field("code_challenge").unwrap_or_default();
    if challenge.len() != 43 {
        return Err("code_challenge must be a SHA-256 in base64url".to_owned());
    }
    let scope = field("scope").unwrap_or_default();
    let scope = scope.split_whitespace().map(str::to_owned).collect();
    Ok(AuthorizeRequest { redirect_uri, state: field("state"), scope, raw_redirect_uri, challenge })
}

/// The first value of a field in a query or a form.
pub(in crate::demo) fn field(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// HTTPS, or HTTP to a numeric loopback address
/// (<https://developer.spotify.com/documentation/web-api/concepts/redirect_uri>).
fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "[::1]")),
        _ => false,
    }
}
