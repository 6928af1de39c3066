//! What can go wrong between Spotify and us, told apart as far as a caller acts differently.

use std::time::Duration;

use crate::domain::consent::Ending;

/// Why a call gave nothing. The texts are for the operator and hold no token, code or address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many calls in a rolling 30 seconds, counted for each app
    /// (<https://developer.spotify.com/documentation/web-api/concepts/rate-limits>).
    #[error("Spotify asked Dropday to slow down{}. Requests resume by themselves", pause(retry_after))]
    RateLimited {
        /// How long Spotify wants us to wait, at most 30 days; some answers do not say.
        retry_after: Option<Duration>,
    },
    /// The day's calls of the developer account are spent for this kind of call, whichever of its
    /// apps made them (<https://developer.spotify.com/documentation/web-api/concepts/quota-modes>).
    #[error(
        "the Spotify developer account has used up its calls of this kind{}. Dropday continues \
         later; if this happens often, lower spotify.artist_albums_per_day",
        pause(retry_after)
    )]
    QuotaExceeded {
        /// How long Spotify wants us to wait, at most 30 days; some answers do not say.
        retry_after: Option<Duration>,
    },
    /// The access token is over or was never good: fetch another with the refresh token.
    #[error("Spotify no longer accepts the access token; it has to be refreshed")]
    Unauthorized,
    /// The consent is over, or a code was used twice or came too late. The only error that ends a
    /// consent: asking again with the same token or code never helps.
    #[error("the consent at Spotify has ended; the user has to sign in with Spotify again")]
    InvalidGrant(Ending),
    /// The operator's configuration and Spotify's dashboard disagree.
    #[error(
        "Spotify does not accept this app: compare the client ID, client secret and redirect URI \
         in the configuration with https://developer.spotify.com/dashboard"
    )]
    InvalidClient,
    /// The user signed in, but is not among the users of the app.
    #[error(
        "Spotify does not let this user use the app: the operator has to add them at \
         https://developer.spotify.com/dashboard under Settings, User Management"
    )]
    NotOnAllowList,
    /// The user's consent does not cover the call: somebody changed what was asked for on the way.
    #[error("the consent does not cover this call; the user has to sign in with Spotify again")]
    MissingScope,
    /// Nothing works until the owner of the app has Premium, and then for some hours more.
    #[error(
        "Spotify has stopped the app because its owner's Premium has lapsed. After renewing it, it \
         can take a few hours before calls work again"
    )]
    OwnerNeedsPremium,
    /// Any other 403. Seen for endpoints that were taken away.
    #[error(
        "Spotify forbids this call to the app. The endpoint may have been removed: check for a \
         newer version of Dropday"
    )]
    EndpointRemoved,
    /// There is no such artist or user (any more).
    #[error("Spotify does not know this ID")]
    NotFound,
    /// Time-outs, connection trouble, 5xx, answers that broke off: worth another try later.
    #[error("Spotify cannot be reached: {0}")]
    Temporary(String),
    /// An answer that makes no sense. Asking again at once will not help.
    #[error(
        "Spotify's response is invalid: {0}. If this persists, check for a newer version of \
         Dropday or a proxy in between"
    )]
    Malformed(String),
}

impl Error {
    /// Whether it is this user's token that is of no use, while another's may serve.
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
    fn a_pause_is_told_where_it_is_known() {
        let told = Error::QuotaExceeded { retry_after: Some(Duration::from_secs(86_207)) };
        assert!(told.to_string().contains(" for 86207 s."), "{told}");
        let untold = Error::RateLimited { retry_after: None };
        assert!(untold.to_string().contains("slow down. "), "{untold}");
    }
}
