//! Reading: three sources, one shape, unknown keys refused.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Environment, File, FileFormat};
use serde::{Deserialize, Deserializer};

use super::rules::{self, Faults};
use super::secrets;
use super::{Config, ConfigError, Dkim, Hints, Mail, Schedule, Spotify, Web};

/// The defaults that the program is built with: every key there is.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The file that is read if no other is named and it exists.
pub const USUAL_FILE: &str = "/etc/dropday/dropday.toml";

#[derive(Debug, Deserialize)]
pub(super) struct Raw {
    database: RawDatabase,
    web: RawWeb,
    spotify: RawSpotify,
    mail: RawMail,
    schedule: RawSchedule,
    hints: RawHints,
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
struct RawLog {
    level: String,
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

/// Reads and checks the configuration: the defaults, then `file` (or [`USUAL_FILE`] if it exists),
/// then the variables of `environment` that begin with `DROPDAY_`.
///
/// # Errors
/// [`ConfigError`] with everything that is wrong, not only the first.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let raw = read(file, environment).map_err(|why| ConfigError(vec![why]))?;
    let mut faults = Faults::default();
    let config = check(raw, &mut faults);
    config.filter(|_| faults.0.is_empty()).ok_or(ConfigError(faults.0))
}

fn read(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Raw, String> {
    let mut sources =
        config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    if let Some(file) = file.or(Some(Path::new(USUAL_FILE)).filter(|usual| usual.exists())) {
        let text = std::fs::read_to_string(file).map_err(|why| {
            let remedy = match why.kind() {
                ErrorKind::PermissionDenied => "Run this as its owner does (sudo), or name another",
                _ => "Name another",
            };
            format!(
                "the configuration {} cannot be read: {why}. {remedy} with --config, or set the \
                 keys in the environment",
                file.display()
            )
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
    let mut unknown = Vec::new();
    let raw = serde_ignored::deserialize(merged, |path| unknown.push(format!("`{path}`")))
        .map_err(|why: config::ConfigError| format!("the configuration cannot be used: {why}"))?;
    if unknown.is_empty() { Ok(raw) } else { Err(refuse(&unknown)) }
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

fn check(raw: Raw, faults: &mut Faults) -> Option<Config> {
    let database = rules::not_empty("database.path", raw.database.path, faults);
    let web = check_web(&raw.web, faults);
    let spotify = check_spotify(raw.spotify, faults);
    let mail = check_mail(raw.mail, faults);
    let hints = check_hints(&raw.hints, mail.as_ref().map(|mail| mail.from.as_str()), faults);
    let key = secrets::key(&raw.secrets.key, &raw.secrets.key_file, database.as_deref(), faults);
    let log_level =
        rules::parsed("log.level", &raw.log.level, "error, warn, info, debug or trace", faults);
    let schedule = check_schedule(raw.schedule, faults);
    let (database, web, spotify, mail, hints) = (database?, web?, spotify?, mail?, hints?);
    let (key, log_level, schedule) = (key?, log_level?, schedule?);
    Some(Config { database, web, spotify, mail, schedule, hints, key, log_level })
}

fn check_web(raw: &RawWeb, faults: &mut Faults) -> Option<Web> {
    let listen =
        rules::parsed("web.listen", &raw.listen, "an address such as 127.0.0.1:8888", faults);
    let public_url = rules::public_url(&raw.public_url, faults);
    Some(Web { listen: listen?, public_url: public_url? })
}

fn check_spotify(raw: RawSpotify, faults: &mut Faults) -> Option<Spotify> {
    let client_secret =
        secrets::twin("spotify.client_secret", raw.client_secret, &raw.client_secret_file, faults);
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

fn check_mail(raw: RawMail, faults: &mut Faults) -> Option<Mail> {
    let dkim = check_dkim(&raw, faults);
    let smtp_url = secrets::twin("mail.smtp_url", raw.smtp_url, &raw.smtp_url_file, faults);
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
fn check_dkim(raw: &RawMail, faults: &mut Faults) -> Option<Dkim> {
    let key = secrets::twin("mail.dkim_key", raw.dkim_key.clone(), &raw.dkim_key_file, faults);
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
                "`mail.dkim_key_file` is set and `mail.dkim_selector` is not: give the name under \
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

fn check_schedule(raw: RawSchedule, faults: &mut Faults) -> Option<Schedule> {
    let RawSchedule { follows, hints, releases, letters, max_wait, zone } = raw;
    let max_wait = rules::max_wait(max_wait, faults);
    let market = rules::market(&zone, faults);
    Some(Schedule { follows, hints, releases, letters, max_wait: max_wait?, market: market? })
}

fn check_hints(raw: &RawHints, mail_from: Option<&str>, faults: &mut Faults) -> Option<Hints> {
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
