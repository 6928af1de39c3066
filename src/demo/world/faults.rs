//! Faults on order, and the daily quota.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{Endpoint, World};

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// An answer other than the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 429, the ordinary one: JSON without a `reason`.
    RateLimited {
        /// Seconds in `Retry-After`, if it is sent.
        retry_after: Option<u64>,
    },
    /// 429 with `reason: QUOTA_EXCEEDED`.
    QuotaExceeded {
        /// Seconds in `Retry-After`, if it is sent.
        retry_after: Option<u64>,
    },
    /// That status, content type (none where empty) and body.
    Status(u16, &'static str, String),
    /// No answer, for as long as the client cares to wait.
    Hang,
    /// 200 and an HTML page, as a captive portal or a proxy would send.
    Html,
    /// 200 and a JSON body of that many bytes.
    Huge(usize),
    /// 200 and a body whose second half never comes: the connection is closed instead.
    Truncated,
    /// 200 and a body that is no JSON.
    Garbled,
    /// 401, as for an access token that has ended.
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
    /// The endpoint's next calls are answered with these, in order, before it behaves again.
    pub fn script(&self, endpoint: Endpoint, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.entry(endpoint).or_default().extend(faults);
    }

    /// Forgets the faults that have not happened yet.
    pub fn clear_script(&self, endpoint: Endpoint) {
        self.state().faults.remove(&endpoint);
    }

    /// Over that many answered artist-albums calls in any 24 hours, the next is answered with
    /// 429 `QUOTA_EXCEEDED` and the seconds until there is room again.
    pub fn set_artist_albums_quota(&self, calls: Option<usize>) {
        self.state().quota = calls;
    }

    /// The fault that is due at the endpoint, if any.
    pub(in crate::demo) fn next_fault(&self, endpoint: Endpoint) -> Option<Fault> {
        self.state().faults.get_mut(&endpoint)?.pop_front()
    }

    /// Books an artist-albums call.
    ///
    /// # Errors
    /// The seconds until there is room again.
    pub(in crate::demo) fn spend_quota(&self) -> Result<(), u64> {
        let now = self.now();
        let mut state = self.state();
        let quota = state.quota;
        spend(&mut state.spent, quota, now)
    }
}

fn spend(spent: &mut VecDeque<Timestamp>, quota: Option<usize>, now: Timestamp) -> Result<(), u64> {
    while spent.front().is_some_and(|first| *first + DAY <= now) {
        spent.pop_front();
    }
    let over =
        quota.and_then(|quota| (spent.len() + 1).checked_sub(quota)).filter(|over| *over > 0);
    let Some(over) = over else {
        spent.push_back(now);
        return Ok(());
    };
    let frees = spent.get(over - 1).map_or(now + DAY, |first| *first + DAY);
    let wait = frees.duration_since(now);
    // Rounded up: whoever waits that long finds room.
    Err(wait.as_secs().unsigned_abs() + u64::from(wait.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::world;
    use super::*;

    #[test]
    fn the_quota_frees_call_by_call_after_24_hours() {
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
    fn a_quota_of_nothing_and_no_quota_at_all() {
        let (world, _) = world();
        (0..500).for_each(|_| assert_eq!(world.spend_quota(), Ok(())));
        world.set_artist_albums_quota(Some(0));
        assert_eq!(world.spend_quota(), Err(24 * 3600));
    }

    #[test]
    fn faults_come_in_order_and_then_no_more() {
        let (world, _) = world();
        world.script(Endpoint::Me, [Fault::Hang, Fault::Html]);
        assert_eq!(world.next_fault(Endpoint::Me), Some(Fault::Hang));
        assert_eq!(world.next_fault(Endpoint::Following), None);
        assert_eq!(world.next_fault(Endpoint::Me), Some(Fault::Html));
        assert_eq!(world.next_fault(Endpoint::Me), None);
    }
}
