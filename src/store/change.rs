//! A session's data on the way to where they are kept.

use std::{
    mem,
    time::{Duration, SystemTime},
};

use super::{BlobId, Generation};
use crate::seal::{Draft, Header, Reference};

/// A session's blob, as this request last saw it.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    /// With the generation that was seen.
    pub(crate) reference: Reference,
    pub(crate) session_id: [u8; 16],
    /// Which of the previous realms or cookie names it is sealed for, if not for the present one.
    pub(crate) previous: Option<usize>,
    /// Whether it is sealed with the key that seals now, in the payload's present shape.
    pub(super) settled: bool,
    /// The number of bytes that it takes in the store; 0 before it was loaded.
    pub(super) length: usize,
    /// Whether its data would fit the cookie: the session moved back, and the browser does not know, or is to move back.
    pub(crate) returns: bool,
}

impl Stored {
    /// The blob of a reference, before it was loaded.
    pub(crate) fn unseen(reference: Reference, session_id: [u8; 16], previous: Option<usize>) -> Self {
        Self { reference, session_id, previous, settled: false, length: 0, returns: false }
    }

    pub(crate) fn id(&self) -> BlobId {
        BlobId::new(self.reference.index())
    }

    pub(super) fn generation(&self) -> Generation {
        Generation::new(self.reference.generation)
    }

    /// As if it had been seen one write earlier, so that the next write meets a conflict.
    pub(crate) fn seen_earlier(self) -> Self {
        let generation = self.reference.generation.saturating_sub(1);
        Self { reference: Reference { generation, ..self.reference }, ..self }
    }

    /// As if it were sealed with an old key: the next write replaces it, changed or not.
    pub(crate) fn to_be_written(self) -> Self {
        Self { settled: false, ..self }
    }
}

/// A way to leave a blob that the session is no longer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Delete it, whatever is stored there: the session was destroyed.
    Delete,
    /// Delete it once it is certain that no other request has ended or changed it: the data go on under another id.
    DeleteUnchanged,
    /// Leave it to requests in flight for the grace: the data go on in the cookie, or under another realm or name.
    Expire,
}

/// The reason to write a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is due for renewal. A renewal steps back for whatever else happens.
    Renewed,
    /// Its id or its timeouts change, and its data do not.
    Resealed,
    /// The request has changed its data.
    Changed,
}

/// A session that is to be written, and everything that is known of where it is now.
pub(crate) struct Change {
    pub(crate) reason: Reason,
    /// The header under which the session goes on.
    pub(crate) header: Header,
    /// Whether the header still needs an id.
    pub(crate) draws_id: bool,
    /// The header under which it arrived.
    pub(crate) came: Option<Header>,
    pub(crate) draft: Draft,
    /// The data from which the request began, if it has changed them and they are known.
    pub(crate) base: Option<Draft>,
    /// The bytes of the data as this request last saw them in the blob, if they are of the present shape.
    pub(crate) stored: Option<Draft>,
    /// The data of this request alone, once the draft was merged with another request's.
    pub(crate) mine: Option<Draft>,
    /// Whether the session is kept though it is empty.
    pub(crate) durable: bool,
    /// Whether the browser's cookie is removed if the write fails: the session that arrived was destroyed.
    pub(crate) ended: bool,
    /// The time until which `save` has stored it.
    pub(crate) saved: Option<SystemTime>,
    /// The blob that the session is in.
    pub(crate) home: Option<Stored>,
    /// Blobs that it is no longer in.
    pub(crate) leaving: Vec<(Stored, Leave)>,
}

impl Change {
    pub(super) fn has_changed(&self) -> bool {
        self.reason == Reason::Changed
    }

    /// Whether nothing is left of the session but to be removed.
    pub(crate) fn is_over(&self, empty: &[u8]) -> bool {
        !self.durable && self.draft.payload() == empty
    }

    /// Goes on with other data than those of this request alone.
    pub(super) fn take(&mut self, draft: Draft) {
        let mine = mem::replace(&mut self.draft, draft);
        self.mine.get_or_insert(mine);
    }

    /// The time until which `save` has stored it, if that is as long as asked for, or shorter by no more than a handler
    /// takes.
    pub(super) fn is_saved_until(&self, expires: SystemTime) -> Option<SystemTime> {
        self.saved.filter(|saved| expires <= *saved + Duration::from_secs(60))
    }
}
