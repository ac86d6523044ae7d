//! A store in PostgreSQL.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use sqlx::{
    Connection, Error, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgSslMode},
    query::{Query, QueryScalar},
    raw_sql,
};
use tokio::{runtime::Handle, time::timeout};

use super::{
    BlobId, Generation, Store, StoreError, Written, clear, log::postgres::Listener, sql::impl_store,
    sweep::Sweeper, time::unix_millis,
};

/// A store in PostgreSQL, version 9.5 or later.
///
/// Call [`create_schema`](Self::create_schema) when the application starts, or add [`SCHEMA`](Self::SCHEMA) to your
/// migrations. The database's clock decides what has expired, so nodes need not agree on the time. Expired blobs count
/// as absent at once, and a background task removes them every five minutes. Several nodes can do so at the same time
/// without blocking each other.
///
/// The store is also a [`RevocationLog`](super::RevocationLog), in the table `sealed_revocations`. For it, a role needs
/// the rights to read, insert and delete. An append takes an advisory lock and sends a notification. The first clone
/// that waits for notifications opens one connection beside the pool. Behind a pooler that does not support `LISTEN`,
/// entries are found by polling.
///
/// Clones share the same store.
///
/// # TLS
///
/// This crate does not enable TLS, so that you can choose the implementation. Add sqlx to your dependencies with one of
/// its TLS features, such as `sqlx = { version = "0.9", default-features = false, features = ["tls-rustls"] }`, and add
/// `?sslmode=verify-full` to the URL.
///
/// Without such a feature, a URL that requires TLS is an error, and a URL without an `sslmode` (which means `prefer`)
/// connects unencrypted. If a database on another machine may be reached unencrypted, because its `sslmode` is below
/// `require`, a warning is logged.
///
/// ```no_run
/// use sealed_session::store::PostgresStore;
///
/// #[tokio::main]
/// async fn main() -> Result<(), sealed_session::store::StoreError> {
///     let store = PostgresStore::connect("postgres://shop:secret@db/shop").await?;
///     store.create_schema().await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pub(super) pool: PgPool,
    sweeper: Arc<Sweeper>,
    pub(super) listener: Arc<Listener>,
}

/// The number of rows that are swept together. They are locked for the few milliseconds that a batch takes.
const BATCH: u64 = 500;

/// The time to wait for a server: to connect, and to answer on a connection that is returned to the pool.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first version of PostgreSQL that can check, during a statement, whether the client is still connected.
const CHECKS_CLIENTS: u32 = 140_000;

/// Logs a warning if the connection may be unencrypted. With an `sslmode` of at least `require`, sqlx connects with TLS
/// or not at all.
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
    /// The SQL that creates the tables and their indexes. It can be run repeatedly.
    pub const SCHEMA: &str = include_str!("postgres.sql");

    /// Connects to a database, with at most ten connections.
    ///
    /// The URL has the form that `libpq` uses. Environment variables such as `PGPASSWORD` supply what it leaves out.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, or if the database does not answer within five seconds or rejects the
    /// login.
    ///
    /// # Security
    ///
    /// sqlx logs URL parameters that it does not know as a warning, including their values, such as `?pasword=…`.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        const DOING: &str = "connecting to PostgreSQL";
        let options: PgConnectOptions = url.parse().map_err(StoreError::when(DOING))?;
        // A single connection first: a pool retries until its time is up and then does not report why.
        let first = async { PgConnection::connect_with(&options).await?.close().await };
        timeout(PATIENCE, first).await.map_err(StoreError::when(DOING))?.map_err(StoreError::when(DOING))?;
        let pool = PgPoolOptions::new()
            .max_connections(10)
            // Later calls wait this long for a connection, too.
            .acquire_timeout(PATIENCE)
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            .connect_with(options)
            .await;
        pool.map(Self::from_pool).map_err(StoreError::when(DOING))
    }

    /// Uses a pool that you have configured, of the version of sqlx that this crate depends on.
    ///
    /// The table is found by the connection's `search_path`. Statements are prepared by name, which PgBouncer supports
    /// from version 1.21.
    ///
    /// A connection is closed if it does not answer within five seconds after its call was dropped. To keep PostgreSQL
    /// from waiting for a lock on behalf of such a call, [`connect`](Self::connect) sets
    /// `client_connection_check_interval` to two seconds where the setting exists. For your own pool, set it yourself.
    pub fn from_pool(pool: PgPool) -> Self {
        warn_if_clear(&pool.connect_options());
        Self { pool, sweeper: Arc::new(Sweeper::new("PostgresStore", BATCH)), listener: Arc::default() }
    }

    /// Creates the tables and their indexes if they do not exist. Any number of nodes can call this at the same time.
    ///
    /// # Errors
    ///
    /// Returns an error if the database does not answer, or if a table does not exist and the role may not create it.
    pub async fn create_schema(&self) -> Result<(), StoreError> {
        self.try_create_schema().await.map_err(StoreError::when("creating the tables"))
    }

    async fn try_create_schema(&self) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        // Two concurrent CREATE TABLE IF NOT EXISTS can both find no table, and then one of them fails. This advisory
        // lock makes nodes take turns. Its number spells "sealsess", and the end of the transaction releases it.
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(i64::from_be_bytes(*b"sealsess"))
            .execute(&mut *transaction)
            .await?;
        let exists = sqlx::query_scalar::<_, bool>(
            "SELECT to_regclass('sealed_sessions') IS NOT NULL AND to_regclass('sealed_revocations') IS NOT NULL",
        );
        if !exists.fetch_one(&mut *transaction).await? {
            raw_sql(Self::SCHEMA).execute(&mut *transaction).await?;
        }
        transaction.commit().await
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
        self.sweeper.wake(self.pool.clone(), batch);
    }

    async fn read(
        &self,
        doing: &'static str,
        statement: QueryScalar<'_, Postgres, Vec<u8>, PgArguments>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let found = async { statement.fetch_optional(self.borrow().await?.connection()).await };
        found.await.map_err(StoreError::when(doing))
    }

    async fn write(
        &self,
        doing: &'static str,
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Result<Written, StoreError> {
        let done = async { statement.execute(self.borrow().await?.connection()).await };
        done.await.map(|done| Written::from_count(done.rows_affected())).map_err(StoreError::when(doing))
    }

    pub(super) async fn borrow(&self) -> Result<Borrowed, Error> {
        self.pool.acquire().await.map(|connection| Borrowed(Some(connection)))
    }
}

/// Keeps calls whose client has disconnected from filling the queue for a lock.
async fn prepare(connection: &mut PgConnection) -> Result<(), Error> {
    if connection.server_version_num().is_none_or(|version| version < CHECKS_CLIENTS) {
        return Ok(());
    }
    match raw_sql("SET client_connection_check_interval = '2s'").execute(connection).await {
        // Some operating systems do not support the setting.
        Ok(_) | Err(Error::Database(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A connection of the pool for one call, which may be dropped at any time.
///
/// The pool takes a connection back once all of its requests have been answered, however long that takes. If a server
/// has disappeared without closing its connections, that is until the operating system gives up: after a quarter of an
/// hour, or never. Until then, all connections of the pool could be stuck.
pub(super) struct Borrowed(Option<PoolConnection<Postgres>>);

impl Borrowed {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("taken only on drop")
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
        tracing::warn!(
            store = "PostgresStore",
            "a connection to PostgreSQL does not answer and will be closed"
        );
        drop(connection.detach());
    }
}

async fn batch(pool: PgPool) -> Result<u64, StoreError> {
    // Skips rows that another node is sweeping or that a call is writing.
    let statement = sqlx::query(
        "DELETE FROM sealed_sessions WHERE id IN
            (SELECT id FROM sealed_sessions WHERE expires <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)",
    );
    let swept = statement.bind(BATCH.cast_signed()).execute(&pool).await;
    swept.map(|swept| swept.rows_affected()).map_err(StoreError::when("sweeping"))
}

// Two calls that change the same row take turns, and the second sees what the first one left (READ COMMITTED). The
// clock is `clock_timestamp` because `now` stands still while a statement waits.
impl_store!(
    PostgresStore,
    "clock_timestamp()",
    "'epoch'::timestamptz + $2::bigint * interval '1 millisecond'"
);

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The `Debug` output of the pool would contain the password.
        let options = self.pool.connect_options();
        f.debug_struct("PostgresStore")
            .field("host", &options.get_host())
            .field("database", &options.get_database())
            .finish_non_exhaustive()
    }
}
