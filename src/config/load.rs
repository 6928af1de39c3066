//! Reading: three sources, one shape, unknown keys refused.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Environment, File, FileFormat};
use serde::{Deserialize, Deserializer};

use super::credentials::Credentials;
use super::rules::{self, Errors};
use super::{
    Config, ConfigError, Dkim, Fingerprints, Hints, Mail, Schedule, Spotify, Web, secrets, state,
};
use crate::domain::instance::Instance;

/// The defaults that the program is built with: every key there is.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The file that is read if no other is named and it exists.
pub const DEFAULT_PATH: &str = "/etc/dropday/dropday.toml";

#[derive(Debug, Deserialize)]
pub(super) struct Raw {
    database: RawDatabase,
    web: RawWeb,
    spotify: RawSpotify,
    mail: RawMail,
    schedule: RawSchedule,
    hints: RawHints,
    metrics: RawMetrics,
    secrets: RawSecrets,
    log: RawLog,
}

#[derive(Debug, Deserialize)]
struct RawDatabase {
    path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct RawWeb {
    listen: String,
    public_url: String,
    sign_up: String,
    #[serde(deserialize_with = "list")]
    operators: Vec<String>,
    contact: String,
    client_address_header: String,
    forms_per_minute: u32,
}

#[derive(Deserialize)]
struct RawSpotify {
    client_id: String,
    client_secret: String,
    client_secret_file: String,
    accounts_url: String,
    api_url: String,
    catalog_token: String,
    market: String,
    #[serde(deserialize_with = "duration")]
    request_interval: Duration,
    artist_albums_per_day: u32,
}

#[derive(Deserialize)]
struct RawMail {
    smtp_url: String,
    smtp_url_file: String,
    smtp_password: String,
    smtp_password_file: String,
    from: String,
    operator: String,
    #[serde(deserialize_with = "duration")]
    timeout: Duration,
    #[serde(deserialize_with = "duration")]
    together: Duration,
    connections: usize,
    ca_file: String,
    dkim_selector: String,
    dkim_domain: String,
    dkim_key: String,
    dkim_key_file: String,
}

#[derive(Debug, Deserialize)]
struct RawSchedule {
    follows: String,
    hints: String,
    releases: String,
    letters: String,
    #[serde(deserialize_with = "duration")]
    max_wait: Duration,
    zone: String,
}

#[derive(Debug, Deserialize)]
struct RawHints {
    enabled: bool,
    listenbrainz: bool,
    listenbrainz_url: String,
    musicbrainz: bool,
    musicbrainz_url: String,
    deezer: bool,
    deezer_url: String,
    contact: String,
    #[serde(deserialize_with = "duration")]
    timeout: Duration,
}

#[derive(Deserialize)]
struct RawSecrets {
    key: String,
    key_file: String,
}

#[derive(Debug, Deserialize)]
struct RawMetrics {
    listen: String,
}

#[derive(Debug, Deserialize)]
struct RawLog {
    level: String,
    format: String,
}

macro_rules! debug_without_secrets {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
debug_without_secrets!(RawSpotify, RawMail, RawSecrets);

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|_| {
        serde::de::Error::custom(format!("`{text}` is no length of time, such as 1s, 250ms or 2m"))
    })
}

/// A list, or the same in one text with commas, as the environment has it.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<String>),
        Text(String),
    }
    let items = match Either::deserialize(deserializer)? {
        Either::List(items) => items,
        Either::Text(text) => text.split(',').map(str::to_owned).collect(),
    };
    Ok(items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect())
}

/// Reads and checks the configuration: the defaults, then `file` (or [`DEFAULT_PATH`] if it exists),
/// then the variables of `environment` that begin with `DROPDAY_`. Secrets may also lie in the folder
/// `CREDENTIALS_DIRECTORY`; the database lies in `STATE_DIRECTORY`, unless one of these names its path.
///
/// # Errors
/// [`ConfigError`] with everything that is wrong, not only the first.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let environment: Vec<(String, String)> = environment.into_iter().collect();
    let file = file.or(Some(Path::new(DEFAULT_PATH)).filter(|usual| usual.exists()));
    let is_usual = file == Some(Path::new(DEFAULT_PATH));
    let credentials = Credentials::named(&environment, is_usual);
    let database = state::database(&environment, is_usual);
    let (raw, keys) =
        read(database.as_deref(), file, environment).map_err(|why| ConfigError(vec![why]))?;
    let mut faults = Errors::default();
    let config = check(raw, keys, &credentials, &mut faults);
    config.filter(|_| faults.0.is_empty()).ok_or(ConfigError(faults.0))
}

fn read(
    database: Option<&Path>,
    file: Option<&Path>,
    environment: Vec<(String, String)>,
) -> Result<(Raw, Fingerprints), String> {
    let mut sources =
        config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    if let Some(database) = database {
        let path = config::Config::builder().set_default("database.path", database.to_str());
        let path = path.and_then(|path| path.build()).map_err(|why| why.to_string())?;
        sources = sources.add_source(path);
    }
    if let Some(file) = file {
        let text = std::fs::read_to_string(file).map_err(|why| {
            let remedy = match why.kind() {
                ErrorKind::PermissionDenied => {
                    "Let everybody read it (chmod 644), and put secrets into files of their own, or \
                     hand them over as credentials (docs/systemd.md); or run this as its owner does \
                     (sudo)"
                }
                _ => "Name another with --config, or set the keys in the environment",
            };
            format!("the configuration {} cannot be read: {why}. {remedy}", file.display())
        })?;
        // Parsed by itself first: the error then names the line.
        sources = sources.add_source(File::from_str(&text, FileFormat::Toml));
        config::Config::builder()
            .add_source(File::from_str(&text, FileFormat::Toml))
            .build()
            .map_err(|why| {
                let why = without_excerpt(&why.to_string());
                format!("the configuration {} is no TOML: {why}", file.display())
            })?;
    }
    let ours = Environment::with_prefix("DROPDAY")
        .prefix_separator("_")
        .separator("__")
        .ignore_empty(true)
        .source(Some(environment.into_iter().filter(|(k, _)| k.starts_with("DROPDAY_")).collect()));
    let merged = sources.add_source(ours).build().map_err(|why| why.to_string())?;
    let keys = Fingerprints::of(&merged.cache);
    let mut unknown = Vec::new();
    let raw = serde_ignored::deserialize(merged, |path| unknown.push(format!("`{path}`")))
        .map_err(|why: config::ConfigError| format!("the configuration cannot be used: {why}"))?;
    if unknown.is_empty() { Ok((raw, keys)) } else { Err(refuse(&unknown)) }
}

/// What a parser says, without the line that it quotes: a secret may stand there.
fn without_excerpt(message: &str) -> String {
    let is_quoted = |line: &str| {
        line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|')
    };
    message.lines().filter(|line| !is_quoted(line)).collect::<Vec<_>>().join(": ")
}

fn refuse(unknown: &[String]) -> String {
    format!(
        "the configuration has keys that Dropday does not know: {}. Compare them with what \
         `dropday check --defaults` prints (in the environment: DROPDAY_<SECTION>__<KEY>, with two \
         underscores)",
        unknown.join(", ")
    )
}

fn check(
    raw: Raw,
    keys: Fingerprints,
    credentials: &Credentials,
    faults: &mut Errors,
) -> Option<Config> {
    let database = rules::not_empty("database.path", raw.database.path, faults);
    let web = check_web(&raw.web, faults);
    let spotify = check_spotify(raw.spotify, credentials, faults);
    let mail = check_mail(raw.mail, credentials, faults);
    let hints = check_hints(&raw.hints, mail.as_ref().map(|mail| mail.from.as_str()), faults);
    let RawSecrets { key, key_file } = &raw.secrets;
    let key = secrets::key(key, key_file, credentials, database.as_deref(), faults);
    let log_level =
        rules::parsed("log.level", &raw.log.level, "error, warn, info, debug or trace", faults);
    let log_format =
        rules::parsed("log.format", &raw.log.format, "auto, text, json or journal", faults);
    let schedule = check_schedule(raw.schedule, faults);
    let metrics_listen = check_metrics(&raw.metrics, web.as_ref(), faults);
    let (database, web, spotify, mail, hints) = (database?, web?, spotify?, mail?, hints?);
    let (key, log_level, schedule) = (key?, log_level?, schedule?);
    let (metrics_listen, log_format) = (metrics_listen?, log_format?);
    let dkim_key = mail.dkim.as_ref().map(|dkim| &dkim.key);
    let keys = keys
        .with("spotify.client_secret", spotify.client_secret.as_ref())
        .with("mail.smtp_url", Some(&mail.smtp_url))
        .with("mail.dkim_key", dkim_key);
    Some(Config {
        database,
        web,
        spotify,
        mail,
        schedule,
        hints,
        metrics_listen,
        key,
        log_level,
        log_format,
        keys,
    })
}

fn check_metrics(
    raw: &RawMetrics,
    web: Option<&Web>,
    faults: &mut Errors,
) -> Option<Option<SocketAddr>> {
    if raw.listen.trim().is_empty() {
        return Some(None);
    }
    let example = "an address such as 127.0.0.1:9464, or empty";
    let listen: SocketAddr = rules::parsed("metrics.listen", &raw.listen, example, faults)?;
    if web.is_some_and(|web| web.listen == listen) {
        faults
            .add("`metrics.listen` is the address of the pages (web.listen), and must be another");
        return None;
    }
    Some(Some(listen))
}

fn check_web(raw: &RawWeb, faults: &mut Errors) -> Option<Web> {
    let listen =
        rules::parsed("web.listen", &raw.listen, "an address such as 127.0.0.1:8888", faults);
    let public_url = rules::public_url(&raw.public_url, faults);
    let sign_up = rules::sign_up(&raw.sign_up, faults);
    let contact = rules::public_contact(&raw.contact, faults);
    let header = rules::client_address_header(&raw.client_address_header, faults);
    let instance = Instance { sign_up: sign_up?, operators: raw.operators.clone(), contact };
    let forms_per_minute = rules::forms_per_minute(raw.forms_per_minute, faults)?;
    Some(Web {
        listen: listen?,
        public_url: public_url?,
        instance,
        client_address_header: header,
        forms_per_minute,
    })
}

fn check_spotify(
    raw: RawSpotify,
    credentials: &Credentials,
    faults: &mut Errors,
) -> Option<Spotify> {
    let (secret, file) = (raw.client_secret, &raw.client_secret_file);
    let client_secret = secrets::find("spotify.client_secret", secret, file, credentials, faults);
    let accounts_url = rules::http_url("spotify.accounts_url", &raw.accounts_url, faults);
    let api_url = rules::http_url("spotify.api_url", &raw.api_url, faults);
    let app_market =
        rules::app_market(&raw.catalog_token, &raw.market, client_secret.is_some(), faults);
    let artist_albums_per_day = rules::calls_per_day(raw.artist_albums_per_day, faults);
    if raw.client_id.trim().is_empty() {
        faults.add(
            "`spotify.client_id` is not set. Register an app at https://developer.spotify.com/dashboard \
             and copy its Client ID (README, \"Registering the app\")",
        );
    }
    Some(Spotify {
        client_id: raw.client_id.trim().to_owned(),
        client_secret,
        accounts_url: accounts_url?,
        api_url: api_url?,
        app_market,
        request_interval: raw.request_interval,
        artist_albums_per_day: artist_albums_per_day?,
    })
}

fn check_mail(raw: RawMail, credentials: &Credentials, faults: &mut Errors) -> Option<Mail> {
    let dkim = check_dkim(&raw, credentials, faults);
    let mut find = |key, inline, file: &str| secrets::find(key, inline, file, credentials, faults);
    let smtp_url = find("mail.smtp_url", raw.smtp_url, &raw.smtp_url_file);
    let password = find("mail.smtp_password", raw.smtp_password, &raw.smtp_password_file);
    if smtp_url.is_none() {
        faults.add(
            "`mail.smtp_url` is not set. Give your mail provider's server, such as \
             smtps://user:password@mail.example.com",
        );
    }
    if raw.from.trim().is_empty() {
        faults
            .add("`mail.from` is not set. Give the sender, such as Dropday <dropday@example.com>");
    }
    let smtp_url = smtp_url.and_then(|url| secrets::with_password(&url, password.as_ref(), faults));
    let operator = rules::address("mail.operator", &raw.operator, faults);
    let together = rules::together(raw.together, faults);
    let ca_file = Some(PathBuf::from(raw.ca_file)).filter(|path| !path.as_os_str().is_empty());
    Some(Mail {
        smtp_url: smtp_url?,
        from: raw.from,
        operator,
        timeout: raw.timeout,
        together: together?,
        connections: raw.connections,
        ca_file,
        dkim,
    })
}

/// Whether the key is one is for the mailer to see.
fn check_dkim(raw: &RawMail, credentials: &Credentials, faults: &mut Errors) -> Option<Dkim> {
    let (key, file) = (raw.dkim_key.clone(), &raw.dkim_key_file);
    let key = secrets::find("mail.dkim_key", key, file, credentials, faults);
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let domain = filled(&raw.dkim_domain);
    match (filled(&raw.dkim_selector), key) {
        (Some(selector), Some(key)) => Some(Dkim { selector, domain, key }),
        (Some(_), None) if raw.dkim_key_file.is_empty() => {
            faults.add(
                "`mail.dkim_selector` is set and `mail.dkim_key_file` is not: give the file with the \
                 private key (docs/delivery.md says how to make one), or leave both out",
            );
            None
        }
        (None, Some(_)) => {
            faults.add(
                "the key for DKIM is given and `mail.dkim_selector` is not: give the name under \
                 which your domain publishes the key, such as dropday",
            );
            None
        }
        (None, None) if domain.is_some() => {
            faults.add("`mail.dkim_domain` does nothing without `mail.dkim_selector` and a key");
            None
        }
        _ => None,
    }
}

fn check_schedule(raw: RawSchedule, faults: &mut Errors) -> Option<Schedule> {
    let RawSchedule { follows, hints, releases, letters, max_wait, zone } = raw;
    let max_wait = rules::max_wait(max_wait, faults);
    let market = rules::market(&zone, faults);
    Some(Schedule { follows, hints, releases, letters, max_wait: max_wait?, market: market? })
}

fn check_hints(raw: &RawHints, mail_from: Option<&str>, faults: &mut Errors) -> Option<Hints> {
    let mut url = |is_on: bool, key, url| match raw.enabled && is_on {
        true => rules::http_url(key, url, faults).map(Some),
        false => Some(None),
    };
    let listenbrainz_url = url(raw.listenbrainz, "hints.listenbrainz_url", &raw.listenbrainz_url);
    let musicbrainz_url = url(raw.musicbrainz, "hints.musicbrainz_url", &raw.musicbrainz_url);
    let deezer_url = url(raw.deezer, "hints.deezer_url", &raw.deezer_url);
    if raw.enabled && raw.deezer && !raw.musicbrainz {
        faults.add(
            "`hints.deezer` is on and `hints.musicbrainz` is off: only MusicBrainz knows who an \
             artist is at Deezer. Switch it on, or Deezer off",
        );
    }
    let contact = rules::contact(&raw.contact, mail_from.unwrap_or_default(), faults)?;
    Some(Hints {
        listenbrainz_url: listenbrainz_url?,
        musicbrainz_url: musicbrainz_url?,
        deezer_url: deezer_url?,
        contact,
        timeout: raw.timeout,
    })
}
