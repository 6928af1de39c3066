//! Scripted faults, and the daily quota.

use super::{Endpoint, World};

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// A wrong answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 429 for too many requests in a short time: JSON without a `reason`.
    RateLimited {
        /// The seconds in `Retry-After`, if it is sent.
        retry_after: Option<u64>,
    },
    /// 429 with `reason: QUOTA_EXCEEDED`.
    QuotaExceeded {
        /// The seconds in `Retry-After`, if it is sent.
        retry_after: Option<u64>,
    },
    /// This status, content type (none if empty) and body.
    Status(u16, &'static str, String),
    /// No answer, for as long as the client waits.
    Hang,
    /// 200 and an HTML page, as a captive portal sends it.
    Html,
    /// 200 and a JSON body of that many bytes.
    Huge(usize),
    /// 200 and half a body: then the connection is closed.
    Truncated,
    /// 200 and a body that is not JSON.
    Garbled,
    /// 401, as for an expired access token.
    Unauthorized,
}

impl Fault {
    /// 502 with an HTML body, as a gateway sends it.
    pub fn bad_gateway() -> Self {
        Self::Status(502, "text/html", "<html><h1>502 Bad Gateway</h1></html>".to_owned())
    }

    /// 500 with a JSON error body.
    pub fn server_error() -> Self {
        let body = r#"{"error":{"status":500,"message":"Server error"}}"#;
        Self::Status(500, "application/json", body.to_owned())
    }
}

impl World {
    /// Answers the next calls of the endpoint with these faults, in order.
    pub fn script(&self, endpoint: Endpoint, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.entry(endpoint).or_default().extend(faults);
    }

    /// Removes the faults that have not happened yet.
    pub fn clear_script(&self, endpoint: Endpoint) {
        self.state().faults.remove(&endpoint);
    }

    /// Allows that many artist-albums calls in any 24 hours. Further calls are answered with 429
    /// `QUOTA_EXCEEDED`, with the time until the next call is allowed in `Retry-After`.
    pub fn set_artist_albums_quota(&self, calls: Option<usize>) {
        self.state().quota = calls;
    }

    pub(in crate::demo) fn next_fault(&self, endpoint: Endpoint) -> Option<Fault> {
        self.state().faults.get_mut(&endpoint)?.pop_front()
    }

    /// Counts an artist-albums call, or returns the seconds until the next one is allowed.
    pub(in crate::demo) fn spend_quota(&self) -> Result<(), u64> {
        let now = self.now();
        let state = &mut *self.state();
        while state.quota_used.front().is_some_and(|first| *first + DAY <= now) {
            state.quota_used.pop_front();
        }
        let used = state.quota_used.len();
        let Some(quota) = state.quota.filter(|quota| used >= *quota) else {
            state.quota_used.push_back(now);
            return Ok(());
        };
        let free_at = state.quota_used.get(used - quota).map_or(now + DAY, |call| *call + DAY);
        let wait = free_at.duration_since(now);
        Err(wait.as_secs().unsigned_abs() + u64::from(wait.subsec_nanos() > 0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::world;
    use super::*;

    #[test]
    fn quota_frees_each_call_after_24_hours() {
        let (world, clock) = world();
        world.set_artist_albums_quota(Some(2));
        assert_eq!(world.spend_quota(), Ok(()));
        clock.advance(Duration::from_secs(3600));
        assert_eq!(world.spend_quota(), Ok(()));
        assert_eq!(world.spend_quota(), Err(23 * 3600));
        clock.advance(Duration::from_secs(23 * 3600));
        assert_eq!(world.spend_quota(), Ok(()));
        assert_eq!(world.spend_quota(), Err(3600));
    }

    #[test]
    fn quota_may_be_zero_or_absent() {
        let (world, _) = world();
        (0..500).for_each(|_| assert_eq!(world.spend_quota(), Ok(())));
        world.set_artist_albums_quota(Some(0));
        assert_eq!(world.spend_quota(), Err(24 * 3600));
    }

    #[test]
    fn scripted_faults_happen_once_in_order() {
        let (world, _) = world();
        world.script(Endpoint::Me, [Fault::Hang, Fault::Html]);
        assert_eq!(world.next_fault(Endpoint::Me), Some(Fault::Hang));
        assert_eq!(world.next_fault(Endpoint::Following), None);
        assert_eq!(world.next_fault(Endpoint::Me), Some(Fault::Html));
        assert_eq!(world.next_fault(Endpoint::Me), None);
    }
}
