//! Backups, restores and key rotation, with the real binary, beside a daemon and after `kill -9`.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::test_clock::SeededRng;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dropday::clock::{Clock, SystemClock, fraction};
use dropday::config::decode_key;
use dropday::demo::inbox::SmtpFault;
use dropday::demo::world::NewAlbum;
use dropday::domain::token::{AccessToken, Grant, RefreshToken};
use dropday::domain::user::{Profile, UserId};
use dropday::store::{Cipher, Db, StoreError, tokens, users};
use dropday::terminal::print_out;
use rusqlite::Connection;
use secrecy::{ExposeSecret, SecretString};

use crate::binary::{Machine, Running, eventually};

/// A user who follows an artist.
async fn machine_with_martha() -> (Machine, crate::test_app::Listener, String) {
    let machine = Machine::new().await;
    let artist = machine.world.add_artist("Röyksopp");
    let martha = machine.settle(&[("Martha", &[artist.as_str()])]).await.remove(0);
    (machine, martha, artist)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn key_of(machine: &Machine) -> PathBuf {
    machine.database().with_extension("key")
}

fn count(database: &Path, sql: &str) -> i64 {
    Connection::open(database).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Writes as fast as it can until it is dropped.
struct Writer {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    fn into(database: &Path) -> Self {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let conn = Connection::open(database).unwrap();
        conn.busy_timeout(Duration::from_secs(30)).unwrap();
        let (told, wrote) = (Arc::clone(&stop), Arc::clone(&written));
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let sql = "INSERT INTO api_calls (bucket, at) VALUES ('following', 1795000000000)";
                conn.execute(sql, []).unwrap();
                wrote.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { stop, written, thread: Some(thread) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[tokio::test]
async fn backup_under_load_restores_elsewhere_and_works() {
    let (machine, martha, artist) = machine_with_martha().await;
    let mut daemon = machine.serve().await;
    let backup = machine.folder.path().join("backup.db");
    let writer = Writer::into(&machine.database());
    let ended = machine.run(&["backup", text(&backup)]).await;
    let written = writer.written.load(Ordering::Relaxed);
    drop(writer);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(written > 0, "others could write meanwhile");
    assert!(ended.out.contains("1 users, 1 artists"), "{}", ended.out);
    assert!(ended.out.contains(text(&key_of(&machine))), "it says where the key is: {}", ended.out);
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0));

    // Another machine, to which the operator copied backup and key.
    let elsewhere = machine.folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let database = elsewhere.join("dropday.db");
    let there = [("DATABASE__PATH", text(&database))];
    let ended = machine.run_with(&there, &["restore", text(&backup)]).await;
    assert_eq!(ended.code, Some(1), "without the key: {ended:?}");
    assert!(ended.err.contains("Put the key file that belongs to the backup there"), "{ended:?}");
    assert!(!database.exists());
    std::fs::copy(key_of(&machine), database.with_extension("key")).unwrap();
    let ended = machine.run_with(&there, &["restore", text(&backup)]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(database.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    machine.world.publish(&artist, NewAlbum::titled("After the move"));
    let ended = machine.run_with(&there, &["once", "--all"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(machine.emails_to(&martha.address).len(), 1);
    machine.finish().await;
}

#[tokio::test]
async fn backup_replaces_a_file_only_with_force() {
    let (machine, ..) = machine_with_martha().await;
    let backup = machine.folder.path().join("backup.db");
    std::fs::write(&backup, "mine").unwrap();
    let ended = machine.run(&["backup", text(&backup)]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("the file exists already"), "{ended:?}");
    assert_eq!(std::fs::read(&backup).unwrap(), b"mine");
    let ended = machine.run(&["backup", "--force", text(&backup)]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(count(&backup, "SELECT count(*) FROM users"), 1);
    assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let nowhere = machine.folder.path().join("no such folder").join("backup.db");
    let ended = machine.run(&["backup", text(&nowhere)]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("cannot be written"), "{ended:?}");
    machine.finish().await;
}

#[tokio::test]
async fn backup_leaves_out_what_was_deleted() {
    let (machine, martha, _) = machine_with_martha().await;
    let ended = machine.run(&["users", "remove", &martha.address, "--yes"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    let backup = machine.folder.path().join("backup.db");
    assert_eq!(machine.run(&["backup", text(&backup)]).await.code, Some(0));
    let bytes = std::fs::read(&backup).unwrap();
    let has = |word: &str| bytes.windows(word.len()).any(|found| found == word.as_bytes());
    assert!(!has(&martha.address) && !has("Martha") && !has("Röyksopp"));
    machine.finish().await;
}

#[tokio::test]
async fn restore_and_rotation_are_refused_while_daemon_runs() {
    let (machine, ..) = machine_with_martha().await;
    let backup = machine.folder.path().join("backup.db");
    assert_eq!(machine.run(&["backup", text(&backup)]).await.code, Some(0));
    let mut daemon = machine.serve().await;
    for verb in [&["restore", text(&backup)][..], &["key", "rotate"][..]] {
        let ended = machine.run(verb).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains("Stop it first"), "{ended:?}");
    }
    assert_eq!(machine.visitor().get("/healthz").await.status.as_u16(), 200);
    // The kernel releases a lock when its process ends.
    assert!(daemon.kill());
    let ended = machine.run(&["restore", text(&backup)]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(machine.status().await["users"]["all"], 1);
    machine.finish().await;
}

#[tokio::test]
async fn restore_keeps_old_database_and_names_returning_users() {
    let (machine, martha, _) = machine_with_martha().await;
    let backup = machine.folder.path().join("backup.db");
    assert_eq!(machine.run(&["backup", text(&backup)]).await.code, Some(0));
    let ended = machine.run(&["users", "remove", "1", "--yes"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // A killed daemon leaves a log that is not the backup's.
    let mut daemon = machine.serve().await;
    assert!(daemon.kill());
    let ended = machine.run(&["restore", text(&backup)]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("User 1, Martha"), "{}", ended.out);
    let kept = ended.out.split_whitespace().find(|word| word.contains(".replaced-")).unwrap();
    assert_eq!(count(Path::new(kept), "SELECT count(*) FROM users"), 0);
    assert_eq!(count(&machine.database(), "SELECT count(*) FROM users"), 1);
    let ended = machine.run(&["users", "remove", &martha.address, "--yes"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    machine.finish().await;
}

#[tokio::test]
async fn commands_of_root_leave_only_files_of_the_service() {
    const SERVICE: u32 = 61_234;
    let (machine, ..) = machine_with_martha().await;
    // As systemd keeps the state of a service with a dynamic user.
    let private = machine.folder.path().join("private");
    let state = private.join("state");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::set_permissions(&private, PermissionsExt::from_mode(0o700)).unwrap();
    for ending in ["db", "key"] {
        let file = state.join("dropday").with_extension(ending);
        std::fs::copy(machine.database().with_extension(ending), &file).unwrap();
        std::os::unix::fs::chown(&file, Some(SERVICE), Some(SERVICE)).ok();
    }
    if std::os::unix::fs::chown(&state, Some(SERVICE), Some(SERVICE)).is_err() {
        print_out("SKIPPED: only root can become another user");
        return machine.finish().await;
    }
    let (database, backup) = (state.join("dropday.db"), state.join("backup.db"));
    let (of_root, exported) = (private.join("backup.db"), private.join("export.json"));
    let there = [("DATABASE__PATH", text(&database))];
    for command in [
        &["backup", text(&of_root)][..],
        &["backup", text(&backup)],
        &["restore", text(&of_root)],
        &["key", "rotate"],
        &["check"],
        &["export", "1", text(&state.join("export.json"))],
    ] {
        let ended = machine.run_with(&there, command).await;
        assert_eq!(ended.code, Some(0), "{command:?}: {ended:?}");
    }
    let made = of_root.metadata().unwrap();
    assert_eq!((made.uid(), made.mode() & 0o777), (0, 0o600));
    let ended = machine.run_with(&there, &["export", "1", text(&exported)]).await;
    assert!(ended.code == Some(1) && ended.err.contains("redirect the output"), "{ended:?}");
    for entry in state.read_dir().unwrap() {
        let (path, made) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
        assert_eq!((made.uid(), made.gid()), (SERVICE, SERVICE), "{}", path.display());
    }
    machine.finish().await;
}

#[tokio::test]
async fn invalid_backup_is_refused_before_anything_changes() {
    let (machine, ..) = machine_with_martha().await;
    let backup = machine.folder.path().join("backup.db");
    assert_eq!(machine.run(&["backup", text(&backup)]).await.code, Some(0));
    let good = std::fs::read(&backup).unwrap();
    let before = std::fs::read(machine.database()).unwrap();
    let newer = |bytes: &[u8]| {
        std::fs::write(&backup, bytes).unwrap();
        let conn = Connection::open(&backup).unwrap();
        conn.pragma_update(None, "user_version", 99).unwrap();
    };
    let mut torn = good.clone();
    torn.truncate(good.len() / 2);
    let spoil = |bytes: &[u8]| std::fs::write(&backup, bytes).unwrap();
    let cases: [(&dyn Fn(), &str); 5] = [
        (&|| newer(&good), "Install the newer Dropday"),
        (&|| spoil(b""), "it is not a backup"),
        (
            &|| spoil(b"no database at all, but long enough to be looked at as if it were"),
            "damaged",
        ),
        (&|| spoil(&torn), "damaged"),
        (&|| std::fs::remove_file(&backup).unwrap(), "No such file"),
    ];
    for (make, why) in cases {
        make();
        let ended = machine.run(&["restore", text(&backup)]).await;
        assert_eq!(ended.code, Some(1), "{why}: {ended:?}");
        assert!(ended.err.contains(why), "{why}: {ended:?}");
        assert!(std::fs::read(machine.database()).unwrap() == before, "{why}: it was touched");
    }
    std::fs::write(&backup, good).unwrap();
    let other = [("SECRETS__KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")];
    let ended = machine.run_with(&other, &["restore", text(&backup)]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("the key does not fit"), "{ended:?}");
    assert!(std::fs::read(machine.database()).unwrap() == before);
    machine.finish().await;
}

#[tokio::test]
async fn links_and_message_ids_survive_key_rotation() {
    let (machine, martha, artist) = machine_with_martha().await;
    machine.world.publish(&artist, NewAlbum::titled("In hand"));
    machine.inbox.script(SmtpFault::DropAfterData { keep: true });
    assert_eq!(machine.run(&["once", "--all"]).await.code, Some(1));
    let first = machine.emails_to(&martha.address).remove(0);
    let old = std::fs::read(key_of(&machine)).unwrap();
    let ended = machine.run(&["key", "rotate"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("tokens of 1 users"), "{}", ended.out);
    assert_ne!(std::fs::read(key_of(&machine)).unwrap(), old);
    assert_eq!(std::fs::read(machine.database().with_extension("key.old")).unwrap(), old);
    let sql = "UPDATE outbox SET next_at = 0";
    Connection::open(machine.database()).unwrap().execute(sql, []).unwrap();
    let ended = machine.run(&["once", "--all"]).await;
    assert_eq!(ended.code, Some(0), "tokens open with the new key: {ended:?}");
    let emails = machine.emails_to(&martha.address);
    assert_eq!(emails.len(), 2);
    assert_eq!(emails[1].message_id, first.message_id);
    let mut daemon = machine.serve().await;
    let account = martha.browser.get("/account").await;
    assert_eq!(account.status.as_u16(), 200, "she is still signed in");
    let link = first.link("/unsubscribe/");
    let page = machine.visitor().post(&link, &[]).await;
    assert_eq!(page.status.as_u16(), 200, "{}", page.body);
    let unsubscribed = "SELECT unsubscribed_at IS NOT NULL FROM users";
    assert_eq!(count(&machine.database(), unsubscribed), 1);
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await, Some(0));
    machine.finish().await;
}

/// Enough users for some kills to hit the transaction.
const CROWD: i64 = 1500;

/// A database with many signed-in users.
async fn refusals(machine: &Machine) {
    assert_eq!(machine.run(&["once"]).await.code, Some(0));
    let db = open(machine).unwrap();
    let settle = move |tx: &dropday::store::Tx<'_>| {
        for n in 0..CROWD {
            let profile = Profile {
                id: format!("person{n}"),
                account_id: None,
                display_name: "P".into(),
                email: None,
            };
            let user = users::sign_in(tx, &profile)?;
            let refresh = RefreshToken(SecretString::from(format!("refresh-{n}")));
            let grant = Grant {
                access: AccessToken(SecretString::from(format!("access-{n}"))),
                expires_at: tx.now(),
                refresh: None,
            };
            tokens::keep(tx, user, &grant, &refresh)?;
        }
        Ok(())
    };
    db.write("test", settle).await.unwrap();
    closed(machine, db).await;
}

/// Waits until the database's threads have closed it.
async fn closed(machine: &Machine, db: Db) {
    drop(db);
    let lock = std::fs::File::open(machine.folder.path().join("dropday.db.lock")).unwrap();
    eventually("the end of a database", async || lock.try_lock().ok()).await;
    lock.unlock().unwrap();
}

fn open(machine: &Machine) -> Result<Db, StoreError> {
    open_with(machine, &key_of(machine))
}

fn open_with(machine: &Machine, key: &Path) -> Result<Db, StoreError> {
    let key = decode_key(&SecretString::from(std::fs::read_to_string(key).unwrap())).unwrap();
    let (clock, rng) = (Arc::new(SystemClock), SeededRng::new(7));
    Db::open(&machine.database(), Cipher::new(&key), clock, rng)
}

/// A process that starts now can read all tokens, whichever key it uses.
async fn assert_all_open(machine: &Machine) {
    let ended = machine.run(&["status", "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let db = open(machine).unwrap();
    let read = |tx: &dropday::store::Tx<'_>| {
        for n in 0..CROWD {
            let kept = tokens::find(tx, UserId(n + 1))?.expect("tokens");
            assert_eq!(kept.tokens.refresh.0.expose_secret(), format!("refresh-{n}"));
            assert_eq!(kept.tokens.access.0.expose_secret(), format!("access-{n}"));
        }
        Ok(())
    };
    db.read("test", read).await.unwrap();
    closed(machine, db).await;
}

#[tokio::test]
async fn rotation_killed_at_any_moment_loses_no_token() {
    let machine = Machine::new().await;
    refusals(&machine).await;
    let db = open(&machine).unwrap();
    let (rng, signed) = (SeededRng::new(3), db.cipher().sign("a link"));
    closed(&machine, db).await;
    let (mut kills, mut last_step, mut longest) = (0, 0, 400.0);
    let first = std::fs::read(key_of(&machine)).unwrap();
    for _ in 0..24 {
        let began = SystemClock.now();
        let mut process: Running = machine.start(&["key", "rotate"]);
        let wait = Duration::from_secs_f64(fraction(&*rng) * longest / 1000.0);
        SystemClock.sleep(wait).await;
        if process.kill() {
            kills += 1;
            match open(&machine) {
                Ok(db) => closed(&machine, db).await,
                Err(error) => {
                    assert!(matches!(error, StoreError::WrongKey), "{error}");
                    last_step += 1;
                }
            }
        } else {
            // How long it takes on this machine today.
            longest = SystemClock.now().duration_since(began).as_secs_f64() * 1000.0 + 20.0;
        }
        assert_all_open(&machine).await;
    }
    print_out(&format!("{kills} kills of a key rotation, {last_step} of them in its last step"));
    assert!(kills > 0);
    let ended = machine.run(&["key", "rotate"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_all_open(&machine).await;
    let old = machine.folder.path().join("first.key");
    std::fs::write(&old, first).unwrap();
    assert!(matches!(open_with(&machine, &old), Err(StoreError::WrongKey)));
    let db = open(&machine).unwrap();
    assert_eq!(db.cipher().sign("a link"), signed, "links that were sent stay valid");
    assert!(!machine.database().with_extension("key.new").exists());
    drop(db);
    machine.finish().await;
}

#[tokio::test]
async fn next_start_finishes_interrupted_rotation() {
    let (machine, ..) = machine_with_martha().await;
    let file = key_of(&machine);
    let beside = |ending: &str| machine.database().with_extension(format!("key{ending}"));
    for (verb, said) in [(&["status"][..], "Artists tracked"), (&["key", "rotate"], "last step")] {
        assert_eq!(machine.run(&["key", "rotate"]).await.code, Some(0));
        let new = std::fs::read(&file).unwrap();
        let old =
            std::fs::read_dir(machine.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let is_old = |path: &PathBuf| text(path).contains(".key.old");
        let last =
            old.filter(is_old).max_by_key(|path| path.metadata().unwrap().modified().unwrap());
        // As if the database had the new key and the file had not been moved into place.
        std::fs::rename(&file, beside(".new")).unwrap();
        std::fs::rename(last.unwrap(), &file).unwrap();
        let ended = machine.run(verb).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains(said), "{ended:?}");
        assert!(std::fs::read(&file).unwrap() == new && !beside(".new").exists());
    }
    machine.finish().await;
}

#[tokio::test]
async fn failed_rotation_changes_nothing_and_can_be_repeated() {
    let (machine, ..) = machine_with_martha().await;
    let database = Connection::open(machine.database()).unwrap();
    let stop =
        "CREATE TRIGGER stop BEFORE UPDATE ON tokens BEGIN SELECT RAISE(ABORT, 'cut short'); END";
    database.execute_batch(stop).unwrap();
    let key = std::fs::read(key_of(&machine)).unwrap();
    let ended = machine.run(&["key", "rotate"]).await;
    assert!(ended.code == Some(1) && ended.err.contains("cut short"), "{ended:?}");
    assert!(std::fs::read(key_of(&machine)).unwrap() == key);
    assert_eq!(machine.run(&["status"]).await.code, Some(0));
    database.execute_batch("DROP TRIGGER stop").unwrap();
    drop(database);
    let ended = machine.run(&["key", "rotate"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(std::fs::read(machine.database().with_extension("key.old")).unwrap() == key);
    assert!(!machine.database().with_extension("key.new").exists());
    assert_eq!(machine.run(&["once", "--all"]).await.code, Some(0));
    machine.finish().await;
}

#[tokio::test]
async fn rotation_of_credential_says_where_to_put_the_key() {
    let machine = Machine::new().await;
    let credentials = tempfile::TempDir::new().unwrap();
    let handed = credentials.path().join("secrets.key");
    std::fs::write(&handed, BASE64_STANDARD.encode([7; 32])).unwrap();
    let run = async |arguments: &[&str]| {
        machine.run_with_credentials(credentials.path(), arguments).await
    };
    assert_eq!(run(&["once"]).await.code, Some(0));
    let ended = run(&["key", "rotate"]).await;
    assert!(ended.err.contains("the credential secrets.key"), "{ended:?}");
    let new = machine.folder.path().join("new.key");
    for _ in 0..2 {
        let ended = run(&["key", "rotate", "--to", text(&new)]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains("mv --backup=numbered"), "no old key is overwritten");
        let put = format!("install -m 600 {} /etc/dropday/credentials/secrets.key", new.display());
        assert!(ended.out.contains(&put), "{}", ended.out);
        assert!(!ended.out.contains("set secrets.key_file"), "{}", ended.out);
    }
    std::fs::copy(&new, &handed).unwrap();
    assert_eq!(run(&["once"]).await.code, Some(0), "the remedy helps");
    std::fs::copy(&new, key_of(&machine)).unwrap();
    machine.finish().await;
}

#[tokio::test]
async fn configured_key_is_rotated_to_a_file() {
    let given = BASE64_STANDARD.encode([7; 32]);
    let with = [("SECRETS__KEY", given.as_str())];
    let machine = Machine::with(&with).await;
    let artist = machine.world.add_artist("Röyksopp");
    machine.settle(&[("Martha", &[artist.as_str()])]).await;
    let ended = machine.run(&["key", "rotate"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("--to FILE"), "{ended:?}");
    let new = machine.folder.path().join("new.key");
    let rotate = ["key", "rotate", "--to", text(&new)];
    let ended = machine.run(&rotate).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("secrets.key_file"), "{}", ended.out);
    assert_eq!(new.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let ended = machine.run(&["status"]).await;
    assert!(ended.err.contains("the key does not fit"), "{ended:?}");
    let ended = machine.run(&rotate).await;
    assert_eq!(ended.code, Some(0), "a repetition is harmless: {ended:?}");
    assert!(ended.out.contains("The database uses the key in"), "{}", ended.out);
    let now = [("SECRETS__KEY", ""), ("SECRETS__KEY_FILE", text(&new))];
    let ended = machine.run_with(&now, &["once", "--all"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Back to the first key, which `finish` uses.
    let back = machine.folder.path().join("back.key");
    std::fs::write(&back, &given).unwrap();
    let ended = machine.run_with(&now, &["key", "rotate", "--to", text(&back)]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    machine.finish().await;
}
