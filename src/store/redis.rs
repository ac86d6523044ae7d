//! A store in Redis.

mod link;

use std::{fmt, sync::Arc, time::SystemTime};

use redis::{Cmd, FromRedisValue, RedisError, aio::ConnectionManager, cmd};

use self::link::Link;
use super::{BlobId, Generation, Store, StoreError, Written, failure::unix_millis};

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
/// connect to a `rediss://` URL. Without such a feature, that is an error. A `redis://` URL beyond this machine connects in
/// clear, which [`connect`](Self::connect) logs as a warning; [`from_connection`](Self::from_connection) cannot tell.
///
/// ```no_run
/// use sealed_session::store::RedisStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sealed_session::store::StoreError> {
/// let store = RedisStore::connect("redis://:secret@cache/0").await?.prefix("shop:session:");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
    prefix: Arc<str>,
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
        Link::connect(url).await.map(Self::over)
    }

    /// Uses a connection of yours, with its database, its timeouts and its way to connect again.
    ///
    /// Mind them: those of [`connect`](Self::connect) are short, since a request waits. And a connection over which no
    /// answers come, though nobody has closed it, is made anew only after `connect`.
    pub fn from_connection(connection: ConnectionManager) -> Self {
        Self::over(Link::of(connection))
    }

    fn over(link: Link) -> Self {
        Self { link, prefix: "sealed-session:".into() }
    }

    /// Begins the keys with this, and not with `sealed-session:`. Applications that share a Redis need not differ in it:
    /// an index is never that of two sessions.
    pub fn prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    fn key(&self, index: BlobId) -> String {
        format!("{}{index}", self.prefix)
    }

    /// Sends a command and awaits its answer; once more, if that is harmless.
    async fn ask<T: FromRedisValue>(
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

    /// After an outage, the first call is answered by the last attempt to connect, which has failed. Its command was
    /// never sent, so this is harmless for a write, too; and that it was made has caused a new attempt.
    async fn write<T: FromRedisValue>(&self, doing: &'static str, command: &Cmd) -> Result<T, StoreError> {
        self.ask(doing, command, RedisError::is_connection_refusal).await
    }

    async fn compare_and(
        &self,
        doing: &'static str,
        script: &str,
        index: BlobId,
        expected: Generation,
        complete: impl FnOnce(&mut Cmd),
    ) -> Result<Written, StoreError> {
        let mut command = cmd("EVAL");
        command.arg(script).arg(1).arg(self.key(index)).arg(&expected.to_be_bytes());
        complete(&mut command);
        self.write(doing, &command).await.map(done)
    }
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
    async fn load(&self, index: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let last = i64::try_from(most).unwrap_or(i64::MAX).max(1) - 1;
        let mut command = cmd("GETRANGE");
        command.arg(self.key(index)).arg(0).arg(last);
        // It can be asked again even if it was sent before the connection was lost.
        let blob: Vec<u8> = self.ask("loading a blob", &command, RedisError::is_connection_dropped).await?;
        Ok(Some(blob).filter(|blob| !blob.is_empty()))
    }

    async fn create(&self, index: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        let mut command = cmd("SET");
        command.arg(self.key(index)).arg(blob).arg("NX").arg("PXAT").arg(unix_millis(expires));
        let done: Option<()> = self.write("creating a blob", &command).await?;
        Ok(done.map_or(Written::Conflict, |()| Written::Done))
    }

    async fn replace(
        &self,
        index: BlobId,
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
        index: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.compare_and("setting an expiry", SET_EXPIRY, index, expected, |command| {
            command.arg(unix_millis(expires));
        })
        .await
    }

    async fn delete(&self, index: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
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
