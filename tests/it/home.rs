//! A Dropday at home in a test: the real client, store, mailer and pages, against the fake world.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use dropday::clock::{Clock, ManualClock, SeededChance};
use dropday::config::{self, Config};
use dropday::context::Ctx;
use dropday::demo::hints::{self, Hints};
use dropday::demo::inbox::{Inbox, InboxSettings};
use dropday::demo::spotify;
use dropday::demo::world::{FakeUserId, World};
use dropday::domain::check_planner::rate;
use dropday::jobs::{
    Scope, Watch, check_artists, consent_reminders, fetch_hints, send_emails, sync_follows,
};
use dropday::store::Tx;
use dropday::store::artists::{self, Whom};
use dropday::store::status::{self, Status};
use dropday::{app, web};
use jiff::Timestamp;
use mail_parser::MessageParser;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::visitor::Visitor;

/// When every test begins: a Monday.
pub const START: &str = "2026-11-23T12:00:00Z";

/// Everything that a test needs. It fails if it ends without [`Home::finish`], which in turn fails
/// if something is left owed or the fake world was asked what it did not expect.
pub struct Home {
    pub clock: Arc<ManualClock>,
    pub world: World,
    pub catalogues: Hints,
    pub inbox: Inbox,
    pub ctx: Arc<Ctx>,
    pub config: Config,
    pub folder: TempDir,
    outside: String,
    pages: tokio::task::JoinHandle<()>,
    restarts: u64,
    is_finished: bool,
}

/// A user of the fake world who is connected and has confirmed an address.
#[derive(Clone)]
pub struct Listener {
    pub user: FakeUserId,
    pub address: String,
    pub browser: Visitor,
}

/// An email as its reader sees it.
#[derive(Debug, Clone)]
pub struct Email {
    pub subject: String,
    pub text: String,
    pub html: String,
    pub message_id: String,
    pub from: String,
}

/// Settings beyond the usual ones, as `("SPOTIFY__MARKET", "DE")`.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

impl Home {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: Settings<'_>) -> Self {
        Self::with_inbox(settings, InboxSettings::default()).await
    }

    pub async fn with_inbox(settings: Settings<'_>, inbox: InboxSettings) -> Self {
        app::install_crypto();
        let clock = ManualClock::at(START.parse().unwrap());
        let world = World::new(clock.clone(), SeededChance::new(1));
        let catalogues = Hints::of(&world);
        let inbox = Inbox::start(clock.clone(), inbox).await.unwrap();
        let outside = serve(|base| {
            spotify::router(world.clone(), base).merge(hints::router(catalogues.clone()))
        })
        .await
        .0;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let folder = TempDir::new().unwrap();
        let config = configure(&folder, &public_url, &outside, &inbox.url(), settings);
        let ctx = Arc::new(build(&config, &clock, 0));
        let pages = serve_pages(listener, &ctx, &config);
        Self {
            clock,
            world,
            catalogues,
            inbox,
            ctx,
            config,
            folder,
            outside,
            pages,
            restarts: 0,
            is_finished: false,
        }
    }

    /// Ends the process and starts it again, as far as a test can: everything is read anew.
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

    /// A browser that has not been here before.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(self.ctx.public_url.as_str())
    }

    /// Somebody of this name connects, types an address and confirms it, through the pages.
    pub async fn listener(&self, name: &str, artists: &[&str]) -> Listener {
        let user = self.world.add_user(name);
        for artist in artists {
            self.world.follow(user, artist);
        }
        self.connect(user, &format!("{}@example.com", name.to_lowercase())).await
    }

    /// The same for somebody who follows so many artists, none of whom has an album yet.
    pub async fn listener_of(&self, name: &str, count: usize) -> (Vec<String>, Listener) {
        let artists: Vec<_> =
            (0..count).map(|n| self.world.add_artist(format!("Artist {n:03}"))).collect();
        let ids: Vec<&str> = artists.iter().map(String::as_str).collect();
        let listener = self.listener(name, &ids).await;
        (artists, listener)
    }

    /// The same for somebody who is in the world already.
    pub async fn connect(&self, user: FakeUserId, address: &str) -> Listener {
        let browser = self.visitor();
        browser.sign_in(&self.world, user).await;
        browser.post("/account/address", &[("email", address)]).await;
        self.emails().await;
        let email = self.emails_to(address).pop().expect("a letter that asks to confirm");
        browser.post(&email.link("/confirm/"), &[]).await;
        self.emails().await;
        self.inbox.empty();
        Listener { user, address: address.to_owned(), browser }
    }

    /// Runs `dropday once` as a program, beside this one, on the same database.
    pub async fn once(&self, settings: Settings<'_>) -> std::process::Output {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_dropday"));
        let public_url = self.ctx.public_url.as_str().trim_end_matches('/');
        let usual = environment(&self.folder, public_url, &self.outside, &self.inbox.url());
        let more = settings.iter().map(|(k, v)| (format!("DROPDAY_{k}"), (*v).to_owned()));
        program.env_clear().envs(usual.into_iter().chain(more));
        program.arg("once").arg("--config").arg(self.folder.path().join("dropday.toml"));
        let ran = tokio::task::spawn_blocking(move || program.output());
        ran.await.unwrap().unwrap()
    }

    pub async fn follows(&self) -> sync_follows::Outcome {
        self.follows_of(Scope::All).await
    }

    pub async fn follows_of(&self, scope: Scope) -> sync_follows::Outcome {
        let stop = CancellationToken::new();
        let watch = Watch { stop: &stop, progress: &|_, _| {} };
        sync_follows::pass(&self.ctx, scope, &watch).await.unwrap()
    }

    pub async fn consents(&self) -> consent_reminders::Outcome {
        consent_reminders::pass(&self.ctx).await.unwrap()
    }

    pub async fn hints(&self) -> fetch_hints::Outcome {
        let stop = CancellationToken::new();
        let watch = Watch { stop: &stop, progress: &|_, _| {} };
        fetch_hints::pass(&self.ctx, &watch).await.unwrap()
    }

    pub async fn checks(&self) -> check_artists::Outcome {
        self.checks_of(Scope::All).await
    }

    pub async fn checks_of(&self, scope: Scope) -> check_artists::Outcome {
        let stop = CancellationToken::new();
        let watch = Watch { stop: &stop, progress: &|_, _| {} };
        check_artists::pass(&self.ctx, scope, &watch).await.unwrap()
    }

    pub async fn emails(&self) -> send_emails::Outcome {
        self.emails_of(Scope::All).await
    }

    pub async fn emails_of(&self, scope: Scope) -> send_emails::Outcome {
        let stop = CancellationToken::new();
        let watch = Watch { stop: &stop, progress: &|_, _| {} };
        send_emails::pass(&self.ctx, scope, &watch).await.unwrap()
    }

    /// Consents, follows, checks, emails, in that order, of everybody and everything.
    pub async fn round(&self) {
        self.consents().await;
        self.follows().await;
        self.checks().await;
        self.emails().await;
    }

    pub async fn status(&self) -> Status {
        let cadence = self.ctx.cadence.clone();
        self.ctx.db.read("test", move |tx| status::of(tx, &cadence)).await.unwrap()
    }

    pub fn emails_to(&self, address: &str) -> Vec<Email> {
        self.inbox.emails_to(address).iter().map(|received| Email::read(&received.raw)).collect()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Puts everybody's turn far off, so that only hints ask for a check.
    pub async fn skip_turns(&self) {
        let skip = |tx: &Tx<'_>| {
            let next_at = tx.now() + Duration::from_secs(1 << 30);
            for artist in artists::candidates(tx, Whom::All)? {
                let rate = artist.rate.unwrap_or_else(rate::prior_a_week);
                artists::record_check(tx, &artist.id, rate, next_at)?;
            }
            Ok(())
        };
        self.ctx.db.write("test", skip).await.unwrap();
    }

    pub fn advance_hours(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(3600 * hours));
        self.note_clock();
    }

    /// As if the daemon had been at work meanwhile: a clock that leaps far ahead is not believed at once.
    pub fn note_clock(&self) {
        let conn = Connection::open(&self.config.database).unwrap();
        conn.busy_timeout(Duration::from_secs(5)).unwrap();
        conn.pragma_update(None, "synchronous", "OFF").unwrap();
        let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('clock_seen', ?1)";
        conn.execute(sql, [self.now().to_string().as_bytes()]).unwrap();
    }

    pub fn advance_days(&self, days: u64) {
        self.advance_hours(24 * days);
    }

    /// Ends the test: nothing may be owed that cannot be sent, and the world not asked what it did not
    /// expect.
    pub async fn finish(self) {
        self.emails().await;
        self.finish_owing(0).await;
    }

    /// Ends a test that means to leave so many things owed.
    pub async fn finish_owing(mut self, owed: u64) {
        self.is_finished = true;
        assert_eq!(self.status().await.owed, owed, "things left owed");
        assert_eq!(self.world.unexpected(), Vec::<String>::new(), "asked what was not expected");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.pages.abort();
        assert!(self.is_finished || std::thread::panicking(), "the test did not call finish()");
    }
}

impl Email {
    pub fn read(raw: &[u8]) -> Self {
        let message = MessageParser::default().parse(raw).expect("a letter that can be read");
        let from = message.from().and_then(|from| from.first()).and_then(|from| from.address());
        Self {
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).unwrap_or_default().into_owned(),
            html: message.body_html(0).unwrap_or_default().into_owned(),
            message_id: message.message_id().unwrap_or_default().to_owned(),
            from: from.unwrap_or_default().to_owned(),
        }
    }

    /// The first address in the text that holds `part`.
    pub fn link(&self, part: &str) -> String {
        let word = self.text.split_whitespace().find(|word| word.contains(part));
        word.unwrap_or_else(|| panic!("no {part} in {}", self.text)).to_owned()
    }
}

fn build(config: &Config, clock: &Arc<ManualClock>, seed: u64) -> Ctx {
    app::build(config, clock.clone(), SeededChance::new(1000 + seed)).unwrap()
}

fn serve_pages(
    listener: TcpListener,
    ctx: &Arc<Ctx>,
    config: &Config,
) -> tokio::task::JoinHandle<()> {
    let pages = web::router(Arc::clone(ctx), Arc::default(), &app::web_settings(config));
    tokio::spawn(web::server::run(listener, pages, CancellationToken::new()))
}

/// Serves a router that wants to know its own address.
pub async fn serve(
    router: impl FnOnce(&str) -> axum::Router,
) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router(&base);
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (base, task)
}

/// The configuration of a test: as little as a user must set, and no waiting.
pub fn configure(
    folder: &TempDir,
    public_url: &str,
    outside: &str,
    smtp_url: &str,
    settings: Settings<'_>,
) -> Config {
    let usual = environment(folder, public_url, outside, smtp_url);
    let more = settings.iter().map(|(key, value)| (format!("DROPDAY_{key}"), (*value).to_owned()));
    let file = folder.path().join("dropday.toml");
    std::fs::write(&file, "").unwrap();
    config::load(Some(&file), usual.into_iter().chain(more)).unwrap()
}

/// The same as variables, for the real binary.
pub fn environment(
    folder: &TempDir,
    public_url: &str,
    outside: &str,
    smtp_url: &str,
) -> Vec<(String, String)> {
    [
        ("DATABASE__PATH", folder.path().join("dropday.db").display().to_string()),
        ("WEB__LISTEN", public_url.trim_start_matches("http://").to_owned()),
        ("WEB__PUBLIC_URL", public_url.to_owned()),
        ("SPOTIFY__CLIENT_ID", "demo-client".to_owned()),
        ("SPOTIFY__ACCOUNTS_URL", outside.to_owned()),
        ("SPOTIFY__API_URL", format!("{outside}/v1")),
        ("SPOTIFY__REQUEST_INTERVAL", "0s".to_owned()),
        // A test's clock stands still.
        ("WEB__FORMS_PER_MINUTE", "100000".to_owned()),
        // Whatever the machine's zone is.
        ("SCHEDULE__ZONE", "unknown".to_owned()),
        // Nobody outside is asked: where a test wants hints, they come from the fake world.
        ("HINTS__ENABLED", "false".to_owned()),
        ("HINTS__LISTENBRAINZ_URL", format!("{outside}/listenbrainz")),
        ("HINTS__MUSICBRAINZ_URL", format!("{outside}/musicbrainz")),
        ("HINTS__DEEZER_URL", format!("{outside}/deezer")),
        ("HINTS__TIMEOUT", "20s".to_owned()),
        ("MAIL__SMTP_URL", smtp_url.to_owned()),
        ("MAIL__FROM", "Dropday <dropday@example.com>".to_owned()),
        ("MAIL__TIMEOUT", "20s".to_owned()),
        // Nobody waits for company.
        ("MAIL__TOGETHER", "0s".to_owned()),
    ]
    .map(|(key, value)| (format!("DROPDAY_{key}"), value))
    .into()
}
