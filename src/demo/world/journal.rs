//! What the world was asked, and what it did not expect to be asked.

use jiff::Timestamp;

use super::{FakeUserId, World};

/// The addresses that a world can be asked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// `GET /authorize`
    Authorize,
    /// `POST /api/token`
    Token,
    /// `GET /v1/me`
    Me,
    /// `GET /v1/me/following`
    Following,
    /// `GET /v1/artists/{id}/albums`
    ArtistAlbums,
    /// `GET /v1/albums/{id}`
    Album,
    /// `GET /v1/artists/{id}`
    Artist,
    /// `GET /v1/search`
    Search,
}

impl Endpoint {
    /// Which endpoint that method and path are, if they are one.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["authorize"]) => Some(Self::Authorize),
            ("POST", ["api", "token"]) => Some(Self::Token),
            ("GET", ["v1", "me"]) => Some(Self::Me),
            ("GET", ["v1", "me", "following"]) => Some(Self::Following),
            ("GET", ["v1", "artists", _, "albums"]) => Some(Self::ArtistAlbums),
            ("GET", ["v1", "albums", _]) => Some(Self::Album),
            ("GET", ["v1", "artists", _]) => Some(Self::Artist),
            ("GET", ["v1", "search"]) => Some(Self::Search),
            _ => None,
        }
    }
}

/// A request that one of the endpoints answered, or left hanging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// When it came in.
    pub at: Timestamp,
    /// Where.
    pub endpoint: Endpoint,
    /// The path, escapes and all.
    pub path: String,
    /// The query as it was sent; empty where there was none.
    pub query: String,
    /// Whose access token it carried; nobody's where it was the app's own, or no good.
    pub user: Option<FakeUserId>,
    /// The status of the answer; 0 where it was left hanging.
    pub status: u16,
}

impl World {
    /// Every request so far that reached an endpoint, in the order in which they came in.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// How many requests that endpoint got.
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.state().requests.iter().filter(|request| request.endpoint == endpoint).count()
    }

    /// Forgets the requests and the surprises so far. A `Retry-After` stays in force.
    pub fn forget_requests(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.unexpected.clear();
    }

    /// What a well-behaved client would not have done, one sentence each: asking for an unknown
    /// path, for too long a page, before `Retry-After` was over, without what PKCE wants …
    ///
    /// A bad token or a spent quota is no surprise: that can happen to anybody.
    pub fn unexpected(&self) -> Vec<String> {
        self.state().unexpected.clone()
    }

    pub(in crate::demo) fn surprise(&self, what: impl Into<String>) {
        self.state().unexpected.push(what.into());
    }

    /// A request comes in; the answer is its place in the journal.
    pub(in crate::demo) fn begin(&self, endpoint: Endpoint, path: &str, query: &str) -> usize {
        let at = self.now();
        let mut state = self.state();
        if let Some(until) = state.closed_until.get(&endpoint).filter(|until| at < **until) {
            let early =
                format!("{endpoint:?} was called at {at}, before Retry-After ended at {until}");
            state.unexpected.push(early);
        }
        let (path, query) = (path.to_owned(), query.to_owned());
        state.requests.push(Request { at, endpoint, path, query, user: None, status: 0 });
        state.requests.len() - 1
    }

    /// The request was answered.
    pub(in crate::demo) fn finish(
        &self,
        place: usize,
        user: Option<FakeUserId>,
        status: u16,
        retry_after: Option<u64>,
    ) {
        let mut state = self.state();
        let Some(request) = state.requests.get_mut(place) else { return };
        request.user = user;
        request.status = status;
        if let (429, Some(seconds)) = (status, retry_after) {
            let (endpoint, at) = (request.endpoint, request.at);
            state.closed_until.insert(endpoint, at + std::time::Duration::from_secs(seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::world;
    use super::*;

    #[test]
    fn a_call_before_retry_after_is_over_is_a_surprise_and_one_after_it_is_none() {
        let (world, clock) = world();
        let place = world.begin(Endpoint::Me, "/v1/me", "");
        world.finish(place, None, 429, Some(30));
        clock.advance(Duration::from_secs(29));
        world.begin(Endpoint::Following, "/v1/me/following", "");
        assert_eq!(world.unexpected(), Vec::<String>::new());
        world.begin(Endpoint::Me, "/v1/me", "");
        assert_eq!(world.unexpected().len(), 1);
        clock.advance(Duration::from_secs(1));
        world.begin(Endpoint::Me, "/v1/me", "");
        assert_eq!(world.unexpected().len(), 1);
    }

    #[test]
    fn the_journal_tells_who_asked_for_what_and_how_it_ended() {
        let (world, _) = world();
        let martha = world.add_user("Martha");
        let place = world.begin(Endpoint::Following, "/v1/me/following", "type=artist");
        world.finish(place, Some(martha), 200, None);
        let [request] = &world.requests()[..] else { panic!("one request") };
        assert_eq!((request.user, request.status), (Some(martha), 200));
        assert_eq!(request.query, "type=artist");
    }

    #[test]
    fn only_the_right_method_reaches_an_endpoint() {
        assert_eq!(Endpoint::of("GET", "/v1/artists/a/albums"), Some(Endpoint::ArtistAlbums));
        assert_eq!(Endpoint::of("POST", "/v1/me"), None);
        assert_eq!(Endpoint::of("GET", "/v1/albums"), None);
    }
}
