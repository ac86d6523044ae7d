//! A store in Redis.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use redis::{
    Client, Cmd, FromRedisValue, IntoConnectionInfo, ProtocolVersion, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
    cmd,
    io::tcp::TcpSettings,
};

use super::{Generation, Index, Store, StoreError, Written, failure::unix_millis};

/// Keeps blobs in Redis 6.2 or later, or Valkey.
///
/// Each blob is one key, `sealed-session:` unless set and 32 hexadecimal digits, which Redis itself removes when it
/// expires. Calls that compare before they write are Lua scripts, so Redis carries them out in one piece; they touch one
/// key each.
///
/// Redis keeps what it is configured to keep. Without `appendonly yes`, sessions are lost when it restarts; with a
/// `maxmemory-policy` other than `noeviction`, when it is full; and in any case some of the last writes, when a replica takes
/// over.
///
/// Clones are the same store, over one connection.
///
/// # TLS
///
/// This crate enables none, so that you choose which. Add redis with a feature of yours, such as
/// `redis = { version = "1.8", default-features = false, features = ["tokio-rustls-comp"] }`, to your dependencies, and
/// connect to a `rediss://` URL. Without such a feature, that is an error.
///
/// ```no_run
/// use sealed_session::overflow::RedisStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sealed_session::overflow::StoreError> {
/// let store = RedisStore::connect("redis://:secret@cache/0").await?.prefix("shop:session:");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: Arc<Mutex<Connection>>,
    prefix: Arc<str>,
}

struct Connection {
    manager: ConnectionManager,
    /// How often it was made anew.
    renewed: u64,
    /// How to. A manager that was given is left as it is.
    client: Option<Client>,
    /// How long calls have waited since the last answer, in vain.
    silence: Duration,
    /// Up to when that is counted: calls wait at the same time.
    counted: Instant,
}

/// How long calls wait in vain before the connection is made anew: as long as one waits at most.
const PATIENCE: Duration = Duration::from_secs(1);

impl Connection {
    /// Makes the manager anew.
    ///
    /// It connects again by itself after errors of input and output. But when Redis itself refuses a new connection (it
    /// has too many, or a password is being changed), the manager keeps that answer for good. From here it looks like the
    /// answer to a command, some of which are mended by a new connection as well: that of a server that has become a replica.
    ///
    /// And when a call waits in vain, the manager takes that for a slow answer and keeps the connection, for good if need
    /// be: when the server has vanished without a word, and something in between still takes what is sent. Of a call whose
    /// deadline has passed it learns nothing at all.
    fn renew(&mut self) {
        self.silence = Duration::ZERO;
        let Some(client) = self.client.clone() else { return };
        if let Ok(manager) = ConnectionManager::new_lazy_with_config(client, config()) {
            self.manager = manager;
            self.renewed += 1;
        }
    }
}

// `KEYS[1]` is the blob, of which bytes 5 to 12 are the generation. Of what is absent, GETRANGE gives nothing.

const REPLACE: &str = "\
if redis.call('GETRANGE', KEYS[1], 5, 12) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 1";

const SET_EXPIRY: &str = "\
if redis.call('GETRANGE', KEYS[1], 5, 12) ~= ARGV[1] then return 0 end
return redis.call('PEXPIREAT', KEYS[1], ARGV[2])";

const DELETE: &str = "\
if redis.call('GETRANGE', KEYS[1], 5, 12) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])";

impl RedisStore {
    /// Connects, and again by itself whenever the connection is lost, or calls have waited in vain for a second. A write
    /// that may have been sent is never repeated.
    ///
    /// # Errors
    ///
    /// If the URL is wrong, or Redis does not answer within a second or does not let us in.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let client = client(url).map_err(StoreError::when("reading the URL of Redis"))?;
        let manager = ConnectionManager::new_with_config(client.clone(), config())
            .await
            .map_err(StoreError::when("connecting to Redis"))?;
        Ok(Self::over(manager, Some(client)))
    }

    /// Uses a connection of yours, with its database, its timeouts and its way to connect again.
    ///
    /// Mind them: those of [`connect`](Self::connect) are short, since a request waits. And a connection over which no
    /// answers come, though nobody has closed it, is made anew only after `connect`.
    pub fn from_connection(connection: ConnectionManager) -> Self {
        Self::over(connection, None)
    }

    fn over(manager: ConnectionManager, client: Option<Client>) -> Self {
        let (silence, counted) = (Duration::ZERO, Instant::now());
        let connection = Connection { manager, renewed: 0, client, silence, counted };
        Self { connection: Arc::new(Mutex::new(connection)), prefix: "sealed-session:".into() }
    }

    /// Begins the keys with this, and not with `sealed-session:`. Applications that share a Redis need not differ in it:
    /// an index is never that of two sessions.
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    fn key(&self, index: Index) -> String {
        format!("{}{index}", self.prefix)
    }

    /// Sends a command and awaits its answer; once more, if that is harmless.
    async fn ask<T: FromRedisValue>(
        &self,
        doing: &'static str,
        command: &Cmd,
        harmless: fn(&RedisError) -> bool,
    ) -> Result<T, StoreError> {
        let mut answer = self.ask_once(command).await;
        if answer.as_ref().is_err_and(harmless) {
            answer = self.ask_once(command).await;
        }
        answer.map_err(StoreError::when(doing))
    }

    /// After an outage, the first call is answered by the last attempt to connect, which has failed. Its command was
    /// never sent, so this is harmless for a write, too; and that it was made has caused a new attempt.
    async fn write<T: FromRedisValue>(&self, doing: &'static str, command: &Cmd) -> Result<T, StoreError> {
        self.ask(doing, command, RedisError::is_connection_refusal).await
    }

    async fn ask_once<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let (mut manager, renewed) = {
            let mut connection = self.connection();
            if connection.silence >= PATIENCE {
                connection.renew();
            }
            (connection.manager.clone(), connection.renewed)
        };
        let mut call = Call { store: self, renewed, began: Some(Instant::now()) };
        let answer = command.query_async(&mut manager).await;
        match &answer {
            Err(error) if error.is_timeout() => drop(call), // given up, by the manager
            _ => call.is_answered(),
        }
        if answer.as_ref().is_err_and(|error| !error.is_io_error()) {
            let mut connection = self.connection();
            if connection.renewed == renewed {
                connection.renew();
            }
        }
        answer
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // Nothing is done under the lock that could leave it half-changed.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn compare_and(
        &self,
        doing: &'static str,
        script: &str,
        index: Index,
        expected: Generation,
        complete: impl FnOnce(&mut Cmd),
    ) -> Result<Written, StoreError> {
        let mut command = cmd("EVAL");
        command.arg(script).arg(1).arg(self.key(index)).arg(&expected.to_be_bytes());
        complete(&mut command);
        self.write(doing, &command).await.map(done)
    }
}

/// A call that waits for its answer, and may be given up at any time.
struct Call<'a> {
    store: &'a RedisStore,
    /// Over which connection.
    renewed: u64,
    /// `None` when it is answered.
    began: Option<Instant>,
}

impl Call<'_> {
    fn is_answered(&mut self) {
        self.began = None;
        let mut connection = self.store.connection();
        if connection.renewed == self.renewed {
            connection.silence = Duration::ZERO;
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let Some(began) = self.began else { return };
        let mut connection = self.store.connection();
        if connection.renewed == self.renewed {
            let (now, since) = (Instant::now(), began.max(connection.counted));
            connection.silence += now.saturating_duration_since(since);
            connection.counted = now;
        }
    }
}

fn client(url: &str) -> Result<Client, RedisError> {
    let info = url.into_connection_info()?;
    // By the third version of the protocol, the manager learns at once that a connection is lost, and not by the next
    // request.
    let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let tcp = TcpSettings::default().set_nodelay(true);
    // A peer that has vanished without a word is given up, where the system can do that, after five seconds and not after
    // a quarter of an hour.
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let tcp = tcp.set_user_timeout(Duration::from_secs(5));
    Client::open(info.set_redis_settings(redis).set_tcp_settings(tcp))
}

/// Requests wait meanwhile, and give up after two seconds: nothing here takes as long. The few attempts to connect, within
/// some 200 ms, ride out a restart; after a longer outage the next call tries anew.
fn config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(1)))
        .set_response_timeout(Some(PATIENCE))
        .set_number_of_retries(3)
        .set_min_delay(Duration::from_millis(25))
        .set_max_delay(Duration::from_millis(100))
}

fn done(count: i64) -> Written {
    match count {
        0 => Written::Conflict,
        _ => Written::Done,
    }
}

impl Store for RedisStore {
    type Error = StoreError;

    /// A key with nothing in it counts as absent: no blob is empty.
    async fn load(&self, index: Index, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let last = i64::try_from(most).unwrap_or(i64::MAX).max(1) - 1;
        let mut command = cmd("GETRANGE");
        command.arg(self.key(index)).arg(0).arg(last);
        // It can be asked again even if it was sent before the connection was lost.
        let blob: Vec<u8> = self.ask("loading a blob", &command, RedisError::is_connection_dropped).await?;
        Ok(Some(blob).filter(|blob| !blob.is_empty()))
    }

    async fn create(&self, index: Index, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        let mut command = cmd("SET");
        command.arg(self.key(index)).arg(blob).arg("NX").arg("PXAT").arg(unix_millis(expires));
        let done: Option<()> = self.write("creating a blob", &command).await?;
        Ok(done.map_or(Written::Conflict, |()| Written::Done))
    }

    async fn replace(
        &self,
        index: Index,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.compare_and("replacing a blob", REPLACE, index, expected, |command| {
            command.arg(blob).arg(unix_millis(expires));
        })
        .await
    }

    async fn set_expiry(
        &self,
        index: Index,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.compare_and("setting an expiry", SET_EXPIRY, index, expected, |command| {
            command.arg(unix_millis(expires));
        })
        .await
    }

    async fn delete(&self, index: Index, expected: Option<Generation>) -> Result<Written, StoreError> {
        let Some(expected) = expected else {
            let mut command = cmd("UNLINK");
            command.arg(self.key(index));
            return self.write("deleting a blob", &command).await.map(done);
        };
        self.compare_and("deleting a blob", DELETE, index, expected, |_| ()).await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
