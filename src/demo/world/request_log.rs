//! The requests that the world received, and those that a well-behaved client would not send.

use std::time::Duration;

use jiff::Timestamp;

use super::{FakeUserId, World};

/// The endpoints of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Token,
    Me,
    Following,
    /// `GET /v1/artists/{id}/albums`
    ArtistAlbums,
}

impl Endpoint {
    pub(in crate::demo) fn from_request(method: &str, path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("POST", ["api", "token"]) => Some(Self::Token),
            ("GET", ["v1", "me"]) => Some(Self::Me),
            ("GET", ["v1", "me", "following"]) => Some(Self::Following),
            ("GET", ["v1", "artists", _, "albums"]) => Some(Self::ArtistAlbums),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub at: Timestamp,
    pub endpoint: Endpoint,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query, still percent-encoded.
    pub query: String,
    /// The user whose access token it carried, if any.
    pub user: Option<FakeUserId>,
    /// The status of the answer. 0 if it was not answered.
    pub status: u16,
}

impl World {
    /// All requests, in the order in which they arrived.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.state().requests.iter().filter(|request| request.endpoint == endpoint).count()
    }

    /// Clears the lists of requests and of unexpected requests. A `Retry-After` stays in force.
    pub fn forget_requests(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.unexpected.clear();
    }

    /// What a well-behaved client would not have done, one sentence each: request an unknown path
    /// or too long a page, ignore `Retry-After`, leave out a PKCE parameter …
    ///
    /// A bad token or a spent quota is not unexpected: any client can run into that.
    pub fn unexpected(&self) -> Vec<String> {
        self.state().unexpected.clone()
    }

    pub(in crate::demo) fn record_unexpected(&self, what: impl Into<String>) {
        self.state().unexpected.push(what.into());
    }

    /// Records a request and returns its index.
    pub(in crate::demo) fn record_request(
        &self,
        endpoint: Endpoint,
        path: &str,
        query: &str,
    ) -> usize {
        let at = self.now();
        let mut state = self.state();
        if let Some(until) = state.retry_after.get(&endpoint).filter(|until| at < **until) {
            let early = format!("{endpoint:?} was called at {at}, before Retry-After ({until})");
            state.unexpected.push(early);
        }
        let (path, query) = (path.to_owned(), query.to_owned());
        state.requests.push(Request { at, endpoint, path, query, user: None, status: 0 });
        state.requests.len() - 1
    }

    pub(in crate::demo) fn record_answer(
        &self,
        index: usize,
        user: Option<FakeUserId>,
        status: u16,
        retry_after: Option<u64>,
    ) {
        let mut state = self.state();
        let Some(request) = state.requests.get_mut(index) else { return };
        (request.user, request.status) = (user, status);
        if let (429, Some(seconds)) = (status, retry_after) {
            let (endpoint, until) = (request.endpoint, request.at + Duration::from_secs(seconds));
            state.retry_after.insert(endpoint, until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::world;
    use super::*;

    #[test]
    fn only_call_before_retry_after_is_unexpected() {
        let (world, clock) = world();
        let index = world.record_request(Endpoint::Me, "/v1/me", "");
        world.record_answer(index, None, 429, Some(30));
        clock.advance(Duration::from_secs(29));
        world.record_request(Endpoint::Following, "/v1/me/following", "");
        assert_eq!(world.unexpected(), Vec::<String>::new());
        world.record_request(Endpoint::Me, "/v1/me", "");
        assert_eq!(world.unexpected().len(), 1);
        clock.advance(Duration::from_secs(1));
        world.record_request(Endpoint::Me, "/v1/me", "");
        assert_eq!(world.unexpected().len(), 1);
    }

    #[test]
    fn request_log_has_user_query_and_status() {
        let (world, _) = world();
        let martha = world.add_user("Martha");
        let index = world.record_request(Endpoint::Following, "/v1/me/following", "type=artist");
        world.record_answer(index, Some(martha), 200, None);
        let [request] = &world.requests()[..] else { panic!("one request") };
        assert_eq!((request.user, request.status), (Some(martha), 200));
        assert_eq!(request.query, "type=artist");
    }

    #[test]
    fn endpoint_depends_on_method_and_path() {
        assert_eq!(
            Endpoint::from_request("GET", "/v1/artists/a/albums"),
            Some(Endpoint::ArtistAlbums)
        );
        assert_eq!(Endpoint::from_request("POST", "/v1/me"), None);
        assert_eq!(Endpoint::from_request("GET", "/v1/albums"), None);
    }
}
