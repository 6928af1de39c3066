//! A Dropday in a test: the real client, store, mailer and pages, with the fake services around it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::test_clock::{ManualClock, SeededRng};
use dropday::clock::Clock;
use dropday::config::Config;
use dropday::context::Ctx;
use dropday::demo::hints::Hints;
pub use dropday::demo::inbox::Email;
use dropday::demo::inbox::{Inbox, InboxSettings};
use dropday::demo::services::{Services, load_config};
use dropday::demo::world::{FakeUserId, World};
use dropday::domain::check_planner::rate;
use dropday::jobs::{
    RunControl, Scope, check_artists, consent_reminders, fetch_hints, send_emails, sync_follows,
};
use dropday::store::Tx;
use dropday::store::artists::{self, CheckScope};
use dropday::store::status::{self, Status};
use dropday::{app, web};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::visitor::Visitor;

/// When each test starts: a Monday.
pub const START: &str = "2026-11-23T12:00:00Z";

/// Everything that a test needs. A test fails if it ends without [`Home::finish`], which fails if an
/// email is still pending or the fake services received an unexpected request.
pub struct TestApp {
    pub clock: Arc<ManualClock>,
    pub world: World,
    pub catalogues: Hints,
    pub inbox: Inbox,
    pub ctx: Arc<Ctx>,
    pub config: Config,
    pub folder: TempDir,
    services: Services,
    pages: tokio::task::JoinHandle<()>,
    restarts: u64,
    is_finished: bool,
}

/// A user who is signed in and has confirmed an address.
#[derive(Clone)]
pub struct Listener {
    pub user: FakeUserId,
    pub address: String,
    pub browser: Visitor,
}

/// Settings beyond those of [`SETTINGS`], as `("SPOTIFY__MARKET", "DE")`.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

impl TestApp {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: Settings<'_>) -> Self {
        Self::with_inbox(settings, InboxSettings::default()).await
    }

    pub async fn with_inbox(settings: Settings<'_>, inbox: InboxSettings) -> Self {
        app::install_crypto();
        let clock = ManualClock::at(START.parse().unwrap());
        let services = Services::start(clock.clone(), SeededRng::new(1), inbox).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let folder = temporary_folder();
        let settings: Vec<_> = SETTINGS.iter().chain(settings).copied().collect();
        let listen = listener.local_addr().unwrap();
        let environment = services.environment(folder.path(), listen);
        let config = load_config(folder.path(), environment, &settings).unwrap();
        let ctx = Arc::new(build(&config, &clock, 0));
        let pages = serve_pages(listener, &ctx, &config);
        Self {
            clock,
            world: services.world.clone(),
            catalogues: services.catalogues.clone(),
            inbox: services.inbox.clone(),
            ctx,
            config,
            folder,
            services,
            pages,
            restarts: 0,
            is_finished: false,
        }
    }

    /// Restarts Dropday, as far as a test can: everything is read again.
    pub async fn restart(&mut self) {
        self.pages.abort();
        let address = self.ctx.public_url.socket_addrs(|| None).unwrap()[0];
        self.restarts += 1;
        self.ctx = Arc::new(build(&self.config, &self.clock, self.restarts));
        let listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.pages = serve_pages(listener, &self.ctx, &self.config);
    }

    /// A new browser.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(self.ctx.public_url.as_str())
    }

    /// Adds a user who follows these artists, and signs them up through the pages.
    pub async fn listener(&self, name: &str, artists: &[&str]) -> Listener {
        let user = self.world.add_user(name);
        for artist in artists {
            self.world.follow(user, artist);
        }
        self.connect(user, &format!("{}@example.com", name.to_lowercase())).await
    }

    /// The same with that many new artists, without albums.
    pub async fn listener_of(&self, name: &str, count: usize) -> (Vec<String>, Listener) {
        let artists: Vec<_> =
            (0..count).map(|n| self.world.add_artist(format!("Artist {n:03}"))).collect();
        let ids: Vec<&str> = artists.iter().map(String::as_str).collect();
        let listener = self.listener(name, &ids).await;
        (artists, listener)
    }

    /// Signs a user in, who enters and confirms this address, through the pages.
    pub async fn connect(&self, user: FakeUserId, address: &str) -> Listener {
        let browser = self.visitor();
        browser.sign_in(&self.world, user).await;
        browser.post("/account/address", &[("email", address)]).await;
        self.emails().await;
        let email =
            self.emails_to(address).pop().expect("an email that asks to confirm the address");
        browser.post(&email.link("/confirm/"), &[]).await;
        self.emails().await;
        self.inbox.empty();
        Listener { user, address: address.to_owned(), browser }
    }

    /// Runs the binary with `once`, on the same database.
    pub async fn once(&self, settings: Settings<'_>) -> std::process::Output {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_dropday"));
        let usual = self.services.environment(self.folder.path(), self.config.web.listen);
        program.env_clear().envs(usual).envs(variables(SETTINGS)).envs(variables(settings));
        program.arg("once").arg("--config").arg(self.folder.path().join("dropday.toml"));
        let ran = tokio::task::spawn_blocking(move || program.output());
        ran.await.unwrap().unwrap()
    }

    pub async fn follows(&self) -> sync_follows::SyncReport {
        self.follows_of(Scope::All).await
    }

    pub async fn follows_of(&self, scope: Scope) -> sync_follows::SyncReport {
        let stop = CancellationToken::new();
        let watch = RunControl { stop: &stop, progress: &|_, _| {} };
        sync_follows::run(&self.ctx, scope, &watch).await.unwrap()
    }

    pub async fn consents(&self) -> consent_reminders::ReminderReport {
        consent_reminders::run(&self.ctx).await.unwrap()
    }

    pub async fn hints(&self) -> fetch_hints::HintReport {
        let stop = CancellationToken::new();
        let watch = RunControl { stop: &stop, progress: &|_, _| {} };
        fetch_hints::run(&self.ctx, &watch).await.unwrap()
    }

    pub async fn checks(&self) -> check_artists::CheckReport {
        self.checks_of(Scope::All).await
    }

    pub async fn checks_of(&self, scope: Scope) -> check_artists::CheckReport {
        let stop = CancellationToken::new();
        let watch = RunControl { stop: &stop, progress: &|_, _| {} };
        check_artists::run(&self.ctx, scope, &watch).await.unwrap()
    }

    pub async fn emails(&self) -> send_emails::DeliveryReport {
        self.emails_of(Scope::All).await
    }

    pub async fn emails_of(&self, scope: Scope) -> send_emails::DeliveryReport {
        let stop = CancellationToken::new();
        let watch = RunControl { stop: &stop, progress: &|_, _| {} };
        send_emails::run(&self.ctx, scope, &watch).await.unwrap()
    }

    /// Runs all jobs, for everything: consents, follows, checks, emails.
    pub async fn round(&self) {
        self.consents().await;
        self.follows().await;
        self.checks().await;
        self.emails().await;
    }

    pub async fn status(&self) -> Status {
        let cadence = self.ctx.cadence.clone();
        self.ctx
            .db
            .read("test", move |tx| status::load(tx, &cadence, status::UserPage::WHOLE))
            .await
            .unwrap()
    }

    pub fn emails_to(&self, address: &str) -> Vec<Email> {
        self.inbox.emails_to(address)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Defers all scheduled checks, so that only hints lead to checks.
    pub async fn skip_turns(&self) {
        let skip = |tx: &Tx<'_>| {
            let next_at = tx.now() + Duration::from_secs(1 << 30);
            for artist in artists::candidates(tx, CheckScope::All)? {
                let rate = artist.rate.unwrap_or_else(rate::prior_a_week);
                artists::record_check(tx, &artist.id, rate, next_at)?;
            }
            Ok(())
        };
        self.ctx.db.write("test", skip).await.unwrap();
    }

    pub fn advance_hours(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(3600 * hours));
        self.record_clock();
    }

    /// Records the clock as a running daemon does. Else a large jump forward would be suspect.
    pub fn record_clock(&self) {
        let conn = Connection::open(&self.config.database).unwrap();
        conn.busy_timeout(Duration::from_secs(5)).unwrap();
        conn.pragma_update(None, "synchronous", "OFF").unwrap();
        let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('clock_seen', ?1)";
        conn.execute(sql, [self.now().to_string().as_bytes()]).unwrap();
    }

    pub fn advance_days(&self, days: u64) {
        self.advance_hours(24 * days);
    }

    /// Ends the test: no email may be pending, and no request unexpected.
    pub async fn finish(self) {
        self.emails().await;
        self.finish_owing(0).await;
    }

    /// Ends a test with that many pending emails.
    pub async fn finish_owing(mut self, pending: u64) {
        self.is_finished = true;
        assert_eq!(self.status().await.emails.queued, pending, "pending emails");
        assert_eq!(self.world.unexpected(), Vec::<String>::new(), "unexpected requests");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.pages.abort();
        assert!(self.is_finished || std::thread::panicking(), "the test did not call finish()");
    }
}

fn build(config: &Config, clock: &Arc<ManualClock>, seed: u64) -> Ctx {
    app::build(config, clock.clone(), SeededRng::new(1000 + seed)).unwrap()
}

fn serve_pages(
    listener: TcpListener,
    ctx: &Arc<Ctx>,
    config: &Config,
) -> tokio::task::JoinHandle<()> {
    let pages = web::router(Arc::clone(ctx), Arc::default(), &app::web_settings(config));
    tokio::spawn(web::server::run(listener, pages, CancellationToken::new()))
}

/// A temporary folder, in memory if possible: tests do not wait for the disk.
pub fn temporary_folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// The settings of all tests: no waiting, and nothing that depends on the machine.
pub const SETTINGS: Settings<'static> = &[
    ("SPOTIFY__REQUEST_INTERVAL", "0s"),
    // The clock of a test stands still.
    ("WEB__FORMS_PER_MINUTE", "100000"),
    ("SCHEDULE__ZONE", "unknown"),
    ("HINTS__ENABLED", "false"),
    ("HINTS__TIMEOUT", "20s"),
    ("MAIL__TIMEOUT", "20s"),
];

/// Settings as environment variables.
pub fn variables(settings: Settings<'_>) -> Vec<(String, String)> {
    let variable = |(key, value): &(&str, &str)| (format!("DROPDAY_{key}"), (*value).to_owned());
    settings.iter().map(variable).collect()
}
