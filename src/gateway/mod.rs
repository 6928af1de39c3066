//! How Dropday uses Spotify's API: every call goes through the rate limiter and carries a valid token.

mod client;
mod error;
mod invalid_grant;
mod operator_alerts;
mod rate_limiter;
mod token_refresh;

pub use client::{Gateway, TokenOwner, TokenSource};
pub use error::GatewayError;
pub use operator_alerts::Operator;
pub use rate_limiter::RateLimiter;
