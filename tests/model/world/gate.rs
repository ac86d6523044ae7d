//! A store whose every call waits until it is let through.

use std::{
    collections::BTreeMap,
    future::{pending, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{SystemTime, UNIX_EPOCH},
};

use sealed_session::store::{BlobId, Generation, Store, StoreError, Written, async_trait};

use crate::{
    judge::{Call, Judge, Reply},
    steps::Mood,
};

/// What the store's calls wait for, and who sees them.
#[derive(Clone)]
pub(super) struct Gate(pub(super) Arc<Mutex<Waiting>>);

pub(super) struct Waiting {
    pub(super) judge: Judge,
    /// The request that runs.
    pub(super) running: usize,
    pub(super) calls: BTreeMap<usize, Call>,
    pub(super) let_through: BTreeMap<usize, Mood>,
    /// Calls that nobody waits for any more.
    pub(super) abandoned: Vec<(usize, Call)>,
    /// Calls that failed, which a background task may make again.
    pub(super) failed: Vec<(usize, Call)>,
    /// How the store treats the calls of background tasks.
    pub(super) weather: Mood,
}

impl Gate {
    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is let through.
    pub(super) async fn pass(&self, call: Call) -> (usize, Mood) {
        let id = {
            let mut waiting = self.lock();
            let id = waiting.running;
            waiting.calls.insert(id, call);
            id
        };
        let _abandoned = Abandoned(self, id);
        let mood = poll_fn(|_| self.lock().let_through.remove(&id).map_or(Poll::Pending, Poll::Ready)).await;
        self.lock().calls.remove(&id);
        (id, mood)
    }

    async fn call(&self, call: Call) -> Result<Reply, StoreError> {
        // Requests are polled by the test itself, so whoever is in a task is one that cleans up.
        if tokio::task::try_id().is_some() {
            return self.call_again(call).await;
        }
        let (id, mood) = self.pass(call.clone()).await;
        let mut waiting = self.lock();
        if mood != Mood::Well {
            waiting.judge.troubles(id, &call, mood);
            waiting.failed.push((id, call.clone()));
        }
        let judge = &mut waiting.judge;
        match mood {
            Mood::Well => Ok(judge.carry_out(id, &call, true)),
            Mood::Lying => {
                judge.carry_out(id, &call, false);
                Err(down())
            }
            Mood::Down | Mood::Hanging => Err(down()),
        }
    }

    /// A background task makes a call that has failed within its request.
    async fn call_again(&self, call: Call) -> Result<Reply, StoreError> {
        let weather = self.lock().weather;
        if weather == Mood::Hanging {
            pending::<()>().await;
        }
        let mut waiting = self.lock();
        // A task of an earlier sequence is none of this one's.
        let failed = |is_it: &dyn Fn(&Call) -> bool| waiting.failed.iter().rfind(|(_, failed)| is_it(failed));
        // Two requests can have made the same call with another expiry.
        let failed = failed(&|failed| *failed == call).or_else(|| failed(&|failed| failed.is_like(&call)));
        let (Some(&(by, _)), Mood::Well | Mood::Lying) = (failed, weather) else { return Err(down()) };
        waiting.judge.says(format!("  later, of {by}:"));
        let reply = waiting.judge.carry_out(by, &call, false);
        if weather == Mood::Well { Ok(reply) } else { Err(down()) }
    }

    async fn write(&self, call: Call) -> Result<Written, StoreError> {
        match self.call(call).await? {
            Reply::Written(written) => Ok(written),
            Reply::Loaded(_) => unreachable!("that was no load"),
        }
    }
}

/// A call that is dropped while it waits may be carried out all the same.
struct Abandoned<'a>(&'a Gate, usize);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        if let Some(call) = waiting.calls.remove(&self.1) {
            waiting.judge.troubles(self.1, &call, Mood::Hanging);
            waiting.failed.push((self.1, call.clone()));
            waiting.abandoned.push((self.1, call));
        }
    }
}

fn down() -> StoreError {
    StoreError::new("calling the model's store", "it is down")
}

#[async_trait]
impl Store for Gate {
    async fn load(&self, id: BlobId, _: usize) -> Result<Option<Vec<u8>>, StoreError> {
        match self.call(Call::Load { index: id }).await? {
            Reply::Loaded(blob) => Ok(blob),
            Reply::Written(_) => unreachable!("that was no write"),
        }
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        self.write(Call::Create { index: id, blob: blob.to_vec(), expires: seconds(expires) }).await
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.write(Call::Replace { index: id, expected, blob: blob.to_vec(), expires: seconds(expires) })
            .await
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        self.write(Call::SetExpiry { index: id, expected, expires: seconds(expires) }).await
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        self.write(Call::Delete { index: id, expected }).await
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}
