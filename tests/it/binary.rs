//! The program as a separate process, with real clocks and the fake world.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use dropday::app;
use dropday::clock::{Clock, Rng, SystemClock, SystemRng, random};
use dropday::demo::inbox::{Inbox, InboxSettings};
use dropday::demo::services::Services;
use dropday::demo::world::World;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::test_app::{Email, Listener, SETTINGS, Settings, temporary_folder, variables};
use crate::visitor::Visitor;

/// Nothing takes longer on a slow and busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A machine that Dropday is installed on. Its test fails if it ends without [`Machine::finish`],
/// as it does with a [`crate::test_app::Home`].
pub struct Machine {
    pub world: World,
    pub inbox: Inbox,
    pub folder: TempDir,
    /// Where the daemon listens, as `127.0.0.1:12345`.
    pub address: String,
    /// Every code and token that the fake Spotify gave out.
    pub given_out: Arc<GivenOut>,
    environment: Vec<(String, String)>,
    _services: Services,
    is_finished: bool,
}

/// Chance that remembers the codes and tokens that were made with it.
#[derive(Default)]
pub struct GivenOut(Mutex<Vec<String>>);

/// A command that has ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// `None` where a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A command that runs, until it is dropped at the latest.
pub struct Running {
    child: Child,
    said: PathBuf,
}

impl Machine {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(settings: Settings<'_>) -> Self {
        Self::with_inbox(settings, InboxSettings::default()).await
    }

    pub async fn with_inbox(settings: Settings<'_>, inbox: InboxSettings) -> Self {
        app::install_crypto();
        let clock = Arc::new(SystemClock);
        let given_out = Arc::new(GivenOut::default());
        let services = Services::start(clock, given_out.clone(), inbox).await.unwrap();
        let folder = temporary_folder();
        let address = free_address();
        std::fs::write(folder.path().join("dropday.toml"), "").unwrap();
        let usual = services.environment(folder.path(), address.parse().unwrap());
        let settings = variables(SETTINGS).into_iter().chain(variables(settings));
        let environment = usual.into_iter().chain(settings).collect();
        Self {
            world: services.world.clone(),
            inbox: services.inbox.clone(),
            folder,
            address,
            given_out,
            environment,
            _services: services,
            is_finished: false,
        }
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("dropday.db")
    }

    /// `dropday ARGUMENTS`, about to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dropday"));
        let foreign = std::env::vars_os().map(|(name, _)| name);
        for name in foreign.filter(|name| name.to_string_lossy().starts_with("DROPDAY_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().cloned()).current_dir(self.folder.path());
        command.args(["--config", "dropday.toml"]).args(arguments);
        command
    }

    /// Runs `dropday ARGUMENTS` to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(&[], arguments).await
    }

    /// The same with further settings.
    pub async fn run_with(&self, settings: Settings<'_>, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.envs(variables(settings));
        to_its_end(command).await
    }

    /// The same with secrets that a supervisor hands over as files in a folder.
    pub async fn run_with_credentials(&self, folder: &Path, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        command.env("CREDENTIALS_DIRECTORY", folder);
        to_its_end(command).await
    }

    /// Begins `dropday ARGUMENTS`.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.begin(self.command(arguments))
    }

    /// Begins a command that was prepared.
    pub fn begin(&self, command: Command) -> Running {
        Running::start(command, self.folder.path().join("said.txt"))
    }

    /// Begins `dropday serve`, and waits until it answers.
    pub async fn serve(&self) -> Running {
        self.serve_at(&self.address).await
    }

    /// One that has done what was due when it started, and waits.
    pub async fn serve_at_rest(&self) -> Running {
        let mut command = self.command(&["serve"]);
        command.env("DROPDAY_LOG__LEVEL", "debug");
        let daemon = self.healthy(command, &self.address).await;
        let jobs = ["follows", "releases", "emails"].map(|job| format!("job=\"{job}\""));
        eventually("each job's first pass", async || {
            let said = daemon.said();
            jobs.iter().all(|job| said.contains(job)).then_some(())
        })
        .await;
        daemon
    }

    /// A daemon at another address.
    pub async fn serve_at(&self, address: &str) -> Running {
        let mut command = self.command(&["serve"]);
        command.env("DROPDAY_WEB__LISTEN", address);
        self.healthy(command, address).await
    }

    async fn healthy(&self, command: Command, address: &str) -> Running {
        let mut daemon = self.begin(command);
        let http = dropday::spotify::http_client("a monitor").unwrap();
        let url = format!("http://{address}/healthz");
        eventually("a daemon that is healthy", async || {
            assert!(daemon.is_running(), "{}", daemon.said());
            let said = http.get(&url).send().await.ok()?.text().await.ok()?;
            (said == "ok\n").then_some(())
        })
        .await;
        daemon
    }

    /// A browser that has not been here before.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&format!("http://{}", self.address))
    }

    /// Somebody of this name connects, types an address and confirms it, through the pages of a
    /// daemon that runs.
    pub async fn listener(&self, name: &str, artists: &[&str]) -> Listener {
        let user = self.world.add_user(name);
        for artist in artists {
            self.world.follow(user, artist);
        }
        let (browser, address) = (self.visitor(), format!("{}@example.com", name.to_lowercase()));
        browser.sign_in(&self.world, user).await;
        browser.post("/account/address", &[("email", &address)]).await;
        let email =
            eventually("a letter that asks to confirm", async || self.emails_to(&address).pop());
        browser.post(&email.await.link("/confirm/"), &[]).await;
        eventually("a welcome", async || self.emails_to(&address).get(1).cloned()).await;
        self.inbox.empty();
        Listener { user, address, browser }
    }

    /// Users connect and confirm at a daemon, which then looks at their artists for the first
    /// time, and stops.
    pub async fn settle(&self, users: &[(&str, &[&str])]) -> Vec<Listener> {
        let mut daemon = self.serve().await;
        let mut listeners = Vec::new();
        for (name, artists) in users {
            listeners.push(self.listener(name, artists).await);
        }
        self.looked_at_everything().await;
        daemon.signal("TERM");
        assert_eq!(daemon.ended().await, Some(0), "{}", daemon.said());
        listeners
    }

    /// Waits until everybody's list was read, and every artist was asked about.
    pub async fn looked_at_everything(&self) {
        eventually("a first look at everything", async || {
            let status = self.status().await;
            let lists = status["calls"]["used"]["following"].as_u64()?;
            let all = lists >= status["users"]["all"].as_u64()?
                && status["artists"]["tracked"] != 0
                && status["artists"]["never_checked"] == 0;
            all.then_some(())
        })
        .await;
    }

    /// What `dropday status --json` says.
    pub async fn status(&self) -> Value {
        let ended = self.run(&["status", "--json"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.out).unwrap()
    }

    /// Hours pass, as far as the database knows: every list is due, and every artist's turn has come.
    pub fn let_everything_be_due(&self) {
        let sql = "UPDATE users SET follows_next_at = 0; UPDATE artists SET next_check_at = 0;
                   UPDATE api_calls SET purpose = 'other'";
        Connection::open(self.database()).unwrap().execute_batch(sql).unwrap();
    }

    pub fn emails_to(&self, address: &str) -> Vec<Email> {
        self.inbox.emails_to(address)
    }

    /// Ends the test: nothing may be pending, and the fake world must not have seen unexpected requests.
    pub async fn finish(self) {
        self.finish_owing(0).await;
    }

    /// Ends a test that leaves this many notifications pending.
    pub async fn finish_owing(mut self, pending: u64) {
        self.is_finished = true;
        if self.database().exists() {
            assert_eq!(
                self.status().await["emails"]["queued"],
                pending,
                "notifications left pending"
            );
        }
        assert_eq!(self.world.unexpected(), Vec::<String>::new(), "asked what was not expected");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        assert!(self.is_finished || std::thread::panicking(), "the test did not call finish()");
    }
}

impl Running {
    fn start(mut command: Command, said: PathBuf) -> Self {
        let file = File::options().create(true).append(true).open(&said).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Self { child: command.spawn().unwrap(), said }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends `TERM`, `INT` or `HUP`.
    pub fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }

    /// `kill -9`; whether there still was something to kill.
    pub fn kill(&mut self) -> bool {
        self.child.kill().unwrap();
        self.child.wait().unwrap().code().is_none()
    }

    /// Waits for the end; `None` where a signal brought it.
    pub async fn ended(&mut self) -> Option<i32> {
        let child = &mut self.child;
        eventually("the end of a process", async || child.try_wait().unwrap()).await.code()
    }

    /// What it, and whatever was started before it, said on both channels.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl GivenOut {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Rng for GivenOut {
    fn fill(&self, bytes: &mut [u8]) {
        SystemRng.fill(bytes);
        // Ids are drawn digit by digit.
        if bytes.len() > 1 {
            self.0.lock().unwrap().push(BASE64_URL_SAFE_NO_PAD.encode(bytes));
        }
    }
}

/// Runs a command to its end.
pub async fn to_its_end(command: Command) -> Ended {
    let mut command = assert_cmd::Command::from_std(command);
    command.timeout(TIMEOUT);
    let output = spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// Looks again and again until there is something to see.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let seen = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            SystemClock.sleep(LOOK_AGAIN).await;
        }
    };
    let seen = tokio::time::timeout(TIMEOUT, seen).await;
    seen.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A free port of those that the kernel does not give out by itself, so that nobody gets it before
/// the daemon does.
pub fn free_address() -> String {
    let ports = std::iter::repeat_with(|| 10_000 + u16::from_le_bytes(random(&SystemRng)) % 20_000);
    let addresses = ports.take(1000).map(|port| (Ipv4Addr::LOCALHOST, port));
    let free = addresses.filter_map(|address| TcpListener::bind(address).ok()).next();
    free.expect("a free port").local_addr().unwrap().to_string()
}
