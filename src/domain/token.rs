//! The tokens that Spotify issues when a user consents.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

/// A token is refreshed when it is valid for no longer than this.
pub const REFRESH_AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Valid for about an hour. `Debug` shows `[REDACTED]`.
#[derive(Debug, Clone)]
pub struct AccessToken(pub SecretString);

/// Valid for six months from the consent, however often it is used
/// (<https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration>).
#[derive(Debug, Clone)]
pub struct RefreshToken(pub SecretString);

/// A response of the token endpoint.
#[derive(Debug, Clone)]
pub struct Grant {
    pub access: AccessToken,
    /// Of the access token.
    pub expires_at: Timestamp,
    /// A new refresh token; `None` means that the old one remains valid.
    pub refresh: Option<RefreshToken>,
}

/// A user's tokens as stored.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access: AccessToken,
    /// Of the access token.
    pub expires_at: Timestamp,
    pub refresh: RefreshToken,
}
