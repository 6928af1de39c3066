//! What a supervisor is told, and what it can ask for.

use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use dropday::app;
use dropday::clock::{Clock, SeededChance, Sleep, SystemClock};
use dropday::context::Ctx;
use dropday::demo::world::NewAlbum;
use dropday::supervisor::Watch;
use dropday::worker::{self, JobNotifier};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::binary::{Machine, Running, eventually};
use crate::home::Home;

const ROUND: Duration = Duration::from_secs(60);

/// A supervisor's end of the line.
pub struct Line(UnixDatagram);

impl Line {
    /// A daemon that is started by a supervisor, whose watchdog waits for two seconds.
    pub async fn to(machine: &Machine) -> (Self, Running) {
        let path = machine.folder.path().join("notify");
        std::fs::remove_file(&path).ok();
        let line = UnixDatagram::bind(&path).unwrap();
        line.set_nonblocking(true).unwrap();
        let mut command = machine.command(&["serve"]);
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "2000000");
        (Self(line), machine.begin(command))
    }

    fn next(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).ok()?;
        Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
    }

    /// What is told from now on, up to and with what holds `word`.
    pub async fn until(&self, word: &str) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        while !told.last().is_some_and(|news| news.contains(word)) {
            told.push(eventually(word, async || self.next()).await);
        }
        told
    }
}

#[tokio::test]
async fn the_supervisor_hears_when_it_is_ready_what_it_does_that_it_lives_and_when_it_ends() {
    let machine = Machine::new().await;
    let (line, mut daemon) = Line::to(&machine).await;
    let first = line.until("READY=1").await;
    assert!(first[0].contains("READY=1"), "nothing is said before: {first:?}");
    let front = machine.visitor().get("/healthz").await;
    assert_eq!(front.status.as_u16(), 200, "who is ready answers");
    assert!(first[0].contains("STATUS=Waiting for somebody to connect at http://"), "{first:?}");
    line.until("WATCHDOG=1").await;
    let artist = machine.world.add_artist("Röyksopp");
    machine.listener("Martha", &[&artist]).await;
    let told = line.until("STATUS=Watching 1 artist").await;
    assert!(told.iter().all(|news| !news.contains("READY")), "once is enough: {told:?}");
    daemon.signal("TERM");
    line.until("STOPPING=1").await;
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

/// Writes the configuration, asks for a reload, and waits for a word about it.
async fn reload(
    machine: &Machine,
    line: &Line,
    daemon: &Running,
    file: &str,
    word: &str,
) -> String {
    let before = daemon.said().len();
    std::fs::write(machine.folder.path().join("dropday.toml"), file).unwrap();
    daemon.signal("HUP");
    let reloading = line.until("RELOADING=1").await;
    assert!(reloading.iter().any(|news| news.contains("MONOTONIC_USEC=")), "{reloading:?}");
    eventually(word, async || daemon.said()[before..].contains(word).then_some(())).await;
    daemon.said()[before..].to_owned()
}

#[tokio::test]
async fn a_reload_uses_what_can_change_and_names_what_cannot_until_the_restart() {
    // Something to tell of, every second.
    let machine = Machine::with(&[("SCHEDULE__LETTERS", "* * * * * *")]).await;
    let (line, mut daemon) = Line::to(&machine).await;
    line.until("READY=1").await;
    let file = "[log]\nlevel = \"debug\"\n[mail]\noperator = \"me@example.com\"";
    let said = reload(&machine, &line, &daemon, file, "need a restart").await;
    assert!(said.contains("in use now") && said.contains("log.level"), "{said}");
    assert!(said.contains("mail.operator") && !said.contains("me@example.com"), "{said}");
    eventually("a line for debugging", async || daemon.said().contains("DEBUG").then_some(()))
        .await;
    let said = reload(&machine, &line, &daemon, file, "need a restart").await;
    assert!(said.contains("mail.operator") && !said.contains("in use now"), "still not: {said}");
    let said = reload(&machine, &line, &daemon, "", "in use now").await;
    assert!(!said.contains("restart"), "all is as it was: {said}");
    let said = reload(&machine, &line, &daemon, "", "nothing has changed").await;
    assert!(!said.contains("in use now"), "{said}");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn a_broken_configuration_is_not_taken_over_and_every_fault_is_named() {
    let machine = Machine::new().await;
    let (line, mut daemon) = Line::to(&machine).await;
    line.until("READY=1").await;
    let file = "[log]\nlevel = \"loud\"\n[spotify]\nartist_albums_per_day = 0";
    let said = reload(&machine, &line, &daemon, file, "artist_albums_per_day").await;
    assert!(said.contains("log.level") && !said.contains("in use now"), "{said}");
    let file = "[log]\nlevel = \"debug\"\n[schedule]\nletters = \"soon\"";
    let said = reload(&machine, &line, &daemon, file, "schedule.letters").await;
    assert!(!said.contains("in use now") && !said.contains("DEBUG"), "none of it: {said}");
    line.until("READY=1").await;
    assert_eq!(machine.visitor().get("/healthz").await.status.as_u16(), 200);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn a_new_schedule_rings_without_a_restart() {
    const NEVER: &str = "[schedule]\nreleases = \"0 0 0 1 1 *\"";
    const ALWAYS: &str = "[schedule]\nreleases = \"* * * * * *\"";
    let machine = Machine::new().await;
    std::fs::write(machine.folder.path().join("dropday.toml"), NEVER).unwrap();
    let (line, mut daemon) = Line::to(&machine).await;
    line.until("READY=1").await;
    let artist = machine.world.add_artist("Röyksopp");
    let martha = machine.listener("Martha", &[&artist]).await;
    machine.looked_at_everything().await;
    machine.world.put_out(&artist, NewAlbum::titled("Nebulous Nights"));
    machine.let_everything_be_due();
    assert_eq!(machine.emails_to(&martha.address).len(), 0);
    let said = reload(&machine, &line, &daemon, ALWAYS, "in use now").await;
    assert!(said.contains("schedule.releases"), "{said}");
    let came = || machine.emails_to(&martha.address).pop();
    let email = eventually("a letter", async || came()).await;
    assert!(email.subject.contains("Nebulous Nights"), "{}", email.subject);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
    machine.finish().await;
}

#[tokio::test]
async fn the_status_says_what_is_waited_for_and_until_when() {
    let home = Home::new().await;
    let mut watch = Watch::new(&home.config, &home.ctx, &Arc::default(), ROUND);
    assert!(watch.look().await.unwrap().starts_with("Waiting for somebody to connect at http://"));
    home.listener_of("Martha", 3).await;
    home.follows().await;
    assert_eq!(watch.look().await.unwrap(), "Watching 3 artists");
    home.world.set_artist_albums_quota(Some(2));
    home.checks().await;
    let said = watch.look().await.unwrap();
    let wanted = "Watching 3 artists; waiting for Spotify's daily limit until 24 Nov 12:00 UTC";
    assert_eq!(said, wanted);
    home.finish().await;
}

#[tokio::test]
async fn who_used_the_days_calls_says_when_the_next_is_free() {
    let home = Home::with(&[("SPOTIFY__ARTIST_ALBUMS_PER_DAY", "2")]).await;
    home.listener_of("Martha", 3).await;
    home.follows().await;
    home.checks().await;
    home.advance_hours(1);
    home.checks().await;
    let said = Watch::new(&home.config, &home.ctx, &Arc::default(), ROUND).look().await.unwrap();
    let wanted =
        "Watching 3 artists; the day's calls are used, the next is free at 24 Nov 12:00 UTC";
    assert_eq!(said, wanted);
    home.finish().await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_noticed_whichever_of_its_threads_hangs() {
    let home = Home::new().await;
    let round = Duration::from_secs(6);
    let mut watch = Watch::new(&home.config, &home.ctx, &Arc::default(), round);
    for is_writer in [true, false] {
        let ((go_on, told), db) = (mpsc::channel::<()>(), home.ctx.db.clone());
        let hang = move |_: &dropday::store::Tx<'_>| {
            told.recv().ok();
            Ok(())
        };
        let hangs = tokio::spawn(async move {
            if is_writer { db.write("hang", hang).await } else { db.read("hang", hang).await }
        });
        tokio::task::yield_now().await;
        let why = watch.look().await.unwrap_err();
        assert!(why.contains("has not answered"), "{why}");
        drop(go_on);
        hangs.await.unwrap().unwrap();
        watch.look().await.unwrap();
    }
    home.finish().await;
}

/// A clock that runs from the home's time on, and whose sleepers can be kept from ever waking up.
struct Pillow {
    start: Timestamp,
    made: Instant,
    wakes: bool,
}

impl Clock for Pillow {
    fn now(&self) -> Timestamp {
        self.start + self.made.elapsed()
    }

    fn sleep(&self, time: Duration) -> Sleep<'_> {
        if self.wakes { SystemClock.sleep(time) } else { Box::pin(std::future::pending()) }
    }
}

/// The workers of a home with artists that are due, on a clock of their own; what a watch of theirs says
/// in so many rounds.
async fn watched(home: &Home, wakes: bool, rounds: usize) -> Result<String, String> {
    let clock = Arc::new(Pillow { start: home.now(), made: Instant::now(), wakes });
    let mut config = home.config.clone();
    config.spotify.request_interval = Duration::from_millis(20);
    let ctx: Arc<Ctx> = Arc::new(app::build(&config, clock, SeededChance::new(7)).unwrap());
    let (notifier, stop, work) =
        (Arc::<JobNotifier>::default(), CancellationToken::new(), TaskTracker::new());
    worker::start(&ctx, &notifier, &stop, &work);
    let mut watch = Watch::new(&config, &ctx, &notifier, ROUND);
    let mut said = watch.look().await;
    for _ in 0..rounds {
        SystemClock.sleep(Duration::from_millis(50)).await;
        said = watch.look().await;
        if said.is_err() {
            break;
        }
    }
    stop.cancel();
    said
}

#[tokio::test]
async fn a_worker_that_waits_for_what_never_comes_is_named() {
    let home = Home::new().await;
    home.listener_of("Martha", 40).await;
    home.follows().await;
    let said = watched(&home, false, 60).await;
    assert_eq!(said.unwrap_err(), "the work on releases does not move any more");
    home.finish().await;
}

#[tokio::test]
async fn a_long_pass_that_waits_for_its_turn_again_and_again_and_workers_that_rest_are_alive() {
    let home = Home::new().await;
    home.listener_of("Martha", 40).await;
    home.follows().await;
    watched(&home, true, 60).await.unwrap();
    assert_eq!(home.status().await.artists.never_asked, 0, "the pass went to its end");
    home.finish().await;
}
