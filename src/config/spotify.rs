//! `[spotify]`

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::settings::Settings;

/// More than anyone was ever allowed.
const MAX_CALLS_PER_DAY: u32 = 100_000;

#[derive(Debug, Clone)]
pub struct Spotify {
    pub client_id: String,
    pub client_secret: Option<SecretString>,
    /// The authorization server.
    pub accounts_url: Url,
    /// The Web API.
    pub api_url: Url,
    /// The market to query with the app's own token; `None` to use users' tokens.
    pub app_market: Option<String>,
    /// The minimum time between the starts of two calls.
    pub request_interval: Duration,
    /// Calls for artists' albums in any 24 hours.
    pub artist_albums_per_day: u32,
}

impl Spotify {
    pub(super) fn read(settings: &mut Settings) -> Option<Self> {
        let client_id = settings.text("spotify.client_id");
        if client_id.is_empty() {
            settings.error(
                "`spotify.client_id` is not set. Register an app at \
                 https://developer.spotify.com/dashboard and copy its Client ID (see the README)",
            );
        }
        let client_secret = settings.secret("spotify.client_secret");
        let accounts_url = settings.http_url("spotify.accounts_url");
        let api_url = settings.http_url("spotify.api_url");
        let app_market = app_market(settings, client_secret.is_some());
        let request_interval = settings.duration("spotify.request_interval");
        let calls = settings.number("spotify.artist_albums_per_day", 1..=MAX_CALLS_PER_DAY);
        Some(Self {
            client_id,
            client_secret,
            accounts_url: accounts_url?,
            api_url: api_url?,
            app_market: app_market?,
            request_interval: request_interval?,
            artist_albums_per_day: calls?,
        })
    }
}

/// `Some(None)` for users' tokens.
fn app_market(settings: &mut Settings, has_secret: bool) -> Option<Option<String>> {
    let is_app = settings.check("spotify.catalog_token", "person or app", |text| match text {
        "person" => Some(false),
        "app" => Some(true),
        _ => None,
    })?;
    if !is_app {
        return Some(None);
    }
    if !has_secret {
        settings.error("`spotify.catalog_token` is `app`, which needs `spotify.client_secret`");
    }
    let market = settings.text("spotify.market");
    if market.len() != 2 || !market.bytes().all(|b| b.is_ascii_alphabetic()) {
        settings.error(
            "`spotify.catalog_token` is `app`, which needs `spotify.market`: the two letters of a \
             country, such as DE",
        );
    }
    Some(Some(market.to_ascii_uppercase()))
}
