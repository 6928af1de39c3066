//! Configuration: built-in defaults, then a file, then the environment. Each section reads and checks
//! its own keys; all errors are reported at once, each with the key's path and a remedy.

mod credentials;
mod fingerprints;
mod hints;
mod key;
mod mail;
mod schedule;
mod settings;
mod spotify;
mod state;
mod web;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use crate::logging::Format;

pub use credentials::DEFAULT_FOLDER as DEFAULT_CREDENTIALS;
pub use fingerprints::Fingerprints;
pub use hints::Hints;
pub use key::{KeyOrigin, KeySource, decode_key};
pub use mail::{Dkim, Mail};
pub use schedule::Schedule;
pub use spotify::Spotify;
pub use web::Web;

use credentials::Credentials;
use settings::Settings;

/// Every key with its default.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The file that is read if it exists and no other is named.
pub const DEFAULT_PATH: &str = "/etc/dropday/dropday.toml";

#[derive(Debug, Clone)]
pub struct Config {
    /// `database.path`
    pub database: PathBuf,
    pub web: Web,
    pub spotify: Spotify,
    pub mail: Mail,
    pub schedule: Schedule,
    pub hints: Hints,
    /// `metrics.listen`; `None` if metrics are not served.
    pub metrics_listen: Option<SocketAddr>,
    /// `[secrets]`
    pub key: KeySource,
    pub log_level: tracing::Level,
    pub log_format: Format,
    /// Shows which keys change on reload.
    pub keys: Fingerprints,
}

/// What is wrong with the configuration, one sentence per error.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Merges and checks the defaults, `file` (or [`DEFAULT_PATH`] if it exists) and the variables of
/// `environment` that begin with `DROPDAY_`. Secrets can also be in the directory
/// `CREDENTIALS_DIRECTORY`. The database is in `STATE_DIRECTORY` unless its path is configured.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let file = file.or(Some(Path::new(DEFAULT_PATH)).filter(|path| path.exists()));
    let is_default = file == Some(Path::new(DEFAULT_PATH));
    let credentials = Credentials::named(&environment, is_default);
    let database = state::database(&environment, is_default);
    let mut settings = Settings::merge(database.as_deref(), file, environment, credentials)
        .map_err(|why| ConfigError(vec![why]))?;
    let config = Config::read(&mut settings);
    let errors = settings.into_errors();
    config.filter(|_| errors.is_empty()).ok_or(ConfigError(errors))
}

impl Config {
    fn read(settings: &mut Settings) -> Option<Self> {
        let database = settings.check("database.path", "a path", |path| {
            Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty())
        });
        let web = Web::read(settings);
        let spotify = Spotify::read(settings);
        let mail = Mail::read(settings);
        let mail_from = settings.text("mail.from");
        let hints = Hints::read(settings, &mail_from);
        let key = KeySource::read(settings, database.as_deref());
        let schedule = Schedule::read(settings);
        let log_level = settings.parse("log.level", "error, warn, info, debug or trace");
        let log_format = settings.parse("log.format", "auto, text, json or journal");
        let metrics_listen = web::read_metrics_listen(settings, web.as_ref());
        let (spotify, mail) = (spotify?, mail?);
        let keys = settings
            .fingerprints()
            .with("spotify.client_secret", spotify.client_secret.as_ref())
            .with("mail.smtp_url", Some(&mail.smtp_url))
            .with("mail.dkim_key", mail.dkim.as_ref().map(|dkim| &dkim.key));
        Some(Self {
            database: database?,
            web: web?,
            spotify,
            mail,
            schedule: schedule?,
            hints: hints?,
            metrics_listen: metrics_listen?,
            key: key?,
            log_level: log_level?,
            log_format: log_format?,
            keys,
        })
    }

    /// The origin of cover images. A fake Spotify (of a test or the demo) serves its own.
    pub fn covers(&self) -> String {
        match self.spotify.api_url.domain() {
            Some("api.spotify.com") => "https://i.scdn.co".to_owned(),
            _ => self.spotify.api_url.origin().ascii_serialization(),
        }
    }

    /// Where Spotify redirects users after they sign in.
    pub fn redirect_url(&self) -> Url {
        let mut url = self.web.public_url.clone();
        url.set_path("/callback");
        url
    }
}
