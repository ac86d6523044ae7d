//! What a request's verbs leave behind, for the commit.

use std::{mem, time::SystemTime};

use super::{Arrival, Ending};
use crate::{
    error::{Error, Kind},
    seal::Draft,
    sealer::{Metadata, SessionId},
    store::Stored,
    trip::open::Presented,
};

/// All that a request's verbs leave behind for the commit.
pub(crate) struct State<T> {
    pub(crate) data: T,
    pub(crate) arrival: Arrival,
    /// The session as the browser holds it, if its cookie opened.
    pub(crate) held: Option<Metadata>,
    pub(crate) presented: Presented,
    /// The blob that the session is in, or that `save` has put it in.
    pub(crate) home: Option<Stored>,
    /// The very bytes of the data in that blob, if they are of the present shape.
    pub(crate) stored: Option<Draft>,
    /// Those of other references that the request has brought, authentic and not opened.
    pub(crate) unopened: Vec<Stored>,
    /// Blobs that it was in before `save` put it there.
    pub(crate) left: Vec<Stored>,
    pub(crate) before: Before,
    pub(crate) identity: Identity,
    pub(crate) kind: SessionKind,
    /// The id of the session that is to begin, if somebody had to know it before it is sealed.
    pub(crate) next_id: Option<SessionId>,
    pub(crate) destroyed: bool,
    /// The task that deletes the destroyed session's blobs, unless the commit does.
    pub(crate) ending: Option<Ending>,
    /// Nothing of the session that arrived goes on.
    pub(crate) discarded: bool,
    /// It stands for one that could not be loaded, and is not kept.
    pub(crate) detached: bool,
    /// Until when `save` has put it where the browser does not look yet.
    pub(crate) saved: Option<SystemTime>,
    /// To be sealed anew whether it has changed or not, and also when it is empty.
    pub(crate) touched: bool,
    /// To be kept though it is empty: something outside the data is bound to it.
    pub(crate) durable: bool,
    /// Not to be renewed by this request.
    pub(crate) passive: bool,
    /// A closure that changes the data has begun and not ended: it panicked, if the lock is free.
    pub(crate) broken: bool,
    pub(crate) committed: bool,
}

/// The data as they were when a closure first could change them. The commit compares: no flag beside the data can
/// be wrong.
pub(crate) enum Before {
    /// No closure could.
    Untouched,
    /// As a fresh session begins.
    Empty,
    /// As they serialised.
    Serialised(Draft),
    /// They did not serialise: the commit will say why.
    Unknown,
}

/// Under which id and beginning the session goes on. Ordered: a later verb undoes nothing of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    /// The same.
    Kept,
    /// A new id; the session began when it did.
    NewId,
    /// A new id, and the session begins now.
    New,
}

/// Whether the session outlives the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionKind {
    /// As it arrived.
    Kept,
    /// Not.
    Ordinary,
    /// Yes, with this window in seconds.
    Remembered(u32),
}

impl<T> State<T> {
    pub(crate) fn new(data: T, arrival: Arrival, held: Option<Metadata>, presented: Presented) -> Self {
        Self {
            data,
            arrival,
            held,
            presented,
            home: None,
            stored: None,
            unopened: Vec::new(),
            left: Vec::new(),
            before: Before::Untouched,
            identity: Identity::Kept,
            kind: SessionKind::Kept,
            next_id: None,
            destroyed: false,
            ending: None,
            discarded: false,
            detached: false,
            saved: None,
            touched: false,
            durable: false,
            passive: false,
            broken: false,
            committed: false,
        }
    }

    /// Whether a verb has changed under which metadata the session goes on.
    pub(crate) fn is_remarked(&self) -> bool {
        let begins = self.touched && self.held.is_none();
        self.identity != Identity::Kept || self.kind != SessionKind::Kept || begins || self.saved.is_some()
    }

    /// Whether it was destroyed, and the browser has sent anything to drop.
    pub(crate) fn is_ended(&self) -> bool {
        self.destroyed && self.presented.any()
    }

    /// From here on, the session is another: under a new id, which nobody has been told yet.
    pub(crate) fn rename(&mut self, identity: Identity) {
        self.identity = self.identity.max(identity);
        self.next_id = None;
    }

    /// All blobs that the session is or was in.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Stored> {
        self.home.iter().chain(&self.left)
    }

    /// What other references of the request lead to goes, too, when the session is destroyed.
    pub(crate) fn disowned(&self) -> &[Stored] {
        if self.destroyed { &self.unopened } else { &[] }
    }

    /// The commit has done what was to be done about the destroyed session's blobs.
    pub(crate) fn settle_ending(&mut self) {
        if let Some(ending) = self.ending.take() {
            ending.disarm();
        }
    }

    /// The destroyed session's blobs are deleted already.
    pub(crate) fn forget_ended(&mut self) {
        self.home = None;
        self.left.clear();
        self.unopened.clear();
    }

    /// The data from which the request began, if they are known.
    pub(crate) fn take_before(&mut self) -> Option<Draft> {
        match mem::replace(&mut self.before, Before::Unknown) {
            Before::Serialised(draft) => Some(draft),
            _ => None,
        }
    }

    /// The id under which the session will be sealed.
    pub(crate) fn coming_id(&mut self) -> Result<SessionId, Error> {
        match (&self.held, self.identity, self.next_id) {
            (Some(held), Identity::Kept, _) => Ok(held.id()),
            (_, _, Some(id)) => Ok(id),
            (_, _, None) => Ok(*self.next_id.insert(SessionId::draw()?)),
        }
    }

    /// Nothing of a request in which a change broke off, or whose response is gone, can be kept.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match (self.committed, self.broken) {
            (true, _) => Err(Kind::Finished.into()),
            (_, true) => Err(Kind::Panicked.into()),
            _ => Ok(()),
        }
    }
}
