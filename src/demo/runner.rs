//! The demo: the fake services and the real Dropday, in one process and a temporary folder.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use super::catalogue::{self, SeedUsers};
use super::clock::FastClock;
use super::inbox::InboxSettings;
use super::services::{Services, free_address, load_config};
use crate::clock::{Clock, SystemClock, SystemRng, random};
use crate::context::Ctx;
use crate::daemon::lifecycle::{self, Running};
use crate::domain::day_of;
use crate::jobs::worker::Job;
use crate::store::{Tx, status};
use crate::terminal::print_out;
use crate::{app, logging};

/// The port of the pages, if it is free.
const PREFERRED_PORT: u16 = 8888;

/// The demo's clock moves forward in steps of this size …
const STEP: Duration = Duration::from_secs(6 * 3600);

/// … at this interval …
const STEP_INTERVAL: Duration = Duration::from_secs(2);

/// … and an album is released once in so many steps.
const STEPS_PER_ALBUM: u64 = 4;

pub struct Demo {
    pub clock: Arc<FastClock>,
    pub services: Services,
    pub users: SeedUsers,
    pub ctx: Arc<Ctx>,
    pub running: Running,
    _folder: Folder,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

impl Demo {
    pub async fn start() -> anyhow::Result<Self> {
        app::install_crypto();
        let (clock, rng) = (FastClock::new(), Arc::new(SystemRng));
        let services =
            Services::start(clock.clone(), rng.clone(), InboxSettings::default()).await?;
        let users = catalogue::populate(&services.world, day_of(clock.now()));
        let (folder, listen) = (create_folder()?, listen_address().await?);
        let settings = [("SPOTIFY__REQUEST_INTERVAL", "10ms"), ("HINTS__DEEZER", "false")];
        let environment = services.environment(&folder.0, listen);
        let config = load_config(&folder.0, environment, &settings)?;
        logging::start(tracing::Level::WARN, logging::Format::Text);
        let ctx = Arc::new(app::build(&config, clock.clone(), rng)?);
        let running = lifecycle::start(Arc::clone(&ctx), &config).await?;
        Ok(Self { clock, services, users, ctx, running, _folder: folder })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// Moves the clock forward and wakes all workers.
    pub fn advance(&self, time: Duration) {
        self.clock.advance(time);
        for job in Job::ALL {
            self.running.notifier.notify(job);
        }
    }

    /// Stops everything and deletes the folder.
    pub async fn stop(self) {
        self.running.stop().await;
    }

    /// Whether someone is signing in or confirming an address: then time must not jump.
    async fn is_sign_up_in_progress(&self) -> anyhow::Result<bool> {
        let cadence = self.ctx.cadence.clone();
        let in_progress = move |tx: &Tx<'_>| {
            let status = status::load(tx, &cadence, status::UserPage::WHOLE)?;
            Ok(status::is_sign_up_in_progress(tx)? || status.users.confirmed == 0)
        };
        Ok(self.ctx.db.read("demo", in_progress).await?)
    }
}

/// Runs the demo until the user stops it.
pub async fn run() -> anyhow::Result<()> {
    let demo = Demo::start().await?;
    let signals = lifecycle::Signals::listen()?;
    print_instructions(&demo);
    tokio::select! {
        ended = let_time_pass(&demo) => ended?,
        _ = lifecycle::run_until_signal(&demo.running, signals) => {}
    }
    demo.stop().await;
    Ok(())
}

fn print_instructions(demo: &Demo) {
    print_out(&format!(
        "Dropday's demo. Spotify and the inbox are fake, everything else is real.\n\n  \
           1. Open {dropday} and sign in. Enter any email address.\n  \
           2. Open the inbox, {services}/inbox, and confirm the address.\n  \
           3. Watch emails arrive: a day passes in {day} seconds.\n\n\
         In the fake Spotify you can follow artists and release albums: {services}/\n\
         Press Ctrl-C to stop the demo and delete its data.\n",
        dropday = demo.url(),
        services = demo.services.url,
        day = STEP_INTERVAL.as_secs() * STEPS_PER_ALBUM,
    ));
}

async fn let_time_pass(demo: &Demo) -> anyhow::Result<()> {
    let world = &demo.services.world;
    let mut artists = demo.users.artists.iter().cycle();
    for step in 0.. {
        SystemClock.sleep(STEP_INTERVAL).await;
        while demo.is_sign_up_in_progress().await? {
            SystemClock.sleep(STEP_INTERVAL).await;
        }
        if step % STEPS_PER_ALBUM == 0
            && let Some(artist) = artists.next().and_then(|id| world.artist(id))
        {
            let album = catalogue::next_album(world, &artist);
            print_out(&format!(
                "{}  {} releases \"{}\"",
                day_of(demo.clock.now()),
                artist.name,
                album.title
            ));
            world.publish(&artist.id, album);
        }
        demo.advance(STEP);
    }
    Ok(())
}

/// The preferred port if it is free, else any.
async fn listen_address() -> anyhow::Result<SocketAddr> {
    let preferred = SocketAddr::from((Ipv4Addr::LOCALHOST, PREFERRED_PORT));
    if TcpListener::bind(preferred).await.is_ok() {
        return Ok(preferred);
    }
    free_address().await.context("no port is free")
}

fn create_folder() -> anyhow::Result<Folder> {
    let name: String = random::<8>(&SystemRng).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = std::env::temp_dir().join(format!("dropday-demo-{name}"));
    std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(Folder(path))
}
