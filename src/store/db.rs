//! The database: one writer thread, one reader thread, and transactions with a name and one timestamp. Nothing awaits
//! inside a transaction, so no network call can happen in one.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Params, Row, Transaction, TransactionBehavior};
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::connection::{SYNCHRONOUS, connect, empty_the_log};
use super::process_lock::{OtherProcesses, ProcessLock};
use super::{
    Cipher, Result, StoreError, artists, clock_guard, keys, migrations, outbox, snapshot, tokens,
};
use crate::clock::{Clock, Rng};
use crate::domain::disk_space::DiskSpace;

/// Slower transactions are logged.
const SLOW: Duration = Duration::from_secs(1);

/// Enough for the pages that are read most with 10,000 artists.
const READ_CACHE_KB: i64 = 8_000;

/// Handle to the database; clones share it.
#[derive(Clone)]
pub struct Db {
    writer: DbThread,
    reader: DbThread,
    shared: Arc<Shared>,
}

/// A thread that owns a connection.
type DbThread = mpsc::Sender<Job>;

/// A transaction that may write takes the lock at once, so that what it read is still true when it writes.
const WRITES: TransactionBehavior = TransactionBehavior::Immediate;

pub struct Tx<'c> {
    conn: Transaction<'c>,
    now: Timestamp,
    shared: &'c Shared,
}

struct Shared {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    cipher: Cipher,
    path: PathBuf,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

impl Db {
    /// Rejects a folder, another program's database, or a newer Dropday's, without changing anything, as opening would.
    pub fn inspect(path: &Path) -> Result<()> {
        let cannot = |why: &str| StoreError::CannotOpen { path: path.to_owned(), why: why.into() };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match path.metadata() {
            Ok(file) if file.is_dir() => return Err(cannot("it is a folder")),
            Err(_) if folder.is_some_and(|folder| !folder.is_dir()) => {
                return Err(cannot("there is no such folder"));
            }
            _ => {}
        }
        match snapshot::read_only(path).and_then(|conn| migrations::schema_version(&conn, path)) {
            Err(error @ (StoreError::NotOurs(_) | StoreError::SchemaTooNew { .. })) => Err(error),
            // `open` reports what cannot be read.
            Err(_) | Ok(_) => Ok(()),
        }
    }

    /// Opens the database, which is created with mode 0600 if it does not exist, and upgrades it. Blocks.
    pub fn open(
        path: &Path,
        cipher: Cipher,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self> {
        let mut shared = Shared { clock, rng, cipher, path: path.to_owned() };
        let process_lock = ProcessLock::acquire_shared(path, |company| match company {
            // They have done it.
            OtherProcesses::Others => Ok(()),
            OtherProcesses::Unknown => shared.connect(company).map(drop),
            OtherProcesses::Nobody => {
                shared.connect(company).and_then(|conn| shared.release_stale_claims(conn))
            }
        })?;
        let mut conn = shared.connect(OtherProcesses::Others)?;
        let reading = connect(path)?;
        reading.pragma_update(None, "query_only", true)?;
        reading.pragma_update(None, "cache_size", -READ_CACHE_KB)?;
        shared.transact(&mut conn, WRITES, "check clock", clock_guard::check_clock)?;
        // It may be left from a process that was killed.
        empty_the_log(&conn).ok();
        let process_lock = Arc::new(process_lock);
        let writer = thread("db-write", conn, Arc::clone(&process_lock))?;
        let reader = thread("db-read", reading, process_lock)?;
        Ok(Self { writer, reader, shared: Arc::new(shared) })
    }

    /// Runs `work` in a transaction that may write, and commits it if `work` succeeds.
    pub async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.on(&self.writer, move |conn, shared| shared.transact(conn, WRITES, name, work)).await
    }

    /// Like [`Self::write`], but does not fsync on commit. Use it for state that matters only while this process runs,
    /// such as claims.
    pub async fn write_unsynced<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let unsynced = move |conn: &mut Connection, shared: &Shared| {
            // https://www.sqlite.org/pragma.html#pragma_synchronous: in WAL mode commits do not fsync then. The
            // next one that does includes them.
            conn.pragma_update(None, "synchronous", "NORMAL")?;
            let work = AssertUnwindSafe(|| shared.transact(conn, WRITES, name, work));
            let result = std::panic::catch_unwind(work);
            if let Err(error) = conn.pragma_update(None, "synchronous", SYNCHRONOUS) {
                tracing::error!(%error, "failed to restore fsync on commit");
            }
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        self.on(&self.writer, unsynced).await
    }

    /// Runs `work` in a read transaction.
    pub async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let begins = TransactionBehavior::Deferred;
        self.on(&self.reader, move |conn, shared| shared.transact(conn, begins, name, work)).await
    }

    /// The space on the database's disk; `None` if the system does not say.
    pub fn disk_space(&self) -> Option<DiskSpace> {
        self.shared.disk_space()
    }

    /// Empties the write-ahead log, so that what was deleted is gone from disk. Fails while another process reads from it.
    pub async fn checkpoint(&self) -> Result<()> {
        self.on(&self.writer, |conn, _| empty_the_log(conn)).await
    }

    /// Checks that the database can be written and still has the schema version that this program knows. A page is written
    /// to the system and rolled back, without fsync.
    pub async fn can_write(&self) -> Result<()> {
        self.on(&self.writer, |conn, shared| try_to_write(conn, &shared.path)).await
    }

    /// Checks the whole file. Returns what is wrong; `None` if it is sound.
    pub async fn damage(&self) -> Result<Option<String>> {
        self.read("check integrity", |tx| {
            let found: String =
                tx.conn().query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            Ok((found != "ok").then_some(found))
        })
        .await
    }

    /// Signs links.
    pub fn cipher(&self) -> &Cipher {
        &self.shared.cipher
    }

    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    async fn on<T: Send + 'static>(
        &self,
        thread: &DbThread,
        work: impl FnOnce(&mut Connection, &Shared) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, done) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let job: Job = Box::new(move |conn| {
            // The caller may be gone; the work is done anyway.
            answer.send(work(conn, &shared)).ok();
        });
        thread.send(job).map_err(|_| StoreError::Closed)?;
        done.await.map_err(|_| StoreError::Closed)?
    }
}

impl Shared {
    /// Connects, checks the key and upgrades the schema.
    fn connect(&mut self, company: OtherProcesses) -> Result<Connection> {
        let mut conn = connect(&self.path)?;
        // With the wrong key nothing is changed.
        if migrations::schema_version(&conn, &self.path)? > 0
            && !keys::matches(&conn, &self.cipher)?
        {
            return Err(StoreError::WrongKey);
        }
        migrations::migrate(&mut conn, &self.path, company)?;
        let tx = conn.transaction_with_behavior(WRITES)?;
        keys::settle(&tx, &mut self.cipher, &*self.rng)?;
        tx.commit()?;
        Ok(conn)
    }

    /// Releases the claims of a dead process.
    fn release_stale_claims(&self, mut conn: Connection) -> Result<()> {
        self.transact(&mut conn, WRITES, "release stale claims", |tx| {
            artists::release_claims(tx)?;
            tokens::release_claims(tx)?;
            outbox::release_claims(tx)
        })
    }

    fn disk_space(&self) -> Option<DiskSpace> {
        let stat = rustix::fs::statvfs(&self.path).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Some(DiskSpace { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
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
    /// The space on the database's disk; `None` if the system does not say.
    pub fn disk_space(&self) -> Option<DiskSpace> {
        self.shared.disk_space()
    }

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

    /// Runs a cached statement. Returns how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.conn.prepare_cached(sql)?.execute(params)
    }

    /// The only row of a cached query.
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.conn.prepare_cached(sql)?.query_row(params, read)
    }

    /// All rows of a cached query.
    pub(super) fn query_rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_map(params, read)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The first row of a cached query, if there is one.
    pub(super) fn query_optional<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.query_row(sql, params, read).optional()?)
    }

    pub(super) fn seal(&self, secret: &SecretString, associated_data: &str) -> Vec<u8> {
        self.shared.cipher.seal(secret, associated_data, &*self.shared.rng)
    }

    pub(super) fn open_seal(&self, sealed: &[u8], associated_data: &str) -> Result<SecretString> {
        self.shared.cipher.open(sealed, associated_data)
    }
}

fn try_to_write(conn: &mut Connection, path: &Path) -> Result<()> {
    let tx = conn.transaction_with_behavior(WRITES)?;
    migrations::schema_version(&tx, path)?;
    tx.execute("INSERT INTO meta (key, value) VALUES ('can_write', zeroblob(16))", [])?;
    // Into the write-ahead log, where the next write overwrites it.
    tx.cache_flush()?;
    Ok(tx.rollback()?)
}

/// Starts a thread that owns `conn` and runs jobs until every handle is dropped.
fn thread(name: &str, mut conn: Connection, process_lock: Arc<ProcessLock>) -> Result<DbThread> {
    let (jobs, queue) = mpsc::channel::<Job>();
    let work = move || {
        for job in queue {
            // A panic rolls back its own transaction only.
            std::panic::catch_unwind(AssertUnwindSafe(|| job(&mut conn))).ok();
        }
        conn.execute_batch("PRAGMA optimize").ok();
        // In this order: a process that gets the lock must find the file closed.
        drop(conn);
        drop(process_lock);
    };
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(|_| StoreError::Closed)?;
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use dropday::test_clock::SeededRng;
    use secrecy::SecretBox;

    /// `PRAGMA synchronous` inside a transaction (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
    fn level(tx: &Tx<'_>) -> Result<u32> {
        Ok(tx.conn().query_row("PRAGMA synchronous", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn only_unsynced_writes_skip_fsync_even_after_panic() {
        let (normal, full) = (1, 2);
        let folder = tempfile::tempdir().unwrap();
        let cipher = Cipher::new(&SecretBox::new(Box::new([7; 32])));
        let path = folder.path().join("dropday.db");
        let db = Db::open(&path, cipher, Arc::new(SystemClock), SeededRng::new(1)).unwrap();
        assert_eq!(db.write("check write", level).await.unwrap(), full);
        assert_eq!(db.write_unsynced("claim artists", level).await.unwrap(), normal);
        assert_eq!(db.write("check write", level).await.unwrap(), full);
        let broken =
            db.write_unsynced("claim artists", |_| -> Result<()> { panic!("on purpose") }).await;
        assert!(matches!(broken, Err(StoreError::Closed)));
        assert_eq!(db.write("check write", level).await.unwrap(), full);
    }
}
