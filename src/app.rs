//! Composition: configuration → the parts, put together.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{SecretBox, SecretString};

use crate::access::{Access, Catalogue, Gate};
use crate::clock::{Chance, Clock, random};
use crate::config::{Config, KeySource, decode_key};
use crate::ctx::Ctx;
use crate::hints::{self, Source};
use crate::mail::smtp::{Mailer, SmtpSettings};
use crate::spotify::{Accounts, Client, http_client};
use crate::store::{Db, Sealer};

/// What we call ourselves towards Spotify.
const USER_AGENT: &str = concat!("dropday/", env!("CARGO_PKG_VERSION"));

/// Chooses the cryptography that TLS is done with. Before anything that speaks TLS is built.
pub fn install_crypto() {
    // A second call finds the first one's choice, which is the same.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// Puts the parts together. Opens the database, and makes the key if there is none yet.
///
/// # Errors
/// With the remedy, for the operator.
pub fn build(
    config: &Config,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
) -> anyhow::Result<Ctx> {
    install_crypto();
    let db = open_database(config, &clock, &chance)?;
    let mailer = mailer(config, &clock)?;
    let access = access(config, &db, &clock)?;
    let hints = hint_sources(config)?;
    Ok(Ctx {
        db,
        access,
        hints,
        mailer,
        clock,
        chance,
        public_url: config.web.public_url.clone(),
        mail_domain: mail_domain(&config.mail.from),
        letter_timeout: config.mail.timeout,
        artist_albums_per_day: config.spotify.artist_albums_per_day,
    })
}

/// Opens the database with its key.
///
/// # Errors
/// With the remedy, for the operator.
pub fn open_database(
    config: &Config,
    clock: &Arc<dyn Clock>,
    chance: &Arc<dyn Chance>,
) -> anyhow::Result<Db> {
    // Before a key is looked for, or made.
    Db::look_at(&config.database)?;
    let sealer = match &config.key {
        KeySource::Given(key) => Sealer::new(key),
        KeySource::BesideDatabase(file) => {
            Sealer::new(&kept_key(file, &config.database, &**chance)?)
        }
    };
    Ok(Db::open(&config.database, sealer, Arc::clone(clock), Arc::clone(chance))?)
}

/// The mailer that the configuration describes.
///
/// # Errors
/// With the key that is wrong.
pub fn mailer(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Mailer> {
    let settings = SmtpSettings {
        url: config.mail.smtp_url.clone(),
        from: config.mail.from.clone(),
        timeout: config.mail.timeout,
        ca_file: config.mail.ca_file.clone(),
    };
    Ok(Mailer::new(&settings, Arc::clone(clock))?)
}

/// The open catalogues that the configuration names. MusicBrainz wants to know who asks, and how to
/// reach them (<https://musicbrainz.org/doc/MusicBrainz_API/Rate_Limiting>).
fn hint_sources(config: &Config) -> anyhow::Result<Vec<Box<dyn Source>>> {
    let settings = hints::Settings {
        listenbrainz: config.hints.listenbrainz_url.clone(),
        musicbrainz: config.hints.musicbrainz_url.clone(),
        deezer: config.hints.deezer_url.clone(),
        timeout: config.hints.timeout,
        user_agent: format!("{USER_AGENT} ( {} )", config.hints.contact),
    };
    hints::sources(&settings).context("no HTTP client can be made for hints")
}

fn access(config: &Config, db: &Db, clock: &Arc<dyn Clock>) -> anyhow::Result<Access> {
    let spotify = &config.spotify;
    let http = http_client(USER_AGENT).context("no HTTP client can be made")?;
    let accounts = Accounts::new(
        http.clone(),
        spotify.accounts_url.clone(),
        spotify.client_id.clone(),
        spotify.client_secret.clone(),
        config.redirect_url(),
    );
    let gate = Gate::new(
        db.clone(),
        Arc::clone(clock),
        spotify.request_interval,
        spotify.artist_albums_per_day,
    );
    let catalogue = match &spotify.app_market {
        None => Catalogue::Person,
        Some(market) => Catalogue::App { market: market.clone() },
    };
    let client = Client::new(http, spotify.api_url.clone());
    Ok(Access::new(db.clone(), Arc::clone(clock), gate, client, accounts, catalogue))
}

/// The key that lies beside the database; made, with mode 0600, if there is no database yet.
fn kept_key(
    file: &Path,
    database: &Path,
    chance: &dyn Chance,
) -> anyhow::Result<SecretBox<[u8; 32]>> {
    match std::fs::read_to_string(file) {
        Ok(text) => decode_key(&SecretString::from(text)).with_context(|| {
            format!(
                "the key file {} does not hold 32 bytes in base64. Restore it; if there is no database \
                 yet, delete it, and it is made anew",
                file.display()
            )
        }),
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            bail!("the key file {} cannot be read: {why}", file.display())
        }
        Err(_) if database.metadata().is_ok_and(|database| database.len() > 0) => bail!(
            "the database {} is there, but its key {} is not. Restore the key file, or set \
             secrets.key_file to where it is",
            database.display(),
            file.display()
        ),
        Err(_) => make_key(file, chance),
    }
}

fn make_key(file: &Path, chance: &dyn Chance) -> anyhow::Result<SecretBox<[u8; 32]>> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!("the folder {} is not there: make it, or set database.path", folder.display());
    }
    let key = SecretBox::new(Box::new(random::<32>(chance)));
    let mut made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("the key file {} cannot be made", file.display()))?;
    use secrecy::ExposeSecret;
    writeln!(made, "{}", STANDARD.encode(key.expose_secret()))?;
    made.sync_all()?;
    tracing::info!(file = %file.display(), "made the key that tokens are sealed with: back it up");
    Ok(key)
}

/// The domain of a mailbox such as `Dropday <dropday@example.com>`.
fn mail_domain(from: &str) -> String {
    let domain = from.trim_end_matches(['>', ' ']).rsplit('@').next().unwrap_or_default();
    let is_plain = !domain.is_empty()
        && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if is_plain { domain.to_owned() } else { "dropday.invalid".to_owned() }
}
