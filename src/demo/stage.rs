//! The demo's stage: the fake Spotify and the fake inbox, and the real everything else, in one
//! process and a temporary folder.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use super::catalogue::{self, Cast};
use super::clock::FastClock;
use super::hints::{self, Hints};
use super::inbox::{self, Inbox, InboxSettings};
use super::spotify;
use super::world::World;
use crate::clock::{Clock, SystemChance, SystemClock, random};
use crate::config::{self, Config};
use crate::context::Ctx;
use crate::daemon::lifecycle::{self, Running};
use crate::jobs::worker::Job;
use crate::store::{Tx, status};
use crate::terminal::say;
use crate::{app, logging};

/// Where the demo would like to be found.
const DEFAULT_PORT: u16 = 8888;

/// Time passes in such steps …
const STEP: Duration = Duration::from_secs(6 * 3600);

/// … each of which takes this long to look at …
const STEP_TAKES: Duration = Duration::from_secs(2);

/// … and an album comes out with every so manieth.
const STEPS_TO_AN_ALBUM: u64 = 4;

/// Everything on the stage.
pub struct Stage {
    /// The clock of the play.
    pub clock: Arc<FastClock>,
    /// The fake Spotify.
    pub world: World,
    /// Who and what is in it.
    pub cast: Cast,
    /// The fake inbox.
    pub inbox: Inbox,
    /// Where the fake Spotify's and the inbox's pages are.
    pub outside: String,
    /// The real Dropday's parts.
    pub ctx: Arc<Ctx>,
    /// The real Dropday, running.
    pub running: Running,
    folder: Folder,
}

/// A folder that goes when the play is over.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

impl Stage {
    /// Sets the stage.
    ///
    /// # Errors
    /// Where a port or a temporary folder cannot be had.
    pub async fn set() -> anyhow::Result<Self> {
        app::install_crypto();
        let clock = FastClock::new();
        let world = World::new(clock.clone(), Arc::new(SystemChance));
        let cast = catalogue::populate(&world, crate::domain::day_of(clock.now()));
        let inbox = Inbox::start(clock.clone(), InboxSettings::default()).await?;
        let outside = serve_outside(&world, &inbox).await?;
        let listen = free_address().await?;
        let folder = folder()?;
        let config = config(&folder, listen, &outside, &inbox)?;
        logging::start(tracing::Level::WARN, logging::Format::Text);
        let ctx = Arc::new(app::build(&config, clock.clone(), Arc::new(SystemChance))?);
        let running = lifecycle::start(Arc::clone(&ctx), &config).await?;
        Ok(Self { clock, world, cast, inbox, outside, ctx, running, folder })
    }

    /// Where Dropday's pages are.
    pub fn pages(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// Lets the clock jump, and wakes every worker.
    pub fn advance(&self, time: Duration) {
        self.clock.advance(time);
        for job in Job::ALL {
            self.running.notifier.notify(job);
        }
    }

    /// Takes everything down, and deletes the folder.
    pub async fn strike(self) {
        self.running.stop().await;
        drop(self.folder);
    }

    /// Whether somebody is in the middle of signing in or confirming: then time must not jump.
    async fn is_somebody_busy(&self) -> anyhow::Result<bool> {
        let cadence = self.ctx.cadence.clone();
        let is_busy = move |tx: &Tx<'_>| {
            let status = status::of(tx, &cadence)?;
            Ok(status::is_anybody_half_way(tx)? || status.users.confirmed == 0)
        };
        Ok(self.ctx.db.read("demo", is_busy).await?)
    }
}

/// Shows the demo to a user until they stop it.
///
/// # Errors
/// Where the stage cannot be set.
pub async fn show() -> anyhow::Result<()> {
    let stage = Stage::set().await?;
    let signals = lifecycle::Signals::listen()?;
    invite(&stage);
    tokio::select! {
        played = play(&stage) => played?,
        _ = lifecycle::run_until_signal(&stage.running, signals) => {}
    }
    stage.strike().await;
    Ok(())
}

fn invite(stage: &Stage) {
    say(&format!(
        "Dropday's demo: a made-up Spotify and a made-up inbox; all the rest is real.\n\n  \
           1. Open {pages} and connect. Any address will do.\n  \
           2. Open the inbox, {outside}/inbox, and confirm the address there.\n  \
           3. Watch letters come in: a day passes in {day} seconds.\n\n\
         The made-up Spotify, where you can follow artists and put albums out: {outside}/\n\
         Ctrl-C ends the demo and deletes everything.\n",
        pages = stage.pages(),
        outside = stage.outside,
        day = STEP_TAKES.as_secs() * STEPS_TO_AN_ALBUM,
    ));
}

async fn play(stage: &Stage) -> anyhow::Result<()> {
    let mut steps = 0;
    let mut coming = catalogue::upcoming().iter().cycle();
    loop {
        SystemClock.sleep(STEP_TAKES).await;
        if stage.is_somebody_busy().await? {
            continue;
        }
        steps += 1;
        if steps % STEPS_TO_AN_ALBUM == 1 {
            let next = coming.next().and_then(|album| stage.world.artist_named(album.artist));
            if let Some(artist) = next {
                let album = catalogue::next_album(&stage.world, &artist);
                say(&format!("{}  {} puts out \"{}\"", today(stage), artist.name, album.title));
                stage.world.put_out(&artist.id, album);
            }
        }
        stage.advance(STEP);
    }
}

fn today(stage: &Stage) -> String {
    crate::domain::day_of(stage.clock.now()).to_string()
}

async fn serve_outside(world: &World, inbox: &Inbox) -> anyhow::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let pages = spotify::router(world.clone(), &base)
        .merge(hints::router(Hints::of(world)))
        .merge(inbox::page::router(inbox.clone()));
    tokio::spawn(async move { axum::serve(listener, pages).await });
    Ok(base)
}

/// The usual port if it is free, else any.
async fn free_address() -> anyhow::Result<SocketAddr> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
    if TcpListener::bind(usual).await.is_ok() {
        return Ok(usual);
    }
    let any = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free")?;
    Ok(any.local_addr()?)
}

fn folder() -> anyhow::Result<Folder> {
    let name: String =
        random::<8>(&SystemChance).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = std::env::temp_dir().join(format!("dropday-demo-{name}"));
    std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(Folder(path))
}

/// The configuration that a user would write, for this stage.
fn config(
    folder: &Folder,
    listen: SocketAddr,
    outside: &str,
    inbox: &Inbox,
) -> anyhow::Result<Config> {
    let database = folder.0.join("dropday.db").display().to_string();
    let settings = [
        ("DATABASE__PATH", database),
        ("WEB__LISTEN", listen.to_string()),
        ("WEB__PUBLIC_URL", format!("http://{listen}")),
        ("SPOTIFY__CLIENT_ID", "demo-client".to_owned()),
        ("SPOTIFY__ACCOUNTS_URL", outside.to_owned()),
        ("SPOTIFY__API_URL", format!("{outside}/v1")),
        ("SPOTIFY__REQUEST_INTERVAL", "10ms".to_owned()),
        ("HINTS__LISTENBRAINZ_URL", format!("{outside}/listenbrainz")),
        ("HINTS__MUSICBRAINZ_URL", format!("{outside}/musicbrainz")),
        ("HINTS__DEEZER", "false".to_owned()),
        ("MAIL__SMTP_URL", inbox.url()),
        ("MAIL__FROM", "Dropday <dropday@example.com>".to_owned()),
        // Who looks on does not wait for company.
        ("MAIL__TOGETHER", "0s".to_owned()),
    ];
    let environment = settings.map(|(key, value)| (format!("DROPDAY_{key}"), value));
    // An empty file, so that a machine's own configuration has no part in the play.
    let empty = folder.0.join("empty.toml");
    std::fs::write(&empty, "")?;
    Ok(config::load(Some(&empty), environment)?)
}
