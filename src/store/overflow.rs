//! The overflow store of an application, and the policies that come with it.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{Budget, Cleaner, StoreError};
use crate::{
    error::{Error, Kind, Place},
    seal::{Draft, blob_len},
    settings::{Settings, policy::Resolve},
};

/// Storage for sessions that do not fit in their cookies.
pub(crate) struct Overflow<T> {
    pub(crate) settings: Arc<Settings<T>>,
    /// The size limit of a blob, in bytes.
    pub(crate) limit: usize,
    /// The grace period: the time for which a blob is left to requests in flight after its session has moved back to
    /// the cookie.
    pub(crate) grace: Duration,
    pub(crate) serve_fresh: bool,
    pub(crate) on_conflict: Option<Resolve<T>>,
    /// The rule for sessions that may enter the store.
    pub(crate) admits: Box<dyn Fn(&T) -> bool + Send + Sync>,
    /// The budget of bytes that may enter the store.
    pub(crate) budget: Option<Budget>,
    /// The store itself, and the tasks that clean it up.
    pub(crate) cleaner: Arc<Cleaner>,
}

impl<T> Overflow<T> {
    /// Returns the store for the calls of one load, save or commit, which share a deadline.
    pub(crate) fn calls(&self) -> Calls<'_, T> {
        Calls { overflow: self, deadline: self.cleaner.deadline() }
    }

    /// Rejects data that does not fit in the store.
    pub(crate) fn check_size(&self, draft: &Draft) -> Result<(), Error> {
        match blob_len(draft.payload().len()) {
            size if size > self.limit => {
                Err(Kind::TooLarge { size, limit: self.limit, place: Place::Store }.into())
            }
            _ => Ok(()),
        }
    }
}

/// The store, for calls that share one deadline.
pub(crate) struct Calls<'a, T> {
    pub(super) overflow: &'a Overflow<T>,
    pub(super) deadline: Deadline,
}

/// The time until which a request waits for the store.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(patience: Duration) -> Self {
        let now = Instant::now();
        // If the clock cannot represent the deadline, it is in 365 days.
        Self(now.checked_add(patience).unwrap_or(now + Duration::from_secs(31_536_000)))
    }

    /// Waits for a call to the store.
    pub(super) async fn call<R>(
        self,
        call: &'static str,
        result: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, Error> {
        let answer = self.wait_for(call, result).await?;
        answer.map_err(|source| Kind::Store { call, source: Some(source) }.into())
    }

    /// Waits for something that is not a call.
    pub(crate) async fn wait_for<R>(
        self,
        what: &'static str,
        done: impl Future<Output = R>,
    ) -> Result<R, Error> {
        timeout_at(self.0, done).await.map_err(|_| Kind::Store { call: what, source: None }.into())
    }
}
