//! Composition: builds everything from the configuration.

mod key_file;
pub mod privileges;
mod rotate;

use std::sync::Arc;

use anyhow::{Context, bail};
use jiff::tz::TimeZone;

use crate::clock::{Clock, Rng};
use crate::config::{Config, Dkim, KeySource};
use crate::context::Ctx;
use crate::domain::check_planner::{self, calendar::Market};
use crate::email::dkim::DkimSettings;
use crate::email::smtp::{Mailer, SmtpSettings};
use crate::gateway::{Gateway, Operator, RateLimiter, TokenSource};
use crate::hints::{self, Source};
use crate::jobs::worker::Job;
use crate::metrics::Metrics;
use crate::spotify::{Accounts, Client, http_client};
use crate::store::job_runs::RunResult;
use crate::store::key_rotation::Key;
use crate::store::outbox::EmailKind;
use crate::store::{Cipher, Db, StoreError};
use crate::web;

pub use rotate::{Rotation, create_key_file, rotate_key};

const USER_AGENT: &str = concat!("dropday/", env!("CARGO_PKG_VERSION"));

/// Selects the cryptography for TLS, before anything that uses TLS is built.
pub fn install_crypto() {
    // Fails if it was selected before.
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// Builds everything. Opens the database, and creates the key if there is none yet.
pub fn build(config: &Config, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> anyhow::Result<Ctx> {
    install_crypto();
    let db = open_database(config, &clock, &rng)?;
    let mailer = mailer(config, &clock)?;
    let metrics = Arc::new(metrics()?);
    let gateway = gateway(config, &db, &clock, &metrics)?;
    let hints = hint_sources(config)?;
    Ok(Ctx {
        db,
        gateway,
        hints,
        mailer,
        operator: config.mail.operator.clone(),
        clock,
        rng,
        public_url: config.web.public_url.clone(),
        instance: config.web.instance.clone(),
        mail_domain: mail_domain(&config.mail.from),
        email_timeout: config.mail.timeout,
        batch_window: config.mail.batch_window,
        zone: zone(config),
        cadence: cadence(config),
        metrics,
    })
}

/// The default time zone of users: that of `schedule.market`.
fn zone(config: &Config) -> TimeZone {
    match &config.schedule.market {
        Market::In(zone) if zone.iana_name().is_some() => zone.clone(),
        Market::In(_) | Market::Unknown => TimeZone::UTC,
    }
}

pub fn web_settings(config: &Config) -> web::Settings {
    web::Settings {
        client_address_header: config.web.client_address_header.clone(),
        covers: config.covers(),
        forms_per_minute: config.web.forms_per_minute,
    }
}

pub fn cadence(config: &Config) -> check_planner::Settings {
    let hints = [&config.hints.listenbrainz_url, &config.hints.deezer_url];
    check_planner::Settings {
        calls_per_day: config.spotify.artist_albums_per_day,
        max_check_interval: config.schedule.max_check_interval,
        market: config.schedule.market.clone(),
        has_hints: hints.into_iter().any(Option::is_some),
        asks_as_users: config.spotify.app_market.is_none(),
    }
}

pub fn open_database(
    config: &Config,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
) -> anyhow::Result<Db> {
    // Before a key is read or created.
    Db::inspect(&config.database)?;
    let open = |key: &Key| {
        let (clock, rng) = (Arc::clone(clock), Arc::clone(rng));
        Db::open(&config.database, Cipher::new(key), clock, rng)
    };
    let file = match &config.key {
        KeySource::Given(key, _) => return Ok(open(key)?),
        KeySource::BesideDatabase(file) => file,
    };
    match open(&key_file::kept(file, &config.database, &**rng)?) {
        Err(StoreError::WrongKey) => {}
        opened => return Ok(opened?),
    }
    // A key rotation was killed after the database had the new key.
    let Some(new) = key_file::read(&key_file::waiting(file))? else {
        return Err(StoreError::WrongKey.into());
    };
    let db = open(&new)?;
    let old = key_file::put_in_place(file).context("cannot move the new key into place")?;
    tracing::info!(old = %old.display(), "finished a key rotation; the old key is kept");
    Ok(db)
}

/// The key of the configured database, for checking a backup.
pub fn key_of(config: &Config) -> anyhow::Result<Cipher> {
    match &config.key {
        KeySource::Given(key, _) => Ok(Cipher::new(key)),
        KeySource::BesideDatabase(file) => match key_file::read(file)? {
            Some(key) => Ok(Cipher::new(&key)),
            None => bail!(
                "there is no key at {}. Put the key file that belongs to the backup there, or set \
                 secrets.key_file to where it is",
                file.display()
            ),
        },
    }
}

pub fn mailer(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Mailer> {
    let settings = SmtpSettings {
        url: config.mail.smtp_url.clone(),
        from: config.mail.from.clone(),
        timeout: config.mail.timeout,
        connections: config.mail.connections,
        ca_file: config.mail.ca_file.clone(),
        dkim: config.mail.dkim.clone().map(|Dkim { selector, domain, key }| DkimSettings {
            selector,
            domain,
            key,
        }),
    };
    Ok(Mailer::new(&settings, Arc::clone(clock))?)
}

/// MusicBrainz requires a contact in the user agent (<https://musicbrainz.org/doc/MusicBrainz_API/Rate_Limiting>).
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

fn metrics() -> anyhow::Result<Metrics> {
    let (jobs, results) = (Job::ALL.map(Job::as_str), RunResult::ALL.map(RunResult::as_str));
    let emails = EmailKind::ALL.map(EmailKind::as_str);
    Metrics::new(&jobs, &results, &emails).context("failed to register metrics; this is a bug")
}

fn gateway(
    config: &Config,
    db: &Db,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Gateway> {
    let spotify = &config.spotify;
    let http = http_client(USER_AGENT).context("no HTTP client can be made")?;
    let accounts = Accounts::new(
        http.clone(),
        spotify.accounts_url.clone(),
        spotify.client_id.clone(),
        spotify.client_secret.clone(),
        config.redirect_url(),
    );
    let operator = Operator::at(config.mail.operator.as_ref());
    let rate_limiter = RateLimiter::new(
        db.clone(),
        Arc::clone(clock),
        spotify.request_interval,
        spotify.artist_albums_per_day,
        operator,
        Arc::clone(metrics),
    );
    let catalogue = match &spotify.app_market {
        None => TokenSource::User,
        Some(market) => TokenSource::App { market: market.clone() },
    };
    let client = Client::new(http, spotify.api_url.clone());
    Ok(Gateway::new(db.clone(), Arc::clone(clock), rate_limiter, client, accounts, catalogue))
}

/// The domain of a mailbox such as `Dropday <dropday@example.com>`.
fn mail_domain(from: &str) -> String {
    let domain = from.trim_end_matches(['>', ' ']).rsplit('@').next().unwrap_or_default();
    // In its DNS form, such as xn--bcher-kva.example.
    let domain = url::Host::parse(domain).map(|host| host.to_string()).unwrap_or_default();
    let is_plain = !domain.is_empty()
        && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    if is_plain { domain } else { "dropday.invalid".to_owned() }
}
