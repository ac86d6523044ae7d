//! The judgment of sessions by the revocations: when they are opened, and again when they are committed.

use std::{fmt::Display, time::Duration};

use super::{
    Ending, Revocations, seconds, store_error,
    target::{Scope, Scoped, Target},
};
use crate::{
    error::{Error, Kind, Refusal},
    seal::Header,
    settings::counters::Tally,
};

/// Names the subject or the keys of a session.
pub(crate) type Names<T> = Box<dyn Fn(&T, &mut dyn FnMut(&dyn Display)) + Send + Sync>;

/// The revocations of an application, and how they apply to its sessions.
pub(crate) struct Judge<T> {
    pub(crate) revocations: Revocations,
    /// The present realm, and then the previous ones. A revocation in any of them counts, so that a session can be ended
    /// by nodes of which some have its former realm.
    realms: Vec<Realm>,
    subject: Option<Names<T>>,
    keys: Option<Names<T>>,
}

/// The targets of a realm.
struct Realm {
    sessions: Scoped,
    subjects: Scoped,
    keys: Scoped,
    /// The target of all its sessions.
    all: Target,
}

/// A session that revokes the others of its subject.
pub(crate) struct Caller {
    pub(crate) subject: Target,
    /// The beginning of the session that arrived, if that goes on.
    pub(crate) began: Option<u32>,
    /// True if the session arrived with this subject, so that a revocation of the subject ends it. A user who has just
    /// signed in is not ended by an earlier one.
    pub(crate) arrived_with_subject: bool,
    /// The time up to which the session has revoked the others before, which is no reason to end it.
    pub(crate) own: Option<u32>,
}

impl Caller {
    /// Returns true if revocations of its subject and of all sessions up to these times have ended the session.
    fn was_revoked(&self, subject: Option<u32>, all: Option<u32>) -> bool {
        let subject = subject.filter(|stamp| self.arrived_with_subject && Some(*stamp) > self.own);
        self.began.is_some_and(|began| Some(began) <= subject.max(all))
    }
}

/// The targets by which the session that arrived is judged.
#[derive(Clone, Default)]
pub(crate) struct Standing {
    /// True if the session has ended, and can still be read by requests in flight.
    ending: bool,
    /// The session's subject, in the present realm.
    subject: Option<Target>,
    /// Its keys, and its subject in previous realms.
    others: Vec<Target>,
}

impl<T> Judge<T> {
    pub(crate) fn new(
        revocations: Revocations,
        realms: Vec<String>,
        subject: Option<Names<T>>,
        keys: Option<Names<T>>,
    ) -> Self {
        let targets = &revocations.0.follower.targets;
        let realm = |name: String| Realm {
            sessions: targets.scoped(&name, Scope::Session),
            subjects: targets.scoped(&name, Scope::Subject),
            keys: targets.scoped(&name, Scope::Key),
            all: targets.other(&name, Scope::All, &""),
        };
        let realms = realms.into_iter().map(realm).collect();
        Self { revocations, realms, subject, keys }
    }

    /// Fails if a revocation may be in force that this process does not know, unless the application accepts that.
    pub(crate) fn check_fresh(&self, tally: &Tally) -> Result<(), Error> {
        if self.revocations.is_stale() {
            let accepts = self.revocations.0.accepts_when_stale;
            if accepts { &tally.stale } else { &tally.unavailable }.add(1);
        }
        self.revocations.check_fresh()
    }

    /// Reads the log to its end.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        match self.revocations.0.follower.catch_up_in_time().await {
            Err(_) if self.revocations.0.accepts_when_stale => Ok(()),
            done => done.map_err(store_error("read the log of revocations")),
        }
    }

    /// Returns true if the cookie of a revoked session is removed from the browser. While a revocation is recent, it is
    /// not: the browser may be about to get the cookie of the session that has revoked the others.
    pub(crate) fn removes_revoked(&self) -> bool {
        let follower = &self.revocations.0.follower;
        follower.index.latest() < follower.clock.now()
    }

    /// Judges a session by its id and its realm. Returns true if it has ended, but can still be read.
    ///
    /// # Errors
    ///
    /// Returns [`Refusal::Revoked`].
    pub(crate) fn judge_header(&self, header: &Header) -> Result<bool, Refusal> {
        if self.revocations.is_empty() {
            return Ok(false);
        }
        let end = self.end_of(header);
        let has_ended = end.is_some_and(|end| end <= self.revocations.0.follower.clock.now());
        match has_ended || self.is_revoked(header, self.realms.iter().map(|realm| realm.all)) {
            true => Err(Refusal::Revoked),
            false => Ok(end.is_some()),
        }
    }

    /// Judges a session by its data. Returns what it was judged by, or `None` if it began after every revocation.
    ///
    /// # Errors
    ///
    /// Returns [`Refusal::Revoked`].
    pub(crate) fn judge_data(
        &self,
        data: &T,
        header: &Header,
        ending: bool,
    ) -> Result<Option<Standing>, Refusal> {
        if !ending && self.began_after_all(header) {
            return Ok(None);
        }
        let standing = Standing { ending, ..self.standing(data) };
        match self.is_revoked(header, standing.targets()) {
            true => Err(Refusal::Revoked),
            false => Ok(Some(standing)),
        }
    }

    /// Returns true if a session that arrived has ended since: by another request, or because it was revoked. A
    /// revocation of its subject that is not after `own` is its own.
    pub(crate) fn has_ended(&self, standing: &Standing, header: &Header, own: Option<u32>) -> bool {
        let is_revoked = |stamp| header.created <= stamp;
        let others = self.realms.iter().map(|realm| realm.all).chain(standing.others.iter().copied());
        standing.ending
            || self.end_of(header).is_some()
            || self.latest(others).is_some_and(is_revoked)
            || self
                .latest(standing.subject.into_iter())
                .is_some_and(|stamp| is_revoked(stamp) && Some(stamp) > own)
    }

    /// Returns the time up to which sessions with this data were revoked. A session that begins now begins later.
    pub(crate) fn revoked_up_to(&self, data: &T) -> Option<u32> {
        if self.revocations.is_empty() {
            return None;
        }
        let standing = self.standing(data);
        self.latest(self.realms.iter().map(|realm| realm.all).chain(standing.targets()))
    }

    /// Returns the end of a session that arrived, unless it has ended already, or is not worth an entry: in a session of no
    /// subject no user is signed in, and visitors could fill the log. `longest_idle` is the longest idle timeout in seconds
    /// that an older cookie of the session can have, or a later one, which a process that does not know of the end yet
    /// gives it.
    pub(crate) fn end(&self, standing: &Standing, header: &Header, longest_idle: u64) -> Option<Ending> {
        let follower = &self.revocations.0.follower;
        let target = self.realms[0].sessions.session(&header.session_id);
        // An end that is still to be appended is not known to other processes, so this one is appended too.
        let has_ended = || self.end_of(header).is_some() && !follower.owes(target);
        let is_worth_an_entry = standing.subject.is_some() || self.subject.is_none();
        if !is_worth_an_entry || has_ended() {
            return None;
        }
        // No process takes its clock to be behind this one.
        let stamp = follower.clock.earliest().saturating_add(seconds(follower.at_most));
        let lasts = Duration::from_secs(u64::from(header.window).max(longest_idle));
        Some(Ending::new(&self.revocations, self.revocations.entry(target, stamp, lasts)))
    }

    /// Revokes all sessions of a subject for one of them, and returns the time up to which they are.
    ///
    /// # Errors
    ///
    /// Returns an error if that session was revoked meanwhile.
    pub(crate) async fn revoke_others(&self, caller: Caller) -> Result<u32, Error> {
        let revoked = self.revocations.revoke(caller.subject, self.realms[0].all).await?;
        match caller.was_revoked(revoked.before, revoked.all_before) {
            true => Err(Kind::Ended.into()),
            false => Ok(revoked.stamp),
        }
    }

    /// Returns the subject of a session with this data, in the present realm.
    pub(crate) fn subject(&self, data: &T) -> Option<Target> {
        self.standing(data).subject
    }

    /// Returns true if a session with this data has a subject, and another one than the session that arrived.
    pub(crate) fn has_other_subject(&self, data: &T, standing: &Standing) -> bool {
        let subject = self.subject(data);
        subject.is_some() && subject != standing.subject
    }

    /// Returns the time at which a session ends by itself, if it was ended.
    fn end_of(&self, header: &Header) -> Option<u32> {
        let follower = &self.revocations.0.follower;
        let id = &header.session_id;
        self.realms.iter().filter_map(|realm| follower.stamp(realm.sessions.session(id))).min()
    }

    /// Returns true if one of these targets is revoked up to a time at which the session had begun.
    fn is_revoked(&self, header: &Header, targets: impl Iterator<Item = Target>) -> bool {
        !self.began_after_all(header) && self.latest(targets).is_some_and(|stamp| header.created <= stamp)
    }

    /// Returns true if the session began after every revocation of many sessions, so that none ends it.
    fn began_after_all(&self, header: &Header) -> bool {
        header.created > self.revocations.0.follower.index.latest()
    }

    /// Returns the latest time of these targets' revocations.
    fn latest(&self, targets: impl Iterator<Item = Target>) -> Option<u32> {
        targets.filter_map(|target| self.revocations.0.follower.stamp(target)).max()
    }

    /// Returns the targets of a session with this data.
    pub(crate) fn standing(&self, data: &T) -> Standing {
        let mut standing = Standing::default();
        for (scope, names) in [(Scope::Subject, &self.subject), (Scope::Key, &self.keys)] {
            let Some(names) = names else { continue };
            names(data, &mut |name| {
                for (at, realm) in self.realms.iter().enumerate() {
                    match scope {
                        Scope::Subject if at == 0 => standing.subject = Some(realm.subjects.other(name)),
                        Scope::Subject => standing.others.push(realm.subjects.other(name)),
                        _ => standing.others.push(realm.keys.other(name)),
                    }
                }
            });
        }
        standing
    }
}

impl Standing {
    pub(crate) fn subject(&self) -> Option<Target> {
        self.subject
    }

    fn targets(&self) -> impl Iterator<Item = Target> {
        self.subject.into_iter().chain(self.others.iter().copied())
    }
}
