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
    /// The largest blob, in bytes.
    pub(crate) limit: usize,
    /// How long a blob is left to requests in flight after its session has moved back to the cookie.
    pub(crate) grace: Duration,
    pub(crate) serve_fresh: bool,
    pub(crate) on_conflict: Option<Resolve<T>>,
    /// The sessions that may enter the store.
    pub(crate) admits: Box<dyn Fn(&T) -> bool + Send + Sync>,
    /// The number of bytes that may enter it.
    pub(crate) budget: Option<Budget>,
    /// The store itself, with the means to clean it up.
    pub(crate) cleaner: Arc<Cleaner>,
}

impl<T> Overflow<T> {
    /// The store, for one way of a request.
    pub(crate) fn calls(&self) -> Calls<'_, T> {
        Calls { overflow: self, deadline: self.cleaner.deadline() }
    }

    /// Rejects data that do not fit the store.
    pub(crate) fn check_size(&self, draft: &Draft) -> Result<(), Error> {
        match blob_len(draft.payload().len()) {
            size if size > self.limit => {
                Err(Kind::TooLarge { size, limit: self.limit, place: Place::Store }.into())
            }
            _ => Ok(()),
        }
    }
}

/// The calls that one request makes to its store, under one deadline.
pub(crate) struct Calls<'a, T> {
    pub(super) overflow: &'a Overflow<T>,
    pub(super) deadline: Deadline,
}

/// The end of a request's patience.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(patience: Duration) -> Self {
        let now = Instant::now();
        // A patience too long for the clock is a year.
        Self(now.checked_add(patience).unwrap_or(now + Duration::from_secs(365 * 24 * 3600)))
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
