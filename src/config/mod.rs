//! Configuration: built-in defaults, then a file, then the environment. Every section is checked
//! at start, and what is wrong is told with the key's path and a remedy.

mod credentials;
mod fingerprints;
mod load;
mod rules;
mod secrets;
mod state;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderName;
use jiff::SignedDuration;
use secrecy::{SecretBox, SecretString};
use url::Url;

use crate::domain::check_planner::calendar::Market;
use crate::domain::instance::Instance;
use crate::domain::user::EmailAddress;
use crate::logging::Format;

pub use credentials::DEFAULT_FOLDER as DEFAULT_CREDENTIALS;
pub use fingerprints::Fingerprints;
pub use load::{DEFAULT_PATH, DEFAULTS, load};
pub use secrets::decode as decode_key;

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `database.path`
    pub database: PathBuf,
    /// `[web]`
    pub web: Web,
    /// `[spotify]`
    pub spotify: Spotify,
    /// `[mail]`
    pub mail: Mail,
    /// `[schedule]`
    pub schedule: Schedule,
    /// `[hints]`
    pub hints: Hints,
    /// `metrics.listen`; `None` where nothing is served.
    pub metrics_listen: Option<SocketAddr>,
    /// `[secrets]`
    pub key: KeySource,
    /// `log.level`
    pub log_level: tracing::Level,
    /// `log.format`
    pub log_format: Format,
    /// What every key is set to, to see later what has changed.
    pub keys: Fingerprints,
}

/// Where pages are served, and how users reach them.
#[derive(Debug, Clone)]
pub struct Web {
    /// The address to listen at.
    pub listen: SocketAddr,
    /// The address that users see.
    pub public_url: Url,
    /// Who may sign up, and who keeps the instance.
    pub instance: Instance,
    /// The header of a trusted proxy that says whose request it is.
    pub client_address_header: Option<HeaderName>,
    /// Forms and sign-ins that one address may send in a minute.
    pub forms_per_minute: u32,
}

/// How Spotify is asked.
#[derive(Debug, Clone)]
pub struct Spotify {
    /// The app's id.
    pub client_id: String,
    /// The app's secret, where one is given.
    pub client_secret: Option<SecretString>,
    /// The accounts service.
    pub accounts_url: Url,
    /// The Web API.
    pub api_url: Url,
    /// The market to ask for with the app's own token; `None` to ask with users's.
    pub app_market: Option<String>,
    /// Between the starts of two calls.
    pub request_interval: Duration,
    /// Calls for artists' albums in a rolling day.
    pub artist_albums_per_day: u32,
}

/// How letters leave.
#[derive(Debug, Clone)]
pub struct Mail {
    /// lettre's URL form; holds a password.
    pub smtp_url: SecretString,
    /// The sender, as a mailbox.
    pub from: String,
    /// For one email.
    pub timeout: Duration,
    /// The most letters at once.
    pub connections: usize,
    /// What appears within this time travels together, to those who want news at once.
    pub together: SignedDuration,
    /// Whom to tell what needs a hand.
    pub operator: Option<EmailAddress>,
    /// An authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// What letters are signed with.
    pub dkim: Option<Dkim>,
}

/// What letters are signed with.
#[derive(Debug, Clone)]
pub struct Dkim {
    /// The name under which the domain publishes the key.
    pub selector: String,
    /// The domain; `None` is the sender's.
    pub domain: Option<String>,
    /// The private key in PEM.
    pub key: SecretString,
}

/// When the bells ring (cron rules with seconds, in UTC), and how artists take turns.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// For lists of follows.
    pub follows: String,
    /// For open catalogues.
    pub hints: String,
    /// For artists.
    pub releases: String,
    /// For letters.
    pub letters: String,
    /// No artist waits longer for its turn, where there are calls enough.
    pub max_wait: SignedDuration,
    /// Where new albums appear at midnight.
    pub market: Market,
}

/// Which open catalogues are asked, and how.
#[derive(Debug, Clone)]
pub struct Hints {
    /// ListenBrainz, unless it is switched off.
    pub listenbrainz_url: Option<Url>,
    /// MusicBrainz, unless it is switched off.
    pub musicbrainz_url: Option<Url>,
    /// Deezer, if it is switched on.
    pub deezer_url: Option<Url>,
    /// Whom the catalogues may write to about this installation.
    pub contact: String,
    /// For one call.
    pub timeout: Duration,
}

/// Where the key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// It was given.
    Given(std::sync::Arc<SecretBox<[u8; 32]>>, KeyOrigin),
    /// It lies in this file, made on first start: `secrets` does not say anything.
    BesideDatabase(PathBuf),
}

/// What gives the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// `secrets.key` or `secrets.key_file`.
    Configuration,
    /// The credential `secrets.key`, which is this file.
    Credential(PathBuf),
}

impl std::fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Configuration => {
                f.write_str("given by the configuration (secrets.key or secrets.key_file)")
            }
            Self::Credential(file) => {
                write!(f, "handed over as the credential secrets.key ({})", file.display())
            }
        }
    }
}

/// What is wrong with the configuration, a sentence for each fault.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Where Spotify's covers come from, as an origin. A Spotify that is none (a test's, the demo's) shows
    /// its own.
    pub fn covers(&self) -> String {
        match self.spotify.api_url.domain() {
            Some("api.spotify.com") => "https://i.scdn.co".to_owned(),
            _ => self.spotify.api_url.origin().ascii_serialization(),
        }
    }

    /// The address that Spotify sends users back to.
    pub fn redirect_url(&self) -> Url {
        let mut url = self.web.public_url.clone();
        url.set_path("/callback");
        url
    }
}
