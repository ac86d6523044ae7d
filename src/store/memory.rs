//! A store in the process's own memory.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, unsync};

use super::{BlobId, Generation, Store, StoreError, Written, log::memory::Log, sweep::Sweeper};

/// A store in the memory of the process, for development, for tests, and for a single process whose sessions may be
/// lost when it ends.
///
/// It is bounded, by default to 64 MiB and 100,000 blobs. When it is full, it evicts the oldest blobs that have not
/// been loaded since they were stored, or the least recently used of those that have. **A session can therefore be lost
/// before it expires**, and its visitor gets a fresh one. If visitors can fill the store, they can log each other out:
/// see [`may_overflow`](crate::SessionsBuilder::may_overflow).
///
/// Expired blobs count as absent at once. A background task removes them every five minutes.
///
/// The store is also a [`RevocationLog`](super::RevocationLog) in memory. Its entries do not count toward the bound.
/// Each takes 24 bytes until all entries before it have expired, and so has it.
///
/// Clones share the same store.
///
/// ```
/// use std::time::Duration;
/// use sealed_session::store::MemoryStore;
///
/// let store = MemoryStore::new();
/// let small = MemoryStore::bounded(4 << 20, 1_000).sweep_every(Duration::from_secs(60));
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    /// A single lock makes each call atomic. It is held for a look-up and never while a blob is copied, so contention
    /// is low. Unlike the shards of a concurrent cache, a single cache can use all of its capacity for any blob.
    cache: Arc<Mutex<Cache>>,
    cost: Cost,
    /// The highest cost of one blob. The cache would silently drop a more costly one.
    most: u64,
    sweeper: Arc<Sweeper>,
    pub(super) clock: Clock,
    pub(super) log: Arc<Log>,
}

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
type Cache = unsync::Cache<BlobId, Kept, Cost, DefaultHashBuilder>;

#[derive(Clone)]
struct Kept {
    /// The blob, reference-counted so that it can be copied after the lock is released.
    blob: Arc<[u8]>,
    expires: SystemTime,
}

/// The share of the capacity that a blob takes.
#[derive(Clone, Copy)]
struct Cost {
    /// The least cost of a blob: the capacity divided by the maximum number of blobs. A bound on the sum of the costs
    /// is thus a bound on both the bytes and the number.
    least: u64,
}

impl Weighter<BlobId, Kept> for Cost {
    fn weight(&self, _: &BlobId, kept: &Kept) -> u64 {
        self.of(&kept.blob)
    }
}

impl Cost {
    /// The overhead of a blob: its entry, its slot in the table, the counters before its bytes, and the reserve of
    /// tables and allocators. `tests/allocations/memory.rs` measures it.
    const BESIDE: u64 = 200;

    fn of(&self, blob: &[u8]) -> u64 {
        (blob.len() as u64).saturating_add(Self::BESIDE).max(self.least)
    }
}

/// The fraction of the capacity for blobs that have been loaded again. The rest is for new blobs, so that a flood of
/// them does not evict sessions in use.
const SETTLED: f64 = 0.5;

impl MemoryStore {
    /// Creates a store of at most 64 MiB and 100,000 blobs.
    pub fn new() -> Self {
        Self::bounded(64 << 20, 100_000)
    }

    /// Creates a store of at most this many bytes and this many blobs.
    ///
    /// The overhead of a blob, about 200 bytes, counts. A blob counts as at least `bytes / blobs`, so that both bounds
    /// hold.
    ///
    /// A single blob can take up half of the bytes. Storing a larger one is an error.
    pub fn bounded(bytes: usize, blobs: usize) -> Self {
        // With a bound of one blob, that blob would cost all of the bytes, and it may cost only half of them.
        let (bytes, blobs) = (bytes as u64, blobs.max(2) as u64);
        let cost = Cost { least: (bytes / blobs).max(1) };
        // The remainder of the division is left out, because one blob too many might fit in it.
        let room = (cost.least.saturating_mul(blobs)).min(bytes);
        let options = OptionsBuilder::new()
            .weight_capacity(room)
            .estimated_items_capacity(0)
            .hot_allocation(SETTLED)
            // An id is not used again after its blob is gone, so there is no point in remembering it.
            .ghost_allocation(0.0)
            .build()
            .expect("the required options are set");
        let cache = Cache::with_options(
            options,
            cost,
            DefaultHashBuilder::default(),
            unsync::DefaultLifecycle::default(),
        );
        Self {
            cache: Arc::new(Mutex::new(cache)),
            cost,
            most: (room as f64 * SETTLED) as u64,
            sweeper: Arc::new(Sweeper::new("MemoryStore", u64::MAX)),
            clock: Arc::new(SystemTime::now),
            log: Arc::default(),
        }
    }

    /// Sets the clock that decides what has expired, for tests. Default: [`SystemTime::now`].
    ///
    /// Call this before cloning the store, because a clone keeps its clock. Pass the [clock of the
    /// sessions](crate::SessionsBuilder::clock): if that is in the past and the store's clock is not, every blob has
    /// already expired when it is stored.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use sealed_session::{KeyRing, Sessions, store::MemoryStore};
    ///
    /// let clock = || SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    /// let sessions = Sessions::<Vec<String>>::builder(KeyRing::generate()?)
    ///     .store(MemoryStore::new().clock(clock))
    ///     .clock(clock)
    ///     .build()?;
    /// # Ok::<(), sealed_session::SetupError>(())
    /// ```
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Sets how often expired blobs are removed. Default: every five minutes.
    ///
    /// The background task runs in the tokio runtime in which the first blob is stored, and ends when the last clone of
    /// the store is dropped. Without a runtime there is no task.
    pub fn sweep_every(self, interval: Duration) -> Self {
        self.sweeper.set_interval(interval);
        self
    }

    /// Stops removing expired blobs, for all clones. They still count as absent, and are evicted when space is needed.
    pub fn stop_sweeping(&self) {
        self.sweeper.stop();
    }

    /// Returns the number of blobs, including expired blobs that have not been removed yet.
    pub fn len(&self) -> usize {
        self.cache.lock().map_or(0, |cache| cache.len())
    }

    /// Returns true if there are no blobs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Stores a blob if the live blob with this id is of the expected generation, or if none is expected and none
    /// exists.
    fn put(
        &self,
        id: BlobId,
        expected: Option<Generation>,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.sweeper.wake((self.cache.clone(), self.clock.clone()), sweep);
        let kept = Kept { blob: blob.into(), expires };
        let mut cache = lock(&self.cache)?;
        if self.live(&cache, id).map(|kept| Generation::of(&kept.blob)) != expected.map(Some) {
            return Ok(Written::Conflict);
        }
        if self.cost.of(blob) > self.most {
            return Err(StoreError::new("storing a blob", "it is larger than half of the store"));
        }
        cache.insert(id, kept.clone());
        // If it replaced a smaller blob, the cache may have evicted the new blob itself. Before it inserts a blob with
        // a new id, the cache makes room for it.
        if !cache.contains_key(&id) {
            cache.insert(id, kept);
        }
        Ok(Written::Done)
    }

    /// Changes the live blob with this id if its generation is the expected one.
    fn alter(
        &self,
        id: BlobId,
        expected: Option<Generation>,
        change: impl FnOnce(&mut Cache),
    ) -> Result<Written, StoreError> {
        let mut cache = lock(&self.cache)?;
        match self.live(&cache, id) {
            Some(kept) if expected.is_none() || Generation::of(&kept.blob) == expected => change(&mut cache),
            _ => return Ok(Written::Conflict),
        }
        Ok(Written::Done)
    }

    /// Returns the live blob with this id. This does not count as a load.
    fn live<'a>(&self, cache: &'a Cache, id: BlobId) -> Option<&'a Kept> {
        cache.peek(&id).filter(|kept| kept.expires > (self.clock)())
    }
}

async fn sweep((cache, clock): (Arc<Mutex<Cache>>, Clock)) -> Result<u64, StoreError> {
    let now = clock();
    lock(&cache)?.retain(|_, kept| kept.expires > now);
    Ok(0)
}

fn lock(cache: &Mutex<Cache>) -> Result<MutexGuard<'_, Cache>, StoreError> {
    // A call that panicked may have left the cache in any state.
    cache.lock().map_err(|_| StoreError::new("locking the store", "an earlier call panicked"))
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = lock(&self.cache)?.get(&id).cloned();
        let live = kept.filter(|kept| kept.expires > (self.clock)());
        Ok(live.map(|kept| kept.blob[..kept.blob.len().min(most)].to_vec()))
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        self.put(id, None, blob, expires)
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.put(id, Some(expected), blob, expires)
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.alter(id, Some(expected), |cache| {
            if let Some(mut kept) = cache.peek_mut(&id) {
                kept.expires = expires;
            }
        })
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        self.alter(id, expected, |cache| {
            cache.remove(&id);
        })
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).finish_non_exhaustive()
    }
}
