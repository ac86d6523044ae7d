//! A store that tests can look into, and make fail.

use std::{
    collections::BTreeMap,
    future,
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};

use sealed_session::store::{BlobId, Generation, Store, StoreError, Written, async_trait};

use super::Clock;

/// How the store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Well,
    /// Every call fails, and nothing is done.
    Down,
    /// Every call is carried out, and fails all the same.
    Lying,
    /// No call is ever answered.
    Hanging,
}

/// Shared by its clones. It goes by the test's clock.
#[derive(Clone)]
pub struct TestStore {
    clock: Clock,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
pub struct Inner {
    pub blobs: BTreeMap<BlobId, Blob>,
    pub mood: Mood,
    /// The mood of some calls to come, by what is called; it takes precedence, and is used up.
    pub next: Vec<(&'static str, Mood)>,
    /// What was called, in order.
    pub calls: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub bytes: Vec<u8>,
    pub expires: SystemTime,
}

fn down() -> StoreError {
    StoreError::new("calling the test's store", "it is down")
}

impl TestStore {
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), inner: Arc::default() }
    }

    pub fn look(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap();
        let now = self.clock.now();
        inner.blobs.retain(|_, blob| blob.expires > now);
        inner
    }

    pub fn is(&self, mood: Mood) {
        self.look().mood = mood;
    }

    /// The next call of this name finds the store in this mood.
    pub fn once(&self, call: &'static str, mood: Mood) {
        self.look().next.push((call, mood));
    }

    pub fn len(&self) -> usize {
        self.look().blobs.len()
    }

    /// The only blob.
    pub fn only(&self) -> (BlobId, Blob) {
        let inner = self.look();
        assert_eq!(inner.blobs.len(), 1, "one blob");
        inner.blobs.iter().map(|(id, blob)| (*id, blob.clone())).next().unwrap()
    }

    /// For how much longer the only blob lives, in seconds.
    pub fn seconds_left(&self) -> u64 {
        self.only().1.expires.duration_since(self.clock.now()).unwrap().as_secs()
    }

    pub fn generation(&self) -> Generation {
        Generation::of(&self.only().1.bytes).unwrap()
    }

    /// What was called since this was asked last.
    pub fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.look().calls)
    }

    async fn call<R>(&self, name: &'static str, run: impl FnOnce(&mut Inner) -> R) -> Result<R, StoreError> {
        let mood = {
            let mut inner = self.look();
            inner.calls.push(name);
            match inner.next.iter().position(|(call, _)| *call == name) {
                Some(at) => inner.next.remove(at).1,
                None => inner.mood,
            }
        };
        match mood {
            Mood::Well => Ok(run(&mut self.look())),
            Mood::Down => Err(down()),
            Mood::Lying => {
                run(&mut self.look());
                Err(down())
            }
            Mood::Hanging => future::pending().await,
        }
    }
}

/// Changes what stands there, if it is of the expected generation.
fn alter(
    inner: &mut Inner,
    id: BlobId,
    expected: Option<Generation>,
    change: impl FnOnce(&mut BTreeMap<BlobId, Blob>),
) -> Written {
    match inner.blobs.get(&id) {
        Some(blob) if expected.is_none() || Generation::of(&blob.bytes) == expected => {
            change(&mut inner.blobs);
            Written::Done
        }
        _ => Written::Conflict,
    }
}

#[async_trait]
impl Store for TestStore {
    async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        self.call("load", |inner| {
            inner.blobs.get(&id).map(|blob| blob.bytes[..blob.bytes.len().min(most)].to_vec())
        })
        .await
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        self.call("create", |inner| {
            if inner.blobs.contains_key(&id) {
                return Written::Conflict;
            }
            inner.blobs.insert(id, Blob { bytes: blob.to_vec(), expires });
            Written::Done
        })
        .await
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.call("replace", |inner| {
            alter(inner, id, Some(expected), |blobs| {
                blobs.insert(id, Blob { bytes: blob.to_vec(), expires });
            })
        })
        .await
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.call("set_expiry", |inner| {
            alter(inner, id, Some(expected), |blobs| {
                blobs.entry(id).and_modify(|blob| blob.expires = expires);
            })
        })
        .await
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        self.call("delete", |inner| {
            alter(inner, id, expected, |blobs| {
                blobs.remove(&id);
            })
        })
        .await
    }
}
