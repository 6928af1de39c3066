//! What Spotify hands out when a user consents.

use jiff::Timestamp;
use secrecy::SecretString;

/// An access token: good for about an hour. `Debug` shows `[REDACTED]`.
#[derive(Debug, Clone)]
pub struct AccessToken(pub SecretString);

/// A refresh token: good for six months from the consent, whatever is refreshed
/// (<https://developer.spotify.com/blog/2026-06-18-refresh-token-expiration>).
#[derive(Debug, Clone)]
pub struct RefreshToken(pub SecretString);

/// An answer of the token endpoint.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The new access token.
    pub access: AccessToken,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// A new refresh token; `None` means that the old one stays good.
    pub refresh: Option<RefreshToken>,
}

/// A user's tokens as they are kept.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token.
    pub access: AccessToken,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// The refresh token.
    pub refresh: RefreshToken,
    /// When the user last consented at Spotify: the clock of the six months.
    pub authorized_at: Timestamp,
}
