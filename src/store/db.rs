//! The database: one thread that writes, one that reads, and transactions with a name and one
//! timestamp. Nothing awaits inside a transaction, so no network call can.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, Params, Row, Transaction, TransactionBehavior};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use super::presence::Presence;
use super::{Result, Sealer, StoreError, artists, migrations, outbox, tidy, tokens};
use crate::clock::{Chance, Clock};
use crate::domain::room::Room;

/// A transaction that takes longer is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);

/// More statements than there are: each is compiled once.
const STATEMENTS: usize = 256;

/// What pages are read of most often for 10,000 artists fits into so many KB. Used as far as it is filled.
const READ_CACHE_KB: i64 = 8_000;

/// How often to try to set up the write-ahead log.
const ATTEMPTS_AT_THE_LOG: u32 = 20;

/// Handle to the database; clones share it.
#[derive(Clone)]
pub struct Db {
    writer: Lane,
    reader: Lane,
    shared: Arc<Shared>,
}

/// A thread that owns a connection, and how its transactions begin: one that may write takes the
/// lock at once, so that what it read is still true when it comes to write.
#[derive(Clone)]
struct Lane {
    jobs: mpsc::Sender<Job>,
    begins: TransactionBehavior,
}

/// One open transaction.
pub struct Tx<'c> {
    conn: Transaction<'c>,
    now: Timestamp,
    shared: &'c Shared,
}

struct Shared {
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    sealer: Sealer,
    path: PathBuf,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

impl Db {
    /// Refuses what can be no database of ours: a folder, another program's database, a newer
    /// Dropday's. Changes nothing, and so comes first: to open is to write.
    ///
    /// # Errors
    /// Each with its remedy: see [`StoreError`].
    pub fn look_at(path: &Path) -> Result<()> {
        let cannot = |why: &str| StoreError::CannotOpen { path: path.to_owned(), why: why.into() };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match path.metadata() {
            Ok(file) if file.is_dir() => return Err(cannot("it is a folder")),
            Err(_) if folder.is_some_and(|folder| !folder.is_dir()) => {
                return Err(cannot("there is no such folder"));
            }
            _ => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let seen = Connection::open_with_flags(path, flags).map_err(StoreError::from);
        match seen.and_then(|conn| migrations::version_of_ours(&conn, path)) {
            Err(error @ (StoreError::NotOurs(_) | StoreError::FromTheFuture { .. })) => Err(error),
            // What cannot be read yet, or not without writing, is for `open` to judge.
            _ => Ok(()),
        }
    }

    /// Opens the database at `path`, made with mode 0600 if it is new, and brings it up to date.
    /// Blocks for as long as that takes: for start-up.
    ///
    /// # Errors
    /// Each with its remedy: see [`StoreError`].
    pub fn open(
        path: &Path,
        sealer: Sealer,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Self> {
        let mut conn = connect(path)?;
        migrations::bring_up_to_date(&mut conn, path)?;
        let reading = connect(path)?;
        reading.pragma_update(None, "query_only", true)?;
        reading.pragma_update(None, "cache_size", -READ_CACHE_KB)?;
        let shared = Arc::new(Shared { clock, chance, sealer, path: path.to_owned() });
        let immediate = TransactionBehavior::Immediate;
        shared.transact(&mut conn, immediate, "try the key", try_the_key)?;
        shared.transact(&mut conn, immediate, "tidy", tidy::tidy)?;
        let presence = Presence::announce(path, || {
            shared.transact(&mut conn, immediate, "release stale claims", |tx| {
                artists::release_claims(tx)?;
                tokens::release_claims(tx)?;
                outbox::release_claims(tx)
            })
        })?;
        // A process that was killed, or could not, has left this to us.
        empty_the_log(&conn).ok();
        let writer = Lane { jobs: lane("db-write", conn, Some(presence))?, begins: immediate };
        let begins = TransactionBehavior::Deferred;
        let reader = Lane { jobs: lane("db-read", reading, None)?, begins };
        Ok(Self { writer, reader, shared })
    }

    /// Runs `work` in a transaction that may write, and commits it if `work` succeeds.
    ///
    /// # Errors
    /// Those of `work`, and [`StoreError`] where the transaction cannot begin or commit.
    pub async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.writer, name, work).await
    }

    /// Runs `work` in a transaction that sees one state of the database and writes nothing.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(&self.reader, name, work).await
    }

    /// The room on the disk that it lies on; `None` where the system does not say.
    pub fn room(&self) -> Option<Room> {
        self.shared.room()
    }

    /// Empties the write-ahead log into the database, so that what was deleted is gone from disk.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where somebody still reads from the log.
    pub async fn checkpoint(&self) -> Result<()> {
        self.with_writer(|conn, _| empty_the_log(conn)).await
    }

    /// Whether it can be written to, and still is of the version that this program knows. A page is changed,
    /// handed to the system and taken back: nothing of it is left, and no disk has to turn for it.
    ///
    /// # Errors
    /// Each with its remedy: see [`StoreError`].
    pub async fn can_write(&self) -> Result<()> {
        self.with_writer(|conn, shared| try_to_write(conn, &shared.path)).await
    }

    /// Looks the whole file over; `None` if it is sound, else what is wrong.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot even be read.
    pub async fn damage(&self) -> Result<Option<String>> {
        self.read("quick check", |tx| {
            let found: String =
                tx.conn().query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            Ok((found != "ok").then_some(found))
        })
        .await
    }

    /// The signatures of links.
    pub fn sealer(&self) -> &Sealer {
        &self.shared.sealer
    }

    /// Where the database lies.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    async fn with_writer(
        &self,
        work: impl FnOnce(&mut Connection, &Shared) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (answer, done) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let job: Job = Box::new(move |conn| {
            answer.send(work(conn, &shared)).ok();
        });
        self.writer.jobs.send(job).map_err(|_| StoreError::Closed)?;
        done.await.map_err(|_| StoreError::Closed)?
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: &Lane,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, done) = oneshot::channel();
        let (shared, begins) = (Arc::clone(&self.shared), lane.begins);
        let job: Job = Box::new(move |conn| {
            // The asker may have gone away; the work stands all the same.
            answer.send(shared.transact(conn, begins, name, work)).ok();
        });
        lane.jobs.send(job).map_err(|_| StoreError::Closed)?;
        done.await.map_err(|_| StoreError::Closed)?
    }
}

impl Shared {
    fn room(&self) -> Option<Room> {
        let stat = rustix::fs::statvfs(&self.path).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Some(Room { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
    }

    fn transact<T>(
        &self,
        conn: &mut Connection,
        begins: TransactionBehavior,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let began = Instant::now();
        let conn = conn.transaction_with_behavior(begins)?;
        let tx = Tx { conn, now: self.clock.now(), shared: self };
        let result = work(&tx)?;
        tx.conn.commit()?;
        if began.elapsed() > SLOW {
            tracing::warn!(
                transaction = name,
                took_ms = began.elapsed().as_millis(),
                "slow transaction"
            );
        }
        Ok(result)
    }
}

impl Tx<'_> {
    /// The room on the disk that the database lies on; `None` where the system does not say.
    pub fn room(&self) -> Option<Room> {
        self.shared.room()
    }

    /// The file that the database lies in.
    pub(super) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The one time of this transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn conn(&self) -> &Connection {
        &self.conn
    }

    /// Runs a statement, compiled once for all transactions; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.conn.prepare_cached(sql)?.execute(params)
    }

    /// The one row of a query, compiled once for all transactions.
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.conn.prepare_cached(sql)?.query_row(params, read)
    }

    pub(super) fn seal(&self, secret: &SecretString, identity: &str) -> Vec<u8> {
        self.shared.sealer.seal(secret, identity, &*self.shared.chance)
    }

    pub(super) fn open_seal(&self, sealed: &[u8], identity: &str) -> Result<SecretString> {
        self.shared.sealer.open(sealed, identity)
    }
}

fn empty_the_log(conn: &Connection) -> Result<()> {
    // https://www.sqlite.org/pragma.html#pragma_wal_checkpoint: the first column says busy.
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let is_busy: bool = conn.query_row(sql, [], |row| row.get(0))?;
    if is_busy { Err(StoreError::Locked) } else { Ok(()) }
}

fn try_to_write(conn: &mut Connection, path: &Path) -> Result<()> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    migrations::version_of_ours(&tx, path)?;
    tx.execute("INSERT INTO meta (key, value) VALUES ('can_write', zeroblob(16))", [])?;
    // Into the write-ahead log, where whoever writes next writes over it.
    tx.cache_flush()?;
    Ok(tx.rollback()?)
}

/// Opens the file, made with mode 0600 if it is not there. One that is there is opened by SQLite alone: all
/// locks that a process holds on a file end when it closes any descriptor of it, and without ours another
/// program would believe itself the last one and delete the write-ahead log
/// (<https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>).
fn connect(path: &Path) -> Result<Connection> {
    let cannot = |why: String| StoreError::CannotOpen { path: path.to_owned(), why };
    match OpenOptions::new().create_new(true).append(true).mode(0o600).open(path) {
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {
            return Err(StoreError::ReadOnly);
        }
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(cannot(error.to_string()));
        }
        Ok(_) | Err(_) => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(path, flags).map_err(|error| cannot(error.to_string()))?;
    // What SQLite falls back to where it may not write.
    if conn.is_readonly("main")? {
        return Err(StoreError::ReadOnly);
    }
    match set_up(&conn) {
        Ok(()) => Ok(conn),
        // The files beside it, which SQLite makes.
        Err(StoreError::Sqlite(error))
            if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) =>
        {
            Err(cannot(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// Sets up the write-ahead log; the answer is the kind of journal that there is now. On a new
/// database that does not wait for another connection which does the same, but beginning to write
/// does, after which one more attempt finds it done.
fn begin_the_log(conn: &Connection) -> rusqlite::Result<String> {
    let begin = || conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
    for _ in 0..ATTEMPTS_AT_THE_LOG {
        match begin() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                conn.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            }
            begun => return begun,
        }
    }
    begin()
}

fn set_up(conn: &Connection) -> Result<()> {
    // First of all: every later pragma may have to wait for another connection.
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    let journal = begin_the_log(conn)?;
    if !journal.eq_ignore_ascii_case("wal") {
        tracing::warn!(journal, "the file system has no write-ahead log; reads wait for writes");
    }
    // WAL with NORMAL may lose the last commits when the power fails; here that is a second mail.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // Who leaves is gone: deleted rows are overwritten, not merely unlinked.
    conn.pragma_update(None, "secure_delete", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "journal_size_limit", 16 << 20)?;
    Ok(())
}

/// A thread that owns `conn` and works off what it is sent, until every handle is gone.
fn lane(name: &str, mut conn: Connection, presence: Option<Presence>) -> Result<mpsc::Sender<Job>> {
    let (jobs, queue) = mpsc::channel::<Job>();
    let work = move || {
        for job in queue {
            // A panic costs its own transaction, which is rolled back, and no other.
            std::panic::catch_unwind(AssertUnwindSafe(|| job(&mut conn))).ok();
        }
        conn.execute_batch("PRAGMA optimize").ok();
        drop(presence);
    };
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(|_| StoreError::Closed)?;
    Ok(jobs)
}

/// Keeps a word sealed with the key, and finds out at every start whether it still opens.
fn try_the_key(tx: &Tx<'_>) -> Result<()> {
    const ROW: &str = "meta/key_check";
    const WORD: &str = "dropday";
    let kept = tx.conn().query_row("SELECT value FROM meta WHERE key = 'key_check'", [], |row| {
        row.get::<_, Vec<u8>>(0)
    });
    match kept {
        Ok(sealed) if tx.open_seal(&sealed, ROW)?.expose_secret() == WORD => Ok(()),
        Ok(_) => Err(StoreError::WrongKey),
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            let sealed = tx.seal(&SecretString::from(WORD), ROW);
            tx.conn()
                .execute("INSERT INTO meta (key, value) VALUES ('key_check', ?1)", [sealed])?;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
