//! What the checks are made of: blobs, moments, and a store whose calls may not fail.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::Poll,
    thread,
    time::{Duration, SystemTime},
};

use crate::{
    seal::random,
    store::{BlobId, Generation, Store, Written},
};

/// More than any blob here is long.
pub(super) const ALL: usize = 16 << 20;

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

pub(super) fn index() -> BlobId {
    BlobId::new(random::bytes().expect("random bytes"))
}

pub(super) fn generation(number: u64) -> Generation {
    Generation::new(number)
}

/// A blob of this generation and length, random but for its first bytes.
pub(super) fn blob(number: u64, length: usize) -> Vec<u8> {
    let mut blob = vec![0; length];
    random::fill(&mut blob).expect("random bytes");
    blob[0] = 0x13;
    blob[Generation::BYTES].copy_from_slice(&number.to_be_bytes());
    blob
}

/// An ordinary one.
pub(super) fn small(number: u64) -> Vec<u8> {
    blob(number, 315)
}

/// The store that is checked.
pub(super) struct Subject<'a, S>(pub(super) &'a S);

impl<S> Clone for Subject<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Subject<'_, S> {}

impl<S: Store> Subject<'_, S> {
    pub(super) async fn load(self, index: BlobId) -> Option<Vec<u8>> {
        self.load_at_most(index, ALL).await
    }

    pub(super) async fn load_at_most(self, index: BlobId, most: usize) -> Option<Vec<u8>> {
        must("load", self.0.load(index, most).await)
    }

    pub(super) async fn create(self, index: BlobId, blob: &[u8], expires: SystemTime) -> Written {
        must("create", self.0.create(index, blob, expires).await)
    }

    pub(super) async fn replace(self, index: BlobId, was: u64, blob: &[u8], expires: SystemTime) -> Written {
        must("replace", self.0.replace(index, generation(was), blob, expires).await)
    }

    pub(super) async fn set_expiry(self, index: BlobId, expected: u64, expires: SystemTime) -> Written {
        must("set_expiry", self.0.set_expiry(index, generation(expected), expires).await)
    }

    pub(super) async fn delete(self, index: BlobId, expected: Option<u64>) -> Written {
        must("delete", self.0.delete(index, expected.map(generation)).await)
    }

    /// A new blob that expires in an hour, and where it stands.
    pub(super) async fn stored(self, number: u64) -> (BlobId, Vec<u8>) {
        let (index, blob) = (index(), small(number));
        done(self.create(index, &blob, future()).await, "create where nothing stands");
        (index, blob)
    }

    /// Deletes what a check has left.
    pub(super) async fn clear(self, index: BlobId) {
        let _ = self.delete(index, None).await;
    }

    /// Asserts that this blob stands there, byte for byte.
    pub(super) async fn holds(self, index: BlobId, blob: &[u8], rule: &str) {
        match self.load(index).await {
            Some(found) if found == blob => (),
            Some(found) => {
                panic!("{rule}: found {} bytes that differ from the {} stored", found.len(), blob.len())
            }
            None => panic!("{rule}: found nothing"),
        }
    }

    /// Asserts that nothing stands there.
    pub(super) async fn lacks(self, index: BlobId, rule: &str) {
        if let Some(found) = self.load(index).await {
            panic!("{rule}: found {} bytes", found.len());
        }
    }
}

fn must<T, E: std::error::Error>(call: &str, answer: Result<T, E>) -> T {
    answer.unwrap_or_else(|error| panic!("a call of `{call}` failed: {error}"))
}

#[track_caller]
pub(super) fn done(written: Written, what: &str) {
    assert!(written == Written::Done, "{what} must be Done, and was {written:?}");
}

#[track_caller]
pub(super) fn conflict(written: Written, what: &str) {
    assert!(written == Written::Conflict, "{what} must be a Conflict, and was {written:?}");
}

/// Polls all in turn until all have ended.
pub(super) async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        for (future, output) in &mut running {
            if output.is_none()
                && let Poll::Ready(ended) = future.as_mut().poll(context)
            {
                *output = Some(ended);
            }
        }
        match running.iter().all(|(_, output)| output.is_some()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    running.into_iter().map(|(_, output)| output.expect("all have ended")).collect()
}

/// Waits in real time, in any runtime: a thread does it.
pub(super) async fn pause(time: Duration) {
    let over = Arc::new(AtomicBool::new(false));
    let mut begun = false;
    poll_fn(|context| {
        if over.load(SeqCst) {
            return Poll::Ready(());
        }
        if !begun {
            begun = true;
            let (over, waker) = (over.clone(), context.waker().clone());
            thread::spawn(move || {
                thread::sleep(time);
                over.store(true, SeqCst);
                waker.wake();
            });
        }
        Poll::Pending
    })
    .await;
}
