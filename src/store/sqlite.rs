//! A store in an SQLite file.

use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use sqlx::{
    Sqlite, SqlitePool,
    query::{Query, QueryScalar},
    raw_sql,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    },
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::{
    BlobId, Generation, Store, StoreError, Written, sql::impl_store, sweep::Sweeper, time::unix_millis,
};

/// A store in an SQLite file, for applications on a single machine.
///
/// Stored sessions survive a crash of the process and of the machine. Several processes on one machine can share the
/// file, but it must not be on a network file system. A background task removes expired blobs every five minutes.
/// SQLite reuses the space, but the file does not shrink.
///
/// The store is also a [`RevocationLog`](super::RevocationLog), in the table `sealed_revocations`. The processes that
/// share the file find the entries of the others by polling.
///
/// Clones share the same store.
///
/// ```
/// use sealed_session::store::SqliteStore;
///
/// #[tokio::main]
/// async fn main() -> Result<(), sealed_session::store::StoreError> {
/// #   let directory = tempfile::tempdir().unwrap();
/// #   let path = directory.path().join("sessions.db");
///     let store = SqliteStore::open(path).await?; // "/var/lib/shop/sessions.db"
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    pub(super) pool: SqlitePool,
    /// The queue of this store's writers. SQLite allows one writer at a time. It would itself let the others poll, and
    /// an unlucky one could then wait for seconds.
    writing: Arc<Mutex<()>>,
    sweeper: Arc<Sweeper>,
}

/// The time to wait for writers of other processes.
const BUSY: Duration = Duration::from_secs(5);

/// The number of rows that are swept together. Other writers wait for the few milliseconds that a batch takes.
const BATCH: u64 = 200;

impl SqliteStore {
    /// The SQL that creates the tables and their indexes, as [`open`](Self::open) runs it.
    pub const SCHEMA: &str = include_str!("sqlite.sql");

    /// Opens a database file, and creates the file and the tables if they do not exist. The directory must exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be opened or written, or is not an SQLite database. Rejects `:memory:`,
    /// which would be a separate database for each connection: use [`MemoryStore`](super::MemoryStore) to keep blobs in
    /// memory.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        if path == Path::new(":memory:") {
            return Err(StoreError::new("opening the file", ":memory: is not a file"));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .busy_timeout(BUSY)
            // Readers do not wait for the writer, nor the writer for them.
            .journal_mode(SqliteJournalMode::Wal)
            // A power failure must not lose a blob that a cookie already refers to.
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(BUSY)
            // A connection to a file does not break.
            .test_before_acquire(false);
        // Switching a new file to a write-ahead log takes a lock that SQLite does not wait for. Another process may be
        // opening the file at the same time.
        let patience = Instant::now() + BUSY;
        let pool = loop {
            match pool.clone().connect_with(options.clone()).await {
                Err(error) if is_busy(&error) && Instant::now() < patience => {
                    sleep(Duration::from_millis(20)).await;
                }
                answer => break answer.map_err(StoreError::when("opening the file"))?,
            }
        };
        let store = Self::from_pool(pool);
        store.create_schema().await?;
        Ok(store)
    }

    /// Uses a pool that you have configured, for a database that contains [`SCHEMA`](Self::SCHEMA).
    ///
    /// The durability and the speed of the store depend on the options of the pool. [`open`](Self::open) sets
    /// `journal_mode` to WAL, `synchronous` to FULL, and `busy_timeout` to 5 seconds.
    pub fn from_pool(pool: SqlitePool) -> Self {
        Self { pool, writing: Arc::default(), sweeper: Arc::new(Sweeper::new("SqliteStore", BATCH)) }
    }

    /// Creates the tables and their indexes if they do not exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the database cannot be written.
    pub async fn create_schema(&self) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let created = raw_sql(Self::SCHEMA).execute(&self.pool).await;
        created.map(drop).map_err(StoreError::when("creating the tables"))
    }

    /// Sets how often expired blobs are removed. Default: every five minutes.
    ///
    /// The background task starts when the first blob is created, and ends when the last clone of the store is dropped.
    pub fn sweep_every(self, interval: Duration) -> Self {
        self.sweeper.set_interval(interval);
        self
    }

    /// Stops removing expired blobs, for all clones, because another node or a job of yours does it. Expired blobs
    /// still count as absent.
    pub fn stop_sweeping(&self) {
        self.sweeper.stop();
    }

    fn sweep(&self) {
        self.sweeper.wake((self.pool.clone(), self.writing.clone()), batch);
    }

    async fn read(
        &self,
        doing: &'static str,
        statement: QueryScalar<'_, Sqlite, Vec<u8>, SqliteArguments>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        statement.fetch_optional(&self.pool).await.map_err(StoreError::when(doing))
    }

    pub(super) async fn write(
        &self,
        doing: &'static str,
        statement: Query<'static, Sqlite, SqliteArguments>,
    ) -> Result<Written, StoreError> {
        let (turn, pool) = (self.writing.clone().lock_owned().await, self.pool.clone());
        // A task keeps the turn and the connection until SQLite is done, even when the caller has given up. Otherwise,
        // while another process has the file locked, each next writer would take another connection, until none is left
        // for readers.
        let writing = tokio::spawn(async move {
            let _turn = turn;
            statement.execute(&pool).await
        });
        let done = writing.await.map_err(StoreError::when(doing))?.map_err(StoreError::when(doing))?;
        Ok(Written::from_count(done.rows_affected()))
    }
}

async fn batch((pool, writing): (SqlitePool, Arc<Mutex<()>>)) -> Result<u64, StoreError> {
    let _turn = writing.lock().await;
    let statement = sqlx::query(
        "DELETE FROM sealed_sessions WHERE rowid IN
            (SELECT rowid FROM sealed_sessions WHERE expires <= unixepoch('subsec') * 1000 LIMIT ?)",
    );
    let swept = statement.bind(BATCH.cast_signed()).execute(&pool).await;
    swept.map(|swept| swept.rows_affected()).map_err(StoreError::when("sweeping"))
}

fn is_busy(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY, which is the low byte of its extended codes.
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

impl_store!(SqliteStore, "unixepoch('subsec') * 1000", "$2");

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.pool.connect_options();
        f.debug_struct("SqliteStore").field("file", &file.get_filename()).finish_non_exhaustive()
    }
}
