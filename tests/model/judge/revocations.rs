//! The end of sessions by revocations: the sessions that must have ended, and those that may have.

use std::collections::BTreeMap;

use sealed_session::{Error, store::BlobId};

use super::{Basket, Cookie, Judge, Kept, expiry};
use crate::steps::{Verb, Whose};

/// The promise: the time within which a revocation takes effect on every node.
const AT_MOST: u64 = 5;

/// The time after which a node has appended an entry that it owes: it follows the log once per second.
const APPENDED: u64 = 1;

/// The time after which the cookies of revoked sessions are removed: "some seconds".
pub const REMOVED: u64 = 25;

/// The farthest that a sign-in can begin in the future: twice `at_most`, a few seconds, and the delay on another node.
pub const AHEAD: u64 = 20;

/// A place in the order of all events. Many happen in the same second.
pub type Moment = u64;

/// A call or a request that ends sessions.
pub(super) struct Ending {
    scope: Scope,
    node: usize,
    /// The request, unless it was an administrator.
    by: Option<usize>,
    called: Moment,
    called_at: u64,
    /// The moment and the second in which it returned.
    returned: Option<(Moment, u64)>,
    force: Force,
    /// The users of the sessions in the store, when it was called.
    users: BTreeMap<BlobId, Option<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// By a request that has destroyed the session or gave it a new id. Requests in flight can read it.
    Session([u8; 16]),
    User(u8),
    Everybody,
}

/// The effect of an ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Force {
    Unknown,
    None,
    /// The node will append it soon.
    Owed,
    Sure,
}

impl Ending {
    fn of_many(&self) -> bool {
        !matches!(self.scope, Scope::Session(_))
    }

    /// Returns true if the sessions of this user are meant.
    fn means(&self, user: Option<u8>) -> bool {
        match self.scope {
            Scope::User(of) => user == Some(of),
            _ => true,
        }
    }

    fn describe(&self) -> String {
        match (self.scope, self.by) {
            (Scope::Session(_), Some(by)) => format!("request {by} has ended the session itself"),
            (scope, Some(by)) => format!("request {by} has ended the sessions of {scope:?}"),
            (scope, None) => format!("an administrator has ended the sessions of {scope:?}"),
        }
    }

    /// Returns true if it must have taken effect on a node by this second.
    fn is_in_force(&self, node: usize, now: u64) -> bool {
        let Some((_, returned)) = self.returned else { return false };
        match self.force {
            Force::Sure if self.of_many() && self.node == node => true,
            Force::Sure => now >= returned + AT_MOST,
            Force::Owed => now >= returned + APPENDED + AT_MOST,
            Force::Unknown | Force::None => false,
        }
    }
}

impl Judge {
    fn begin(&mut self, scope: Scope, node: usize, by: Option<usize>) -> usize {
        let user = |place: &super::Place| place.writes.last().and_then(|write| write.value.as_ref()?.user);
        let users = self.places.iter().map(|(index, place)| (*index, user(place))).collect();
        let (called, called_at) = (self.next_moment(), self.now);
        let (returned, force) = (None, Force::Unknown);
        self.endings.push(Ending { scope, node, by, called, called_at, returned, force, users });
        self.endings.len() - 1
    }

    fn finish(&mut self, ending: usize, force: Force) {
        let returned = (self.next_moment(), self.now);
        let ending = &mut self.endings[ending];
        (ending.returned, ending.force) = (Some(returned), force);
    }

    pub fn administrator_revokes(&mut self, node: usize, whose: Whose) -> usize {
        self.says(format!("{whose:?} sessions are revoked on node {node}"));
        let scope = match whose {
            Whose::User(user) => Scope::User(user),
            Whose::Everybodys => Scope::Everybody,
        };
        self.begin(scope, node, None)
    }

    pub fn administrator_has_revoked(&mut self, ending: usize) {
        self.finish(ending, Force::Sure);
    }

    /// A handler calls `revoke_others`.
    pub fn begins_to_revoke(&mut self, by: usize) -> Option<usize> {
        let request = &self.requests[by];
        let (node, user) = (request.node, request.mine.user);
        user.filter(|_| self.revocations).map(|user| self.begin(Scope::User(user), node, Some(by)))
    }

    pub fn revoked_others(&mut self, by: usize, ending: Option<usize>, result: Result<(), Error>) {
        self.says(format!("    {by} revokes the user's other sessions: {}", super::outcome(&result)));
        match (ending, result) {
            (Some(ending), Ok(())) => {
                self.finish(ending, Force::Sure);
                let request = &self.requests[by];
                let called = (self.endings[ending].called, self.endings[ending].called_at);
                if !request.discards() && self.goes_on_in_spite(by, None, called).is_some() {
                    self.object("an ended session has ended those that have ended it");
                }
            }
            (None, Ok(())) => self.object("the sessions of nobody were revoked"),
            // Others may have been ended even so.
            (Some(_), Err(error)) => self.judge_error(by, &error),
            (None, Err(error)) if error.is_conflict() || error.is_store() => self.judge_error(by, &error),
            (None, Err(_)) => {}
        }
    }

    /// A request whose session arrived for a user may end it: from `destroy` on, or while it is committed.
    pub(super) fn may_end(&mut self, by: usize) {
        let request = &self.requests[by];
        let Some((Basket { user: Some(_), .. }, true)) = &request.opened else { return };
        if !self.revocations || request.ending.is_some() {
            return;
        }
        let id = request.came.as_ref().expect("it has opened").header.session_id;
        let ending = self.begin(Scope::Session(id), request.node, Some(by));
        self.requests[by].ending = Some(ending);
    }

    /// A request was answered, or its client has hung up.
    pub(super) fn has_ended(&mut self, by: usize, succeeded: bool, sent: Option<Option<&Cookie>>) {
        let request = &self.requests[by];
        let Some(ending) = request.ending else { return };
        let id = request.came.as_ref().expect("it has opened").header.session_id;
        let force = match sent {
            _ if request.discards() && !succeeded => Force::Owed,
            None => Force::None,
            Some(Some(cookie)) if cookie.header.session_id == id => Force::None,
            Some(_) if succeeded => Force::Sure,
            Some(_) => Force::Unknown,
        };
        self.finish(ending, force);
    }

    /// A client has hung up.
    pub fn hung_up(&mut self, by: usize) {
        let request = &self.requests[by];
        if let Some(ending) = request.ending {
            let force = if request.discards() { Force::Owed } else { Force::Unknown };
            self.finish(ending, force);
        }
    }

    /// Returns the user of a cookie's session now.
    pub(super) fn user_of(&self, cookie: &Cookie) -> Option<u8> {
        match &cookie.content {
            Kept::Inline(value) => value.user,
            Kept::Place(index, _) => self.places[index].writes.last()?.value.as_ref()?.user,
        }
    }

    /// The cookie with which a session goes on as this one.
    fn parent(&self, cookie: &Cookie) -> Option<&Cookie> {
        let request = &self.requests[cookie.by];
        request.came.as_ref().filter(|_| request.goes_on())
    }

    /// Returns true if a cookie is one of the session that an ending has surely ended.
    fn ends(&self, ending: &Ending, cookie: &Cookie) -> bool {
        if let Scope::Session(id) = ending.scope {
            return cookie.header.session_id == id;
        }
        if ending.by == Some(cookie.by) {
            return false;
        }
        let user = match &cookie.content {
            Kept::Inline(value) => value.user,
            Kept::Place(index, _) => ending.users.get(index).copied().flatten(),
        };
        let was_there = cookie.sent < ending.called && ending.means(user);
        // A user who was not signed in before has signed in since.
        let opened = self.requests[cookie.by].opened.as_ref();
        let goes_on = opened.is_some_and(|(value, _)| ending.means(value.user));
        was_there || (goes_on && self.parent(cookie).is_some_and(|parent| self.ends(ending, parent)))
    }

    /// Returns true if a session may survive an ending. It went on with another user, under the same id, within the second
    /// in which the former user's sessions were revoked. It begins after that second, by its timestamps.
    fn survives(&self, ending: &Ending, cookie: &Cookie) -> bool {
        self.endings.iter().any(|other| {
            let (Scope::User(former), Scope::User(user)) = (other.scope, ending.scope) else { return false };
            let returned = ending.returned.map_or(Moment::MAX, |(returned, _)| returned);
            let same_second =
                other.called < returned && other.returned.is_none_or(|(_, at)| at >= ending.called_at);
            former != user && same_second && self.was_of(cookie, former)
        })
    }

    /// Returns true if a user was signed in to a session before.
    fn was_of(&self, cookie: &Cookie, user: u8) -> bool {
        cookie.user == Some(user) || self.parent(cookie).is_some_and(|parent| self.was_of(parent, user))
    }

    /// Returns why a cookie must not open.
    pub(super) fn must_be_revoked(&self, node: usize, cookie: &Cookie) -> Option<String> {
        let user = self.user_of(cookie);
        let ends = |ending: &&Ending| {
            ending.is_in_force(node, self.now) && ending.means(user) && self.ends(ending, cookie)
        };
        let ends = |ending: &&Ending| ends(ending) && !self.survives(ending, cookie);
        self.endings.iter().find(ends).map(Ending::describe)
    }

    /// Returns the cookies of sessions that have ended on a node, and would open otherwise, in the order in which they were
    /// sent.
    pub fn ended_cookies(&self, node: usize) -> Vec<String> {
        let ended = |cookie: &Cookie| {
            expiry(&cookie.header) > self.now && self.must_be_revoked(node, cookie).is_some()
        };
        let mut cookies: Vec<_> = self.cookies.iter().filter(|(_, cookie)| ended(cookie)).collect();
        cookies.sort_by_key(|(_, cookie)| cookie.sent);
        cookies.into_iter().map(|(text, _)| text.clone()).collect()
    }

    /// Returns true if the session with which a request came may have been ended by another request. This user was
    /// signed in to it. For some time, requests can still read a session that another request has ended by itself.
    pub(super) fn may_be_revoked(&self, by: usize, cookie: &Cookie, user: Option<u8>, reads: bool) -> bool {
        let now = self.now;
        self.endings.iter().filter(|ending| ending.by != Some(by)).any(|ending| match ending.scope {
            _ if ending.force == Force::None => false,
            Scope::Session(_) if reads && now < ending.called_at + AT_MOST => false,
            Scope::Session(id) => cookie.header.session_id == id,
            _ => ending.means(user) && self.began_before(ending, cookie, user),
        })
    }

    /// Returns true unless the session began after an ending had returned, or the user has signed in after that.
    fn began_before(&self, ending: &Ending, cookie: &Cookie, user: Option<u8>) -> bool {
        // Not promised: an older cookie of a session in the store, to which a user has signed in without a new id.
        if user.is_some() && cookie.user != user {
            return true;
        }
        if ending.by == Some(cookie.by) {
            return false;
        }
        let request = &self.requests[cookie.by];
        let Some((returned, at)) = ending.returned else { return true };
        if request.asked <= returned {
            return true;
        }
        let is_new = request.opened.as_ref().is_none_or(|(value, _)| value.user != user);
        let signs_in = user.is_some() && request.mine.user == user && is_new;
        match self.parent(cookie) {
            _ if signs_in => false,
            // Nor the cookie of a request that did not know that the user had signed in.
            Some(_) if user.is_some() && is_new => true,
            Some(parent) => self.began_before(ending, parent, user),
            // A visitor's session begins without a look at the log.
            None => user.is_none() && request.node != ending.node && request.began < at + AT_MOST,
        }
    }

    /// Returns why the session that a request came with must not go on at a time: as it is, or as the session of a cookie
    /// that is sent.
    fn goes_on_in_spite(&self, by: usize, sends: Option<&Cookie>, at: (Moment, u64)) -> Option<String> {
        let request = &self.requests[by];
        let (Some(came), Some((value, true))) = (&request.came, &request.opened) else { return None };
        // The log was read first for a new id.
        let reads = sends.is_none_or(|cookie| cookie.header.session_id != came.header.session_id);
        let has_ended = |ending: &&Ending| {
            let known = ending.returned.is_some_and(|(moment, _)| moment < at.0)
                && ending.force == Force::Sure
                && (reads || ending.node == request.node || ending.is_in_force(request.node, at.1));
            ending.by != Some(by)
                && known
                && ending.means(value.user)
                && self.ends(ending, came)
                && !self.survives(ending, came)
        };
        self.endings.iter().find(has_ended).map(Ending::describe)
    }

    /// A session goes on only if it was not ended, even if requests in flight can still read it.
    pub(super) fn judge_going_on(&mut self, by: usize, sent: Option<Option<&Cookie>>) {
        let request = &self.requests[by];
        if let Some(Some(cookie)) = sent
            && !request.discards()
            && let Some(why) = self.goes_on_in_spite(by, Some(cookie), request.committed)
        {
            self.object(format!("an ended session goes on: {why}"));
        }
        // The cookie of a revoked session is removed, but not at once: another may be on its way.
        let request = &self.requests[by];
        if let (true, Some(came)) = (request.revoked, &request.came) {
            let recent = |within: u64| {
                let since = request.began;
                let recent = move |ending: &&Ending| {
                    ending.of_many() && ending.returned.is_none_or(|(_, at)| at + within > since)
                };
                self.endings.iter().filter(recent)
            };
            let user = self.user_of(came);
            let just = recent(AT_MOST).any(|ending| {
                let here = ending.node == request.node && ending.force == Force::Sure;
                here && ending.returned.is_some_and(|(moment, _)| moment < request.asked)
                    && ending.means(user)
            });
            match sent {
                None if recent(REMOVED).next().is_none() => {
                    self.object("the cookie of a revoked session is left in the browser")
                }
                Some(None) if just && !request.did(Verb::Destroy) && !request.did(Verb::Save) => {
                    self.object("the cookie of a session that was revoked just now is removed");
                }
                _ => {}
            }
        }
    }

    /// Returns true if the session in a place was found to be revoked. Its blob stays there until it expires.
    pub(super) fn was_revoked(&self, index: &BlobId) -> bool {
        self.requests.iter().filter(|request| request.revoked).any(|request| {
            matches!(&request.came, Some(Cookie { content: Kept::Place(at, _), .. }) if at == index)
        })
    }

    pub(super) fn next_moment(&mut self) -> Moment {
        self.moment += 1;
        self.moment
    }
}
