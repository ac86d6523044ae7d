//! A store in PostgreSQL.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use sqlx::{
    Connection, Error, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgSslMode},
    query::Query,
    raw_sql,
};
use tokio::{runtime::Handle, time::timeout};

use super::{
    BlobId, Generation, Store, StoreError, Written, clear,
    failure::unix_millis,
    sweep::{Left, Sweeper},
};

/// Keeps blobs in a table of PostgreSQL, 9.5 or later.
///
/// Call [`create_schema`](Self::create_schema) when the application starts, or put [`SCHEMA`](Self::SCHEMA) into your
/// migrations. The database's clock judges what has expired, so nodes need not agree on the time. What has expired
/// counts as absent at once, and is removed by a task every five minutes; if several nodes do so, they don't get in each
/// other's way.
///
/// Clones are the same store.
///
/// # TLS
///
/// This crate enables none, so that you choose which. Add sqlx with a feature of yours, such as
/// `sqlx = { version = "0.9", default-features = false, features = ["tls-rustls"] }`, to your dependencies, and
/// `?sslmode=verify-full` to the URL. Without such a feature, a URL that demands TLS is an error; one that says nothing
/// (`sslmode=prefer`) connects in clear. A store beyond this machine that may be reached in clear, because its `sslmode` is
/// below `require`, is logged as a warning.
///
/// ```no_run
/// use sealed_session::store::PostgresStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sealed_session::store::StoreError> {
/// let store = PostgresStore::connect("postgres://shop:secret@db/shop").await?;
/// store.create_schema().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: PgPool,
    sweeper: Arc<Sweeper>,
}

/// Rows of a batch, which are locked together for some milliseconds.
const BATCH: u64 = 500;

/// How long a connection that is given back may take to answer what it was asked before.
const PATIENCE: Duration = Duration::from_secs(5);

/// Since when PostgreSQL can look whether a client is still there while it works for it.
const LOOKS: u32 = 140_000;

/// Warns when nothing forces the connection to be encrypted. A mode from `require` on connects with TLS or not at all.
fn warn_if_clear(options: &PgConnectOptions) {
    let host = options.get_host();
    let is_local = options.get_socket().is_some() || host.starts_with('/') || clear::is_loopback(host);
    if !is_local
        && matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer)
    {
        clear::warn("PostgresStore", host, "enable one of sqlx's TLS features, and set sslmode=verify-full");
    }
}

impl PostgresStore {
    /// The table and its index. It can be run again.
    pub const SCHEMA: &str = include_str!("postgres.sql");

    /// Connects, with at most ten connections. The URL is that of `libpq`; what it leaves out is taken from the environment,
    /// as `PGPASSWORD`.
    ///
    /// # Errors
    ///
    /// If the URL is wrong, or the database does not answer within five seconds, or does not let us in.
    ///
    /// # Security
    ///
    /// sqlx logs, as a warning, the parameters of a URL that it does not know, with their values: `?pasword=…`, too.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(StoreError::when("connecting to PostgreSQL"))?;
        // One connection by itself first: a pool tries again until its time is up, and does not say why there is none.
        let first = async { PgConnection::connect_with(&options).await?.close().await };
        timeout(PATIENCE, first)
            .await
            .map_err(StoreError::when("connecting to PostgreSQL"))?
            .map_err(StoreError::when("connecting to PostgreSQL"))?;
        let pool = PgPoolOptions::new()
            .max_connections(10)
            // Later calls wait so long for a connection, too.
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            .connect_with(options)
            .await
            .map_err(StoreError::when("connecting to PostgreSQL"))?;
        Ok(Self::from_pool(pool))
    }

    /// Uses a pool of yours, of the sqlx that this version depends on. The table is found by the connection's
    /// `search_path`. Statements are prepared by name, which PgBouncer passes on from 1.21.
    ///
    /// A connection that has not answered five seconds after its call was given up is closed. So that PostgreSQL does not go
    /// on to wait for a lock in its name, [`connect`](Self::connect) has set `client_connection_check_interval` to two
    /// seconds, where there is such a setting.
    pub fn from_pool(pool: PgPool) -> Self {
        warn_if_clear(&pool.connect_options());
        Self { pool, sweeper: Arc::new(Sweeper::new()) }
    }

    /// Creates the table and its index if there is no such table. Any number of nodes may do so at once.
    ///
    /// # Errors
    ///
    /// If the database does not answer, or the role may not create tables. It needs not, where there is the table.
    pub async fn create_schema(&self) -> Result<(), StoreError> {
        self.try_create_schema().await.map_err(StoreError::when("creating the table"))
    }

    async fn try_create_schema(&self) -> Result<(), sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        // Two CREATE TABLE IF NOT EXISTS at once can both find nothing, and one fails. So they take turns: this lock has
        // a number of its own ("sealsess"), and goes with the transaction.
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(i64::from_be_bytes(*b"sealsess"))
            .execute(&mut *transaction)
            .await?;
        let exists = sqlx::query_scalar::<_, bool>("SELECT to_regclass('sealed_sessions') IS NOT NULL");
        if !exists.fetch_one(&mut *transaction).await? {
            raw_sql(Self::SCHEMA).execute(&mut *transaction).await?;
        }
        transaction.commit().await
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
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Result<Written, StoreError> {
        let done = async { statement.execute(self.borrow().await?.connection()).await };
        let done = done.await.map_err(StoreError::when(doing))?;
        Ok(match done.rows_affected() {
            0 => Written::Conflict,
            _ => Written::Done,
        })
    }

    async fn borrow(&self) -> Result<Borrowed, Error> {
        self.pool.acquire().await.map(|connection| Borrowed(Some(connection)))
    }

    fn sweep(&self) {
        self.sweeper.wake("PostgresStore", || {
            let pool = self.pool.clone();
            move || batch(pool.clone())
        });
    }
}

/// So that a lock's queue does not fill with those who have left.
async fn prepare(connection: &mut PgConnection) -> Result<(), Error> {
    if connection.server_version_num().is_none_or(|version| version < LOOKS) {
        return Ok(());
    }
    match raw_sql("SET client_connection_check_interval = '2s'").execute(connection).await {
        // Not on all systems.
        Ok(_) | Err(Error::Database(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A connection of the pool for one call, which may be given up at any time.
///
/// The pool takes a connection back when it has answered all that it was asked, and it waits for that as long as it takes.
/// A server that has vanished without a word answers never, and a pool of such connections would be of no use for as
/// long as the system believes in them, a quarter of an hour or for good.
struct Borrowed(Option<PoolConnection<Postgres>>);

impl Borrowed {
    fn connection(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("it is given back at the end")
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let (Some(connection), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(give_back(connection));
        }
    }
}

async fn give_back(mut connection: PoolConnection<Postgres>) {
    if timeout(PATIENCE, connection.ping()).await.is_err() {
        tracing::warn!(store = "PostgresStore", "a connection to PostgreSQL does not answer, and is closed");
        drop(connection.detach());
    }
}

async fn batch(pool: PgPool) -> Result<Left, StoreError> {
    // Rows that another node is sweeping, or that someone writes just now, are left to them.
    let swept = sqlx::query(
        "DELETE FROM sealed_sessions WHERE id IN
            (SELECT id FROM sealed_sessions WHERE expires <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)",
    )
    .bind(BATCH.cast_signed())
    .execute(&pool)
    .await
    .map_err(StoreError::when("sweeping"))?;
    Ok(if swept.rows_affected() < BATCH { Left::Nothing } else { Left::Perhaps })
}

/// Each call is one statement, and so atomic, even if its future is dropped while it runs. Two that change the same row
/// take turns, and the second looks at what the first has left (READ COMMITTED). The clock is `clock_timestamp`, which
/// goes on while a statement waits, and not `now`.
impl Store for PostgresStore {
    type Error = StoreError;

    async fn load(&self, index: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let statement = sqlx::query_scalar(
            "SELECT substr(blob, 1, $2) FROM sealed_sessions WHERE id = $1 AND expires > clock_timestamp()",
        )
        .bind(&index.as_bytes()[..])
        .bind(i32::try_from(most).unwrap_or(i32::MAX));
        let found = async { statement.fetch_optional(self.borrow().await?.connection()).await };
        found.await.map_err(StoreError::when("loading a blob"))
    }

    async fn create(&self, index: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        self.sweep();
        let statement = sqlx::query(
            "INSERT INTO sealed_sessions (id, expires, blob)
                VALUES ($1, 'epoch'::timestamptz + $2::bigint * interval '1 millisecond', $3)
                ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, blob = excluded.blob
                WHERE sealed_sessions.expires <= clock_timestamp()",
        );
        self.write(
            "creating a blob",
            statement.bind(&index.as_bytes()[..]).bind(unix_millis(expires)).bind(blob),
        )
        .await
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
            "UPDATE sealed_sessions SET
                expires = 'epoch'::timestamptz + $3::bigint * interval '1 millisecond', blob = $4
                WHERE id = $1 AND substr(blob, 6, 8) = $2 AND expires > clock_timestamp()",
        );
        let statement =
            statement.bind(&index.as_bytes()[..]).bind(&expected[..]).bind(unix_millis(expires)).bind(blob);
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
            "UPDATE sealed_sessions SET
                expires = 'epoch'::timestamptz + $3::bigint * interval '1 millisecond'
                WHERE id = $1 AND substr(blob, 6, 8) = $2 AND expires > clock_timestamp()",
        );
        let statement = statement.bind(&index.as_bytes()[..]).bind(&expected[..]).bind(unix_millis(expires));
        self.write("setting an expiry", statement).await
    }

    async fn delete(&self, index: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        let expected = expected.map(Generation::to_be_bytes);
        let statement = sqlx::query(
            "DELETE FROM sealed_sessions
                WHERE id = $1 AND ($2::bytea IS NULL OR substr(blob, 6, 8) = $2) AND expires > clock_timestamp()",
        );
        let statement = statement.bind(&index.as_bytes()[..]).bind(expected.as_ref().map(|bytes| &bytes[..]));
        self.write("deleting a blob", statement).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool would show its options, of which the password is one.
        let options = self.pool.connect_options();
        f.debug_struct("PostgresStore")
            .field("host", &options.get_host())
            .field("database", &options.get_database())
            .finish_non_exhaustive()
    }
}
