//! Who sees everything, and objects: the model. What it knows of the crate are the rules at the top of `main.rs`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sealed_session::{
    Arrival, Commit, Error, KeyRing, Refusal,
    overflow::{Generation, Index, Written},
    seal::{Buffer, Content, Context, Header, Reference},
};
use serde::{Deserialize, Serialize};

use crate::steps::{DAY, Mood, Policy, TOO_LARGE, Verb};

pub const IDLE: u64 = 2 * 3600;
pub const REMEMBERED: u64 = 14 * DAY;
pub const GRACE: u64 = 30;

/// The payload: things that were put in, each by one request alone, and what makes it long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basket {
    pub things: BTreeSet<u32>,
    pub bulk: String,
}

impl Basket {
    /// What was put in by either is in it, what was taken out by either is not.
    pub fn merge(base: &Self, theirs: &Self, mine: &Self) -> Self {
        let taken = &base.things - &mine.things;
        let added = &mine.things - &base.things;
        let bulk = if mine.bulk == base.bulk { &theirs.bulk } else { &mine.bulk };
        Self { things: &(&theirs.things - &taken) | &added, bulk: bulk.clone() }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for Basket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}+{}", self.things, self.bulk.len())
    }
}

/// A call of the store.
#[derive(Debug, Clone)]
pub enum Call {
    Load {
        index: Index,
    },
    Create {
        index: Index,
        blob: Vec<u8>,
        expires: u64,
    },
    Replace {
        index: Index,
        expected: Generation,
        blob: Vec<u8>,
        expires: u64,
    },
    SetExpiry {
        index: Index,
        expected: Generation,
        expires: u64,
    },
    Delete {
        index: Index,
        expected: Option<Generation>,
    },
    /// No call: the handler itself waits.
    Pause,
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
    /// A request that did not know that the session is remembered has made it as short as an ordinary one.
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
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kept {
    Inline(Basket),
    Place(Index, Reference),
}

/// A request, as far as it has come.
pub struct Request {
    verbs: Vec<Verb>,
    /// The key that its node seals with.
    sealing: [u8; 4],
    began: u64,
    came: Option<Cookie>,
    /// What it read when it opened the session, and whether that was a session.
    opened: Option<(Basket, bool)>,
    /// Which write of its place it has taken in: the one that it opened, or has saved upon.
    seen: usize,
    /// What it opened, or has saved.
    base: Basket,
    /// What it has made of it so far.
    mine: Basket,
    done: Vec<Verb>,
    saved: bool,
    effects: Vec<Effect>,
    /// Whether it was answered by a 200.
    succeeded: bool,
    /// One of its calls has failed.
    troubled: bool,
    deletion_troubled: bool,
}

/// What a call of the commit, or of `save`, has done.
#[derive(Debug, Clone)]
struct Effect {
    kind: &'static str,
    index: Index,
    written: Written,
    answered: bool,
    /// Which write stood there before.
    before: Option<usize>,
    expires: u64,
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
    context: Context,
    places: BTreeMap<Index, Place>,
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
        self.did(Verb::Destroy) || self.did(Verb::Regenerate)
    }

    fn renames(&self) -> bool {
        self.discards() || self.renews_id()
    }

    fn renews_id(&self) -> bool {
        [Verb::RenewId, Verb::RenewIdKeepDeadline, Verb::Forget].iter().any(|verb| self.did(*verb))
    }

    fn fails(&self) -> bool {
        self.did(Verb::Fail)
    }

    /// The last verb that makes it durable or not.
    fn touches(&self) -> bool {
        let last = self
            .done
            .iter()
            .rev()
            .find(|verb| matches!(verb, Verb::Touch | Verb::Destroy | Verb::Regenerate));
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
            use Verb::{Add, Bulk, Clear, Destroy, Regenerate, Take};
            matches!(verb, Add | Bulk(_) | Clear | Destroy | Regenerate | Take)
        };
        self.mine.is_empty() && !self.touches() && self.done.iter().any(looks)
    }

    /// The place that its session was in, if it has opened from there.
    fn place(&self) -> Option<Index> {
        match (&self.came, &self.opened) {
            (Some(Cookie { content: Kept::Place(index, _), .. }), Some((_, true))) => Some(*index),
            _ => None,
        }
    }

    fn longest_window(&self) -> u64 {
        if self.is_persistent() { REMEMBERED } else { IDLE }
    }

    /// Whether it writes for a session that it knows to be remembered. One that it leaves it leaves as it came.
    fn knows_remembered(&self, effect: &Effect) -> bool {
        let came = self.came.as_ref().is_some_and(|came| came.header.persistent);
        came || (self.is_persistent() && !(self.renames() && self.place() == Some(effect.index)))
    }

    fn is_persistent(&self) -> bool {
        self.did(Verb::Remember) || self.came.as_ref().is_some_and(|came| came.header.persistent)
    }
}

/// The first second in which a cookie no longer opens (`FORMAT.md`).
fn expiry(header: &Header) -> u64 {
    let (lifetime, longest) = if header.persistent { (30 * DAY, u64::MAX) } else { (DAY, IDLE) };
    let window = u64::from(header.window).min(longest);
    (u64::from(header.issued) + window).min(u64::from(header.created) + lifetime)
}

impl Judge {
    pub fn new(policy: Policy, ring: &KeyRing, now: u64) -> Self {
        Self {
            now,
            policy,
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

    fn name(&self, index: &Index) -> String {
        self.places.get(index).map_or("nowhere".into(), |place| format!("place {}", place.name))
    }

    // ---- The store ----

    fn stands(&self, index: &Index) -> Option<&Place> {
        self.places.get(index).filter(|place| !place.deleted && place.expires > self.now)
    }

    fn generation(&self, index: &Index) -> Option<Generation> {
        Generation::of(&self.stands(index)?.writes.last()?.blob)
    }

    /// Carries out a call, as the contract of a store has it, and judges whether that request may do that.
    pub fn carry_out(&mut self, by: usize, call: &Call, answered: bool) -> Reply {
        let written = |done| if done { Written::Done } else { Written::Conflict };
        let (kind, index, done, expires) = match call {
            Call::Pause => unreachable!("this is no call"),
            Call::Load { index } => {
                let blob = self.stands(index).map(|place| place.writes.last().unwrap().blob.clone());
                self.says(format!("    {by} loads {}", self.name(index)));
                let before = self.stands(index).map(|place| place.writes.len() - 1);
                let written = Written::Conflict; // nothing was
                let effect = Effect { kind: "load", index: *index, written, answered, before, expires: 0 };
                self.requests[by].effects.push(effect);
                return Reply::Loaded(blob);
            }
            Call::Create { index, expires, .. } => ("create", *index, self.stands(index).is_none(), *expires),
            Call::Replace { index, expected, expires, .. } => {
                ("replace", *index, self.generation(index) == Some(*expected), *expires)
            }
            Call::SetExpiry { index, expected, expires } => {
                ("set_expiry", *index, self.generation(index) == Some(*expected), *expires)
            }
            Call::Delete { index, expected } => {
                let stands = self.generation(index);
                ("delete", *index, stands.is_some() && (expected.is_none() || stands == *expected), 0)
            }
        };
        let before = self.stands(&index).map(|place| place.writes.len() - 1);
        let effect = Effect { kind, index, written: written(done), answered, before, expires };
        if done {
            match call {
                Call::Create { blob, .. } => self.create(&effect, by, blob),
                Call::Replace { blob, .. } => self.replace(&effect, by, blob),
                Call::SetExpiry { .. } => self.set_expiry(&effect, by),
                _ => self.delete(&effect, by),
            }
        }
        let (name, left) = (self.name(&index), expires.saturating_sub(self.now));
        let left = if kind == "delete" { String::new() } else { format!(" for {left} s") };
        let how = if answered { "" } else { ", unanswered" };
        self.says(format!("    {by}: {kind} {name}{left}: {:?}{how}", effect.written));
        let written = effect.written;
        self.requests[by].effects.push(effect);
        Reply::Written(written)
    }

    fn create(&mut self, effect: &Effect, by: usize, blob: &[u8]) {
        let name = self.places.len();
        if Generation::of(blob) != Some(Generation::new(1)) {
            self.object("a first write is not of generation 1");
        }
        let write = Write { by, blob: blob.to_vec(), value: None };
        let place = Place {
            name,
            writes: vec![write],
            expires: effect.expires,
            deleted: false,
            retired: false,
            promised: [0; 2],
            shortened: false,
            opens: None,
        };
        if self.places.insert(effect.index, place).is_some() {
            self.object("what stood somewhere once stands there again");
        }
        self.judge_expiry(effect, by);
    }

    fn replace(&mut self, effect: &Effect, by: usize, blob: &[u8]) {
        let place = self.places.get_mut(&effect.index).expect("it stands");
        let value = place.opens.map(|(reference, id)| read_blob(&self.context, &reference, &id, blob));
        let old = &place.writes.last().unwrap().blob;
        let (next, of_key) = (Generation::of(blob), &old[1..5] == &blob[1..5]);
        let follows = Generation::of(old).map(|old| u64::from_be_bytes(old.to_be_bytes()) + 1);
        place.writes.push(Write { by, blob: blob.to_vec(), value: value.clone() });
        (place.expires, place.retired) = (effect.expires, false);
        if next != follows.map(Generation::new) {
            self.object("a write does not follow the generation before it");
        }
        self.judge_expiry(effect, by);
        let request = &self.requests[by];
        if blob[1..5] != request.sealing {
            self.object("a blob is sealed by a key that does not seal");
        }
        let request = &self.requests[by];
        if let Some(value) = value {
            let rewrites = request.changes() || request.saved || request.empties();
            if !rewrites && of_key {
                self.object("an unchanged session was written anew");
            }
            self.judge_update(by, effect, &value, "writes");
        }
    }

    fn set_expiry(&mut self, effect: &Effect, by: usize) {
        let now = self.now;
        let place = self.places.get_mut(&effect.index).expect("it stands");
        place.expires = effect.expires;
        place.retired = effect.expires <= now + GRACE;
        if place.retired {
            let returns = self.requests[by]
                .effects
                .iter()
                .any(|e| e.index == effect.index && e.kind == "replace" && e.written == Written::Done);
            if !returns {
                self.object("a place was left that had not been written before");
            }
        } else {
            self.judge_expiry(effect, by);
        }
    }

    fn delete(&mut self, effect: &Effect, by: usize) {
        let place = self.places.get_mut(&effect.index).expect("it stands");
        place.deleted = true;
        let own = place.opens.is_none() && place.writes.iter().all(|write| write.by == by);
        let request = &self.requests[by];
        let may = match request.fails() {
            true => request.did(Verb::Destroy),
            false => request.renames() || request.empties(),
        };
        if !own && !may {
            self.object("a session was deleted by a request that did not end it");
        }
    }

    /// A blob lives as long as the cookies that name it, and no longer than the one that it was written for.
    fn judge_expiry(&mut self, effect: &Effect, by: usize) {
        if effect.expires > self.now.max(self.requests[by].began) + self.requests[by].longest_window() {
            self.object("a blob lives longer than any cookie that this request could send");
        }
        let persistent = self.requests[by].knows_remembered(effect);
        let place = self.places.get_mut(&effect.index).expect("it stands");
        // Not promised: a request that does not know that the session is remembered.
        let promised = if persistent { place.promised[1] } else { place.promised[0] };
        place.shortened = !persistent && place.promised[1] > effect.expires;
        if promised > effect.expires && promised > self.now {
            let early = promised - effect.expires;
            self.object(format!("a blob is to expire {early} s before a cookie that names it"));
        }
    }

    /// What a request stores in place of what stood there, or sends in its place, respects what it did not know.
    fn judge_update(&mut self, by: usize, effect: &Effect, value: &Basket, verb: &str) {
        let request = &self.requests[by];
        let place = &self.places[&effect.index];
        let before = effect.before.expect("it was there");
        let mine = &request.mine;
        let read = |write: usize| place.writes[write].value.as_ref();
        let own = place.writes[before].by == by;
        let expected = match (read(request.seen), read(before)) {
            // Its own that was said to have failed, or one that nobody else can know yet.
            _ if own && request.troubled => return,
            _ if own || before == request.seen => mine.clone(),
            (Some(base), Some(theirs)) => match self.policy {
                _ if mine == base && !request.empties() => theirs.clone(),
                _ if theirs == base || theirs == mine => mine.clone(),
                Policy::Merge => Basket::merge(base, theirs, mine),
                Policy::LastWriteWins => {
                    self.overwritten += u64::from(matches!(effect.kind, "replace" | "delete"));
                    mine.clone()
                }
                Policy::Refuse => {
                    let what = format!("{by} {verb} {value} over {theirs}, having seen {base}");
                    return self.object(what);
                }
            },
            _ => return,
        };
        if *value != expected {
            self.object(format!("{by} {verb} {value}, and should {expected}"));
        }
    }

    // ---- The requests ----

    pub fn began(&mut self, verbs: Vec<Verb>, sealing: [u8; 4], cookie: Option<&str>) -> usize {
        let came = cookie.map(|text| self.cookies[text].clone());
        self.requests.push(Request {
            verbs,
            sealing,
            began: self.now,
            came,
            opened: None,
            seen: 0,
            base: Basket::default(),
            mine: Basket::default(),
            done: vec![],
            saved: false,
            effects: vec![],
            succeeded: false,
            troubled: false,
            deletion_troubled: false,
        });
        self.requests.len() - 1
    }

    pub fn troubles(&mut self, by: usize, call: &Call, mood: Mood) {
        if !matches!(call, Call::Pause) {
            self.says(format!("    {by}: {} fails ({mood:?})", call_name(call)));
            self.requests[by].troubled = true;
            self.requests[by].deletion_troubled |= matches!(call, Call::Delete { .. });
        }
    }

    pub fn did(&mut self, by: usize, verb: Verb, mine: Basket) {
        let request = &mut self.requests[by];
        request.done.push(verb);
        request.mine = mine;
    }

    pub fn saved(&mut self, by: usize, result: Result<(), Error>, mine: Basket) {
        self.says(format!("    {by} saves: {}", outcome(&result)));
        let error = result.err();
        let request = &mut self.requests[by];
        let from = request.place();
        match &error {
            None => {
                let done = |e: &&Effect| Some(e.index) == from && e.written == Written::Done && e.answered;
                if let Some(effect) = request.effects.iter().rfind(done) {
                    request.seen = effect.before.unwrap() + usize::from(effect.kind == "replace");
                }
                // What fits the cookie was only measured.
                if !request.effects.is_empty() {
                    (request.base, request.saved) = (mine.clone(), true);
                }
                request.mine = mine;
            }
            Some(error) => self.judge_error(by, error),
        }
    }

    /// What a request has found is what its cookie stands for.
    pub fn opened(&mut self, by: usize, arrival: Arrival, value: Basket) {
        let request = &self.requests[by];
        let (began, came) = (request.began, request.came.clone());
        let expected = match &came {
            None => Ok(None),
            Some(cookie) if expiry(&cookie.header) <= began => Err(Refusal::Expired),
            Some(Cookie { content: Kept::Inline(value), .. }) => Ok(Some(value.clone())),
            Some(Cookie { content: Kept::Place(index, _), header }) => {
                let place = &self.places[index];
                match self.stands(index) {
                    Some(_) => Ok(place.writes.last().unwrap().value.clone()),
                    None => {
                        if !(place.deleted || place.retired || place.shortened || expiry(header) <= self.now)
                        {
                            self.object("a session is lost: its cookie is live, and its blob is gone");
                        }
                        Err(Refusal::MissingBlob)
                    }
                }
            }
        };
        let (arrives, shows) = match expected {
            Ok(None) => (Arrival::Absent, Basket::default()),
            Ok(Some(value)) => (Arrival::Opened, value),
            Err(refusal) => (Arrival::Refused(refusal), Basket::default()),
        };
        self.says(format!("    {by} opens: {arrival:?} {value}"));
        if (arrival, &value) != (arrives, &shows) {
            self.object(format!("{by} should open: {arrives:?} {shows}"));
        }
        let writes = match &came {
            Some(Cookie { content: Kept::Place(index, _), .. }) => self.places[index].writes.len(),
            _ => 1,
        };
        let request = &mut self.requests[by];
        request.seen = writes - 1;
        (request.base, request.mine) = (value.clone(), value.clone());
        request.opened = Some((value, arrival == Arrival::Opened));
        // What went before was for the opening.
        request.effects.clear();
    }

    fn judge_error(&mut self, by: usize, error: &Error) {
        let request = &self.requests[by];
        let others = request.place().map(|index| &self.places[&index]).is_some_and(|place| {
            let later = &place.writes[request.seen + 1..];
            place.deleted || place.expires <= self.now || later.iter().any(|write| write.by != by)
        });
        let over = request.effects.iter().any(|effect| self.places[&effect.index].expires <= self.now);
        let fair = match error {
            _ if error.is_store() => request.troubled,
            _ if error.is_conflict() => others || over || request.troubled,
            _ if error.is_too_large() => request.mine.bulk.len() >= TOO_LARGE,
            _ => false,
        };
        if !fair {
            self.object(format!("there was no reason for {by} to fail: {error}"));
        }
    }

    /// What a request has answered is what it has done.
    pub fn ended(&mut self, by: usize, ended: Ended) {
        let (result, set) = match ended {
            Ended::NotOpened(error) => {
                self.says(format!("  {by} answers {}", error.status()));
                return self.judge_error(by, &error);
            }
            Ended::Committed(result, set) => (result, set),
        };
        let sent = set.as_ref().map(|set| set.as_deref().map(|text| self.read_cookie(text)));
        self.says(format!("  {by} answers {}, {}", outcome(&result), self.describe(&sent)));
        match &result {
            Ok(_) => self.requests[by].succeeded = !self.requests[by].fails(),
            Err(error) => self.judge_error(by, error),
        }
        if let Some(Some(cookie)) = &sent {
            self.judge_cookie(by, cookie);
            let text = set.flatten().expect("it is the one that was read");
            self.cookies.insert(text, cookie.clone());
        }
        self.judge_answer(by, &result, sent.as_ref().map(|sent| sent.as_ref()));
    }

    /// A cookie that is sent stands for what this request has done, and its blob for as long as it lives.
    fn judge_cookie(&mut self, by: usize, cookie: &Cookie) {
        // What it refers to is there, was asked by this very request, and is what was seen last.
        if let Kept::Place(index, reference) = cookie.content {
            let expires = expiry(&cookie.header);
            if !self.places.contains_key(&index) {
                return self.object("a reference to what nobody has ever written");
            }
            self.learn(index, reference, cookie.header.session_id);
            let request = &self.requests[by];
            let place = &self.places[&index];
            let mut own = request.effects.iter().filter(|effect| effect.index == index);
            match own.rfind(|effect| effect.written == Written::Done && effect.answered) {
                None => self.object("a reference is sent that the store knows nothing of"),
                Some(effect) => {
                    let last = place.writes.last().unwrap();
                    let number = Generation::of(&last.blob).map(Generation::to_be_bytes);
                    let names = last.by != by || number.map(u64::from_be_bytes) == Some(reference.generation);
                    if effect.expires != expires {
                        self.object("a reference and its blob do not expire together");
                    }
                    if !names {
                        self.object("a reference does not name the generation that it was sent for");
                    }
                }
            }
            let place = self.places.get_mut(&index).unwrap();
            if !place.deleted && !place.retired && !place.shortened {
                let promised = &mut place.promised[usize::from(cookie.header.persistent)];
                *promised = expires.max(*promised);
            }
        }

        // Who goes on from a place has asked it first: so nobody goes on from one that is no more.
        let request = &self.requests[by];
        if let Some(from) = request.place() {
            let went_on = request.discards()
                || request
                    .effects
                    .iter()
                    .any(|e| e.index == from && e.written == Written::Done && e.answered);
            if !went_on {
                self.object("a session goes on from a place that has not agreed");
            }
        }
        // It goes on under its own id, or under a new one.
        let request = &self.requests[by];
        if let (Some(came), Some((_, true))) = (&request.came, &request.opened) {
            let same = came.header.session_id == cookie.header.session_id;
            if same == request.renames() {
                self.object(if same { "the id is not new" } else { "the id has changed" });
            }
        }
    }

    /// What was written in a place can be read from now on.
    fn learn(&mut self, index: Index, reference: Reference, id: [u8; 16]) {
        let place = self.places.get_mut(&index).expect("it was written");
        if place.opens.is_none() {
            place.opens = Some((reference, id));
            for write in &mut place.writes {
                write.value = Some(read_blob(&self.context, &reference, &id, &write.blob));
            }
        }
    }

    fn judge_answer(&mut self, by: usize, result: &Result<Commit, Error>, sent: Option<Option<&Cookie>>) {
        let request = &self.requests[by];
        let held = matches!(request.opened, Some((_, true)));
        let from = request.place();
        let removes = matches!(sent, Some(None));
        let refused = request.came.is_some() && !held;

        // 1. `destroy` holds, whatever else happens.
        if request.did(Verb::Destroy) {
            if request.came.is_some() && sent.is_none() {
                self.object("a destroyed session's cookie is left in the browser");
            } else if from.is_some_and(|from| self.stands(&from).is_some()) && !request.deletion_troubled {
                self.object("a destroyed session's blob is left in the store");
            }
            if self.requests[by].fails() {
                if matches!(sent, Some(Some(_))) {
                    self.object("a 500 has begun a session");
                }
                return;
            }
        }
        let request = &self.requests[by];

        // 2. A 500 of the handler's, and an error, change nothing else.
        if request.fails() {
            let saved = request.effects.iter().filter(|effect| effect.written == Written::Done).count();
            if sent.is_some_and(|sent| sent.is_some()) || (saved > 0 && !request.verbs.contains(&Verb::Save))
            {
                self.object("a 500 has changed the session");
            }
            return;
        }
        let durable = request.touches();
        let opened = request.opened.as_ref().map(|(value, _)| value);
        let changed = opened != Some(&request.mine);
        let changes = changed || request.renames() || request.saved;
        let changes = changes || request.did(Verb::Remember);
        let begins = durable && !held;
        let now_empty = request.mine.is_empty() && !durable;
        let merged_empty = from.is_some_and(|from| {
            let own = |write: &&Write| write.by == by;
            let last = self.places[&from].writes.iter().rfind(own);
            last.is_some_and(|write| write.value == Some(Basket::default()))
        });
        let over = request.came.as_ref().is_some_and(|came| {
            let lifetime = if came.header.persistent { 30 * DAY } else { DAY };
            u64::from(came.header.created) + lifetime <= self.now
        });

        match (result, sent) {
            (Err(_), Some(None)) if refused => {}
            (Err(error), _) if !error.is_store() && sent.is_some() && !request.did(Verb::Destroy) => {
                self.object("a request that failed has sent a cookie");
            }
            (Err(_), Some(None)) if !request.did(Verb::Destroy) && !now_empty => {
                self.object("a request that failed has removed the session");
            }
            (Err(_), _) => {}
            // 3. A change is sent.
            (Ok(_), None) if (changes && held && !now_empty) || begins || (changes && !now_empty) => {
                self.object("a change was not sent");
            }
            (Ok(_), None) if held && changed => {
                self.object("an emptied session was not removed");
            }
            (Ok(_), Some(None)) if !(now_empty || refused || over || merged_empty) => {
                self.object("a session was removed")
            }
            _ => {}
        }
        if result.is_ok() && self.requests[by].renames() {
            let left = from.is_some_and(|from| self.stands(&from).is_some_and(|place| !place.retired));
            if left {
                self.object("what was ended or goes on under another id is still in the store");
            }
        }

        // 4. What is sent is what the request has made of the session.
        if let Some(Some(cookie)) = sent {
            self.judge_value(by, cookie);
        }

        // 5. Who changes nothing writes nothing, and a renewal at most once.
        let request = &self.requests[by];
        if !changes && !begins && !removes && !request.did(Verb::Save) {
            let fresh = request.came.as_ref().filter(|_| held).is_some_and(|came| {
                let window = u64::from(came.header.window);
                (self.now - u64::from(came.header.issued)) * 4 < window
            });
            let idle = (request.did(Verb::Passive) || fresh || !held) && !request.did(Verb::Touch);
            let calls = request.effects.iter().filter(|effect| effect.kind != "load").count();
            if idle && (calls > 0 || sent.is_some()) {
                self.object("an unchanged session, not due for renewal, was written or sent");
            } else if calls > 1 {
                self.object("a renewal took more than one call");
            }
        }
    }

    fn judge_value(&mut self, by: usize, cookie: &Cookie) {
        let request = &self.requests[by];
        let value = match &cookie.content {
            Kept::Inline(value) => value.clone(),
            // What it last wrote there, or found there.
            Kept::Place(index, _) => {
                let place = &self.places[index];
                match place.writes.iter().rfind(|write| write.by == by) {
                    Some(write) => write.value.clone().unwrap(),
                    None => return, // it has only asked that it live on
                }
            }
        };
        let from = request.place().filter(|_| !request.discards());
        let last = from.and_then(|from| {
            let done = |effect: &&Effect| {
                let retires = effect.kind == "set_expiry" && effect.expires <= self.now + GRACE;
                let asks = effect.kind == "load" && effect.before.is_some();
                effect.index == from && (asks || effect.written == Written::Done) && !retires
            };
            request.effects.iter().rfind(done).cloned()
        });
        match last {
            // In the place itself that has been judged when it was written.
            Some(effect) if matches!(cookie.content, Kept::Place(index, _) if index == effect.index) => {}
            // Known, and ignored among the regressions.
            Some(effect) if effect.kind == "delete" && request.troubled && !request.succeeded => {}
            Some(effect) if effect.kind != "replace" => self.judge_update(by, &effect, &value, "sends"),
            Some(effect) => {
                let index = effect.index;
                let written = self.places[&index].writes.iter().rfind(|write| write.by == by);
                if written.and_then(|write| write.value.as_ref()) != Some(&value) {
                    self.object(format!("{by} sends {value}, which is not what it wrote"));
                }
                let retires = |effect: &Effect| effect.index == index && effect.kind == "set_expiry";
                let tried = self.requests[by].effects.iter().rfind(|effect| retires(effect)).cloned();
                if let Some(Effect { written: Written::Conflict, answered: true, .. }) = tried {
                    self.object(format!(
                        "{by} returns with {value}, and knows that another has changed or ended it"
                    ));
                }
            }
            None if value != request.mine => {
                let mine = request.mine.clone();
                self.object(format!("{by} sends {value}, and should {mine}"));
            }
            None => {}
        }
    }

    // ---- The end ----

    /// When all that could be sent has expired, nothing is left.
    pub fn judge_end(&mut self, overwritten: u64) {
        if self.places.values().any(|place| !place.deleted && place.expires > self.now) {
            self.object("something is left in the store after all lifetimes");
        }
        if overwritten < self.overwritten {
            let expected = self.overwritten;
            self.object(format!("{overwritten} changes were counted as overwritten, of {expected}"));
        }
    }

    /// Of a browser whose requests come one after the other it is known what the next one finds: exactly what the last
    /// has left, or if that has failed, what was there before or after it.
    pub fn judge_calm(&mut self, by: usize, expected: &[Basket]) -> Vec<Basket> {
        let request = &self.requests[by];
        let live = request.came.as_ref().is_some_and(|came| expiry(&came.header) > request.began);
        let expected = if live { expected.to_vec() } else { vec![Basket::default()] };
        let Some((opened, _)) = &request.opened else { return expected };
        if !expected.contains(opened) {
            let expected: Vec<_> = expected.iter().map(Basket::to_string).collect();
            self.object(format!("{by} has opened another session than the last request left: {expected:?}"));
            return vec![];
        }
        let mut next = vec![request.mine.clone()];
        if !request.succeeded {
            next.extend([opened.clone(), request.base.clone()]);
        }
        if !request.succeeded && request.ends() {
            next.push(Basket::default());
        }
        if request.troubled {
            // It may have met what it wrote itself, and was told that it had not.
            let writes = self.places.values().flat_map(|place| &place.writes).filter(|write| write.by == by);
            for written in writes.filter_map(|write| write.value.as_ref()) {
                next.push(Basket::merge(opened, written, &request.mine));
                next.push(written.clone());
            }
        }
        next
    }

    /// Whether all requests were answered by a 200.
    pub fn is_tidy(&self) -> bool {
        // One that was saved, and ended by the very request that began it, is known to nobody, and expires.
        let vain = |request: &Request| {
            let held = request.opened.as_ref().is_some_and(|(_, held)| *held);
            !held && request.did(Verb::Save) && request.ends()
        };
        self.requests.iter().all(|request| request.succeeded && !request.troubled && !vain(request))
    }

    /// Where every request was answered by a 200, no blob stands that none of the browsers' cookies names, unless it
    /// was left to requests in flight.
    pub fn judge_tidiness(&mut self, cookies: &[&str]) {
        let named = |index: &Index| {
            cookies
                .iter()
                .any(|cookie| matches!(self.cookies[*cookie].content, Kept::Place(at, _) if at == *index))
        };
        let orphan = self
            .places
            .iter()
            .find(|(index, place)| self.stands(index).is_some() && !place.retired && !named(index));
        if let Some((_, place)) = orphan {
            let name = place.name;
            self.object(format!("no cookie names place {name}"));
        }
    }

    fn read_cookie(&self, text: &str) -> Cookie {
        let mut buffer = Buffer::new();
        let unsealed = self.context.open(text.as_bytes(), &mut buffer).expect("a cookie that was just sent");
        let content = match unsealed.content {
            Content::Inline(payload) => Kept::Inline(postcard::from_bytes(payload).unwrap()),
            Content::Reference(reference) => Kept::Place(Index::new(reference.index()), reference),
        };
        Cookie { header: unsealed.header, content }
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
