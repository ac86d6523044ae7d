//! What a request finds, and what it does.

use sealed_session::{Arrival, Error, Refusal, store::Written};

use super::{Basket, Call, Cookie, Effect, Ended, Judge, Kept, Request, call_name, expiry, outcome};
use crate::steps::{Mood, TOO_LARGE, Verb};

impl Judge {
    pub fn began(&mut self, verbs: Vec<Verb>, node: usize, sealing: [u8; 4], cookie: Option<&str>) -> usize {
        let came = cookie.map(|text| self.cookies[text].clone());
        let asked = self.next_moment();
        self.requests.push(Request {
            verbs,
            node,
            sealing,
            began: self.now,
            asked,
            committed: (0, 0),
            came,
            opened: None,
            seen: 0,
            base: Basket::default(),
            mine: Basket::default(),
            earlier: vec![],
            done: vec![],
            saved: false,
            returning: false,
            saved_effects: 0,
            effects: vec![],
            succeeded: false,
            troubled: false,
            deletion_troubled: false,
            revoked: false,
            ending: None,
            renews_to_persist: false,
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
        let earlier = std::mem::replace(&mut request.mine, mine);
        request.earlier.push(earlier);
        if verb == Verb::Destroy {
            self.may_end(by);
        }
    }

    /// The handler has answered.
    pub fn commits(&mut self, by: usize) {
        self.requests[by].committed = (self.next_moment(), self.now);
        self.may_end(by);
    }

    pub fn saved(&mut self, by: usize, result: Result<(), Error>, mine: Basket) {
        self.says(format!("    {by} saves: {}", outcome(&result)));
        let error = result.err();
        let request = &self.requests[by];
        let from = request.place();
        // The handler goes on with what is stored now, merged or not.
        let met = |effect: &&Effect| Some(effect.index) == from && effect.meets();
        let new = &request.effects[request.saved_effects..];
        // What fits the cookie was only measured.
        let stored = !new.is_empty();
        if let Some(effect) = new.iter().rfind(met).filter(|_| error.is_none()).cloned()
            && !request.discards()
        {
            self.judge_saved(by, &effect, &mine);
        }
        let request = &mut self.requests[by];
        request.saved_effects = request.effects.len();
        match &error {
            None => {
                let done = |e: &&Effect| Some(e.index) == from && e.written == Written::Done && e.answered;
                if let Some(effect) = request.effects.iter().rfind(done) {
                    request.seen = effect.before.unwrap() + usize::from(effect.kind == "replace");
                }
                if stored {
                    (request.base, request.saved) = (mine.clone(), true);
                }
                request.mine = mine;
            }
            Some(error) => self.judge_error(by, error),
        }
    }

    fn judge_saved(&mut self, by: usize, effect: &Effect, mine: &Basket) {
        if effect.kind != "replace" {
            return self.judge_update(by, effect, mine, "goes on with");
        }
        let writes = &self.places[&effect.index].writes;
        if writes.iter().rfind(|write| write.by == by).and_then(|write| write.value.as_ref()) != Some(mine) {
            self.object(format!("{by} goes on with {mine}, which is not what it has saved"));
        }
    }

    /// What a request has found is what its cookie stands for.
    pub fn opened(&mut self, by: usize, arrival: Arrival, value: Basket) {
        let request = &self.requests[by];
        let (began, came) = (request.began, request.came.clone());
        let expected = match &came {
            None => Ok(None),
            // Once it has expired, its key may be gone.
            Some(cookie) if expiry(&cookie.header) <= began => match arrival {
                Arrival::Refused(Refusal::UnknownKey) => Err(Refusal::UnknownKey),
                _ => Err(Refusal::Expired),
            },
            Some(Cookie { content: Kept::Inline(value), .. }) => Ok(Some(value.clone())),
            Some(Cookie { content: Kept::Place(index, _), header, .. }) => {
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
        let node = self.requests[by].node;
        let revoked = arrival == Arrival::Refused(Refusal::Revoked);
        let must = came.as_ref().and_then(|cookie| self.must_be_revoked(node, cookie));
        let may =
            came.as_ref().is_some_and(|cookie| self.may_be_revoked(by, cookie, self.user_of(cookie), true));
        if revoked && may && value == Basket::default() {
            // That is told before anything else.
        } else if let (Some(why), Arrival::Opened) = (must, arrival) {
            self.object(format!("an ended session opens: {why}"));
        } else if (arrival, &value) != (arrives, &shows) {
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
        request.revoked = revoked;
        request.renews_to_persist = self.revocations && arrival == Arrival::Opened;
        // What went before was for the opening.
        request.effects.clear();
    }

    pub(super) fn judge_error(&mut self, by: usize, error: &Error) {
        let request = &self.requests[by];
        let others = request.place().map(|index| &self.places[&index]).is_some_and(|place| {
            let later = &place.writes[request.seen + 1..];
            place.deleted || place.expires <= self.now || later.iter().any(|write| write.by != by)
        });
        let revoked = match (&request.came, &request.opened) {
            (Some(came), Some((value, true))) => {
                // Nobody knows any more whether the session was ended.
                let expired = self.revocations && expiry(&came.header) <= self.now;
                expired || self.may_be_revoked(by, came, value.user, false)
            }
            _ => false,
        };
        let over = request.effects.iter().any(|effect| self.places[&effect.index].expires <= self.now);
        let fair = match error {
            _ if error.is_store() => request.troubled,
            _ if error.is_conflict() => {
                others || over || revoked || request.outlives(self.now) || request.troubled
            }
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
        let sent = set.as_ref().map(|set| set.as_deref().map(|text| self.read_cookie(by, text)));
        self.says(format!("  {by} answers {}, {}", outcome(&result), self.describe(&sent)));
        let request = &self.requests[by];
        if result.is_err() && !request.troubled && !request.did(Verb::Save) {
            let begun = self.places.values().filter(|place| place.writes[0].by == by);
            if begun.into_iter().any(|place| !place.deleted) {
                self.object("a request that failed has left a blob of its own");
            }
        }
        match &result {
            Ok(_) => self.requests[by].succeeded = !self.requests[by].fails(),
            Err(error) => self.judge_error(by, error),
        }
        if let Some(Some(cookie)) = &sent {
            self.judge_cookie(by, cookie);
            let text = set.flatten().expect("it is the one that was read");
            let user = self.user_of(cookie);
            self.cookies.insert(text, Cookie { user, ..cookie.clone() });
        }
        let sent = sent.as_ref().map(|sent| sent.as_ref());
        self.has_ended(by, result.is_ok(), sent);
        self.judge_going_on(by, sent);
        self.judge_answer(by, &result, sent);
    }
}
