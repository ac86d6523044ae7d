//! Cleaning up. A blob that must not stay in the store is removed within the request. If that call fails, a background
//! task retries until it succeeds or until [`PATIENCE`] has passed.
//!
//! Without this, one failed call would leave a readable copy of a session until the session expires, which takes up to
//! 30 days for a persistent one. A sign-out from where the session is now would not reach that copy.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, sleep},
};

use super::{BlobId, Deadline, Generation, Store, Written};
use crate::{error::Error, settings::counters::Tally};

/// The time for which a task retries.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The first pause between two attempts. Each later one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The largest number of tasks at a time. Beyond that the failure is final at once, so that a store that rejects every
/// write cannot fill the process with tasks.
const MOST_TASKS: usize = 1000;

/// A call that removes a blob now or soon. It is idempotent.
#[derive(Clone, Copy)]
pub(super) enum Cleanup {
    /// Lets a blob expire at this time, and leaves it to requests in flight until then.
    Expire { id: BlobId, seen: Generation, at: SystemTime },
    /// Deletes a blob of this generation, or of any.
    Delete { id: BlobId, expected: Option<Generation> },
}

/// A store, and the tasks that clean it up.
pub(crate) struct Cleaner {
    pub(super) store: Arc<dyn Store>,
    patience: Duration,
    cookie: Arc<str>,
    tally: Arc<Tally>,
    /// One permit for each task.
    tasks: Arc<Semaphore>,
}

impl Cleaner {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        patience: Duration,
        cookie: Arc<str>,
        tally: Arc<Tally>,
    ) -> Arc<Self> {
        Arc::new(Self { store, patience, cookie, tally, tasks: Arc::new(Semaphore::new(MOST_TASKS)) })
    }

    /// Returns the deadline of a request that begins to wait for the store now.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.patience)
    }

    pub(super) async fn attempt(&self, cleanup: Cleanup, deadline: Deadline) -> Result<Written, Error> {
        match cleanup {
            Cleanup::Expire { id, seen, at } => {
                deadline.call("set a session's expiry", self.store.set_expiry(id, seen, at)).await
            }
            Cleanup::Delete { id, expected } => {
                deadline.call("delete a session", self.store.delete(id, expected)).await
            }
        }
    }

    /// Cleans up now. If that fails, returns the error, and a background task retries.
    ///
    /// A conflict means that another request has written or deleted the blob since. This request must not remove it
    /// then.
    pub(super) async fn clean_up(
        self: &Arc<Self>,
        cleanup: Cleanup,
        deadline: Deadline,
    ) -> Result<Written, Error> {
        let done = self.attempt(cleanup, deadline).await;
        if let Err(error) = &done {
            tracing::warn!(
                cookie = &*self.cookie,
                error = %error.chain(),
                "a stored session that is no longer needed could not be removed; will retry"
            );
            // The deadline of the call needs a tokio runtime, so there is one.
            self.clean_up_later(&Handle::current(), cleanup, FIRST_PAUSE);
        }
        done
    }

    /// Starts a background task that cleans up, first after this pause.
    fn clean_up_later(self: &Arc<Self>, runtime: &Handle, cleanup: Cleanup, mut pause: Duration) {
        let Ok(permit) = Arc::clone(&self.tasks).try_acquire_owned() else {
            return self.gave_up(None);
        };
        self.tally.cleanups_retried.add(1);
        let this = Arc::clone(self);
        runtime.spawn(async move {
            let _permit = permit;
            let until = Instant::now() + PATIENCE;
            loop {
                if !pause.is_zero() {
                    sleep(pause).await;
                }
                match this.attempt(cleanup, this.deadline()).await {
                    Ok(_) => return,
                    Err(error) if Instant::now() >= until => return this.gave_up(Some(&error)),
                    Err(_) => pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE),
                }
            }
        });
    }

    fn gave_up(&self, error: Option<&Error>) {
        self.tally.cleanups_failed.add(1);
        tracing::error!(
            cookie = &*self.cookie,
            error = error.map(|error| tracing::field::display(error.chain())),
            "a stored session that is no longer needed stays in the store until it expires: copies of its old cookie \
             open it"
        );
    }
}

/// The blobs of a destroyed session, which are deleted even if the request is dropped before there is a response.
pub(crate) struct Deletion {
    cleaner: Arc<Cleaner>,
    blobs: Vec<BlobId>,
    /// The Unix time at which the session expires, if it is known.
    expires: Option<u64>,
}

impl Deletion {
    pub(crate) fn new(cleaner: &Arc<Cleaner>, mut blobs: Vec<BlobId>, expires: Option<u64>) -> Self {
        blobs.reverse(); // the last is deleted first: the one that the session is in
        Self { cleaner: Arc::clone(cleaner), blobs, expires }
    }

    /// Deletes the blobs now. If that fails, it can be retried.
    pub(crate) async fn carry_out(&mut self) -> Result<(), Error> {
        let deadline = self.cleaner.deadline();
        while let Some(id) = self.blobs.last() {
            let _ = self.cleaner.attempt(Cleanup::Delete { id: *id, expected: None }, deadline).await?;
            self.blobs.pop();
        }
        Ok(())
    }

    /// Leaves the deletion to the commit.
    pub(crate) fn disarm(mut self) {
        self.blobs.clear();
    }
}

impl Drop for Deletion {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else {
            if !self.blobs.is_empty() {
                tracing::error!(
                    cookie = &*self.cleaner.cookie,
                    expires_unix = self.expires,
                    "a destroyed session is left in its store, because no tokio runtime is left to delete it: copies of \
                     its cookie open it until it expires"
                );
            }
            return;
        };
        for id in self.blobs.drain(..) {
            self.cleaner.clean_up_later(&runtime, Cleanup::Delete { id, expected: None }, Duration::ZERO);
        }
    }
}
