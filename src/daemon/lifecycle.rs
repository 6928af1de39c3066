//! Starts and stops the parts of the daemon.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::systemd;
use super::watchdog::Watchdog;
use crate::clock::{Clock, Rng};
use crate::config::Config;
use crate::context::Ctx;
use crate::jobs::worker::{self, JobNotifier};
use crate::{app, web};

/// The time that jobs have to finish their current unit of work after the first signal.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The time that open requests have.
const HTTP_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// Builds the context as [`app::build`] does, while signals are handled: upgrading a large database can take minutes. `None` if a signal arrives first: then the process can exit at
/// once, and SQLite discards an unfinished upgrade when the database is opened next.
pub async fn build(
    config: &Config,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    signals: &mut Signals,
) -> anyhow::Result<Option<Ctx>> {
    systemd::status("Starting: opening the database");
    let config = config.clone();
    let building = spawn_blocking(move || app::build(&config, clock, rng));
    tokio::select! {
        built = building => Ok(Some(built.context("startup panicked; this is a bug")??)),
        signal = signals.next() => {
            systemd::stopping();
            tracing::info!(signal, "stopping during startup; an unfinished upgrade is discarded");
            Ok(None)
        }
    }
}

/// The daemon's workers and web servers.
pub struct Running {
    /// Where the pages are served.
    pub address: SocketAddr,
    /// Wakes the workers.
    pub notifier: Arc<JobNotifier>,
    stop: CancellationToken,
    workers: TaskTracker,
    servers: TaskTracker,
}

/// Starts the web servers and the workers.
pub async fn start(ctx: Arc<Ctx>, config: &Config) -> anyhow::Result<Running> {
    let listener = listen(config.web.listen).await.with_context(|| {
        format!(
            "cannot listen at {}. Is Dropday running already? See web.listen",
            config.web.listen
        )
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let (notifier, stop) = (Arc::default(), CancellationToken::new());
    let (workers, servers) = (TaskTracker::new(), TaskTracker::new());
    if let Some(listen_at) = config.metrics_listen {
        let listener = listen(listen_at)
            .await
            .with_context(|| format!("cannot listen at {listen_at}. See metrics.listen"))?;
        let router = web::metrics::router(Arc::clone(&ctx));
        servers.spawn(web::server::run(listener, router, stop.clone()));
    }
    let router = web::router(Arc::clone(&ctx), Arc::clone(&notifier), &app::web_settings(config));
    servers.spawn(web::server::run(listener, router, stop.clone()));
    worker::start(&ctx, &notifier, &stop, &workers);
    workers.close();
    servers.close();
    Ok(Running { address, notifier, stop, workers, servers })
}

async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

impl Running {
    /// Runs the watchdog until shutdown.
    pub fn watch(&self, watchdog: Watchdog) {
        tokio::spawn(watchdog.run(self.stop.clone()));
    }

    /// Stops everything. Returns whether all workers ended in time; clients that keep connections open do not count.
    pub async fn stop(&self) -> bool {
        self.stop.cancel();
        let servers = tokio::time::timeout(HTTP_SHUTDOWN_TIMEOUT, self.servers.wait());
        let workers = tokio::time::timeout(SHUTDOWN_TIMEOUT, self.workers.wait());
        tokio::join!(workers, servers).0.is_ok()
    }
}

/// SIGTERM and SIGINT, which no longer end the process once this exists.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts listening.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: listen(terminate)?, interrupt: listen(interrupt)? })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// A token that the first signal cancels. The second exits at once.
    pub fn cancel_token(mut self) -> CancellationToken {
        let stop = CancellationToken::new();
        let cancelled = stop.clone();
        tokio::spawn(async move {
            self.next().await;
            cancelled.cancel();
            self.next().await;
            std::process::exit(130);
        });
        stop
    }
}

/// Runs until a signal arrives; a second one aborts the shutdown. Returns whether everything ended in time.
pub async fn run_until_signal(running: &Running, mut signals: Signals) -> bool {
    let signal = signals.next().await;
    systemd::stopping();
    let timeout_s = SHUTDOWN_TIMEOUT.as_secs();
    tracing::info!(signal, timeout_s, "stopping after the current unit of work");
    tokio::select! {
        has_ended = running.stop() => {
            if !has_ended {
                tracing::warn!("timed out while stopping; unfinished work resumes at the next start");
            }
            has_ended
        }
        signal = signals.next() => {
            tracing::warn!(signal, "stopping immediately; unfinished work resumes at the next start");
            false
        }
    }
}
