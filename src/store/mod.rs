//! Where a session goes that outgrows its cookie: a store, of which nothing is asked but that it keeps bytes.
//!
//! A session whose cookie would pass the [limit](crate::SessionsBuilder::cookie_limit) is sealed into a blob, the blob
//! is stored, and the cookie becomes a reference to it. When the session shrinks it returns into the cookie, and the
//! blob goes. Handlers notice nothing of it.
//!
//! A store is trusted with nothing: it can't read a blob, nor pass one session's for another's, nor bring back a
//! generation older than the cookie has seen. It can lose what it was given. `SECURITY.md` says what that means.
//!
//! # Which store
//!
//! | store | feature | survives a restart | shared by nodes | for |
//! |---|---|---|---|---|
//! | [`MemoryStore`] | `memory` | no | no | development, tests |
//! | [`SqliteStore`] | `sqlite` | yes | on one machine | one machine |
//! | [`PostgresStore`] | `postgres` | yes | yes | who has PostgreSQL |
//! | [`RedisStore`] | `redis` | as Redis is configured | yes | who has Redis, or Valkey |
//!
//! # Writing a store
//!
//! Implement [`Store`], and call [`conformance::check`] from a test.

mod blob;
mod budget;
mod change;
mod cleanup;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod clear;
pub mod conformance;
mod erased;
#[cfg(any(feature = "memory", feature = "postgres", feature = "redis", feature = "sqlite"))]
mod failure;
#[cfg(feature = "memory")]
mod memory;
mod moves;
mod overflow;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod sweep;

use std::{error, fmt, ops::Range, sync::Arc, time::SystemTime};

#[cfg(any(feature = "memory", feature = "postgres", feature = "redis", feature = "sqlite"))]
pub use self::failure::StoreError;
#[cfg(feature = "memory")]
pub use self::memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
pub(crate) use self::{
    blob::Loaded,
    budget::Budget,
    change::{Change, Leave, Reason, Stored},
    cleanup::{Cleaner, Deletion},
    erased::{BoxError, ErasedStore},
    overflow::{Calls, Deadline, Overflow},
};

/// What keeps the blobs of sessions that don't fit their cookies.
///
/// Five calls, each atomic: two that overlap have one order, the same for everybody. What has expired counts as
/// absent, for every call. A call that fails may have been carried out or not; it must not have been carried out in
/// part. Futures may be dropped at any time, when a deadline has passed or a client has hung up, and the same holds
/// then. The time at which something is to expire may have passed already: it is absent from then on.
///
/// A blob's [`Generation`] can be read off its bytes, so that no store needs a second place for it.
///
/// ```
/// use std::{collections::HashMap, convert::Infallible, sync::Mutex, time::SystemTime};
/// use sealed_session::store::{Generation, BlobId, Store, Written};
///
/// #[derive(Default)]
/// struct InMemory(Mutex<HashMap<BlobId, (Vec<u8>, SystemTime)>>);
///
/// impl InMemory {
///     /// Changes what stands at an index, if something does, and it is of the expected generation.
///     fn alter(
///         &self,
///         index: BlobId,
///         expected: Option<Generation>,
///         change: impl FnOnce(&mut HashMap<BlobId, (Vec<u8>, SystemTime)>),
///     ) -> Written {
///         let mut blobs = self.0.lock().unwrap();
///         blobs.retain(|_, (_, expires)| *expires > SystemTime::now());
///         match blobs.get(&index) {
///             Some((blob, _)) if expected.is_none() || Generation::of(blob) == expected => change(&mut blobs),
///             _ => return Written::Conflict,
///         }
///         Written::Done
///     }
/// }
///
/// impl Store for InMemory {
///     type Error = Infallible;
///
///     async fn load(&self, index: BlobId, _: usize) -> Result<Option<Vec<u8>>, Infallible> {
///         let blobs = self.0.lock().unwrap();
///         let live = blobs.get(&index).filter(|(_, expires)| *expires > SystemTime::now());
///         Ok(live.map(|(blob, _)| blob.clone()))
///     }
///
///     async fn create(&self, index: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, Infallible> {
///         let mut blobs = self.0.lock().unwrap();
///         if blobs.get(&index).is_some_and(|(_, expires)| *expires > SystemTime::now()) {
///             return Ok(Written::Conflict);
///         }
///         blobs.insert(index, (blob.to_vec(), expires));
///         Ok(Written::Done)
///     }
///
///     async fn replace(
///         &self,
///         index: BlobId,
///         expected: Generation,
///         blob: &[u8],
///         expires: SystemTime,
///     ) -> Result<Written, Infallible> {
///         Ok(self.alter(index, Some(expected), |blobs| {
///             blobs.insert(index, (blob.to_vec(), expires));
///         }))
///     }
///
///     async fn set_expiry(
///         &self,
///         index: BlobId,
///         expected: Generation,
///         expires: SystemTime,
///     ) -> Result<Written, Infallible> {
///         Ok(self.alter(index, Some(expected), |blobs| {
///             blobs.entry(index).and_modify(|(_, until)| *until = expires);
///         }))
///     }
///
///     async fn delete(&self, index: BlobId, expected: Option<Generation>) -> Result<Written, Infallible> {
///         Ok(self.alter(index, expected, |blobs| {
///             blobs.remove(&index);
///         }))
///     }
/// }
/// ```
pub trait Store: Send + Sync + 'static {
    /// What can go wrong. It is logged, and never shown to a client.
    type Error: error::Error + Send + Sync + 'static;

    /// The blob at an index, if one stands there. Of a longer one than `most` bytes, no more than the first `most` will
    /// be looked at, and no more need be fetched.
    fn load(
        &self,
        index: BlobId,
        most: usize,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>> + Send;

    /// Stores a blob where nothing stands.
    fn create(
        &self,
        index: BlobId,
        blob: &[u8],
        expires: SystemTime,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;

    /// Stores a blob in place of one of the expected generation.
    fn replace(
        &self,
        index: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;

    /// Sets when the blob of the expected generation expires, sooner or later than before.
    fn set_expiry(
        &self,
        index: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;

    /// Deletes the blob of the expected generation, or of any.
    fn delete(
        &self,
        index: BlobId,
        expected: Option<Generation>,
    ) -> impl Future<Output = Result<Written, Self::Error>> + Send;
}

/// Shared: several kinds of sessions can have one store.
impl<S: Store> Store for Arc<S> {
    type Error = S::Error;

    async fn load(&self, index: BlobId, most: usize) -> Result<Option<Vec<u8>>, Self::Error> {
        S::load(self, index, most).await
    }

    async fn create(&self, index: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, Self::Error> {
        S::create(self, index, blob, expires).await
    }

    async fn replace(
        &self,
        index: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, Self::Error> {
        S::replace(self, index, expected, blob, expires).await
    }

    async fn set_expiry(
        &self,
        index: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, Self::Error> {
        S::set_expiry(self, index, expected, expires).await
    }

    async fn delete(&self, index: BlobId, expected: Option<Generation>) -> Result<Written, Self::Error> {
        S::delete(self, index, expected).await
    }
}

/// Whether a call has changed what is stored.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// It has.
    Done,
    /// It has not: what stands there is not what was expected.
    Conflict,
}

/// Where a blob stands in its store: 16 bytes that look random, and of which nobody can tell to whom they belong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId([u8; 16]);

impl BlobId {
    /// The index of these bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for BlobId {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

/// Counts the writes of one blob, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(u64);

impl Generation {
    /// Where a blob has its generation, big-endian and in clear, for stores that compare it where the blob lies.
    pub const BYTES: Range<usize> = 5..13;

    /// The generation of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The generation that a blob says it has; `None` of bytes that are too few to be a blob.
    pub fn of(blob: &[u8]) -> Option<Self> {
        let bytes = blob.get(Self::BYTES)?.try_into().expect("eight bytes");
        Some(Self(u64::from_be_bytes(bytes)))
    }

    /// As it stands in a blob.
    pub const fn to_be_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
