//! The behaviours on a real store: with `SESSION_TEST_STORE` set to `memory`, `sqlite`, `postgres` or `redis`, no session
//! of a test fits its cookie, and all of them are kept there. Without it there is no store.

use std::{
    env,
    sync::{LazyLock, OnceLock},
    time::{Duration, SystemTime},
};

use sealed_session::{
    SessionsBuilder,
    store::{
        BlobId, Generation, MemoryStore, PostgresStore, RedisStore, SqliteStore, Store, StoreError, Written,
        async_trait,
    },
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::OnceCell;

use super::servers;

/// Which store there is, if any.
static WANTED: LazyLock<Option<String>> = LazyLock::new(|| env::var("SESSION_TEST_STORE").ok());

/// Whether the sessions of tests are kept in a store.
pub fn is_wanted() -> bool {
    WANTED.is_some()
}

/// A limit that holds a reference, and no session with its ballast.
const LOWEST_LIMIT: usize = 200;

/// With the store that is wanted, if one is.
pub fn with_store<T: sealed_session::Payload>(builder: SessionsBuilder<T>) -> SessionsBuilder<T> {
    match WANTED.as_deref() {
        // Connecting counts, and the machine may be busy: what is shown here is not how fast.
        Some(wanted) => builder
            .store(AnyStore::new(wanted))
            .store_deadline(Duration::from_secs(30))
            .cookie_limit(LOWEST_LIMIT),
        None => builder,
    }
}

/// What makes every session too large for its cookie, its default, too, so that it still counts as empty. Nothing unless a
/// store is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Ballast;

impl Serialize for Ballast {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if is_wanted() {
            "as heavy as what doesn't fit into a cookie of such a size"
        } else {
            ""
        })
    }
}

impl<'de> Deserialize<'de> for Ballast {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self)
    }
}

/// A store that connects when it is asked first: in the runtime of the test that asks.
enum AnyStore {
    Memory(MemoryStore),
    Sqlite(OnceCell<SqliteStore>),
    Postgres(OnceCell<PostgresStore>),
    Redis(OnceCell<RedisStore>),
}

impl AnyStore {
    fn new(wanted: &str) -> Self {
        // All sessions of one process share it, as nodes do.
        static MEMORY: LazyLock<MemoryStore> = LazyLock::new(MemoryStore::new);
        match wanted {
            "memory" => Self::Memory(MEMORY.clone()),
            "sqlite" => Self::Sqlite(OnceCell::new()),
            "postgres" => {
                servers::postgres(); // it starts before anybody waits for it
                Self::Postgres(OnceCell::new())
            }
            "redis" => {
                servers::redis();
                Self::Redis(OnceCell::new())
            }
            other => panic!("SESSION_TEST_STORE is `{other}`: it can be memory, sqlite, postgres or redis"),
        }
    }
}

async fn sqlite() -> Result<SqliteStore, StoreError> {
    static DIRECTORY: OnceLock<tempfile::TempDir> = OnceLock::new();
    SqliteStore::open(DIRECTORY.get_or_init(|| tempfile::tempdir().unwrap()).path().join("sessions.db")).await
}

async fn postgres() -> Result<PostgresStore, StoreError> {
    let store = PostgresStore::connect(&servers::postgres().url()).await?;
    store.create_schema().await?;
    Ok(store)
}

async fn redis() -> Result<RedisStore, StoreError> {
    RedisStore::connect(&servers::redis().url()).await
}

/// The same call, whichever store it is.
macro_rules! ask {
    ($this:expr, $call:ident($($argument:expr),*)) => {
        match $this {
            AnyStore::Memory(store) => store.$call($($argument),*).await,
            AnyStore::Sqlite(store) => store.get_or_try_init(sqlite).await?.$call($($argument),*).await,
            AnyStore::Postgres(store) => store.get_or_try_init(postgres).await?.$call($($argument),*).await,
            AnyStore::Redis(store) => store.get_or_try_init(redis).await?.$call($($argument),*).await,
        }
    };
}

#[async_trait]
impl Store for AnyStore {
    async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        ask!(self, load(id, most))
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        ask!(self, create(id, blob, expires))
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        ask!(self, replace(id, expected, blob, expires))
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        ask!(self, set_expiry(id, expected, expires))
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        ask!(self, delete(id, expected))
    }
}
