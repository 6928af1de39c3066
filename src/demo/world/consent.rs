//! The trip to the consent page and back.

use url::Url;

use super::grants::{Code, Scope};
use super::{FakeUserId, World};

/// A trip to the consent page.
#[derive(Debug, Clone)]
pub(in crate::demo) struct AuthorizeRequest {
    pub(in crate::demo) redirect_uri: Url,
    pub(in crate::demo) state: Option<String>,
    pub(in crate::demo) scope: Scope,
    /// The same address to the email: the token endpoint compares it so.
    raw_redirect_uri: String,
    challenge: String,
}

impl AuthorizeRequest {
    /// The address to send the browser back to, with that answer and the state.
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
    /// The user agrees to what the app asks for at `authorize_url`: the address, with code and
    /// state, that the browser would be sent to. Without HTTP, and so without a journal entry.
    ///
    /// # Errors
    /// What is wrong with the address, in the words of the error page.
    pub fn consent(&self, authorize_url: &str, user: FakeUserId) -> Result<String, String> {
        Ok(self.agree(&self.asked_at(authorize_url)?, user))
    }

    /// The same for somebody who refuses.
    ///
    /// # Errors
    /// What is wrong with the address, in the words of the error page.
    pub fn refuse_consent(&self, authorize_url: &str) -> Result<String, String> {
        Ok(self.asked_at(authorize_url)?.back("error", "access_denied"))
    }

    fn asked_at(&self, authorize_url: &str) -> Result<AuthorizeRequest, String> {
        let url = Url::parse(authorize_url).map_err(|error| error.to_string())?;
        self.read_authorize(url.query().unwrap_or_default())
    }

    /// Reads the query of the consent page.
    ///
    /// # Errors
    /// What is wrong with it, in the words of the error page.
    pub(in crate::demo) fn read_authorize(&self, query: &str) -> Result<AuthorizeRequest, String> {
        let read = self.try_read_authorize(query);
        if let Err(error) = &read {
            self.surprise(format!("authorize: {error}"));
        }
        read
    }

    fn try_read_authorize(&self, query: &str) -> Result<AuthorizeRequest, String> {
        let field = |name: &str| field(query, name);
        let state = self.state();
        if field("client_id").as_deref() != Some(&state.client_id) {
            return Err("INVALID_CLIENT: Invalid client".to_owned());
        }
        let raw = field("redirect_uri").ok_or("redirect_uri: missing")?;
        let redirect_uri = Url::parse(&raw).map_err(|_| "INVALID_CLIENT: Invalid redirect URI")?;
        if !may_return_to(&redirect_uri) {
            return Err("INVALID_CLIENT: Insecure redirect URI".to_owned());
        }
        if !state.redirect_uris.is_empty() && !state.redirect_uris.contains(&raw) {
            return Err("INVALID_CLIENT: Invalid redirect URI".to_owned());
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
        Ok(AuthorizeRequest {
            redirect_uri,
            state: field("state"),
            scope,
            raw_redirect_uri: raw,
            challenge,
        })
    }

    /// The user agrees; the answer is where the browser goes next.
    pub(in crate::demo) fn agree(&self, request: &AuthorizeRequest, user: FakeUserId) -> String {
        let code = self.token();
        let kept = Code {
            user,
            redirect_uri: request.raw_redirect_uri.clone(),
            challenge: request.challenge.clone(),
            scope: request.scope.clone(),
            made_at: self.now(),
        };
        self.state().codes.insert(code.clone(), kept);
        request.back("code", &code)
    }
}

/// The first field of that name in a query or a form.
pub(in crate::demo) fn field(query: &str, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// <https://developer.spotify.com/documentation/web-api/concepts/redirect_uri>: HTTPS, or HTTP on
/// a loopback address written as a number.
fn may_return_to(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "[::1]")),
        _ => false,
    }
}
