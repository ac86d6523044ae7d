//! The calls that one request makes of its store, under one deadline.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout_at};

use super::{BlobId, Generation, Store, StoreError, Written};
use crate::error::{Error, Kind};

/// A store, for as long as a request waits for it.
pub(crate) struct Calls<'a> {
    store: &'a dyn Store,
    until: Instant,
}

impl<'a> Calls<'a> {
    /// From now on, and no longer than `deadline` in all.
    pub(super) fn new(store: &'a dyn Store, deadline: Duration) -> Self {
        let now = Instant::now();
        // What is too long to be told ends never, or in a year.
        let until = now.checked_add(deadline).unwrap_or(now + Duration::from_secs(365 * 24 * 3600));
        Self { store, until }
    }

    pub(super) async fn load(&self, index: BlobId, most: usize) -> Result<Option<Vec<u8>>, Error> {
        self.wait("load a session", self.store.load(index, most)).await
    }

    pub(super) async fn create(
        &self,
        index: BlobId,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, Error> {
        self.wait("store a session", self.store.create(index, blob, expires)).await
    }

    pub(super) async fn replace(
        &self,
        index: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, Error> {
        self.wait("replace a session", self.store.replace(index, expected, blob, expires)).await
    }

    pub(super) async fn set_expiry(
        &self,
        index: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, Error> {
        self.wait("set a session's expiry", self.store.set_expiry(index, expected, expires)).await
    }

    pub(super) async fn delete(&self, index: BlobId, expected: Option<Generation>) -> Result<Written, Error> {
        self.wait("delete a session", self.store.delete(index, expected)).await
    }

    /// Waits for something that is no call, as long as for one.
    pub(crate) async fn wait_for<R>(
        &self,
        what: &'static str,
        done: impl Future<Output = R>,
    ) -> Result<R, Error> {
        timeout_at(self.until, done).await.map_err(|_| Kind::Store { call: what, source: None }.into())
    }

    async fn wait<R>(
        &self,
        call: &'static str,
        result: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, Error> {
        let source = match timeout_at(self.until, result).await {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(source)) => Some(source),
            Err(_) => None,
        };
        Err(Kind::Store { call, source }.into())
    }
}
