//! The state of a request's session: the session that arrived, the handler's calls, and the phase of the request.

use std::{borrow::Cow, mem, time::SystemTime};

use super::Arrival;
use crate::{
    error::{Error, Kind},
    revocation::{Ending, Judge, judge::Standing},
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

/// The session that the request brought.
#[derive(Default)]
pub(crate) struct Arrived {
    pub(crate) arrival: Arrival,
    /// The time at which the request began.
    pub(crate) began: Option<SystemTime>,
    /// The metadata of the session as the browser holds it, if its cookie opened.
    pub(crate) metadata: Option<Metadata>,
    /// The cookies of the current name.
    pub(crate) current: Seen,
    /// The cookies of each previous realm and name.
    pub(crate) previous: Vec<Seen>,
    /// True if the session was opened from a previous realm or name, and must move to the current one.
    pub(crate) moved: bool,
    /// True if the request says that it is not a navigation.
    pub(crate) background: bool,
    /// The targets by which the session is judged. `None` only while they are not needed and the data are as they arrived,
    /// so that they can be computed later.
    pub(crate) standing: Option<Standing>,
}

/// The result of reading the cookies of one name. Ordered, because a single cookie that is kept keeps them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Seen {
    /// There was no cookie.
    #[default]
    Absent,
    /// No cookie opened, and none can open on another node or later.
    Removable,
    /// A cookie opened, or one may open on another node, later, or when the store is asked.
    Kept,
}

/// The calls of the handler, for the commit.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) identity: Identity,
    /// The id of the session that will begin, if it was needed before it is sealed.
    next_id: Option<SessionId>,
    pub(crate) persistence: Option<Persistence>,
    /// True if the session is kept even if it is empty, because something outside the data is bound to it.
    pub(crate) durable: bool,
    pub(crate) renewal: Renewing,
    /// The time up to which `revoke_others` has revoked the sessions of the subject with which the session arrived.
    pub(crate) revoked_others: Option<u32>,
    /// The end of a destroyed session, unless the commit carries it out.
    pub(crate) ending: Option<Ending>,
}

/// The id and the beginning with which the session goes on. Ordered, so that a later call undoes no part of an earlier
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Identity {
    /// The same id and beginning.
    #[default]
    Same,
    /// A new id, and the same beginning.
    NewId,
    /// A new id, and a session that begins now.
    Restarted,
    /// The session was destroyed, and another one begins.
    Another,
}

/// The persistence of the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// The cookie ends when the browser is closed.
    Browser,
    /// The cookie is persistent, with this idle timeout in seconds.
    Persistent(u32),
}

/// The renewal of the session by this request. Ordered like [`Identity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Renewing {
    #[default]
    WhenDue,
    Never,
    Always,
}

/// The blobs of a session that is or was in the store.
#[derive(Default)]
pub(crate) struct Blobs {
    /// The blob that the session is in, or that `save` has put it in.
    pub(crate) home: Option<Stored>,
    /// The exact bytes of the data in that blob, if they have the present shape.
    pub(crate) payload: Option<Draft>,
    /// The blobs of other references in the request, which are authentic and were not opened.
    pub(crate) unopened: Vec<Stored>,
    /// The blobs that the session was in before `save` moved it.
    pub(crate) left: Vec<Stored>,
    /// The expiry with which `save` has stored the session.
    pub(crate) saved: Option<SystemTime>,
    /// The deletion of the destroyed session's blobs, unless the commit does it.
    pub(crate) deletion: Option<Deletion>,
}

/// The phase of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// A closure that changes the data has begun and not ended. If the lock is free, it panicked.
    Broken,
    Committed,
}

/// The data as it was before the first closure that could change it. The commit compares it with the data, because a
/// separate flag could be wrong.
pub(crate) enum Before {
    /// No closure could change the data yet.
    Untouched,
    /// The default value, of a fresh session.
    Empty,
    /// The serialized data.
    Serialized(Draft),
    /// The data could not be serialized. The commit will report the reason.
    Unknown,
}

impl Arrived {
    pub(crate) fn header(&self) -> Option<&Header> {
        self.metadata.as_ref().map(|metadata| &metadata.header)
    }

    /// Returns the result of reading the cookies of a previous realm and name, or of the current one.
    pub(crate) fn seen_mut(&mut self, previous: Option<usize>) -> &mut Seen {
        match previous {
            None => &mut self.current,
            Some(at) => &mut self.previous[at],
        }
    }
}

impl<T> State<T> {
    pub(crate) fn new(data: T, arrived: Arrived, blobs: Blobs) -> Self {
        Self { data, before: Before::Untouched, arrived, asked: Asked::default(), blobs, phase: Phase::Open }
    }

    /// Returns what the session that arrived is judged by.
    pub(crate) fn standing(&self, judge: &Judge<T>) -> Cow<'_, Standing> {
        match &self.arrived.standing {
            Some(standing) => Cow::Borrowed(standing),
            // The data are still as they arrived.
            None => Cow::Owned(judge.standing(&self.data)),
        }
    }

    pub(crate) fn cycle_id(&mut self, identity: Identity) {
        self.asked.identity = self.asked.identity.max(identity);
        // The new id has not been given out yet.
        self.asked.next_id = None;
    }

    pub(crate) fn destroy(&mut self) {
        let ending = self.asked.ending.take();
        self.asked = Asked { identity: Identity::Another, ending, ..Asked::default() };
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

    /// Returns true if a call has changed the header with which the session goes on.
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

    /// Returns the id with which the session will be sealed, if it is known.
    pub(crate) fn known_id(&self) -> Option<SessionId> {
        match &self.arrived.metadata {
            Some(held) if self.asked.identity == Identity::Same => Some(held.id()),
            _ => self.asked.next_id,
        }
    }

    /// Returns the id with which the session will be sealed.
    pub(crate) fn next_id(&mut self) -> Result<SessionId, Error> {
        match self.known_id() {
            Some(id) => Ok(id),
            None => Ok(*self.asked.next_id.insert(SessionId::draw()?)),
        }
    }

    /// Returns true if the session is in the store, and not destroyed.
    pub(crate) fn is_stored(&self) -> bool {
        !self.is_destroyed() && self.all_blobs().next().is_some()
    }

    /// Returns the blobs that the session is or was in. After `destroy`, this includes the blobs of the request's other
    /// references.
    pub(crate) fn all_blobs(&self) -> impl Iterator<Item = &Stored> {
        let unopened: &[Stored] = if self.is_destroyed() { &self.blobs.unopened } else { &[] };
        self.blobs.home.iter().chain(&self.blobs.left).chain(unopened)
    }

    /// Returns all of these blobs, to be deleted.
    pub(crate) fn delete_blobs(&self) -> Vec<(Stored, Leave)> {
        self.all_blobs().map(|blob| (*blob, Leave::Delete)).collect()
    }

    /// Disarms the deletion of the destroyed session's blobs, which the commit has done or takes over.
    pub(crate) fn disarm_deletion(&mut self) {
        if let Some(deletion) = self.blobs.deletion.take() {
            deletion.disarm();
        }
    }

    /// Takes the data that the request began with, if it is known.
    pub(crate) fn take_before(&mut self) -> Option<Draft> {
        match mem::replace(&mut self.before, Before::Unknown) {
            Before::Serialized(draft) => Some(draft),
            _ => None,
        }
    }

    /// Rejects a session that cannot be kept, because a closure that changed it panicked or the response is gone.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Broken => Err(Kind::Panicked.into()),
            Phase::Committed => Err(Kind::Finished.into()),
        }
    }
}
