//! What systemd is told, and what it can ask for.

use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::test_clock::SeededRng;
use dropday::app;
use dropday::clock::{Clock, Sleep, SystemClock};
use dropday::context::Ctx;
use dropday::daemon::watchdog::Watchdog;
use dropday::demo::world::NewAlbum;
use dropday::jobs::worker::{self, JobNotifier};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::binary::{Machine, Running, eventually};
use crate::test_app::TestApp;

/// The notification socket of a supervisor.
pub struct Supervisor(UnixDatagram);

impl Supervisor {
    /// Starts `dropday COMMAND` as a supervisor does that has a watchdog of two seconds.
    pub fn start(machine: &Machine, command: &str) -> (Self, Running) {
        let path = machine.folder.path().join("notify");
        std::fs::remove_file(&path).ok();
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut command = machine.command(&[command]);
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "2000000");
        (Self(socket), machine.begin(command))
    }

    fn next(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// The messages from now on, up to and including the one that contains `text`.
    pub async fn until(&self, text: &str) -> Vec<String> {
        let mut messages: Vec<String> = Vec::new();
        while !messages.last().is_some_and(|message| message.contains(text)) {
            messages.push(eventually(text, async || self.next()).await);
        }
        messages
    }
}

#[tokio::test]
async fn supervisor_receives_ready_status_watchdog_and_stopping() {
    let machine = Machine::new().await;
    let (supervisor, mut daemon) = Supervisor::start(&machine, "serve");
    let ready = supervisor.until("READY=1").await.pop().unwrap();
    let health = machine.visitor().get("/healthz").await;
    assert_eq!(health.status.as_u16(), 200, "ready means that pages are served");
    assert!(ready.contains("STATUS=Waiting for the first user to sign in at http://"), "{ready:?}");
    supervisor.until("WATCHDOG=1").await;
    let artist = machine.world.add_artist("Röyksopp");
    machine.listener("Martha", &[&artist]).await;
    let messages = supervisor.until("STATUS=Tracking 1 artist").await;
    assert!(messages.iter().all(|message| !message.contains("READY")), "sent twice: {messages:?}");
    daemon.signal("TERM");
    supervisor.until("STOPPING=1").await;
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

/// Writes the configuration, requests a reload, and waits for a log line about it.
async fn reload(
    machine: &Machine,
    supervisor: &Supervisor,
    daemon: &Running,
    file: &str,
    line: &str,
) -> String {
    let before = daemon.said().len();
    std::fs::write(machine.folder.path().join("dropday.toml"), file).unwrap();
    daemon.signal("HUP");
    let messages = supervisor.until("RELOADING=1").await;
    assert!(messages.iter().any(|message| message.contains("MONOTONIC_USEC=")), "{messages:?}");
    eventually(line, async || daemon.said()[before..].contains(line).then_some(())).await;
    daemon.said()[before..].to_owned()
}

#[tokio::test]
async fn reload_applies_live_keys_and_names_the_others() {
    // A job that logs every second.
    let machine = Machine::with(&[("SCHEDULE__LETTERS", "* * * * * *")]).await;
    let (supervisor, mut daemon) = Supervisor::start(&machine, "serve");
    supervisor.until("READY=1").await;
    let file = "[log]\nlevel = \"debug\"\n[mail]\noperator = \"me@example.com\"";
    let log = reload(&machine, &supervisor, &daemon, file, "restart Dropday").await;
    assert!(log.contains("applied: log.level"), "{log}");
    assert!(log.contains("mail.operator") && !log.contains("me@example.com"), "{log}");
    eventually("a debug line", async || daemon.said().contains("DEBUG").then_some(())).await;
    let log = reload(&machine, &supervisor, &daemon, file, "restart Dropday").await;
    assert!(log.contains("mail.operator") && !log.contains("applied"), "{log}");
    let log = reload(&machine, &supervisor, &daemon, "", "applied").await;
    assert!(!log.contains("restart"), "everything is as at the start: {log}");
    let log = reload(&machine, &supervisor, &daemon, "", "nothing has changed").await;
    assert!(!log.contains("applied"), "{log}");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn reload_ignores_invalid_configuration_and_names_every_error() {
    let machine = Machine::new().await;
    let (supervisor, mut daemon) = Supervisor::start(&machine, "serve");
    supervisor.until("READY=1").await;
    let file = "[log]\nlevel = \"loud\"\n[spotify]\nartist_albums_per_day = 0";
    let log = reload(&machine, &supervisor, &daemon, file, "artist_albums_per_day").await;
    assert!(log.contains("log.level") && !log.contains("applied"), "{log}");
    let file = "[log]\nlevel = \"debug\"\n[schedule]\nletters = \"soon\"";
    let log = reload(&machine, &supervisor, &daemon, file, "schedule.letters").await;
    assert!(!log.contains("applied") && !log.contains("DEBUG"), "applied some of it: {log}");
    supervisor.until("READY=1").await;
    assert_eq!(machine.visitor().get("/healthz").await.status.as_u16(), 200);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn reloaded_schedule_fires_without_restart() {
    const NEVER: &str = "[schedule]\nreleases = \"0 0 0 1 1 *\"";
    const ALWAYS: &str = "[schedule]\nreleases = \"* * * * * *\"";
    let machine = Machine::new().await;
    std::fs::write(machine.folder.path().join("dropday.toml"), NEVER).unwrap();
    let (supervisor, mut daemon) = Supervisor::start(&machine, "serve");
    supervisor.until("READY=1").await;
    let artist = machine.world.add_artist("Röyksopp");
    let martha = machine.listener("Martha", &[&artist]).await;
    machine.looked_at_everything().await;
    machine.world.publish(&artist, NewAlbum::titled("Nebulous Nights"));
    machine.let_everything_be_due();
    assert_eq!(machine.emails_to(&martha.address).len(), 0);
    let log = reload(&machine, &supervisor, &daemon, ALWAYS, "applied").await;
    assert!(log.contains("schedule.releases"), "{log}");
    let email = eventually("an email", async || machine.emails_to(&martha.address).pop()).await;
    assert!(email.subject.contains("Nebulous Nights"), "{}", email.subject);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn status_line_names_pause_and_its_end() {
    let app = TestApp::new().await;
    let watchdog = Watchdog::new(&app.config, &app.ctx, &Arc::default());
    let line = watchdog.check().await.unwrap();
    assert!(line.starts_with("Waiting for the first user to sign in at http://"), "{line}");
    app.listener_of("Martha", 3).await;
    app.follows().await;
    assert_eq!(watchdog.check().await.unwrap(), "Tracking 3 artists");
    app.world.set_artist_albums_quota(Some(2));
    app.checks().await;
    assert_eq!(
        watchdog.check().await.unwrap(),
        "Tracking 3 artists; waiting for Spotify's daily limit until 24 Nov 12:00 UTC"
    );
    app.finish().await;
}

#[tokio::test]
async fn status_line_says_when_next_call_is_free() {
    let app = TestApp::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")]).await;
    app.listener_of("Martha", 3).await;
    app.follows().await;
    app.checks().await;
    app.advance_hours(1);
    app.checks().await;
    let line = Watchdog::new(&app.config, &app.ctx, &Arc::default()).check().await.unwrap();
    assert_eq!(line, "Tracking 3 artists; quota used up, next call at 24 Nov 12:00 UTC");
    app.finish().await;
}

#[tokio::test]
async fn watchdog_check_fails_when_either_database_thread_hangs() {
    let app = TestApp::new().await;
    let mut watchdog = Watchdog::new(&app.config, &app.ctx, &Arc::default());
    watchdog.interval = Duration::from_secs(6);
    for is_writer in [true, false] {
        let ((go_on, told), db) = (mpsc::channel::<()>(), app.ctx.db.clone());
        let hang = move |_: &dropday::store::Tx<'_>| {
            told.recv().ok();
            Ok(())
        };
        let hangs = tokio::spawn(async move {
            if is_writer { db.write("hang", hang).await } else { db.read("hang", hang).await }
        });
        tokio::task::yield_now().await;
        let reason = watchdog.check().await.unwrap_err();
        assert!(reason.contains("has not answered"), "{reason}");
        drop(go_on);
        hangs.await.unwrap().unwrap();
        watchdog.check().await.unwrap();
    }
    app.finish().await;
}

/// A clock that runs from the home's time on. If it is broken, sleepers never wake up.
struct SleepClock {
    start: Timestamp,
    created: Instant,
    is_broken: bool,
}

impl Clock for SleepClock {
    fn now(&self) -> Timestamp {
        self.start + self.created.elapsed()
    }

    fn sleep(&self, time: Duration) -> Sleep<'_> {
        if self.is_broken { Box::pin(std::future::pending()) } else { SystemClock.sleep(time) }
    }
}

/// Runs the workers on a clock of their own. Returns the first watchdog check that fails within `time`, where a
/// second without progress is too long.
async fn watch_workers(app: &TestApp, is_broken: bool, time: Duration) -> Result<(), String> {
    let clock = SleepClock { start: app.now(), created: Instant::now(), is_broken };
    let mut config = app.config.clone();
    config.spotify.request_interval = Duration::from_millis(50);
    let ctx: Arc<Ctx> = Arc::new(app::build(&config, Arc::new(clock), SeededRng::new(7)).unwrap());
    let notifier = Arc::new(JobNotifier::with_idle_interval(Duration::from_millis(100)));
    let (stop, workers) = (CancellationToken::new(), TaskTracker::new());
    worker::start(&ctx, &notifier, &stop, &workers);
    let _stop = stop.drop_guard();
    let mut watchdog = Watchdog::new(&config, &ctx, &notifier);
    watchdog.limit = Duration::from_secs(1);
    let began = Instant::now();
    while began.elapsed() < time {
        watchdog.check().await?;
        SystemClock.sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test]
async fn watchdog_names_job_that_hangs() {
    let app = TestApp::new().await;
    app.listener_of("Martha", 40).await;
    app.follows().await;
    let check = watch_workers(&app, true, Duration::from_secs(30)).await;
    assert_eq!(check.unwrap_err(), "the releases job has made no progress for 1s");
    app.finish().await;
}

#[tokio::test]
async fn watchdog_accepts_long_runs_and_idle_workers() {
    let app = TestApp::new().await;
    app.listener_of("Martha", 40).await;
    app.follows().await;
    // 40 calls at 50 ms each: longer than the limit.
    watch_workers(&app, false, Duration::from_secs(3)).await.unwrap();
    assert_eq!(app.status().await.artists.never_checked, 0, "the run did not end");
    app.finish().await;
}
