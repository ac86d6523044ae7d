//! One request's session: what arrived, what the handler asked for, and how far the request has come.

use std::{mem, time::SystemTime};

use super::Arrival;
use crate::{
    error::{Error, Kind},
    seal::{Draft, Header},
    sealer::{Metadata, SessionId},
    store::{Deletion, Leave, Stored},
};

pub(crate) struct State<T> {
    pub(crate) data: T,
    pub(crate) before: Before,
    pub(crate) arrived: Arrived,
    pub(crate) asked: Asked,
    pub(crate) blobs: Blobs,
    pub(crate) phase: Phase,
}

/// The session that the request brought. It never changes.
#[derive(Default)]
pub(crate) struct Arrived {
    pub(crate) arrival: Arrival,
    /// The session as the browser holds it, if its cookie opened.
    pub(crate) metadata: Option<Metadata>,
    /// The cookies of the current name.
    pub(crate) current: Seen,
    /// The cookies of each previous realm and name.
    pub(crate) previous: Vec<Seen>,
    /// Whether the session was opened from a previous realm or name, and must move to the current one.
    pub(crate) moved: bool,
    /// Whether the request says that it is not a navigation.
    pub(crate) background: bool,
}

/// The result of reading the cookies of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Seen {
    /// There was none.
    #[default]
    Absent,
    /// None opened, and none may open on another node or later.
    Removable,
    /// None opened, but one may: on another node, later, or when the store is asked.
    Foreign,
    /// One opened.
    Opened,
}

/// What the handler asked for.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) identity: Identity,
    /// The id of the session that is to begin, if something had to know it before it is sealed.
    next_id: Option<SessionId>,
    pub(crate) persistence: Option<Persistence>,
    /// To be kept though it is empty: something outside the data is bound to it.
    pub(crate) durable: bool,
    pub(crate) renewal: Renewing,
}

/// The id and beginning under which the session goes on. Ordered: a later verb undoes nothing of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Identity {
    /// The same.
    #[default]
    Same,
    /// A new id; the session began when it did.
    NewId,
    /// A new id, and the session begins now.
    Restarted,
    /// The session was destroyed: nothing of it goes on.
    Another,
}

/// Whether the cookie outlives the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It ends with the browser.
    Browser,
    /// It is persistent, with this idle timeout in seconds.
    Persistent(u32),
}

/// Whether this request renews the session. Ordered like [`Identity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Renewing {
    #[default]
    WhenDue,
    Never,
    Always,
}

/// The blobs of a session in the store.
#[derive(Default)]
pub(crate) struct Blobs {
    /// The one that the session is in, or that `save` has put it in.
    pub(crate) home: Option<Stored>,
    /// The very bytes of the data in it, if they are of the present shape.
    pub(crate) payload: Option<Draft>,
    /// Those of other references that the request has brought, authentic and not opened.
    pub(crate) unopened: Vec<Stored>,
    /// Those that the session was in before `save` put it elsewhere.
    pub(crate) left: Vec<Stored>,
    /// The time until which `save` has stored it.
    pub(crate) saved: Option<SystemTime>,
    /// Deletes the destroyed session's blobs, unless the commit does.
    pub(crate) deletion: Option<Deletion>,
}

/// How far the request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// A closure that changes the data has begun and not ended: it panicked, if the lock is free.
    Broken,
    Committed,
}

/// The data as they were when a closure first could change them. The commit compares: no flag beside the data can
/// be wrong.
pub(crate) enum Before {
    /// No closure could.
    Untouched,
    /// As a fresh session begins.
    Empty,
    /// As they serialized.
    Serialized(Draft),
    /// They did not serialize: the commit will say why.
    Unknown,
}

impl Arrived {
    pub(crate) fn header(&self) -> Option<&Header> {
        self.metadata.as_ref().map(|metadata| &metadata.header)
    }

    /// Whether the request brought any cookie of these sessions.
    pub(crate) fn has_cookies(&self) -> bool {
        self.current != Seen::Absent || self.previous.iter().any(|seen| *seen != Seen::Absent)
    }
}

impl<T> State<T> {
    pub(crate) fn new(data: T, arrived: Arrived, blobs: Blobs) -> Self {
        Self { data, before: Before::Untouched, arrived, asked: Asked::default(), blobs, phase: Phase::Open }
    }

    pub(crate) fn cycle_id(&mut self, identity: Identity) {
        self.asked.identity = self.asked.identity.max(identity);
        // A new id, which nobody has been told yet.
        self.asked.next_id = None;
    }

    pub(crate) fn destroy(&mut self) {
        self.asked = Asked { identity: Identity::Another, ..Asked::default() };
    }

    pub(crate) fn persist(&mut self, persistence: Persistence) {
        self.asked.persistence = Some(persistence);
    }

    /// Keeps even an empty session.
    pub(crate) fn hold(&mut self) {
        self.asked.durable = true;
    }

    pub(crate) fn renew(&mut self, renewing: Renewing) {
        self.asked.renewal = self.asked.renewal.max(renewing);
    }

    pub(crate) fn is_destroyed(&self) -> bool {
        self.asked.identity == Identity::Another
    }

    /// Whether it was destroyed, and the browser has sent anything to drop.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_destroyed() && self.arrived.has_cookies()
    }

    /// Whether a verb has changed the header under which the session goes on.
    pub(crate) fn has_new_header(&self) -> bool {
        let persistence = self.arrived.header().map(|header| match header.persistent {
            true => Persistence::Persistent(header.window),
            false => Persistence::Browser,
        });
        self.asked.identity != Identity::Same
            || (self.asked.persistence.is_some() && self.asked.persistence != persistence)
            || (self.asked.durable && persistence.is_none())
            || self.blobs.saved.is_some()
    }

    /// The id under which the session will be sealed, if it is known.
    pub(crate) fn known_id(&self) -> Option<SessionId> {
        match &self.arrived.metadata {
            Some(held) if self.asked.identity == Identity::Same => Some(held.id()),
            _ => self.asked.next_id,
        }
    }

    /// The id under which the session will be sealed.
    pub(crate) fn next_id(&mut self) -> Result<SessionId, Error> {
        match self.known_id() {
            Some(id) => Ok(id),
            None => Ok(*self.asked.next_id.insert(SessionId::draw()?)),
        }
    }

    /// Whether it is in the store, and not destroyed.
    pub(crate) fn is_stored(&self) -> bool {
        !self.is_destroyed() && self.all_blobs().next().is_some()
    }

    /// The blobs that the session is or was in. When it is destroyed, the blobs of the request's other references too.
    pub(crate) fn all_blobs(&self) -> impl Iterator<Item = &Stored> {
        let unopened: &[Stored] = if self.is_destroyed() { &self.blobs.unopened } else { &[] };
        self.blobs.home.iter().chain(&self.blobs.left).chain(unopened)
    }

    /// All of them, to be deleted.
    pub(crate) fn delete_blobs(&self) -> Vec<(Stored, Leave)> {
        self.all_blobs().map(|blob| (*blob, Leave::Delete)).collect()
    }

    /// The commit has done what was to be done about the destroyed session's blobs.
    pub(crate) fn disarm_deletion(&mut self) {
        if let Some(deletion) = self.blobs.deletion.take() {
            deletion.disarm();
        }
    }

    /// The data from which the request began, if they are known.
    pub(crate) fn take_before(&mut self) -> Option<Draft> {
        match mem::replace(&mut self.before, Before::Unknown) {
            Before::Serialized(draft) => Some(draft),
            _ => None,
        }
    }

    /// Rejects a request in which a change broke off, or whose response is gone: nothing of it can be kept.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Broken => Err(Kind::Panicked.into()),
            Phase::Committed => Err(Kind::Finished.into()),
        }
    }
}
