//! Errors of calls to Spotify, distinguished as far as callers act differently.

use std::time::Duration;

use crate::domain::consent::Ending;

/// The texts are for the operator and contain no token, code or address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many calls in 30 seconds, counted per app
    /// (<https://developer.spotify.com/documentation/web-api/concepts/rate-limits>).
    #[error("Spotify asks Dropday to slow down{}. Dropday waits by itself.", pause(retry_after))]
    RateLimited {
        /// At most 30 days; missing in some responses.
        retry_after: Option<Duration>,
    },
    /// The developer account's daily quota for this type of call is used up, by any of its apps
    /// (<https://developer.spotify.com/documentation/web-api/concepts/quota-modes>).
    #[error(
        "the Spotify developer account has used up its calls of this type{}. Dropday resumes later; if this \
         happens often, lower spotify.artist_albums_per_day",
        pause(retry_after)
    )]
    QuotaExceeded {
        /// At most 30 days; missing in some responses.
        retry_after: Option<Duration>,
    },
    /// The access token has expired or is invalid: get another one with the refresh token.
    #[error("Spotify no longer accepts the access token; it must be refreshed")]
    Unauthorized,
    /// The consent has ended, or a code was used twice or has expired. The only error that ends a consent:
    /// trying again with the same token or code never helps.
    #[error("the consent has ended; the user must sign in with Spotify again")]
    InvalidGrant(Ending),
    /// The configuration does not match Spotify's dashboard.
    #[error(
        "Spotify does not accept this app: compare client ID, client secret and redirect URI in the \
         configuration with https://developer.spotify.com/dashboard"
    )]
    InvalidClient,
    /// The user signed in but is not among the app's users.
    #[error(
        "Spotify does not let this user use the app: the operator must add them at \
         https://developer.spotify.com/dashboard under Settings, User Management"
    )]
    NotOnAllowList,
    /// The user's consent does not cover the call: the scopes in the authorization URL were changed.
    #[error("the consent does not cover this call; the user must sign in with Spotify again")]
    MissingScope,
    /// Nothing works until some hours after the app's owner has Premium again.
    #[error(
        "Spotify has stopped the app because its owner has no Premium subscription. After \
         renewing it, it can take some hours until calls work again"
    )]
    OwnerNeedsPremium,
    /// Any other 403. Observed for removed endpoints.
    #[error(
        "Spotify forbids this call to the app. The endpoint may have been removed: check for a \
         newer version of Dropday"
    )]
    EndpointRemoved,
    /// There is no such artist or user.
    #[error("Spotify does not know this ID")]
    NotFound,
    /// Timeouts, connection errors, 5xx, incomplete responses: try again later.
    #[error("Spotify cannot be reached: {0}")]
    Temporary(String),
    /// An invalid response. Trying again immediately does not help.
    #[error(
        "Spotify's response is invalid: {0}. If this continues, check for a newer version of Dropday, or for a \
         proxy in between"
    )]
    Malformed(String),
}

impl Error {
    /// Whether only this user's token does not work.
    pub fn is_about_the_user(&self) -> bool {
        matches!(
            self,
            Self::InvalidGrant(_) | Self::NotOnAllowList | Self::MissingScope | Self::Unauthorized
        )
    }
}

fn pause(retry_after: &Option<Duration>) -> String {
    retry_after.map(|wait| format!(" for {} s", wait.as_secs())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_text_has_pause_if_known() {
        let told = Error::QuotaExceeded { retry_after: Some(Duration::from_secs(86_207)) };
        assert!(told.to_string().contains(" for 86207 s."), "{told}");
        let untold = Error::RateLimited { retry_after: None };
        assert!(untold.to_string().contains("slow down. "), "{untold}");
    }
}
