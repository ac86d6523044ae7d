//! Helpers for the checks: blobs, times, and a store whose calls must not fail.

use std::{
    future::poll_fn,
    task::Poll,
    time::{Duration, SystemTime},
};

use crate::{
    error::chain,
    seal::random,
    store::{BlobId, Generation, Store, StoreError, Written},
};

/// A number of bytes that exceeds the length of any blob in the checks.
const ALL: usize = 16 << 20;

/// The number of overlapping calls.
pub(super) const CALLS: usize = 8;

const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn past() -> SystemTime {
    SystemTime::now() - HOUR
}

pub(super) fn future() -> SystemTime {
    SystemTime::now() + HOUR
}

pub(super) fn later() -> SystemTime {
    SystemTime::now() + 2 * HOUR
}

pub(super) fn random_id() -> BlobId {
    BlobId::new(random::bytes().expect("random bytes"))
}

/// Returns a blob of this generation and length. The rest of it is random.
pub(super) fn blob(number: u64, length: usize) -> Vec<u8> {
    let mut blob = vec![0; length];
    random::fill(&mut blob).expect("random bytes");
    blob[0] = 0x13;
    blob[Generation::BYTES].copy_from_slice(&number.to_be_bytes());
    blob
}

/// Returns a blob of ordinary length.
pub(super) fn small(number: u64) -> Vec<u8> {
    blob(number, 315)
}

/// The store that is checked.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a>(pub(super) &'a dyn Store);

impl Subject<'_> {
    pub(super) async fn load(self, id: BlobId) -> Option<Vec<u8>> {
        self.load_at_most(id, ALL).await
    }

    pub(super) async fn load_at_most(self, id: BlobId, most: usize) -> Option<Vec<u8>> {
        must("load", self.0.load(id, most).await)
    }

    pub(super) async fn create(self, id: BlobId, blob: &[u8], expires: SystemTime) -> Written {
        must("create", self.0.create(id, blob, expires).await)
    }

    pub(super) async fn replace(self, id: BlobId, was: u64, blob: &[u8], expires: SystemTime) -> Written {
        must("replace", self.0.replace(id, Generation(was), blob, expires).await)
    }

    pub(super) async fn set_expiry(self, id: BlobId, expected: u64, expires: SystemTime) -> Written {
        must("set_expiry", self.0.set_expiry(id, Generation(expected), expires).await)
    }

    pub(super) async fn delete(self, id: BlobId, expected: Option<u64>) -> Written {
        must("delete", self.0.delete(id, expected.map(Generation)).await)
    }

    /// Creates a blob and asserts that this succeeds.
    pub(super) async fn put(self, id: BlobId, blob: &[u8], expires: SystemTime) {
        done(self.create(id, blob, expires).await, "create with an unused id");
    }

    /// Creates a blob that expires in an hour, and returns it with its id.
    pub(super) async fn stored(self, number: u64) -> (BlobId, Vec<u8>) {
        let (id, blob) = (random_id(), small(number));
        self.put(id, &blob, future()).await;
        (id, blob)
    }

    /// Deletes the blob that a check has left behind.
    pub(super) async fn clear(self, id: BlobId) {
        let _ = self.delete(id, None).await;
    }

    /// Asserts that exactly this blob is stored.
    pub(super) async fn holds(self, id: BlobId, blob: &[u8], rule: &str) {
        match self.load(id).await {
            Some(found) if found == blob => (),
            Some(found) => {
                panic!("{rule}: found {} bytes that differ from the {} stored", found.len(), blob.len())
            }
            None => panic!("{rule}: found nothing"),
        }
    }

    /// Asserts that no blob is stored.
    pub(super) async fn lacks(self, id: BlobId, rule: &str) {
        if let Some(found) = self.load(id).await {
            panic!("{rule}: found {} bytes", found.len());
        }
    }
}

pub(super) fn must<T>(call: &str, answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| panic!("a call of `{call}` failed: {}", chain(&error)))
}

#[track_caller]
pub(super) fn done(written: Written, what: &str) {
    assert!(written == Written::Done, "{what} must return Done, but returned {written:?}");
}

#[track_caller]
pub(super) fn conflict(written: Written, what: &str) {
    assert!(written == Written::Conflict, "{what} must return Conflict, but returned {written:?}");
}

/// Polls the futures in turn until all are ready.
pub(super) async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(ended) = future.as_mut().poll(context) {
                *output = Some(ended);
            }
        }
        if running.iter().all(|(_, output)| output.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}
