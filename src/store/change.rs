//! A session on its way to its cookie or its blob.

use std::{
    mem,
    time::{Duration, SystemTime},
};

use super::{BlobId, Generation};
use crate::seal::{Draft, Header, Reference};

/// The blob of a session, as this request last saw it.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    /// The reference, with the generation that was seen.
    pub(crate) reference: Reference,
    pub(crate) session_id: [u8; 16],
    /// The index of the previous realm or cookie name that the blob is sealed for. `None` for the present one.
    pub(crate) previous: Option<usize>,
    /// True if it is sealed with the current sealing key, in the present shape of the payload.
    pub(super) settled: bool,
    /// The number of bytes that it takes in the store, or 0 before it was loaded.
    pub(super) length: usize,
    /// True if its data would fit in the cookie. The session has already moved back, and the browser never got the new
    /// cookie, or it is due to move back.
    pub(crate) returns: bool,
}

impl Stored {
    /// Returns the blob of a reference, before it is loaded.
    pub(crate) fn unseen(reference: Reference, session_id: [u8; 16], previous: Option<usize>) -> Self {
        Self { reference, session_id, previous, settled: false, length: 0, returns: false }
    }

    pub(crate) fn id(&self) -> BlobId {
        BlobId::new(self.reference.index())
    }

    pub(super) fn generation(&self) -> Generation {
        Generation::new(self.reference.generation)
    }

    /// Returns the blob as if it had been seen one write earlier, so that the next write meets a conflict.
    pub(crate) fn seen_earlier(self) -> Self {
        let generation = self.reference.generation.saturating_sub(1);
        Self { reference: Reference { generation, ..self.reference }, ..self }
    }

    /// Returns the blob as if it were sealed with an old key, so that the next write replaces it even if the data has
    /// not changed.
    pub(crate) fn to_be_written(self) -> Self {
        Self { settled: false, ..self }
    }
}

/// The treatment of a blob that the session is no longer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Deletes the blob, of any generation. The session was destroyed.
    Delete,
    /// Deletes the blob once it is certain that no other request has ended or changed it. The data goes on under
    /// another id.
    DeleteUnchanged,
    /// Leaves the blob to requests in flight for the grace period. The data goes on in the cookie, or under another
    /// realm or name.
    Expire,
}

/// The reason to write a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The session is due for renewal. A renewal gives way to any other write.
    Renewed,
    /// The id or the timeouts change, and the data does not.
    Resealed,
    /// The request has changed the data.
    Changed,
}

/// A session to be written, and everything that is known about where it is now.
pub(crate) struct Change {
    pub(crate) reason: Reason,
    /// The header under which the session goes on.
    pub(crate) header: Header,
    /// True if the header still needs an id.
    pub(crate) draws_id: bool,
    /// The header under which it arrived.
    pub(crate) came: Option<Header>,
    pub(crate) draft: Draft,
    /// The data that the request began with, if it has changed the data and the former data is known.
    pub(crate) base: Option<Draft>,
    /// The bytes of the data as this request last saw them in the blob, if they have the present shape.
    pub(crate) stored: Option<Draft>,
    /// The data of this request alone, once the draft has been merged with that of another request.
    pub(crate) mine: Option<Draft>,
    /// True if the session is kept even if it is empty.
    pub(crate) durable: bool,
    /// True if the session that arrived was destroyed. The browser's cookie is then removed even if the write fails.
    pub(crate) ended: bool,
    /// The expiry with which `save` has stored the session.
    pub(crate) saved: Option<SystemTime>,
    /// The blob that the session is in, if there is one.
    pub(crate) home: Option<Stored>,
    /// The blobs that the session is no longer in.
    pub(crate) leaving: Vec<(Stored, Leave)>,
}

impl Change {
    pub(super) fn has_changed(&self) -> bool {
        self.reason == Reason::Changed
    }

    /// Returns true if the session is empty and not to be kept, so that it is removed.
    pub(crate) fn is_over(&self, empty: &[u8]) -> bool {
        !self.durable && self.draft.payload() == empty
    }

    /// Replaces the draft with data that another request has contributed to.
    pub(super) fn take(&mut self, draft: Draft) {
        let mine = mem::replace(&mut self.draft, draft);
        self.mine.get_or_insert(mine);
    }

    /// Returns the expiry with which `save` has stored the session, if it is at most as much before `expires` as a
    /// handler takes.
    pub(super) fn is_saved_until(&self, expires: SystemTime) -> Option<SystemTime> {
        self.saved.filter(|saved| expires <= *saved + Duration::from_secs(60))
    }
}
