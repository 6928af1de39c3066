//! Databases that cannot be used: each is refused with its remedy, and none is spoiled.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use crate::test_clock::{ManualClock, SeededRng};
use dropday::app;
use dropday::clock::{Clock, Rng};
use dropday::config::{Config, KeyOrigin, KeySource, decode_key};
use dropday::demo::services::environment;
use dropday::demo::world::NewAlbum;
use dropday::store::{Db, outbox};
use reqwest::StatusCode;
use rusqlite::Connection;
use secrecy::SecretString;
use tempfile::TempDir;

use crate::test_app::{SETTINGS, START, TestApp, variables};

const ANOTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A database in which an email is queued, closed and by itself in a folder with its key.
struct Kept {
    folder: TempDir,
    config: Config,
}

impl Kept {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let artist = app.world.add_artist("Röyksopp");
        app.listener("Martha", &[&artist]).await;
        app.round().await;
        app.inbox.stop().await;
        app.world.publish(&artist, NewAlbum::titled("Pending"));
        app.round().await;
        let kept = Self::beside_its_key(&app.config);
        let copied = Connection::open(&app.config.database).unwrap();
        copied.execute("VACUUM INTO ?1", [kept.file().to_str().unwrap()]).unwrap();
        app.finish_owing(1).await;
        kept
    }

    /// A folder for a database like the one of `config`, in which the key lies already.
    fn beside_its_key(config: &Config) -> Self {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("dropday.db");
        let key = folder.path().join("dropday.key");
        std::fs::copy(config.database.with_extension("key"), &key).unwrap();
        let key = KeySource::BesideDatabase(key);
        Self { folder, config: Config { database, key, ..config.clone() } }
    }

    /// The same with other bytes in the file.
    fn spoiled(&self, bytes: &[u8]) -> Self {
        let spoiled = Self::beside_its_key(&self.config);
        std::fs::write(spoiled.file(), bytes).unwrap();
        spoiled
    }

    fn file(&self) -> &Path {
        &self.config.database
    }

    fn key(&self) -> PathBuf {
        self.file().with_extension("key")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.file()).unwrap()
    }

    /// Opens it as a start does.
    fn open(&self) -> Result<Db, String> {
        let clock: Arc<dyn Clock> = ManualClock::at(START.parse().unwrap());
        let rng: Arc<dyn Rng> = SeededRng::new(5);
        app::open_database(&self.config, &clock, &rng).map_err(|error| format!("{error:#}"))
    }

    /// What is said to an operator whose database cannot be opened.
    fn refusal(&self) -> String {
        self.open().map(drop).expect_err("a refusal")
    }

    async fn pending(&self) -> u64 {
        self.open().unwrap().read("test", outbox::count_pending).await.unwrap()
    }

    /// Runs `script` with the real binary as `$DROPDAY`, in a mount namespace of its own; `None`
    /// where the machine does not allow that. A script says so by the exit code 99.
    fn run(&self, database: &Path, script: &str) -> Option<Output> {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script]).current_dir(self.folder.path());
        let folder = self.folder.path();
        command.envs(environment(
            folder,
            "127.0.0.1:9",
            "http://127.0.0.1:9",
            "smtp://127.0.0.1:9",
        ));
        command.envs(variables(SETTINGS));
        command.env("DROPDAY_DATABASE__PATH", database);
        command.env("DROPDAY", env!("CARGO_BIN_EXE_dropday"));
        let output = command.output().ok()?;
        let is_allowed = output.status.code() != Some(99) && !said(&output).contains("unshare:");
        is_allowed.then_some(output)
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[tokio::test]
async fn newer_database_is_refused_and_left_unchanged() {
    let kept = Kept::new().await;
    let db = Connection::open(kept.file()).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let before = kept.bytes();
    let why = kept.refusal();
    assert!(why.contains("version 99") && why.contains("versions up to"), "{why}");
    assert!(kept.bytes() == before, "it was changed");
}

#[tokio::test]
async fn database_of_another_program_is_refused_and_left_unchanged() {
    let mut kept = Kept::new().await;
    std::fs::remove_file(kept.file()).unwrap();
    let theirs = Connection::open(kept.file()).unwrap();
    theirs.execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)").unwrap();
    drop(theirs);
    let before = kept.bytes();
    let key = decode_key(&SecretString::from(ANOTHER_KEY)).unwrap();
    let beside = std::mem::replace(
        &mut kept.config.key,
        KeySource::Given(Arc::new(key), KeyOrigin::Configuration),
    );
    let why = kept.refusal();
    assert!(why.contains("belongs to another program"), "{why}");
    assert!(kept.bytes() == before, "it was changed");
    kept.config.key = beside;
    std::fs::remove_file(kept.key()).unwrap();
    let why = kept.refusal();
    assert!(why.contains("belongs to another program"), "no key is asked for: {why}");
    assert!(!kept.key().exists() && kept.bytes() == before);
}

#[tokio::test]
async fn wrong_key_is_refused_and_right_key_still_works() {
    let kept = Kept::new().await;
    let key = std::fs::read_to_string(kept.key()).unwrap();
    std::fs::write(kept.key(), ANOTHER_KEY).unwrap();
    let why = kept.refusal();
    assert!(why.contains("the key does not fit") && why.contains("secrets.key_file"), "{why}");
    std::fs::write(kept.key(), "c2hvcnQ=").unwrap();
    let why = kept.refusal();
    assert!(why.contains("32 bytes in base64"), "{why}");
    std::fs::write(kept.key(), key).unwrap();
    assert_eq!(kept.pending().await, 1);
}

#[tokio::test]
async fn missing_key_is_reported_and_not_replaced() {
    let kept = Kept::new().await;
    let key = std::fs::read_to_string(kept.key()).unwrap();
    std::fs::remove_file(kept.key()).unwrap();
    let why = kept.refusal();
    assert!(why.contains("dropday.key") && why.contains("Restore the key file"), "{why}");
    assert!(!kept.key().exists());
    std::fs::write(kept.key(), key).unwrap();
    assert_eq!(kept.pending().await, 1);
}

#[tokio::test]
async fn file_that_is_not_a_database_is_refused_and_kept() {
    let kept = Kept::new().await;
    let sound = kept.bytes();
    let garbage_at_the_top = [&[0xa5; 100], &sound[100..]].concat();
    for bytes in [b"{\"albums\": []}".repeat(100), vec![0; 8192], garbage_at_the_top] {
        let spoiled = kept.spoiled(&bytes);
        let why = spoiled.refusal();
        assert!(why.contains("damaged") && why.contains("restore a backup"), "{why}");
        assert!(spoiled.bytes() == bytes, "it was changed");
    }
}

#[tokio::test]
async fn check_finds_damage_anywhere_in_the_file() {
    let kept = Kept::new().await;
    // Pages that a migration left free hold nothing that could be damaged.
    let tidy = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)";
    Connection::open(kept.file()).unwrap().execute_batch(tidy).unwrap();
    let sound = kept.bytes();
    let pages = sound.len() / 4096;
    assert!(pages > 20, "a test of nothing");
    for page in 0..pages {
        let mut spoiled = sound.clone();
        spoiled[page * 4096..][..4096].fill(0xa5);
        is_found_out(&kept.spoiled(&spoiled)).await;
        let (left, lost) = sound.split_at(page * 4096 + 2048);
        // The last page may be that of an empty index: then nothing but zeros is lost.
        if lost.iter().any(|byte| *byte != 0) {
            is_found_out(&kept.spoiled(left)).await;
        }
    }
    assert_eq!(kept.pending().await, 1);
}

async fn is_found_out(kept: &Kept) {
    match kept.open() {
        Err(why) => assert!(why.contains("damaged") && why.contains("backup"), "{why}"),
        Ok(db) => match db.damage().await {
            Ok(damage) => assert!(damage.is_some(), "damage was overlooked"),
            Err(error) => assert!(error.to_string().contains("damaged"), "{error}"),
        },
    }
    assert!(kept.file().exists() && kept.key().exists());
}

#[tokio::test]
async fn missing_folder_is_reported_with_its_path() {
    let mut kept = Kept::new().await;
    let folder = kept.folder.path().to_owned();
    std::fs::create_dir(folder.join("folder.db")).unwrap();
    for path in ["folder.db", "dropday.key/dropday.db", "missing/dropday.db"] {
        kept.config.database = folder.join(path);
        kept.config.key = KeySource::BesideDatabase(kept.config.database.with_extension("key"));
        let why = kept.refusal();
        assert!(why.contains(path), "{why}");
        assert!(why.contains("folder exists") && why.contains("database.path"), "{why}");
    }
    assert!(!folder.join("folder.key").exists());
}

#[tokio::test]
async fn locked_database_still_serves_pages_and_loses_nothing() {
    let app = TestApp::new().await;
    let martha = app.listener("Martha", &[]).await;
    let kept = Kept { folder: TempDir::new().unwrap(), config: app.config.clone() };
    let other = Connection::open(&app.config.database).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let form = [("email", "newer@example.com")];
    let (page, posted, opened) = tokio::join!(
        martha.browser.get("/account"),
        martha.browser.post("/account/address", &form),
        tokio::task::spawn_blocking(move || kept.refusal()),
    );
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(posted.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(posted.body.contains("None of your data is lost"), "{}", posted.body);
    assert!(opened.unwrap().contains("locked by another program"));
    other.execute_batch("ROLLBACK").unwrap();
    let posted = martha.browser.post("/account/address", &form).await;
    assert_eq!(posted.location.as_deref(), Some("/account"));
    app.emails().await;
    assert_eq!(app.emails_to("newer@example.com").len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn read_only_database_is_refused_with_a_remedy() {
    let kept = Kept::new().await;
    for journal in ["delete", "wal"] {
        let db = Connection::open(kept.file()).unwrap();
        db.pragma_update(None, "journal_mode", journal).unwrap();
        drop(db);
        let script = "mount --bind . . && mount -o remount,bind,ro . || exit 99
                      cd . && exec \"$DROPDAY\" status";
        let Some(output) = kept.run(kept.file(), script) else { return };
        let said = said(&output);
        assert!(!output.status.success(), "{said}");
        assert!(said.contains("read-only"), "{journal}: {said}");
        assert!(said.contains("write permission for the file and its folder"), "{journal}: {said}");
    }
    assert_eq!(kept.pending().await, 1);
}

#[tokio::test]
async fn full_disk_is_reported_and_loses_nothing() {
    let kept = Kept::new().await;
    let db = Connection::open(kept.file()).unwrap();
    db.pragma_update(None, "journal_mode", "wal").unwrap();
    drop(db);
    let small = kept.folder.path().join("small");
    let script = "mkdir small && mount -t tmpfs -o size=1m none small || exit 99
                  cp dropday.db dropday.key small
                  cat /dev/zero > small/filler
                  \"$DROPDAY\" status && exit 1
                  rm small/filler
                  echo; exec \"$DROPDAY\" status --json";
    let Some(output) = kept.run(&small.join("dropday.db"), script) else { return };
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("the disk is full"), "{said}");
    assert!(said.contains("\"queued\": 1"), "{said}");
}

#[tokio::test]
async fn daemon_is_not_ready_while_disk_is_full() {
    let kept = Kept::new().await;
    let small = kept.folder.path().join("small");
    let address = crate::binary::free_address();
    let (host, port) = address.split_once(':').unwrap();
    let script = format!(
        "mkdir small && mount -t tmpfs -o size=2m none small || exit 99
         cp dropday.db dropday.key small
         ask() {{ bash -c 'exec 3<>/dev/tcp/{host}/{port}; printf \"GET $0 HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3'             \"$1\"; }}
         DROPDAY_WEB__LISTEN={address} \"$DROPDAY\" serve & daemon=$!
         for i in $(seq 200); do ask /healthz 2>/dev/null | grep -q ok && break; sleep 0.1; done
         sleep 2
         cat /dev/zero > small/filler
         echo FULL; ask /healthz; ask /readyz; echo
         rm small/filler; sleep 1.2
         echo ROOM; ask /readyz; echo
         kill $daemon; wait $daemon"
    );
    let Some(output) = kept.run(&small.join("dropday.db"), &script) else { return };
    let said = said(&output);
    let (_, told) = said.split_once("FULL").unwrap_or_else(|| panic!("{said}"));
    let (full, room) = told.split_once("ROOM").unwrap_or_else(|| panic!("{said}"));
    assert!(full.contains("200 OK") && full.contains("503 Service Unavailable"), "{said}");
    assert!(full.contains("the disk is full"), "{said}");
    assert!(room.contains("{\"ready\":true}"), "{said}");
}

/// Without a lock of ours, another program that closes the database would believe itself the last one there, and
/// delete the write-ahead log with what is in it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn other_programs_can_see_that_the_database_is_in_use() {
    use std::os::unix::fs::MetadataExt;
    let app = TestApp::new().await;
    app.listener("Martha", &[]).await;
    // https://man7.org/linux/man-pages/man5/proc_locks.5.html
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let inode = app.config.database.metadata().unwrap().ino().to_string();
    let process = std::process::id().to_string();
    let is_ours = |line: &&str| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.get(3) == Some(&"READ")
            && words.get(4) == Some(&process.as_str())
            && words.get(5).is_some_and(|file| file.rsplit(':').next() == Some(&inode))
    };
    assert!(locks.lines().any(|line| is_ours(&line)), "no lock on {inode} by {process}:\n{locks}");
    app.finish().await;
}
