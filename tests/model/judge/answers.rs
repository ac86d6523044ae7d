//! What a request answers, and what that must stand for.

use sealed_session::{
    Commit, Error,
    seal::Reference,
    store::{BlobId, Generation, Written},
};

use super::{AHEAD, Basket, Cookie, Effect, Judge, Kept, expiry, read_blob};
use crate::steps::{Policy, Verb};

impl Judge {
    /// A cookie that is sent stands for what this request has done, and its blob for as long as it lives.
    pub(super) fn judge_cookie(&mut self, by: usize, cookie: &Cookie) {
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
                    let found = effect.before.filter(|_| effect.kind == "set_expiry");
                    let other_key =
                        found.is_some_and(|found| place.writes[found].blob[1..5] != request.sealing);
                    // What was saved for a persistent session lives on if the store fails to shorten it.
                    let outlives =
                        request.persists() == Some(false) && request.troubled && effect.expires > expires;
                    // A blob that was saved before a revocation expires some seconds before its cookie if the store
                    // fails then.
                    let ahead = effect.expires < expires && expires <= effect.expires + AHEAD;
                    let dies_first = self.revocations && request.did(Verb::Save) && request.troubled && ahead;
                    let together = effect.expires == expires || outlives || dies_first;
                    if other_key {
                        self.object("a reference is sealed by another key than its blob");
                    }
                    if !together {
                        self.object("a reference and its blob do not expire together");
                    }
                    if !names {
                        self.object("a reference does not name the generation that it was sent for");
                    }
                }
            }
            let place = self.places.get_mut(&index).unwrap();
            // A request that did not know of `remember` has come between the write and this answer.
            let ahead = self.revocations && expires <= place.expires + AHEAD;
            place.shortened |= (cookie.header.persistent || ahead) && place.expires < expires;
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
    pub(super) fn learn(&mut self, index: BlobId, reference: Reference, id: [u8; 16]) {
        let place = self.places.get_mut(&index).expect("it was written");
        if place.opens.is_none() {
            place.opens = Some((reference, id));
            for write in &mut place.writes {
                write.value = Some(read_blob(&self.context, &reference, &id, &write.blob));
            }
        }
    }

    pub(super) fn judge_answer(
        &mut self,
        by: usize,
        result: &Result<Commit, Error>,
        sent: Option<Option<&Cookie>>,
    ) {
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
        let was_persistent = request.came.as_ref().filter(|_| held).map(|came| came.header.persistent);
        let changes = changes || (request.persists().is_some() && request.persists() != was_persistent);
        let begins = durable && !held;
        let now_empty = request.mine.is_empty() && !durable;
        // What another has left of it, and this one, may be nothing when they are put together.
        let merged_empty = from.is_some_and(|from| {
            let place = &self.places[&from];
            let met = |effect: &&Effect| effect.index == from && effect.meets();
            let theirs = request.effects.iter().rfind(met).and_then(|effect| effect.before);
            let read = |write: usize| place.writes[write].value.clone().unwrap_or_default();
            let (base, theirs) = (read(request.seen), read(theirs.unwrap_or(request.seen)));
            match self.policy {
                Policy::Merge => Basket::merge(&base, &theirs, &request.mine).is_empty(),
                _ => base == request.mine && theirs.is_empty(),
            }
        });
        let over = request.outlives(self.now);

        match (result, sent) {
            (Err(_), Some(None)) if refused => {}
            (Err(error), _) if !error.is_store() && sent.is_some() && !request.did(Verb::Destroy) => {
                self.object("a request that failed has sent a cookie");
            }
            (Err(_), Some(None)) if !(request.did(Verb::Destroy) || now_empty || merged_empty || over) => {
                self.object("a request that failed has removed the session");
            }
            (Err(_), _) => {}
            // 3. A change is sent.
            (Ok(_), None) if begins || (changes && !now_empty) => {
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
                self.now.saturating_sub(came.header.issued.into()) * 4 < window
            });
            let idle = (request.did(Verb::Passive) || fresh || !held) && !request.did(Verb::Touch);
            let calls = request.effects.iter().filter(|effect| effect.kind != "load").count();
            // What fits its cookie returns there, if a navigation finds it in the store.
            let tries_to_return = request.effects.iter().any(|effect| effect.kind == "replace");
            let returned = matches!(sent, Some(Some(Cookie { content: Kept::Inline(_), .. })));
            let conflict = |effect: &Effect| effect.written == Written::Conflict && effect.kind != "load";
            let hindered = request.troubled || request.effects.iter().any(conflict);
            if request.returning && !returned && !hindered {
                self.object("an unchanged session was written again");
            } else if idle && !tries_to_return && (calls > 0 || sent.is_some()) {
                self.object("an unchanged session, not due for renewal, was written or sent");
            } else if calls > 1 && !request.effects.iter().any(|effect| effect.kind == "replace") {
                self.object("a renewal took more than one call");
            }
        }
    }

    pub(super) fn judge_value(&mut self, by: usize, cookie: &Cookie) {
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
            let done = |effect: &&Effect| effect.index == from && effect.meets() && !effect.retires(self.now);
            request.effects.iter().rfind(done).cloned()
        });
        match last {
            // In the place itself that has been judged when it was written.
            Some(effect) if matches!(cookie.content, Kept::Place(index, _) if index == effect.index) => {}
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
}
