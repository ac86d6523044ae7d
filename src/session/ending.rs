//! The end of a stored session that was destroyed.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, time::timeout};

use crate::{
    error::{Error, Kind},
    store::{BlobId, Store},
};

/// Deletes the blobs of a destroyed session: by [`carry_out`](Self::carry_out), or, when the request is dropped before
/// it has been answered, in the background.
pub(crate) struct Ending(Option<Deletion>);

struct Deletion {
    store: Arc<dyn Store>,
    deadline: Duration,
    cookie: Arc<str>,
    left: Vec<BlobId>,
    /// The second at which the session's blob expires by itself, if it is known.
    expires: Option<u64>,
    /// Why the last attempt has failed.
    failed: Option<Error>,
}

impl Ending {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        deadline: Duration,
        cookie: Arc<str>,
        blobs: Vec<BlobId>,
        expires: Option<u64>,
    ) -> Self {
        Self(Some(Deletion { store, deadline, cookie, left: blobs, expires, failed: None }))
    }

    /// Deletes the blobs now. When that fails, it can be tried again.
    pub(crate) async fn carry_out(&mut self) -> Result<(), Error> {
        if let Some(deletion) = &mut self.0 {
            deletion.carry_out().await?;
        }
        self.0 = None;
        Ok(())
    }

    /// Leaves the blobs to whoever deletes them instead.
    pub(crate) fn disarm(mut self) {
        if let Some(deletion) = &mut self.0 {
            deletion.left.clear();
        }
    }
}

impl Deletion {
    async fn carry_out(&mut self) -> Result<(), Error> {
        let delete_all = async {
            while let Some(index) = self.left.last() {
                let _ = self.store.delete(*index, None).await?;
                self.left.pop();
            }
            Ok(())
        };
        let source = match timeout(self.deadline, delete_all).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(source)) => Some(source),
            Err(_) => None,
        };
        Err(Kind::Store { call: "delete a session", source }.into())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Some(mut deletion) = self.0.take() else { return };
        if !deletion.left.is_empty()
            && let Ok(runtime) = Handle::try_current()
        {
            // A runtime that shuts down drops the task, and the deletion with it.
            runtime.spawn(async move {
                deletion.failed = deletion.carry_out().await.err();
                drop(deletion); // which logs
            });
        }
    }
}

impl Drop for Deletion {
    fn drop(&mut self) {
        if !self.left.is_empty() {
            tracing::error!(
                cookie = &*self.cookie,
                expires_unix = self.expires,
                error = self.failed.as_ref().map(tracing::field::display),
                "a destroyed session is left in its store: a copy of its cookie opens until it expires"
            );
        }
    }
}
