//! A store in Redis.

mod link;

use std::{fmt, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use redis::{Cmd, FromRedisValue, RedisError, aio::ConnectionManager, cmd};

use self::link::Link;
use super::{BlobId, Generation, Store, StoreError, Written, time::unix_millis};

/// A store in Redis, version 6.2 or later, or in Valkey.
///
/// Each blob is one key: a prefix, by default `sealed-session:`, and 32 hexadecimal digits. Redis removes it when it
/// expires. Calls that compare before they write are Lua scripts, which Redis runs atomically. Each touches a single
/// key.
///
/// The durability of sessions depends on Redis's configuration. Without `appendonly yes`, a restart loses them. With a
/// `maxmemory-policy` other than `noeviction`, Redis evicts them when it is full. A failover to a replica can lose the
/// last writes under any configuration.
///
/// The store is also a [`RevocationLog`](super::RevocationLog), in a stream under the prefix and `revocations`. Redis
/// evicts that key only with a policy of `allkeys-`, because it has no expiry. If it is lost, the processes that follow
/// it write it again, but one that starts before they have done so does not know the revocations. Use `noeviction`.
///
/// Clones share the same store and the same connection.
///
/// # TLS
///
/// This crate does not enable TLS, so that you can choose the implementation. Add redis to your dependencies with one
/// of its TLS features, such as `redis = { version = "1.8", default-features = false, features = ["tokio-rustls-comp"]
/// }`, and connect to a `rediss://` URL. Without such a feature, that is an error.
///
/// A `redis://` URL connects unencrypted. If it names another machine, [`connect`](Self::connect) logs a warning;
/// [`from_connection`](Self::from_connection) cannot detect this.
///
/// ```no_run
/// use sealed_session::store::RedisStore;
///
/// #[tokio::main]
/// async fn main() -> Result<(), sealed_session::store::StoreError> {
///     let store = RedisStore::connect("redis://:secret@cache/0").await?.prefix("shop:session:");
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
    pub(super) prefix: Arc<str>,
}

// `KEYS[1]` is the key of the blob, and bytes 5 to 12 of the blob are its generation. GETRANGE of an absent key is
// empty.

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
    /// Connects to Redis, and reconnects when the connection is lost or calls have waited for a second without an
    /// answer.
    ///
    /// A write that may have been sent is never repeated.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, or if Redis does not answer within a second or rejects the login.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Link::connect(url).await.map(Self::over)
    }

    /// Uses a connection that you have configured, with its database, its timeouts and its strategy for reconnecting.
    ///
    /// Set short timeouts, as [`connect`](Self::connect) does, because a request waits for the store. Only a store made
    /// by `connect` replaces a connection that was never closed but no longer answers.
    pub fn from_connection(connection: ConnectionManager) -> Self {
        Self::over(Link::of(connection))
    }

    fn over(link: Link) -> Self {
        Self { link, prefix: "sealed-session:".into() }
    }

    /// Sets the prefix of the keys. Default: `sealed-session:`.
    ///
    /// Applications that share a Redis database can use the same prefix, because neither blob ids nor the keys of
    /// revocations collide.
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    fn key(&self, id: BlobId) -> String {
        format!("{}{id}", self.prefix)
    }

    /// Sends a command and waits for its answer. If the answer is an error after which a retry is `harmless`, sends the
    /// command once more.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        doing: &'static str,
        command: &Cmd,
        harmless: fn(&RedisError) -> bool,
    ) -> Result<T, StoreError> {
        let mut answer = self.link.ask(command).await;
        if answer.as_ref().is_err_and(harmless) {
            answer = self.link.ask(command).await;
        }
        answer.map_err(StoreError::when(doing))
    }

    /// Sends a write and waits for its answer.
    ///
    /// After an outage, the first call gets the error of the last attempt to connect. Its command was never sent, so
    /// even a write can be repeated. The call has also triggered a new attempt.
    pub(super) async fn write<T: FromRedisValue>(
        &self,
        doing: &'static str,
        command: &Cmd,
    ) -> Result<T, StoreError> {
        self.ask(doing, command, RedisError::is_connection_refusal).await
    }

    /// Returns the call of a script, without the arguments that follow the expected generation.
    fn script(&self, script: &str, id: BlobId, expected: Generation) -> Cmd {
        cmd("EVAL").arg(script).arg(1).arg(self.key(id)).arg(&expected.to_be_bytes()).take()
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let last = isize::try_from(most).unwrap_or(isize::MAX).max(1) - 1;
        let command = Cmd::getrange(self.key(id), 0, last);
        // A read can be repeated even if it was sent before the connection was lost.
        let blob: Vec<u8> = self.ask("loading a blob", &command, RedisError::is_connection_dropped).await?;
        // GETRANGE returns an empty value for an absent key. No blob is empty.
        Ok(Some(blob).filter(|blob| !blob.is_empty()))
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        let mut command = cmd("SET");
        command.arg(self.key(id)).arg(blob).arg("NX").arg("PXAT").arg(unix_millis(expires));
        let done: Option<()> = self.write("creating a blob", &command).await?;
        Ok(done.map_or(Written::Conflict, |()| Written::Done))
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        let mut script = self.script(REPLACE, id, expected);
        script.arg(blob).arg(unix_millis(expires));
        self.write("replacing a blob", &script).await.map(Written::from_count)
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        let mut script = self.script(SET_EXPIRY, id, expected);
        script.arg(unix_millis(expires));
        self.write("setting an expiry", &script).await.map(Written::from_count)
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        let command = match expected {
            Some(expected) => self.script(DELETE, id, expected),
            None => Cmd::unlink(self.key(id)),
        };
        self.write("deleting a blob", &command).await.map(Written::from_count)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
