//! The store, as its contract has it, and who may do what to it.

use sealed_session::store::{BlobId, Generation, Written};

use super::{AHEAD, Basket, Call, Effect, GRACE, Judge, Place, Reply, Write, read_blob};
use crate::steps::{Policy, Verb};

impl Judge {
    pub(super) fn stands(&self, index: &BlobId) -> Option<&Place> {
        self.places.get(index).filter(|place| !place.deleted && place.expires > self.now)
    }

    pub(super) fn generation(&self, index: &BlobId) -> Option<Generation> {
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

    /// Carries out a call that nobody waits for any more. Not promised: it was given up, and sets the expiry of then, though
    /// another request has set a later one since.
    pub fn carry_out_late(&mut self, by: usize, call: &Call) {
        let shortens = match call {
            Call::Replace { index, expected, expires, .. } | Call::SetExpiry { index, expected, expires } => {
                let carried_out = self.generation(index) == Some(*expected) && *expires > self.now + GRACE;
                carried_out.then_some((*index, *expires))
            }
            _ => None,
        };
        let promised = shortens.map(|(index, expires)| {
            let place = self.places.get_mut(&index).expect("it stands");
            let shortened = place.promised.iter().any(|promised| *promised > expires);
            place.promised = place.promised.map(|promised| promised.min(expires));
            (index, shortened)
        });
        self.carry_out(by, call, false);
        if let Some((index, true)) = promised {
            self.places.get_mut(&index).expect("it stands").shortened = true;
        }
    }

    pub(super) fn create(&mut self, effect: &Effect, by: usize, blob: &[u8]) {
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

    pub(super) fn replace(&mut self, effect: &Effect, by: usize, blob: &[u8]) {
        let place = self.places.get_mut(&effect.index).expect("it stands");
        let value = place.opens.map(|(reference, id)| read_blob(&self.context, &reference, &id, blob));
        let old = &place.writes.last().unwrap().blob;
        let (next, of_key) = (Generation::of(blob), old[1..5] == blob[1..5]);
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
            // Unless it is on its way back into the cookie, which its answer will show.
            self.requests[by].returning |= !rewrites && of_key;
            self.judge_update(by, effect, &value, "writes");
        }
    }

    pub(super) fn set_expiry(&mut self, effect: &Effect, by: usize) {
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

    pub(super) fn delete(&mut self, effect: &Effect, by: usize) {
        let place = self.places.get_mut(&effect.index).expect("it stands");
        place.deleted = true;
        let own = place.opens.is_none() && place.writes.iter().all(|write| write.by == by);
        let request = &self.requests[by];
        let may = match request.fails() {
            true => request.did(Verb::Destroy),
            // One that is to end with the browser, and is too old for that, ends at once.
            false => {
                let ends = request.persists() == Some(false) && request.outlives(self.now);
                request.renames() || request.empties() || ends
            }
        };
        if !own && !may {
            self.object("a session was deleted by a request that did not end it");
        }
    }

    /// A blob lives as long as the cookies that name it, and no longer than the one that it was written for.
    pub(super) fn judge_expiry(&mut self, effect: &Effect, by: usize) {
        // A sign-in after a revocation begins some seconds later.
        let ahead = if self.revocations { AHEAD } else { 0 };
        if effect.expires > self.now.max(self.requests[by].began) + self.requests[by].longest_idle() + ahead {
            self.object("a blob lives longer than any cookie that this request could send");
        }
        // Nor does it for the persistent cookies of a session that is to end with the browser.
        let request = &self.requests[by];
        let persistent = request.knows_persistent(effect) && request.persists() != Some(false);
        let place = self.places.get_mut(&effect.index).expect("it stands");
        // Not promised: a request that does not know that the session is persistent.
        let promised = if persistent { place.promised[1] } else { place.promised[0] };
        place.shortened = !persistent && place.promised[1] > effect.expires;
        // Nor one that does not know that the session begins some seconds later, because its user has signed in.
        if promised > effect.expires && promised <= effect.expires + ahead {
            place.shortened = true;
        } else if promised > effect.expires && promised > self.now {
            let early = promised - effect.expires;
            self.object(format!("a blob is to expire {early} s before a cookie that names it"));
        }
    }

    /// What a request stores in place of what stood there, or sends in its place, respects what it did not know.
    pub(super) fn judge_update(&mut self, by: usize, effect: &Effect, value: &Basket, verb: &str) {
        let request = &self.requests[by];
        let place = &self.places[&effect.index];
        let before = effect.before.expect("it was there");
        let mine = &request.mine;
        // What was saved half-way and given up may be carried out after the handler has gone on.
        if !effect.answered && request.earlier.contains(value) {
            return;
        }
        let read = |write: usize| place.writes[write].value.as_ref();
        let own = place.writes[before].by == by;
        let expected = match (read(request.seen), read(before)) {
            // Its own that was said to have failed, or one that nobody else can know yet.
            _ if own && request.troubled => return,
            _ if own || before == request.seen => mine.clone(),
            (Some(base), Some(theirs)) => match self.policy {
                // Emptiness is a change to the end of the session, at the end of the request.
                _ if mine == base && (verb == "goes on with" || !request.empties()) => theirs.clone(),
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
}
