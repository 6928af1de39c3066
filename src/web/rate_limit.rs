//! Limits how often one IP address may sign in, confirm or send forms.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::page::Message;
use crate::clock::Clock;

/// Addresses to keep. If there are more, all start over: a flood from everywhere must not fill the memory, and no
/// limit per address stops one.
const MAX_REMEMBERED: usize = 10_000;

/// The state per address is one time, until which its allowance is used up (GCRA,
/// <https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm>).
pub(super) struct ClientRateLimiter {
    clock: Arc<dyn Clock>,
    header: Option<HeaderName>,
    /// The sustained rate: one request per this time …
    every: SignedDuration,
    /// … and the burst: a family may share one address.
    burst: SignedDuration,
    spent_until: Mutex<HashMap<IpAddr, Timestamp>>,
}

impl ClientRateLimiter {
    /// `header` is where a trusted proxy puts the client address. Two minutes' worth may come in one burst.
    pub(super) fn new(clock: Arc<dyn Clock>, header: Option<HeaderName>, per_minute: u32) -> Self {
        let every =
            SignedDuration::from_mins(1) / i32::try_from(per_minute.max(1)).unwrap_or(i32::MAX);
        let burst = SignedDuration::from_mins(2);
        Self { clock, header, every, burst, spent_until: Mutex::default() }
    }

    /// Takes one request from the allowance of `address`, or says how long to wait.
    fn try_acquire(&self, address: IpAddr) -> Result<(), SignedDuration> {
        let (now, address) = (self.clock.now(), rate_limit_key(address));
        let mut spent_until = self.spent_until.lock().unwrap_or_else(PoisonError::into_inner);
        // A later time was written before the clock was set back.
        let most = now + self.burst + self.every;
        let known = spent_until.get(&address).copied().filter(|until| *until <= most);
        let spent = known.unwrap_or(now).max(now) + self.every;
        let wait = spent.duration_since(now) - self.burst;
        if wait.is_positive() {
            return Err(wait);
        }
        spent_until.insert(address, spent);
        if spent_until.len() > MAX_REMEMBERED {
            spent_until.retain(|_, until| *until > now);
        }
        if spent_until.len() > MAX_REMEMBERED {
            spent_until.clear();
        }
        Ok(())
    }

    /// The client address: from the proxy's header, or of the connection if the header has no valid address.
    fn address_of(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        let named = self.header.as_ref().and_then(|header| last_address(headers, header));
        named.or(peer)
    }
}

/// The last address is the one that our own proxy saw. Clients can write anything before it, even invalid UTF-8.
fn last_address(headers: &HeaderMap, header: &HeaderName) -> Option<IpAddr> {
    let value = headers.get_all(header).iter().next_back()?;
    let last = value.as_bytes().rsplit(|byte| *byte == b',').next()?;
    let last = std::str::from_utf8(last).ok()?.trim();
    let with_port = || last.parse::<SocketAddr>().ok().map(|address| address.ip());
    last.parse().ok().or_else(with_port)
}

/// A client usually has a whole IPv6 /64, so that counts as one address.
fn rate_limit_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX << 64;
            IpAddr::V6((u128::from(address) & mask).into())
        }
        v4 => v4,
    }
}

/// Limits every form, and both ends of a sign-in.
pub(super) async fn limit(
    State(rate_limit): State<Arc<ClientRateLimiter>>,
    request: Request,
    next: Next,
) -> Response {
    let is_trip = matches!(request.uri().path(), "/login" | "/callback");
    if request.method() != Method::POST && !is_trip {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let Some(address) = rate_limit.address_of(request.headers(), peer) else {
        return next.run(request).await;
    };
    match rate_limit.try_acquire(address) {
        Ok(()) => next.run(request).await,
        Err(wait) => too_often(wait),
    }
}

fn too_often(wait: SignedDuration) -> Response {
    let body = "We got too many forms and sign-ins from your network in a short time. Nothing was \
                changed. Please try again in a minute.";
    let action = Some(("Go to the start page", "/"));
    let page = Message { title: "Too many requests", body, action };
    let mut response = page.with(StatusCode::TOO_MANY_REQUESTS);
    let seconds = HeaderValue::from(wait.as_secs().unsigned_abs() + 1);
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use dropday::test_clock::ManualClock;

    fn at_noon() -> (Arc<ManualClock>, ClientRateLimiter) {
        let clock = ManualClock::at("2026-11-23T12:00:00Z".parse().unwrap());
        (clock.clone(), ClientRateLimiter::new(clock, None, 15))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn address_may_burst_and_then_is_limited() {
        let (clock, rate_limit) = at_noon();
        let taken =
            (0..100).take_while(|_| rate_limit.try_acquire(ip("192.0.2.1")).is_ok()).count();
        assert_eq!(taken, 30);
        assert!(
            rate_limit.try_acquire(ip("192.0.2.2")).is_ok(),
            "another address is not concerned"
        );
        clock.advance(Duration::from_secs(4));
        assert!(rate_limit.try_acquire(ip("192.0.2.1")).is_ok());
        assert!(rate_limit.try_acquire(ip("192.0.2.1")).is_err());
    }

    #[test]
    fn ipv6_network_counts_as_one_address() {
        let (_, rate_limit) = at_noon();
        let from = |n: u16| ip(&format!("2001:db8::{n:x}"));
        assert_eq!((1..100).take_while(|n| rate_limit.try_acquire(from(*n)).is_ok()).count(), 30);
        assert!(rate_limit.try_acquire(ip("2001:db8:0:1::1")).is_ok());
        assert_eq!(rate_limit_key(ip("::ffff:192.0.2.7")), ip("192.0.2.7"));
    }

    #[test]
    fn clock_set_back_locks_nobody_out() {
        let (clock, rate_limit) = at_noon();
        while rate_limit.try_acquire(ip("192.0.2.1")).is_ok() {}
        clock.set("2026-11-22T12:00:00Z".parse().unwrap());
        assert!(rate_limit.try_acquire(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn flood_from_many_addresses_is_not_remembered() {
        let (_, rate_limit) = at_noon();
        for n in 0..50_000_u32 {
            rate_limit.try_acquire(IpAddr::V4(n.into())).unwrap();
        }
        assert!(rate_limit.spent_until.lock().unwrap().len() <= MAX_REMEMBERED);
    }

    #[test]
    fn only_last_address_of_configured_header_is_trusted() {
        let (clock, plain) = at_noon();
        let peer = Some(ip("127.0.0.1"));
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("198.51.100.1, 203.0.113.5"));
        assert_eq!(plain.address_of(&headers, peer), peer);
        let behind =
            ClientRateLimiter::new(clock, Some(HeaderName::from_static("x-forwarded-for")), 15);
        assert_eq!(behind.address_of(&headers, peer), Some(ip("203.0.113.5")));
        headers.append("x-forwarded-for", HeaderValue::from_static("[2001:db8::7]:443"));
        assert_eq!(behind.address_of(&headers, peer), Some(ip("2001:db8::7")));
        let odd = HeaderValue::from_bytes(b"\xff\xfe, 203.0.113.9").unwrap();
        headers.append("x-forwarded-for", odd);
        assert_eq!(behind.address_of(&headers, peer), Some(ip("203.0.113.9")));
        headers.append("x-forwarded-for", HeaderValue::from_static("nobody"));
        assert_eq!(behind.address_of(&headers, peer), peer, "nobody is without any limit");
    }
}
