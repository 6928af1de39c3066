//! Start and stop: what runs, how it is told to end, and how long it may take.

pub mod starting;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app;
use crate::config::Config;
use crate::context::Ctx;
use crate::supervisor::{self, Watch};
use crate::web::{self, server::Door};
use crate::worker::{self, JobNotifier};

/// How long the work in hand may take after the first signal.
const GRACE: Duration = Duration::from_secs(10);

/// How long pages that are being answered may take.
const PAGES_GRACE: Duration = Duration::from_secs(3);

/// The daemon's parts, running.
pub struct Running {
    /// Where the pages are served.
    pub address: SocketAddr,
    /// The bells of its workers.
    pub notifier: Arc<JobNotifier>,
    stop: CancellationToken,
    work: TaskTracker,
    pages: TaskTracker,
}

/// Where users knock. What they see is behind its door.
pub struct Front {
    address: SocketAddr,
    door: Door,
    stop: CancellationToken,
    pages: TaskTracker,
}

/// Starts the workers and the pages.
///
/// # Errors
/// Where the address is taken or not ours to listen at.
pub async fn start(ctx: Arc<Ctx>, config: &Config) -> anyhow::Result<Running> {
    let (listener, notifier) = (listen(config.web.listen).await?, Arc::default());
    let pages = web::router(Arc::clone(&ctx), Arc::clone(&notifier), &app::web_settings(config));
    Ok(Front::open(listener, pages.into())?.work(&ctx, notifier))
}

async fn listen(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen at {listen}. Is Dropday running already? See web.listen")
    })
}

impl Front {
    fn open(listener: TcpListener, door: Door) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("the listener has no address")?;
        let (stop, pages) = (CancellationToken::new(), TaskTracker::new());
        pages.spawn(web::server::run(listener, door.clone(), stop.clone()));
        pages.close();
        Ok(Self { address, door, stop, pages })
    }

    /// Starts the workers, and lets everybody in.
    pub fn admit(self, ctx: &Arc<Ctx>, config: &Config) -> Running {
        let notifier = Arc::default();
        let settings = app::web_settings(config);
        self.door.open(web::router(Arc::clone(ctx), Arc::clone(&notifier), &settings));
        self.work(ctx, notifier)
    }

    fn work(self, ctx: &Arc<Ctx>, notifier: Arc<JobNotifier>) -> Running {
        let Self { address, stop, pages, .. } = self;
        let work = TaskTracker::new();
        worker::start(ctx, &notifier, &stop, &work);
        work.close();
        Running { address, notifier, stop, work, pages }
    }
}

impl Running {
    /// Serves `/metrics` too, at an address of its own.
    ///
    /// # Errors
    /// Where the address is taken or not ours to listen at.
    pub async fn serve_metrics(&self, ctx: Arc<Ctx>, listen: SocketAddr) -> anyhow::Result<()> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen at {listen}. See metrics.listen"))?;
        self.pages.spawn(web::server::run(listener, web::metrics::router(ctx), self.stop.clone()));
        Ok(())
    }

    /// Looks after all this for a supervisor, where there is one, until it is told to stop.
    pub fn watch(&self, watch: Option<Watch>) {
        if let Some(watch) = watch {
            tokio::spawn(watch.run(self.stop.clone()));
        }
    }

    /// Tells everything to end, and waits until it has, or ten seconds are over. Whether the workers
    /// have ended: a browser that holds its connection open is no work of ours.
    pub async fn stop(&self) -> bool {
        self.stop.cancel();
        let pages = tokio::time::timeout(PAGES_GRACE, self.pages.wait());
        let (ended, _) = tokio::join!(tokio::time::timeout(GRACE, self.work.wait()), pages);
        ended.is_ok()
    }
}

/// The signals that end a process, heard from the moment that this is made.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens. Before that, a signal ends the process as it is.
    ///
    /// # Errors
    /// Where signals cannot be heard.
    pub fn listen() -> anyhow::Result<Self> {
        let hear = |kind| signal(kind).context("signals cannot be heard");
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: hear(terminate)?, interrupt: hear(interrupt)? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Runs until a signal comes; a second one cuts the grace short. Whether everything ended in time.
pub async fn run_until_signal(running: &Running, mut signals: Signals) -> bool {
    let name = signals.next().await;
    supervisor::stopping();
    tracing::info!(signal = name, grace_s = GRACE.as_secs(), "stopping after the work in hand");
    tokio::select! {
        ended = running.stop() => {
            if !ended {
                tracing::warn!("the work in hand did not end in time; it is taken up at the next start");
            }
            ended
        }
        name = signals.next() => {
            tracing::warn!(signal = name, "stopping at once; the work in hand is taken up at the next start");
            false
        }
    }
}

/// A token that the first signal cancels, for a command that works through something.
///
/// # Errors
/// Where signals cannot be heard.
pub fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let mut signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        signals.next().await;
        told.cancel();
        signals.next().await;
        std::process::exit(130);
    });
    Ok(stop)
}
