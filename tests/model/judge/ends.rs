//! What is known in the end, and of browsers whose requests come one after the other.

use sealed_session::store::BlobId;

use super::{Basket, Judge, Kept, Request, expiry};
use crate::steps::Verb;

impl Judge {
    /// When all that could be sent has expired, nothing is left.
    pub fn judge_end(&mut self, overwritten: u64) {
        if self.places.values().any(|place| !place.deleted && place.expires > self.now) {
            self.object("something is left in the store after all timeouts");
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
        if request.revoked {
            // The browser keeps its cookie for some seconds, and another node may not know yet that it was revoked.
            let kept = if request.succeeded && !request.mine.is_empty() { &[] } else { expected };
            return [&[request.mine.clone(), Basket::default()], kept].concat();
        }
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
        let named = |index: &BlobId| {
            cookies
                .iter()
                .any(|cookie| matches!(self.cookies[*cookie].content, Kept::Place(at, _) if at == *index))
        };
        let orphan = self
            .places
            .iter()
            .filter(|(index, place)| !place.retired && !self.was_revoked(index))
            .find(|(index, _)| self.stands(index).is_some() && !named(index));
        if let Some((_, place)) = orphan {
            let name = place.name;
            self.object(format!("no cookie names place {name}"));
        }
    }
}
