//! Cleaning up later. A blob that must not stay in the store is removed within the request. When that call fails, a task
//! makes it again until it succeeds, or until [`PATIENCE`] has passed.
//!
//! Without this, one failed call would leave a readable copy of a session until the session expires, which is 30 days
//! for a remembered one, and a logout from where the session is now would not reach it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep};

use super::{BlobId, Calls, Generation, Stored, Written};
use crate::{Payload, error::Error, sessions::Sessions};

/// The time that a task goes on trying.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The first pause between two attempts. Each later one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The largest number of tasks at a time. Beyond that the failure is final at once, so that a store that refuses every
/// write cannot fill the process with tasks.
pub(crate) const MOST_TASKS: usize = 1000;

/// A call after which a blob is gone, or soon will be. Making it twice does no more than making it once.
#[derive(Clone, Copy)]
pub(super) enum Cleanup {
    /// Leaves a blob to requests in flight until then.
    Expire { index: BlobId, seen: Generation, at: SystemTime },
    /// Deletes a blob: of this generation, or of any.
    Delete { index: BlobId, expected: Option<Generation> },
}

impl Cleanup {
    /// Deletes whatever stands there.
    pub(super) fn delete(blob: &Stored) -> Self {
        Self::Delete { index: blob.index(), expected: None }
    }

    /// Deletes a blob unless another request has written it since.
    pub(super) fn delete_seen(blob: &Stored) -> Self {
        Self::Delete { index: blob.index(), expected: Some(blob.generation()) }
    }

    async fn carry_out(self, calls: &Calls<'_>) -> Result<Written, Error> {
        match self {
            Self::Expire { index, seen, at } => calls.set_expiry(index, seen, at).await,
            Self::Delete { index, expected } => calls.delete(index, expected).await,
        }
    }
}

impl<T: Payload> Sessions<T> {
    /// Cleans up now. If that fails, it returns the error, and a task goes on trying.
    ///
    /// A conflict means that another request has written or deleted the blob since: then it is not this one's to
    /// remove.
    pub(super) async fn clean_up(&self, calls: &Calls<'_>, cleanup: Cleanup) -> Result<Written, Error> {
        let done = cleanup.carry_out(calls).await;
        if let Err(error) = &done {
            self.clean_up_later(cleanup, error);
        }
        done
    }

    fn clean_up_later(&self, cleanup: Cleanup, error: &Error) {
        let Ok(permit) = Arc::clone(&self.overflow().cleanups).try_acquire_owned() else {
            return self.gave_up_cleaning(error);
        };
        self.inner.tally.cleanup_retried();
        tracing::warn!(
            cookie = self.cookie_name(),
            error = %error.chain(),
            "a stored session that is no longer needed could not be removed; will try again"
        );
        let these = self.clone();
        // Calls have deadlines, which are tokio's: whoever has just made one is in its runtime.
        tokio::spawn(async move {
            let _permit = permit;
            let until = Instant::now() + PATIENCE;
            let mut pause = FIRST_PAUSE;
            loop {
                sleep(pause).await;
                match cleanup.carry_out(&these.overflow().calls()).await {
                    Ok(_) => return,
                    Err(error) if Instant::now() >= until => return these.gave_up_cleaning(&error),
                    Err(_) => pause = (pause * 2).min(LONGEST_PAUSE),
                }
            }
        });
    }

    fn gave_up_cleaning(&self, error: &Error) {
        self.inner.tally.cleanup_failed();
        tracing::error!(
            cookie = self.cookie_name(),
            error = %error.chain(),
            "a stored session that is no longer needed stays in the store until it expires: copies of its old cookie open it"
        );
    }
}
