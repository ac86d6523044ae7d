//! Who sees everything, and objects: the model. What it knows of the crate are the rules at the top of `main.rs`.

mod answers;
mod ends;
mod requests;
mod revocations;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sealed_session::{
    Commit, Error, KeyRing,
    seal::{Buffer, Content, Context, Header, Reference},
    store::{BlobId, Generation, Written},
};
use serde::{Deserialize, Serialize};

pub use self::revocations::{AHEAD, REMOVED};
use self::revocations::{Ending, Moment};
use crate::steps::{DAY, Policy, Sequence, Verb};

pub const IDLE: u64 = 2 * 3600;
pub const PERSISTENT_IDLE: u64 = 14 * DAY;
pub const GRACE: u64 = 30;

/// The payload: things that were put in, each by one request alone, and what makes it long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    pub things: BTreeSet<u32>,
    pub bulk: String,
    /// The subject of revocations.
    pub user: Option<u8>,
}

impl Basket {
    /// What was put in by either is in it, what was taken out by either is not.
    pub fn merge(base: &Self, theirs: &Self, mine: &Self) -> Self {
        let taken = &base.things - &mine.things;
        let added = &mine.things - &base.things;
        let bulk = if mine.bulk == base.bulk { &theirs.bulk } else { &mine.bulk };
        let user = if mine.user == base.user { theirs.user } else { mine.user };
        Self { things: &(&theirs.things - &taken) | &added, bulk: bulk.clone(), user }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for Basket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}+{}", self.things, self.bulk.len())?;
        self.user.map_or(Ok(()), |user| write!(f, " of user {user}"))
    }
}

/// A call of the store.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    Load {
        index: BlobId,
    },
    Create {
        index: BlobId,
        blob: Vec<u8>,
        expires: u64,
    },
    Replace {
        index: BlobId,
        expected: Generation,
        blob: Vec<u8>,
        expires: u64,
    },
    SetExpiry {
        index: BlobId,
        expected: Generation,
        expires: u64,
    },
    Delete {
        index: BlobId,
        expected: Option<Generation>,
    },
    /// No call: the handler itself waits.
    Pause,
}

impl Call {
    /// The same call at the same place.
    pub fn is_like(&self, other: &Self) -> bool {
        call_name(self) == call_name(other) && self.index() == other.index()
    }

    fn index(&self) -> Option<BlobId> {
        match self {
            Self::Load { index }
            | Self::Create { index, .. }
            | Self::Replace { index, .. }
            | Self::SetExpiry { index, .. }
            | Self::Delete { index, .. } => Some(*index),
            Self::Pause => None,
        }
    }
}

pub enum Reply {
    Loaded(Option<Vec<u8>>),
    Written(Written),
}

/// An index of the store, and all that ever stood there.
struct Place {
    /// For people.
    name: usize,
    /// The first is the creation.
    writes: Vec<Write>,
    expires: u64,
    deleted: bool,
    /// It has been left to requests in flight.
    retired: bool,
    /// Until when cookies that were sent name it: ordinary ones, and persistent ones.
    promised: [u64; 2],
    /// A request that did not know that the session is persistent has made it as short as an ordinary one.
    shortened: bool,
    /// What opens it; known when a cookie is sent.
    opens: Option<(Reference, [u8; 16])>,
}

struct Write {
    by: usize,
    blob: Vec<u8>,
    value: Option<Basket>,
}

/// What a cookie says.
#[derive(Debug, Clone)]
pub struct Cookie {
    header: Header,
    content: Kept,
    /// The request that has sent it.
    by: usize,
    sent: Moment,
    /// The user who was signed in then.
    user: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kept {
    Inline(Basket),
    Place(BlobId, Reference),
}

/// A request, as far as it has come.
pub struct Request {
    verbs: Vec<Verb>,
    node: usize,
    /// The key that its node seals with.
    sealing: [u8; 4],
    began: u64,
    asked: Moment,
    /// When it began to commit.
    committed: (Moment, u64),
    came: Option<Cookie>,
    /// What it read when it opened the session, and whether that was a session.
    opened: Option<(Basket, bool)>,
    /// Which write of its place it has taken in: the one that it opened, or has saved upon.
    seen: usize,
    /// What it opened, or has saved.
    base: Basket,
    /// What it has made of it so far.
    mine: Basket,
    /// And what it had made of it before each verb.
    earlier: Vec<Basket>,
    done: Vec<Verb>,
    saved: bool,
    /// It has written what it had not changed.
    returning: bool,
    /// How many of its effects came before its last `save` had ended.
    saved_effects: usize,
    effects: Vec<Effect>,
    /// Whether it was answered by a 200.
    succeeded: bool,
    /// One of its calls has failed.
    troubled: bool,
    deletion_troubled: bool,
    /// Its session had been revoked.
    revoked: bool,
    /// The end of the session that it came with, if sessions can be revoked.
    ending: Option<usize>,
    /// Another idle timeout comes with a new id, because sessions can be revoked.
    renews_to_persist: bool,
}

/// What a call of the commit, or of `save`, has done.
#[derive(Debug, Clone)]
struct Effect {
    kind: &'static str,
    index: BlobId,
    written: Written,
    answered: bool,
    /// Which write stood there before.
    before: Option<usize>,
    expires: u64,
}

impl Effect {
    /// It has found out what stands there.
    fn meets(&self) -> bool {
        (self.kind == "load" && self.before.is_some()) || self.written == Written::Done
    }

    /// It has left the place to requests in flight.
    fn retires(&self, now: u64) -> bool {
        self.kind == "set_expiry" && self.expires <= now + GRACE
    }
}

/// How a request ended.
pub enum Ended {
    /// It could not open its session.
    NotOpened(Error),
    /// The commit's result, and the cookie that the answer sets, or removes.
    Committed(Result<Commit, Error>, Option<Option<String>>),
}

pub struct Judge {
    pub now: u64,
    policy: Policy,
    /// Sessions can be revoked.
    revocations: bool,
    endings: Vec<Ending>,
    moment: Moment,
    context: Context,
    places: BTreeMap<BlobId, Place>,
    pub requests: Vec<Request>,
    cookies: HashMap<String, Cookie>,
    /// Changes that another request's must have replaced, by what the crate counts.
    overwritten: u64,
    pub fault: Option<String>,
    pub trace: Vec<String>,
}

impl Request {
    fn did(&self, verb: Verb) -> bool {
        self.done.contains(&verb)
    }

    /// Nothing of what arrived goes on.
    fn discards(&self) -> bool {
        self.did(Verb::Destroy)
    }

    fn renames(&self) -> bool {
        self.discards() || self.renews_id()
    }

    fn renews_id(&self) -> bool {
        let renews = [Verb::CycleId, Verb::CycleIdKeepTimeout, Verb::RevokeOthers];
        let persistent = self.came.as_ref().is_some_and(|came| came.header.persistent);
        let persists = if persistent { Verb::EndWithBrowser } else { Verb::Remember };
        renews.iter().any(|verb| self.did(*verb)) || (self.renews_to_persist && self.did(persists))
    }

    /// The session that arrived goes on.
    fn goes_on(&self) -> bool {
        matches!(self.opened, Some((_, true))) && !self.discards()
    }

    /// True if the last verb that decides it makes the cookie persistent.
    fn persists(&self) -> Option<bool> {
        let last = self
            .done
            .iter()
            .rev()
            .find(|verb| matches!(verb, Verb::Remember | Verb::EndWithBrowser | Verb::Destroy))?;
        match last {
            Verb::Remember => Some(true),
            Verb::EndWithBrowser => Some(false),
            _ => None,
        }
    }

    fn fails(&self) -> bool {
        self.did(Verb::Fail)
    }

    /// The last verb that makes it durable or not.
    fn touches(&self) -> bool {
        let last = self.done.iter().rev().find(|verb| matches!(verb, Verb::Touch | Verb::Destroy));
        last == Some(&Verb::Touch)
    }

    fn ends(&self) -> bool {
        self.discards() || self.empties()
    }

    fn changes(&self) -> bool {
        self.mine != self.base
    }

    /// It has left nothing in it. What came empty and was not looked at is kept.
    fn empties(&self) -> bool {
        let looks = |verb: &Verb| {
            use Verb::{Add, Bulk, Clear, Destroy, SignIn, Take};
            matches!(verb, Add | Bulk(_) | Clear | Destroy | SignIn(_) | Take)
        };
        self.mine.is_empty() && !self.touches() && self.done.iter().any(looks)
    }

    /// The session that it came with is over, as far as its own cookie tells, and its verbs.
    fn outlives(&self, now: u64) -> bool {
        self.came.as_ref().is_some_and(|came| {
            let lifetime = if self.persists().unwrap_or(came.header.persistent) { 30 * DAY } else { DAY };
            u64::from(came.header.created) + lifetime <= now
        })
    }

    /// The place that its session was in, if it has opened from there.
    fn place(&self) -> Option<BlobId> {
        match (&self.came, &self.opened) {
            (Some(Cookie { content: Kept::Place(index, _), .. }), Some((_, true))) => Some(*index),
            _ => None,
        }
    }

    fn longest_idle(&self) -> u64 {
        if self.is_persistent() { PERSISTENT_IDLE } else { IDLE }
    }

    /// Whether it writes for a session that it knows to be persistent. One that it leaves stays as it came.
    fn knows_persistent(&self, effect: &Effect) -> bool {
        let came = self.came.as_ref().is_some_and(|came| came.header.persistent);
        came || (self.is_persistent() && !(self.renames() && self.place() == Some(effect.index)))
    }

    fn is_persistent(&self) -> bool {
        self.did(Verb::Remember) || self.came.as_ref().is_some_and(|came| came.header.persistent)
    }
}

/// The first second in which a cookie no longer opens (the documentation of `seal`).
fn expiry(header: &Header) -> u64 {
    let (lifetime, longest) = if header.persistent { (30 * DAY, u64::MAX) } else { (DAY, IDLE) };
    let window = u64::from(header.window).min(longest);
    (u64::from(header.issued) + window).min(u64::from(header.created) + lifetime)
}

impl Judge {
    pub fn new(sequence: &Sequence, ring: &KeyRing, now: u64) -> Self {
        Self {
            now,
            policy: sequence.policy,
            revocations: sequence.revocations,
            endings: vec![],
            moment: 0,
            context: Context::new(ring, "model", "__Host-session").unwrap(),
            places: BTreeMap::new(),
            requests: vec![],
            cookies: HashMap::new(),
            overwritten: 0,
            fault: None,
            trace: vec![],
        }
    }

    pub fn says(&mut self, what: impl Into<String>) {
        self.trace.push(what.into());
    }

    fn object(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.trace.push(format!("    OBJECTION: {what}"));
        self.fault.get_or_insert(what);
    }

    fn name(&self, index: &BlobId) -> String {
        self.places.get(index).map_or("nowhere".into(), |place| format!("place {}", place.name))
    }

    fn read_cookie(&mut self, by: usize, text: &str) -> Cookie {
        let mut buffer = Buffer::new();
        let unsealed = self.context.open(text.as_bytes(), &mut buffer).expect("a cookie that was just sent");
        let content = match unsealed.content {
            Content::Inline(payload) => Kept::Inline(postcard::from_bytes(payload).unwrap()),
            Content::Reference(reference) => Kept::Place(BlobId::new(reference.index()), reference),
        };
        let sent = self.next_moment();
        Cookie { header: unsealed.header, content, by, sent, user: None }
    }

    fn describe(&self, sent: &Option<Option<Cookie>>) -> String {
        match sent {
            None => "sends no cookie".into(),
            Some(None) => "removes the cookie".into(),
            Some(Some(Cookie { content: Kept::Inline(value), .. })) => format!("sends {value} in the cookie"),
            Some(Some(Cookie { content: Kept::Place(index, _), .. })) => {
                format!("refers to {}", self.name(index))
            }
        }
    }
}

fn read_blob(context: &Context, reference: &Reference, id: &[u8; 16], blob: &[u8]) -> Basket {
    let mut blob = blob.to_vec();
    let any = Reference { generation: 0, ..*reference };
    let opened = context.open_blob(&any, id, usize::MAX, &mut blob).expect("a blob of this place");
    postcard::from_bytes(opened.payload).unwrap()
}

fn outcome<R>(result: &Result<R, Error>) -> String {
    result.as_ref().map_or_else(|error| format!("{}: {error}", error.status()), |_| "200".into())
}

fn call_name(call: &Call) -> &'static str {
    match call {
        Call::Load { .. } => "load",
        Call::Create { .. } => "create",
        Call::Replace { .. } => "replace",
        Call::SetExpiry { .. } => "set_expiry",
        Call::Delete { .. } => "delete",
        Call::Pause => "pause",
    }
}
