//! A store in an SQLite file.

use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use sqlx::{
    Sqlite, SqlitePool,
    query::Query,
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
    BlobId, Generation, Store, StoreError, Written,
    failure::unix_millis,
    sweep::{Left, Sweeper},
};

/// Keeps blobs in an SQLite file: for one machine.
///
/// What has been stored survives a crash of the process and of the machine. Several processes of one machine can share the
/// file; a network file system is no place for it. What has expired is removed by a task every five minutes. The room
/// is used again, but the file does not shrink.
///
/// Clones are the same store.
///
/// ```
/// use sealed_session::store::SqliteStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sealed_session::store::StoreError> {
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("sessions.db");
/// let store = SqliteStore::open(path).await?; // "/var/lib/shop/sessions.db"
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    /// SQLite has one writer at a time. Those of this store wait here for their turn, in order, and not in SQLite, where
    /// who waits looks again now and then, and can be unlucky for seconds.
    writing: Arc<Mutex<()>>,
    sweeper: Arc<Sweeper>,
}

/// How long to wait for writers of other processes.
const BUSY: Duration = Duration::from_secs(5);

/// Rows of a batch: some milliseconds, in which nobody else writes.
const BATCH: u64 = 200;

impl SqliteStore {
    /// The table and its index, as [`open`](Self::open) creates them.
    pub const SCHEMA: &str = include_str!("sqlite.sql");

    /// Opens a file, and creates it and the table in it if there is none. The directory must exist.
    ///
    /// # Errors
    ///
    /// If the file can't be opened or written, or is not SQLite's. `:memory:` is refused: it would be another
    /// database for each connection. [`MemoryStore`](super::MemoryStore) keeps blobs in memory.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        if path == Path::new(":memory:") {
            return Err(StoreError::when("opening the file")(":memory: is not a file"));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .busy_timeout(BUSY)
            // Readers don't wait for the writer, nor the writer for them.
            .journal_mode(SqliteJournalMode::Wal)
            // What a cookie refers to must not be lost by a power cut.
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(BUSY)
            // A file does not hang up.
            .test_before_acquire(false);
        // To change a new file to a write-ahead log takes a lock for which SQLite does not wait, in case another
        // process opens it just now.
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

    /// Uses a pool of yours, in whose database [`SCHEMA`](Self::SCHEMA) is. How safe and how fast the store is, is up to the
    /// pool's options; `open` has `journal_mode` WAL, `synchronous` FULL and a `busy_timeout` of 5 seconds.
    pub fn from_pool(pool: SqlitePool) -> Self {
        Self { pool, writing: Arc::default(), sweeper: Arc::new(Sweeper::new()) }
    }

    /// Creates the table and its index where there are none.
    ///
    /// # Errors
    ///
    /// If the database can't be written.
    pub async fn create_schema(&self) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        raw_sql(Self::SCHEMA).execute(&self.pool).await.map_err(StoreError::when("creating the table"))?;
        Ok(())
    }

    /// Removes what has expired that often, and not every five minutes. The task begins with the first blob that is created,
    /// and ends with the store's last clone.
    pub fn sweep_every(self, interval: Duration) -> Self {
        self.sweeper.set_interval(interval);
        self
    }

    /// Stops to remove what has expired, for all clones: another node does it, or a job of yours. It still counts as
    /// absent.
    pub fn stop_sweeping(&self) {
        self.sweeper.stop();
    }

    async fn write(
        &self,
        doing: &'static str,
        statement: Query<'static, Sqlite, SqliteArguments>,
    ) -> Result<Written, StoreError> {
        let (turn, pool) = (self.writing.clone().lock_owned().await, self.pool.clone());
        // A task of its own keeps its turn, and its connection, until SQLite is done, also when the caller has given up.
        // While another process has the file locked, the next would take another connection otherwise, and so on, until
        // none is left for those who read.
        let writing = tokio::spawn(async move {
            let done = statement.execute(&pool).await;
            drop(turn);
            done
        });
        let done = writing.await.map_err(StoreError::when(doing))?.map_err(StoreError::when(doing))?;
        Ok(match done.rows_affected() {
            0 => Written::Conflict,
            _ => Written::Done,
        })
    }

    fn sweep(&self) {
        self.sweeper.wake("SqliteStore", || {
            let (pool, writing) = (self.pool.clone(), self.writing.clone());
            move || batch(pool.clone(), writing.clone())
        });
    }
}

async fn batch(pool: SqlitePool, writing: Arc<Mutex<()>>) -> Result<Left, StoreError> {
    let _turn = writing.lock().await;
    let swept = sqlx::query(
        "DELETE FROM sealed_sessions WHERE rowid IN
            (SELECT rowid FROM sealed_sessions WHERE expires <= ? LIMIT ?)",
    )
    .bind(now())
    .bind(BATCH.cast_signed())
    .execute(&pool)
    .await
    .map_err(StoreError::when("sweeping"))?;
    Ok(if swept.rows_affected() < BATCH { Left::Nothing } else { Left::Perhaps })
}

/// The process and its database have the same clock.
fn now() -> i64 {
    unix_millis(SystemTime::now())
}

fn is_busy(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY, and its extended codes, of which it is the low byte.
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Each call is one statement, and so atomic, even if its future is dropped while it runs: it runs to its end.
impl Store for SqliteStore {
    type Error = StoreError;

    async fn load(&self, index: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        sqlx::query_scalar("SELECT substr(blob, 1, ?) FROM sealed_sessions WHERE id = ? AND expires > ?")
            .bind(i32::try_from(most).unwrap_or(i32::MAX))
            .bind(&index.as_bytes()[..])
            .bind(now())
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::when("loading a blob"))
    }

    async fn create(&self, index: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        self.sweep();
        let statement = sqlx::query(
            "INSERT INTO sealed_sessions (id, expires, blob) VALUES (?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, blob = excluded.blob
                WHERE sealed_sessions.expires <= ?",
        );
        let statement =
            statement.bind(&index.as_bytes()[..]).bind(unix_millis(expires)).bind(blob).bind(now());
        self.write("creating a blob", statement).await
    }

    async fn replace(
        &self,
        index: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        let expected = expected.to_be_bytes();
        let statement = sqlx::query(
            "UPDATE sealed_sessions SET expires = ?, blob = ?
                WHERE id = ? AND substr(blob, 6, 8) = ? AND expires > ?",
        );
        let statement = statement
            .bind(unix_millis(expires))
            .bind(blob)
            .bind(&index.as_bytes()[..])
            .bind(&expected[..])
            .bind(now());
        self.write("replacing a blob", statement).await
    }

    async fn set_expiry(
        &self,
        index: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        let expected = expected.to_be_bytes();
        let statement = sqlx::query(
            "UPDATE sealed_sessions SET expires = ? WHERE id = ? AND substr(blob, 6, 8) = ? AND expires > ?",
        );
        let statement =
            statement.bind(unix_millis(expires)).bind(&index.as_bytes()[..]).bind(&expected[..]).bind(now());
        self.write("setting an expiry", statement).await
    }

    async fn delete(&self, index: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        let expected = expected.map(Generation::to_be_bytes);
        let statement = sqlx::query(
            "DELETE FROM sealed_sessions
                WHERE id = ?1 AND (?2 IS NULL OR substr(blob, 6, 8) = ?2) AND expires > ?3",
        );
        let statement =
            statement.bind(&index.as_bytes()[..]).bind(expected.as_ref().map(|bytes| &bytes[..])).bind(now());
        self.write("deleting a blob", statement).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.pool.connect_options();
        f.debug_struct("SqliteStore").field("file", &file.get_filename()).finish_non_exhaustive()
    }
}
