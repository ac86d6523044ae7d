//! A store in the process's own memory.

use std::{
    fmt,
    future::ready,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, unsync};

use super::{
    BlobId, Generation, Store, StoreError, Written,
    sweep::{Left, Sweeper},
};

/// Keeps blobs in the process's own memory: for development, for tests, and for a single process whose sessions may end
/// with it.
///
/// It is bounded, to 64 MiB and 100,000 blobs unless set. When it is full, what is least worth keeping goes to make room,
/// by and large: of the new blobs those that nobody has loaded since they were stored, the oldest first, and of those that
/// have been loaded again the one that has not been for the longest.
/// **So a session can be lost before it expires**, and its owner begins a new one. If visitors can fill the store, they log
/// others out: see [`may_overflow`](crate::SessionsBuilder::may_overflow). What has expired counts as absent at
/// once, and is removed by a task every five minutes.
///
/// Clones are the same store.
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
    shared: Arc<Shared>,
    clock: Clock,
}

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

struct Shared {
    /// One lock for everything makes each call atomic. It is held for a look-up and never while a blob is copied, so
    /// there is little to wait for; and one cache, rather than the shards of a concurrent one, has all of the room for
    /// each blob.
    cache: Arc<Mutex<Cache>>,
    cost: Cost,
    /// Of one blob. The cache would drop a heavier one without a word.
    most: u64,
    sweeper: Sweeper,
}

type Cache = unsync::Cache<BlobId, Kept, Cost, DefaultHashBuilder>;

#[derive(Clone)]
struct Kept {
    /// Shared, so that it can be copied after the lock is released.
    blob: Arc<[u8]>,
    expires: SystemTime,
}

/// What a blob takes of the room.
#[derive(Clone)]
struct Cost {
    /// An equal share of the room for each of as many blobs as there may be. So one bound on the sum is a bound on the
    /// bytes and on the number, too.
    least: u64,
}

impl Weighter<BlobId, Kept> for Cost {
    fn weight(&self, _: &BlobId, kept: &Kept) -> u64 {
        self.of(&kept.blob)
    }
}

impl Cost {
    /// What a blob costs beside its bytes: its entry, its place in the table, the counters before its bytes, and what
    /// tables and allocators keep in reserve. `tests/memory.rs` measures it.
    const BESIDE: u64 = 200;

    fn of(&self, blob: &[u8]) -> u64 {
        (blob.len() as u64).saturating_add(Self::BESIDE).max(self.least)
    }
}

/// How much of the room belongs to blobs that have been loaded again. The other half is for new ones, which thus have
/// time to be, however many come.
const SETTLED: f64 = 0.5;

/// How many are removed while the lock is held.
const BATCH: usize = 1_000;

impl MemoryStore {
    /// A store of 64 MiB and 100,000 blobs.
    pub fn new() -> Self {
        Self::bounded(64 << 20, 100_000)
    }

    /// A store of so many bytes and so many blobs. What it costs to keep a blob, some 200 bytes, counts, and a blob
    /// counts as no less than its equal share (`bytes / blobs`), so both bounds hold.
    ///
    /// One blob can take up half of the bytes; to store a larger one is an error.
    pub fn bounded(bytes: usize, blobs: usize) -> Self {
        // Of one alone, no blob could be half of the bytes.
        let (bytes, blobs) = (bytes as u64, blobs.max(2) as u64);
        let cost = Cost { least: (bytes / blobs).max(1) };
        // Without what the division leaves over, in which there might be room for one blob too many.
        let room = (cost.least.saturating_mul(blobs)).min(bytes);
        let options = OptionsBuilder::new()
            .weight_capacity(room)
            .estimated_items_capacity(0)
            .hot_allocation(SETTLED)
            // No index comes again after its blob has gone: nothing is worth remembering of it.
            .ghost_allocation(0.0)
            .build()
            .expect("what must be set is");
        let cache = Cache::with_options(
            options,
            cost.clone(),
            DefaultHashBuilder::default(),
            unsync::DefaultLifecycle::default(),
        );
        let shared = Shared {
            cache: Arc::new(Mutex::new(cache)),
            cost,
            most: (room as f64 * SETTLED) as u64,
            sweeper: Sweeper::new(),
        };
        Self { shared: Arc::new(shared), clock: Arc::new(SystemTime::now) }
    }

    /// The clock that judges what has expired, for tests. Default: [`SystemTime::now`]. Call it before the store is cloned: a
    /// clone keeps the clock that it has.
    ///
    /// Give it the [clock of the sessions](crate::SessionsBuilder::clock). With theirs in the past and the store's own in the
    /// present, whatever they store has expired already.
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
    /// # Ok::<(), sealed_session::Error>(())
    /// ```
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Removes what has expired that often, and not every five minutes. The task runs in the tokio runtime in which the
    /// store is first written, and ends with its last clone; without a runtime there is none.
    pub fn sweep_every(self, interval: Duration) -> Self {
        self.shared.sweeper.set_interval(interval);
        self
    }

    /// Stops to remove what has expired, for all clones. It still counts as absent, and goes when room is needed.
    pub fn stop_sweeping(&self) {
        self.shared.sweeper.stop();
    }

    /// How many blobs there are, with those that have expired and not been removed yet.
    pub fn len(&self) -> usize {
        self.shared.cache.lock().map_or(0, |cache| cache.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn cache(&self) -> Result<MutexGuard<'_, Cache>, StoreError> {
        lock(&self.shared.cache)
    }

    /// Puts a blob in, where `allowed` of what stands there alive.
    fn put(
        &self,
        index: BlobId,
        blob: &[u8],
        expires: SystemTime,
        allowed: impl FnOnce(Option<&Kept>) -> bool,
    ) -> Result<Written, StoreError> {
        self.sweep();
        let blob: Arc<[u8]> = blob.into();
        let mut cache = self.cache()?;
        if !allowed(self.live(&cache, index)) {
            return Ok(Written::Conflict);
        }
        if self.shared.cost.of(&blob) > self.shared.most {
            return Err(StoreError::when("storing a blob")("it is larger than half of the store"));
        }
        let kept = Kept { blob, expires };
        cache.insert(index, kept.clone());
        // In place of a smaller one it can be what goes to make room; where nothing stands, room is made before.
        if !cache.contains_key(&index) {
            cache.insert(index, kept);
        }
        Ok(Written::Done)
    }

    /// Changes what stands at an index, alive and of the expected generation.
    fn alter(
        &self,
        index: BlobId,
        expected: Option<Generation>,
        change: impl FnOnce(&mut Cache),
    ) -> Result<Written, StoreError> {
        let mut cache = self.cache()?;
        match self.live(&cache, index) {
            Some(kept) if expected.is_none() || Generation::of(&kept.blob) == expected => change(&mut cache),
            _ => return Ok(Written::Conflict),
        }
        Ok(Written::Done)
    }

    /// Returns the blob at an index, without counting as a load of it.
    fn live<'a>(&self, cache: &'a Cache, index: BlobId) -> Option<&'a Kept> {
        cache.peek(&index).filter(|kept| kept.expires > (self.clock)())
    }

    fn sweep(&self) {
        self.shared.sweeper.wake("MemoryStore", || {
            let (cache, clock) = (self.shared.cache.clone(), self.clock.clone());
            move || {
                let swept = lock(&cache).map(|mut cache| {
                    let now = clock();
                    let expired = cache.iter().filter(|(_, kept)| kept.expires <= now);
                    let expired: Vec<BlobId> = expired.map(|(index, _)| *index).take(BATCH).collect();
                    for index in &expired {
                        cache.remove(index);
                    }
                    if expired.len() < BATCH { Left::Nothing } else { Left::Perhaps }
                });
                ready(swept)
            }
        });
    }
}

fn lock(cache: &Mutex<Cache>) -> Result<MutexGuard<'_, Cache>, StoreError> {
    // Who knows in what state a call that panicked has left the tables.
    cache.lock().map_err(|_| StoreError::when("locking the store")("an earlier call panicked"))
}

impl Store for MemoryStore {
    type Error = StoreError;

    async fn load(&self, index: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = self.cache()?.get(&index).cloned();
        let live = kept.filter(|kept| kept.expires > (self.clock)());
        Ok(live.map(|kept| kept.blob[..kept.blob.len().min(most)].to_vec()))
    }

    async fn create(&self, index: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        self.put(index, blob, expires, |standing| standing.is_none())
    }

    async fn replace(
        &self,
        index: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.put(index, blob, expires, |standing| {
            standing.is_some_and(|kept| Generation::of(&kept.blob) == Some(expected))
        })
    }

    async fn set_expiry(
        &self,
        index: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.alter(index, Some(expected), |cache| {
            if let Some(mut kept) = cache.peek_mut(&index) {
                kept.expires = expires;
            }
        })
    }

    async fn delete(&self, index: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        self.alter(index, expected, |cache| {
            cache.remove(&index);
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
