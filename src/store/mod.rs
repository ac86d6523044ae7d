//! Overflow stores: storage for sessions that do not fit in a cookie.
//!
//! When a session's cookie would exceed the [limit](crate::SessionsBuilder::cookie_limit), the session is encrypted
//! into a blob, the blob goes to the store, and the cookie becomes a reference to it. When the session shrinks, it
//! moves back into the cookie, and the blob is deleted. Handlers do not notice.
//!
//! A store only has to keep opaque bytes, and is not trusted. It cannot read a blob, pass one session's blob off as
//! another's, or return a generation older than the one that the cookie names. It can lose data: `SECURITY.md`
//! describes the consequences.
//!
//! # Choosing a store
//!
//! | store | feature | survives a restart | shared between processes | use it for |
//! |---|---|---|---|---|
//! | [`MemoryStore`] | `memory` | no | no | development and tests |
//! | [`SqliteStore`] | `sqlite` | yes | on one machine | a single machine |
//! | [`PostgresStore`] | `postgres` | yes | yes | applications that already use PostgreSQL |
//! | [`RedisStore`] | `redis` | depends on Redis's configuration | yes | applications that already use Redis or Valkey |
//!
//! The crate `sealed-session-mongodb` has a store in MongoDB.
//!
//! The choice can be made at run time, because `Arc<dyn Store>` is a [`Store`] too.
//!
//! # Revocations
//!
//! Each of these stores is also a [`RevocationLog`], beside its blobs and over the same connections. The store of
//! `sealed-session-mongodb` is not. A log can be used without an overflow store, and in another database than the
//! blobs. Unlike a store, it is trusted to keep what it is given: one that drops an entry lets a revoked session live
//! on in processes that start later.
//!
//! To write a log, implement the trait, and call [`conformance::check_log`] in a test.
//!
//! # Writing a store
//!
//! The crate `sealed-session-mongodb` is a model for a store on a server, written with what is public here. Such a store
//! also needs:
//!
//! - **Timeouts below two seconds** for connecting. A call is dropped at the
//!   [deadline](crate::SessionsBuilder::store_deadline), or when the client disconnects. If the driver's futures must not
//!   be dropped, make each call in a task, and limit its time there.
//! - **A field for the generation**, if the database cannot compare bytes within a value.
//! - **Expiries rounded down** to what the database can store, so that no blob outlives its session.
//! - **Errors without passwords.** Drivers can repeat parts of a URL that they cannot parse.
//! - **A warning in the log** if the connection crosses a network unencrypted.
//!
//! Implement [`Store`] with the re-exported macro [`async_trait`](macro@async_trait), and call [`conformance::check`]
//! in a test. This is a complete store that keeps its blobs in a map:
//!
//! ```
//! use std::{
//!     collections::HashMap,
//!     sync::{Mutex, MutexGuard},
//!     time::SystemTime,
//! };
//!
//! use sealed_session::store::{
//!     BlobId, Generation, Store, StoreError, Written, async_trait, conformance,
//! };
//!
//! type Blobs = HashMap<BlobId, (Vec<u8>, SystemTime)>;
//!
//! #[derive(Default)]
//! struct MapStore(Mutex<Blobs>);
//!
//! impl MapStore {
//!     /// Locks the map and removes expired blobs.
//!     fn live(&self) -> Result<MutexGuard<'_, Blobs>, StoreError> {
//!         let poisoned = |_| StoreError::new("locking the map", "a thread panicked");
//!         let mut blobs = self.0.lock().map_err(poisoned)?;
//!         blobs.retain(|_, (_, expires)| *expires > SystemTime::now());
//!         Ok(blobs)
//!     }
//!
//!     /// Changes the blob with this id, if there is one and its generation matches.
//!     fn change(
//!         &self,
//!         id: BlobId,
//!         expected: Option<Generation>,
//!         change: impl FnOnce(&mut Blobs),
//!     ) -> Result<Written, StoreError> {
//!         let mut blobs = self.live()?;
//!         match blobs.get(&id) {
//!             Some((blob, _)) if expected.is_none() || Generation::of(blob) == expected => {
//!                 change(&mut blobs);
//!                 Ok(Written::Done)
//!             }
//!             _ => Ok(Written::Conflict),
//!         }
//!     }
//! }
//!
//! #[async_trait]
//! impl Store for MapStore {
//!     async fn load(&self, id: BlobId, _most: usize) -> Result<Option<Vec<u8>>, StoreError> {
//!         Ok(self.live()?.get(&id).map(|(blob, _)| blob.clone()))
//!     }
//!
//!     async fn create(
//!         &self,
//!         id: BlobId,
//!         blob: &[u8],
//!         expires: SystemTime,
//!     ) -> Result<Written, StoreError> {
//!         let mut blobs = self.live()?;
//!         if blobs.contains_key(&id) {
//!             return Ok(Written::Conflict);
//!         }
//!         blobs.insert(id, (blob.to_vec(), expires));
//!         Ok(Written::Done)
//!     }
//!
//!     async fn replace(
//!         &self,
//!         id: BlobId,
//!         expected: Generation,
//!         blob: &[u8],
//!         expires: SystemTime,
//!     ) -> Result<Written, StoreError> {
//!         self.change(id, Some(expected), |blobs| {
//!             blobs.insert(id, (blob.to_vec(), expires));
//!         })
//!     }
//!
//!     async fn set_expiry(
//!         &self,
//!         id: BlobId,
//!         expected: Generation,
//!         expires: SystemTime,
//!     ) -> Result<Written, StoreError> {
//!         self.change(id, Some(expected), |blobs| {
//!             blobs.entry(id).and_modify(|(_, until)| *until = expires);
//!         })
//!     }
//!
//!     async fn delete(
//!         &self,
//!         id: BlobId,
//!         expected: Option<Generation>,
//!     ) -> Result<Written, StoreError> {
//!         self.change(id, expected, |blobs| {
//!             blobs.remove(&id);
//!         })
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() {
//!     conformance::check(&MapStore::default()).await;
//! }
//! ```

mod blob;
mod budget;
mod change;
mod cleanup;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod clear;
pub mod conformance;
mod log;
#[cfg(feature = "memory")]
mod memory;
mod moves;
mod overflow;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod sweep;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod time;

use std::{fmt, ops::Range, sync::Arc, time::SystemTime};

#[doc(no_inline)]
pub use async_trait::async_trait;

pub use self::log::{RevocationEntry, RevocationLog, RevocationPage};
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
    budget::{Allowance, Budget},
    change::{Change, Leave, Reason, Stored},
    cleanup::{Cleaner, Deletion},
    overflow::{Calls, Deadline, Overflow},
};
pub use crate::error::StoreError;

/// Storage for the blobs of sessions that do not fit in their cookies.
///
/// The [module documentation](self) has a complete implementation, and [`conformance::check`] tests one against these
/// rules:
///
/// 1. Each of the five calls is atomic. Two calls that overlap take effect one after the other, in an order that
///    every client of the store agrees on.
/// 2. A blob that has expired counts as absent, for every call. An expiry may already have passed when it is set: the
///    blob is absent from then on.
/// 3. A call that fails took effect either completely or not at all. The same holds for a future that is dropped before
///    it completes, as happens when a deadline passes or a client disconnects.
///
/// A blob has at least 13 bytes, so [`Generation::of`] finds its generation. A store needs no column for it if the
/// database can compare [those bytes](Generation::BYTES) in place.
///
/// The trait is object-safe: `Arc<dyn Store>` is a store too.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Loads a blob, or returns `None` if it is absent.
    ///
    /// For a blob longer than `most` bytes, only the first `most` bytes are used, so a store need not fetch more.
    async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stores a new blob. Returns [`Written::Conflict`] if the id is taken.
    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError>;

    /// Replaces a blob and its expiry. Returns [`Written::Conflict`] if the blob is absent or not of the expected
    /// generation.
    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError>;

    /// Sets when a blob expires, earlier or later than before. Returns [`Written::Conflict`] if the blob is absent or
    /// not of the expected generation.
    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError>;

    /// Deletes a blob, of any generation if `expected` is `None`. Returns [`Written::Conflict`] if the blob is absent
    /// or not of the expected generation.
    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError>;
}

/// Implements the store for a shared pointer. Several session types can share one store, and an `Arc<dyn Store>` is a
/// store chosen at run time.
#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        S::load(self, id, most).await
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        S::create(self, id, blob, expires).await
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        S::replace(self, id, expected, blob, expires).await
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        S::set_expiry(self, id, expected, expires).await
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        S::delete(self, id, expected).await
    }
}

/// The result of a write to a store.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// The write took effect.
    Done,
    /// Nothing was changed, because the stored blob is not the expected one.
    Conflict,
}

impl Written {
    /// Returns the result of a conditional write, from the number of rows, keys or documents that it matched: `Conflict`
    /// for 0, and otherwise `Done`.
    ///
    /// Most databases return this number. Count the matches, not the changes: a write that sets what was there before
    /// is `Done`.
    pub const fn from_count(matched: u64) -> Self {
        if matched == 0 { Self::Conflict } else { Self::Done }
    }
}

/// The id of a blob in its store: 16 bytes that look random and do not reveal whose session it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId([u8; 16]);

impl BlobId {
    /// Creates an id from its bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for BlobId {
    /// Formats the id as 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

/// The generation of a blob: the number of times that it has been written, starting at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(u64);

impl Generation {
    /// The position of the generation in a blob, big-endian and unencrypted, so that a database can compare it in
    /// place.
    pub const BYTES: Range<usize> = 5..13;

    /// Creates a generation from its number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Reads the generation of a blob. Returns `None` if there are too few bytes.
    pub fn of(blob: &[u8]) -> Option<Self> {
        let bytes = blob.get(Self::BYTES)?.try_into().expect("eight bytes");
        Some(Self(u64::from_be_bytes(bytes)))
    }

    /// Returns the eight bytes of the generation, as they are in a blob.
    pub const fn to_be_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
